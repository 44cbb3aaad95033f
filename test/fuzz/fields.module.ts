// Test module: field sets with a door for Node. Compiled to build/test/fields.wasm; not part of any filter.
import '../../filters/runtime/abort';
import { Arena } from '../../filters/memory/arena';
import { Bytes } from '../../filters/memory/bytes';
import { JsonDocument } from '../../filters/message/json/document';
import { FieldMatches } from '../../filters/message/field-matches';
import { FieldSet } from '../../filters/message/field-set';
import { FieldSetBuilder } from '../../filters/message/field-set-builder';
import { input } from './door.module';

export { room } from './door.module';

const arena = new Arena(64 * 1024, 512 * 1024 * 1024);
const document = new JsonDocument();
const matches = new FieldMatches();
let builder = new FieldSetBuilder();
let fields: FieldSet | null = null;

export function begin(): void {
  builder = new FieldSetBuilder();
}
export function addPath(rule: u32, length: u32, required: bool): u32 {
  return builder.addPath(rule, Bytes.copy(input, length), required);
}
export function addName(rule: u32, length: u32): void {
  builder.addName(rule, Bytes.copy(input, length));
}
export function build(): bool {
  fields = builder.build();
  return fields != null;
}

export function parse(length: u32): u32 {
  arena.reset();
  return document.parse(input, length, arena);
}
export function match(): bool {
  return fields!.match(document, matches, arena);
}
/** Matches `times` times; number of finds of the last one. The results are dropped. */
export function matchMany(times: i32): i32 {
  const results = new Arena(64 * 1024, 64 * 1024 * 1024);
  let count = 0;
  for (let i = 0; i < times; i++) {
    results.reset();
    count = 0;
    if (fields!.match(document, matches, results)) while (matches.next()) count++;
  }
  results.release();
  return count;
}
export function next(): bool {
  return matches.next();
}
export function rule(): u32 {
  return matches.rule;
}
export function node(): u32 {
  return matches.node;
}
export function missing(): bool {
  return matches.missing;
}
export function pointer(): usize {
  return fields!.pointer(document, matches, arena);
}
export function pointerLength(): u32 {
  return document.pointerLength;
}
