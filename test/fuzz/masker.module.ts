// Test module: the masker's core with a door for Node. Not part of any filter.
import '../../filters/runtime/abort';
import { Arena } from '../../filters/memory/arena';
import { JsonDocument } from '../../filters/message/json/document';
import { decodeFieldMaskerConfig } from '../../filters/field-masker/config.gen';
import { MaskPlan } from '../../filters/field-masker/mask-plan';
import { Masker } from '../../filters/field-masker/masker';
import { PlanCompiler } from '../../filters/field-masker/plan';
import { JsonSurface } from '../../filters/field-masker/surface/json';
import { ConfigReader } from '../../filters/runtime/config-reader';
import { Direction } from '../../filters/runtime/direction';
import { input } from './door.module';

export { room } from './door.module';

/** Result of `mask` for text that is no JSON. */
const NO_JSON: i32 = -1;

const arena = new Arena(64 * 1024, 64 * 1024 * 1024);
const document = new JsonDocument();
const masker = new Masker(arena);
const surface = new JsonSurface();
let plan: MaskPlan | null = null;

/** Compiles the section in the input, for one direction; 0, or the error. */
export function configure(length: u32, direction: i32): u32 {
  arena.reset();
  const reader = new ConfigReader(new JsonDocument());
  const error = reader.document.parse(input, length, arena);
  if (error != 0) return error;
  const config = decodeFieldMaskerConfig(reader, reader.document.root);
  plan = new PlanCompiler(reader, config, <Direction>direction).compile();
  return reader.failed ? reader.error : 0;
}

export function mask(length: u32): i32 {
  arena.reset();
  if (document.parse(input, length, arena) != 0) return NO_JSON;
  return masker.run(document, length, plan!, surface, 0);
}

export function outPointer(): usize {
  return masker.out.pointer;
}
export function outLength(): u32 {
  return masker.out.length;
}
export function held(): usize {
  return arena.held;
}

/** Indexes the input `times` times over; the last error. */
export function indexMany(length: u32, times: i32): u32 {
  let error: u32 = 0;
  for (let i = 0; i < times; i++) {
    arena.reset();
    error = document.parse(input, length, arena);
  }
  return error;
}

/** Indexes and masks the input `times` times over; the last result. */
export function maskMany(length: u32, times: i32): i32 {
  let result: i32 = 0;
  for (let i = 0; i < times; i++) result = mask(length);
  return result;
}
