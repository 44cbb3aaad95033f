// Test module: the scanner of personal data with a door for Node. Not part of any filter.
import '../../filters/runtime/abort';
import { Scanner } from '../../filters/field-masker/detect/scanner';
import { input } from './door.module';

export { room } from './door.module';

const MOST: i32 = 65536;
const scanner = new Scanner();
const findings = new StaticArray<u32>(MOST * 4);

/** Finds the kinds of `set` in the input. Number of findings, each of them start, end, kind and why in `findings`. */
export function scan(length: u32, set: u32): i32 {
  let count = 0;
  scanner.begin(input, input + length, set);
  while (scanner.next() && count < MOST) {
    findings[count * 4] = <u32>(scanner.start - input);
    findings[count * 4 + 1] = <u32>(scanner.end - input);
    findings[count * 4 + 2] = scanner.kind;
    findings[count * 4 + 3] = scanner.why;
    count++;
  }
  return count;
}

export function found(): usize {
  return changetype<usize>(findings);
}

/** The same `times` times over; all findings. */
export function scanMany(length: u32, set: u32, times: i32): i32 {
  let count = 0;
  for (let i = 0; i < times; i++) {
    scanner.begin(input, input + length, set);
    while (scanner.next()) count++;
  }
  return count;
}
