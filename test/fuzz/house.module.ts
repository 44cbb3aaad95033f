// Test module: detectors of a house, with the scanner, and a door for Node. Not part of any filter.
import '../../filters/runtime/abort';
import { NumberCheck } from '../../filters/field-masker/detect/check-digits';
import { House, HouseDetector } from '../../filters/field-masker/detect/house';
import { Scanner } from '../../filters/field-masker/detect/scanner';
import { SpanPattern } from '../../filters/match/span-pattern';
import { Bytes } from '../../filters/memory/bytes';
import { input } from './door.module';

export { room } from './door.module';

const MOST: i32 = 65536;
const scanner = new Scanner();
const findings = new StaticArray<u32>(MOST * 3);
let patterns: Bytes[] = [];
let house: House | null = null;

/** Adds the input as a pattern. */
export function add(length: u32): void {
  patterns.push(Bytes.copy(input, length));
}

/** Compiles the patterns, and forgets them. 0, or the error. */
export function compile(): u32 {
  const spans = SpanPattern.compile(patterns);
  const made: HouseDetector[] = [];
  for (let i = 0; i < patterns.length; i++) made.push(new HouseDetector(NumberCheck.None, [], [], 32));
  patterns = [];
  house = spans == null ? null : new House(spans, StaticArray.fromArray(made));
  return spans == null ? SpanPattern.lastError : 0;
}

/** Scans with these detectors from now on, or without any. */
export function without(): void {
  house = null;
}

/** Number of findings of the input, each of them start, end and kind in `findings`. */
export function scan(length: u32, set: u32): i32 {
  let count = 0;
  scanner.by(house, 0, 0);
  scanner.begin(input, input + length, set);
  while (scanner.next() && count < MOST) {
    findings[count * 3] = <u32>(scanner.start - input);
    findings[count * 3 + 1] = <u32>(scanner.end - input);
    findings[count * 3 + 2] = scanner.kind;
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
    scanner.by(house, 0, 0);
    scanner.begin(input, input + length, set);
    while (scanner.next()) count++;
  }
  return count;
}
