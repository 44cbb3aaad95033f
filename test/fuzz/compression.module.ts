// Test module: compressed bodies with a door for Node. Compiled to build/test; not part of any filter.
import '../../filters/runtime/abort';
import { Arena } from '../../filters/memory/arena';
import { OpenedBody } from '../../filters/message/compression/body';
import { adler32, crc32 } from '../../filters/message/compression/checksums';
import { input } from './door.module';

export { room } from './door.module';

const arena = new Arena(64 * 1024, 512 * 1024 * 1024);
const body = new OpenedBody();

export function open(coding: u32, length: u32, maxBytes: u32): u32 {
  arena.reset();
  return body.open(coding, input, length, maxBytes, arena);
}

/** Opens the same body again and again; the last answer. */
export function openMany(coding: u32, length: u32, maxBytes: u32, times: u32): u32 {
  let error: u32 = 0;
  for (let i: u32 = 0; i < times; i++) error |= open(coding, length, maxBytes);
  return error;
}

export function outputPointer(): usize {
  return body.pointer;
}
export function outputLength(): u32 {
  return body.length;
}
export function heldBytes(): usize {
  return arena.held;
}
export function release(): void {
  arena.release();
}
export function crcOf(length: u32): u32 {
  return crc32(input, length);
}
export function adlerOf(length: u32): u32 {
  return adler32(input, length);
}
