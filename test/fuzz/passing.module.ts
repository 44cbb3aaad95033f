// Test module: the validator on messages that pass in pieces, beside the validator on whole ones. Not part of any
// filter.
import '../../filters/runtime/abort';
import { Arena } from '../../filters/memory/arena';
import { ErrorId } from '../../filters/errors.gen';
import { JsonDocument } from '../../filters/message/json/document';
import { FieldMatches } from '../../filters/message/field-matches';
import { compileValidator } from '../../filters/pboc-validator/compile';
import { decodePbocValidatorConfig } from '../../filters/pboc-validator/config.gen';
import { STREAM_RULES_BYTES, StreamRules } from '../../filters/pboc-validator/stream-rules';
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
const memoryOfText = heap.alloc(STREAM_RULES_BYTES);
let mistakeFound: u32 = 0;
let validator: Validator | null = null;
let rules: StreamRules | null = null;

/** Compiles the section in the input; 0, or the error. */
export function configure(length: u32): u32 {
  arena.reset();
  const reader = new ConfigReader(new JsonDocument());
  const error = reader.document.parse(input, length, arena);
  if (error != 0) return error;
  const compiled = compileValidator(reader, decodePbocValidatorConfig(reader, reader.document.root));
  validator = compiled;
  rules = compiled.streamed();
  return reader.failed ? reader.error : rules == null ? 1 : 0;
}

/** The text as a whole. */
export function judge(length: u32): i32 {
  arena.reset();
  mistakeFound = document.parse(input, length, arena);
  if (mistakeFound != 0) return NO_JSON;
  return validator!.judge(document, matches, findings, arena);
}

/** Error that `judge` found in text that is no JSON. */
export function mistake(): u32 {
  return mistakeFound;
}
export function count(): u32 {
  return findings.count;
}
export function error(index: u32): u32 {
  return findings.error(index);
}

/**
 * The text in pieces of `first`, then of `size` bytes (0: the rest), then, if `empty`, an empty last one; 0, or the
 * error.
 */
export function pass(length: u32, first: u32, size: u32, empty: bool): u32 {
  memory.fill(memoryOfText, 0, STREAM_RULES_BYTES);
  let at: u32 = 0;
  let piece = first;
  while (at < length) {
    const rest = length - at;
    const taken = piece == 0 || piece > rest ? rest : piece;
    const last = !empty && at + taken == length;
    const error = rules!.take(memoryOfText, input + at, taken, last);
    if (error != ErrorId.None) return error;
    at += taken;
    piece = size;
  }
  return empty || length == 0 ? rules!.take(memoryOfText, 0, 0, true) : 0;
}

export function pathPointer(): usize {
  return rules!.errorPath.pointer;
}
export function pathLength(): u32 {
  return rules!.errorPath.length;
}
