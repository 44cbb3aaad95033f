// Test module: how paths and hosts of requests are read, with a door for Node. Compiled to build/test; not part of any
// filter.
import '../../filters/runtime/abort';
import { scratch } from '../../filters/memory/scratch';
import { NO_HOST, readHost } from '../../filters/match/request-host';
import { RequestPath } from '../../filters/match/request-path';
import { input } from './door.module';

export { room } from './door.module';

const path = new RequestPath();

/** Bytes of the canonical path, -1 if there is none; the query does not count. */
export function canonical(length: i32): i32 {
  scratch.reset();
  return path.read(input, length) && !path.malformed ? path.length : -1;
}
export function canonicalAt(): usize {
  return path.pointer;
}
export function isRewritten(): bool {
  return path.rewritten;
}
export function isHost(length: i32): bool {
  return readHost(input, length) != NO_HOST;
}
export function readMany(length: i32, times: i32): i32 {
  let total = 0;
  for (let i = 0; i < times; i++) {
    path.read(input, length);
    total += path.length;
  }
  return total;
}
