// Test module: patterns with a door for Node. Compiled to build/test/pattern.wasm; not part of any filter.
import '../../filters/runtime/abort';
import { Bytes } from '../../filters/memory/bytes';
import { Pattern } from '../../filters/match/pattern';
import { input } from './door.module';

export { room } from './door.module';

let pattern: Pattern | null = null;

/** Compiles the text; 0, or the error. */
export function compile(length: u32): u32 {
  pattern = Pattern.compile(Bytes.copy(input, length));
  return pattern == null ? Pattern.lastError : 0;
}

export function states(): u32 {
  return Pattern.lastStates;
}
export function size(): u32 {
  return pattern == null ? 0 : pattern!.size;
}
export function matches(length: u32): bool {
  return pattern!.matches(input, length);
}
/** Matches the same text `times` times; 1 if it matched each time. */
export function matchMany(length: u32, times: i32): i32 {
  let found = 0;
  for (let i = 0; i < times; i++) found += pattern!.matches(input, length) ? 1 : 0;
  return found == times ? 1 : 0;
}
export function collect(): void {
  __collect();
}
