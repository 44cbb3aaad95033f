// Test module: the validator's core with a door for Node. Not part of any filter.
import '../../filters/runtime/abort';
import { Arena } from '../../filters/memory/arena';
import { JsonDocument } from '../../filters/message/json/document';
import { FieldMatches } from '../../filters/message/field-matches';
import { compileValidator } from '../../filters/pboc-validator/compile';
import { decodePbocValidatorConfig } from '../../filters/pboc-validator/config.gen';
import { Findings, Validator } from '../../filters/pboc-validator/validator';
import { ConfigReader } from '../../filters/runtime/config-reader';
import { input } from './door.module';

export { room } from './door.module';

/** Result of `judge` for text that is no JSON. */
const NO_JSON: i32 = -1;

const arena = new Arena(64 * 1024, 64 * 1024 * 1024);
const document = new JsonDocument();
const matches = new FieldMatches();
const findings = new Findings();
let validator: Validator | null = null;

/** Compiles the section in the input; 0, or the error. */
export function configure(length: u32): u32 {
  arena.reset();
  const reader = new ConfigReader(new JsonDocument());
  const error = reader.document.parse(input, length, arena);
  if (error != 0) return error;
  validator = compileValidator(reader, decodePbocValidatorConfig(reader, reader.document.root));
  return reader.failed ? reader.error : 0;
}

export function judge(length: u32): i32 {
  arena.reset();
  if (document.parse(input, length, arena) != 0) return NO_JSON;
  return validator!.judge(document, matches, findings, arena);
}

export function count(): u32 {
  return findings.count;
}
export function error(index: u32): u32 {
  return findings.error(index);
}
export function pointer(index: u32): usize {
  return findings.pointer(index);
}
export function pointerLength(index: u32): u32 {
  return findings.pointerLength(index);
}
export function held(): usize {
  return arena.held;
}
