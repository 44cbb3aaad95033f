// Rewrites a WebAssembly module so that it keeps a running hash of everything an observer of its time could learn: each
// branch decision, select condition, indirect call, memory address, length of a bulk operation and operand of a
// division, with the place in the code where it happened. Two runs with one hash took the same path through the same
// memory. The rewriter works on the binary, so it sees what the engine sees.
import { decode, leb, type Effect, type ValueType } from './opcodes.ts';

const TYPE_CODES: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };
const TEMPORARIES: ValueType[] = ['i32', 'i32', 'i64', 'i64', 'f32', 'f64', 'v128'];
/** Exported globals of the rewritten module. */
export const HASH_GLOBAL = 'traceHash';
export const COUNT_GLOBAL = 'traceCount';
export const LIMIT_GLOBAL = 'traceLimit';
export const SITE_GLOBAL = 'traceSite';

interface Section {
  id: number;
  body: Uint8Array;
}

/** A place in the code that is traced. */
export interface Site {
  functionIndex: number;
  /** Offset in the code section's body of the original module. */
  offset: number;
  effect: Effect['kind'];
}

export interface Instrumented {
  bytes: Uint8Array<ArrayBuffer>;
  sites: Site[];
  /** Names of functions by index, where the module has them. */
  names: Map<number, string>;
}

/** References of the rewritten code. */
interface Context {
  tracer: number;
  tracer64: number;
  /** Parameters of each function by index: temporaries come after them and the locals. */
  parameterCounts: number[];
  sites: Site[];
}

export function instrument(original: Uint8Array): Instrumented {
  const sections = readSections(original);
  const defined = countOf(sections, 3);
  const parameterCounts = readParameterCounts(sections);
  const imports = parameterCounts.length - defined;
  const firstType = countOf(sections, 1);
  const firstGlobal = countOf(sections, 6);
  const context: Context = { tracer: imports + defined, tracer64: imports + defined + 1, parameterCounts, sites: [] };

  append(sections, 1, 2, [0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 2, 0x7e, 0x7f, 1, 0x7e]);
  append(sections, 3, 2, [...unsigned(firstType), ...unsigned(firstType + 1)]);
  append(
    sections,
    6,
    4,
    [0x7e, 1, 0x42, 0, 0x0b, 0x7e, 1, 0x42, 0, 0x0b, 0x7e, 1, 0x42, 0x7f, 0x0b, 0x7f, 1, 0x41, 0, 0x0b],
  );
  const globals = [HASH_GLOBAL, COUNT_GLOBAL, LIMIT_GLOBAL, SITE_GLOBAL];
  append(
    sections,
    7,
    4,
    globals.flatMap((name, i) => [...unsigned(name.length), ...Buffer.from(name), 3, ...unsigned(firstGlobal + i)]),
  );
  const code = sections.find((section) => section.id === 10)!;
  const body = rewriteCode(code.body, imports, context);
  code.body = Uint8Array.from([
    ...unsigned(defined + 2),
    ...body,
    ...tracerBody(firstGlobal, false),
    ...tracerBody(firstGlobal, true),
  ]);
  return { bytes: writeSections(sections), sites: context.sites, names: readNames(sections) };
}

/**
 * `hash = (rotl(hash, 23) ^ value ^ site << 40) * odd; count++; site = …; return value`, until `count` reaches `limit`.
 */
function tracerBody(firstGlobal: number, wide: boolean): number[] {
  const [hash, count, limit, site] = [0, 1, 2, 3].map((i) => unsigned(firstGlobal + i));
  const odd = [0x42, ...signed64(0x2545f4914f6cdd1dn)];
  const value = wide ? [0x20, 0] : [0x20, 0, 0xad];
  const body = [
    0, // no locals
    0x23,
    ...count,
    0x23,
    ...limit,
    0x54,
    0x04,
    0x40, // if (count < limit)
    0x23,
    ...hash,
    0x42,
    23,
    0x89,
    ...value,
    0x85,
    0x20,
    1,
    0xad,
    0x42,
    40,
    0x86,
    0x85,
    ...odd,
    0x7e,
    0x24,
    ...hash,
    0x23,
    ...count,
    0x42,
    1,
    0x7c,
    0x24,
    ...count,
    0x20,
    1,
    0x24,
    ...site,
    0x0b,
    0x20,
    0,
    0x0b,
  ];
  return [...unsigned(body.length), ...body];
}

function rewriteCode(body: Uint8Array, imports: number, context: Context): number[] {
  const out: number[] = [];
  let [count, at] = leb(body, 0);
  for (let i = 0; i < count; i++) {
    const [size, start] = leb(body, at);
    const rewritten = rewriteFunction(body, start, start + size, imports + i, context);
    out.push(...unsigned(rewritten.length));
    for (const byte of rewritten) out.push(byte);
    at = start + size;
  }
  return out;
}

function rewriteFunction(
  body: Uint8Array,
  start: number,
  end: number,
  functionIndex: number,
  context: Context,
): number[] {
  let [groups, at] = leb(body, start);
  const out = [...unsigned(groups + TEMPORARIES.length)];
  const localsAt = at;
  let locals = 0;
  for (let i = 0; i < groups; i++) {
    const [count, after] = leb(body, at);
    locals += count;
    at = after + 1;
  }
  for (const byte of body.subarray(localsAt, at)) out.push(byte);
  for (const type of TEMPORARIES) out.push(1, TYPE_CODES[type]);
  const firstTemporary = locals + context.parameterCounts[functionIndex];
  while (at < end) {
    const instruction = decode(body, at);
    if (instruction.effect.kind !== 'none') {
      out.push(...before(instruction.effect, context, firstTemporary));
      context.sites.push({ functionIndex, offset: at, effect: instruction.effect.kind });
    }
    for (let i = at; i < instruction.end; i++) out.push(body[i]);
    at = instruction.end;
  }
  return out;
}

/** Code that traces the operands of the next instruction and leaves them as they were. */
function before(effect: Effect, context: Context, firstTemporary: number): number[] {
  const site = [0x41, ...signed(context.sites.length)];
  const trace = [...site, 0x10, ...unsigned(context.tracer)];
  const trace64 = [...site, 0x10, ...unsigned(context.tracer64)];
  const index = (type: ValueType, nth = 0) => unsigned(firstTemporary + TEMPORARIES.indexOf(type) + nth);
  const set = (type: ValueType, nth = 0) => [0x21, ...index(type, nth)];
  const get = (type: ValueType, nth = 0) => [0x20, ...index(type, nth)];
  switch (effect.kind) {
    case 'decision':
    case 'address':
      return trace;
    case 'addressUnder':
      return [...set(effect.type), ...trace, ...get(effect.type)];
    case 'range':
      return [
        ...trace,
        ...set('i32'),
        ...(effect.middle ? trace : []),
        ...set('i32', 1),
        ...trace,
        ...get('i32', 1),
        ...get('i32'),
      ];
    case 'division': {
      const one = effect.type === 'i32' ? trace : trace64;
      return [...one, ...set(effect.type), ...one, ...get(effect.type)];
    }
    default:
      return [];
  }
}

function readSections(bytes: Uint8Array): Section[] {
  const sections: Section[] = [];
  for (let at = 8; at < bytes.length;) {
    const [size, start] = leb(bytes, at + 1);
    sections.push({ id: bytes[at], body: bytes.subarray(start, start + size) });
    at = start + size;
  }
  return sections;
}

function writeSections(sections: Section[]): Uint8Array<ArrayBuffer> {
  const parts = sections
    .filter((section) => section.id !== 0)
    .map(({ id, body }) => Buffer.concat([Uint8Array.from([id, ...unsigned(body.length)]), body]));
  return Uint8Array.from(Buffer.concat([Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), ...parts]));
}

function countOf(sections: Section[], id: number): number {
  const section = sections.find((s) => s.id === id);
  return section ? leb(section.body, 0)[0] : 0;
}

/** Adds entries to a vector section. The library's modules have every section that is added to. */
function append(sections: Section[], id: number, count: number, entries: number[]): void {
  const section = sections.find((s) => s.id === id);
  if (!section) throw new Error(`the module has no section ${id}`);
  const [had, at] = leb(section.body, 0);
  section.body = Uint8Array.from([...unsigned(had + count), ...section.body.subarray(at), ...entries]);
}

/** Number of parameters of each function, imported ones first. Only functions may be imported. */
function readParameterCounts(sections: Section[]): number[] {
  const parametersOfTypes = readTypes(sections.find((s) => s.id === 1)!.body);
  const types: number[] = [];
  const imports = sections.find((s) => s.id === 2);
  if (imports) {
    let [count, at] = leb(imports.body, 0);
    for (let i = 0; i < count; i++) {
      for (let name = 0; name < 2; name++) {
        const [length, after] = leb(imports.body, at);
        at = after + length;
      }
      if (imports.body[at] !== 0) throw new Error('only functions can be imported by a traced module');
      const [type, after] = leb(imports.body, at + 1);
      types.push(type);
      at = after;
    }
  }
  const functions = sections.find((s) => s.id === 3)!.body;
  let [count, at] = leb(functions, 0);
  for (let i = 0; i < count; i++) {
    const [type, after] = leb(functions, at);
    types.push(type);
    at = after;
  }
  return types.map((type) => parametersOfTypes[type]);
}

function readTypes(body: Uint8Array): number[] {
  const counts: number[] = [];
  let [count, at] = leb(body, 0);
  for (let i = 0; i < count; i++) {
    const [parameters, afterCount] = leb(body, at + 1);
    const [results, afterResults] = leb(body, afterCount + parameters);
    counts.push(parameters);
    at = afterResults + results;
  }
  return counts;
}

/** Function names of the name section. */
function readNames(sections: Section[]): Map<number, string> {
  const names = new Map<number, string>();
  for (const { id, body } of sections) {
    if (id !== 0) continue;
    const [length, start] = leb(body, 0);
    if (Buffer.from(body.subarray(start, start + length)).toString() !== 'name') continue;
    for (let at = start + length; at < body.length;) {
      const kind = body[at];
      const [size, inside] = leb(body, at + 1);
      if (kind === 1) readNameMap(body, inside, names);
      at = inside + size;
    }
  }
  return names;
}

function readNameMap(body: Uint8Array, start: number, names: Map<number, string>): void {
  let [count, at] = leb(body, start);
  for (let i = 0; i < count; i++) {
    const [index, afterIndex] = leb(body, at);
    const [length, text] = leb(body, afterIndex);
    names.set(index, Buffer.from(body.subarray(text, text + length)).toString());
    at = text + length;
  }
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    bytes.push((value & 127) | (value > 127 ? 128 : 0));
    value >>>= 7;
  } while (value > 0);
  return bytes;
}

function signed(value: number): number[] {
  return signed64(BigInt(value));
}

function signed64(value: bigint): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = Number(value & 127n);
    value >>= 7n;
    if ((value === 0n && low < 64) || (value === -1n && low >= 64)) return [...bytes, low];
    bytes.push(low | 128);
  }
}
