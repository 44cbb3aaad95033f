// WebAssembly's instruction encoding, as far as a rewriter needs it: how long the immediates are, and what the operands
// mean.

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** Way in which an instruction reveals data to an observer of time. */
export type Effect =
  | { kind: 'none' }
  /**
   * The i32 on top decides where execution goes on (or, for select, which value is taken: engines may compile it to a
   * branch).
   */
  | { kind: 'decision' }
  /** The i32 on top is an address. */
  | { kind: 'address' }
  /** An address lies under one value of this type. */
  | { kind: 'addressUnder'; type: ValueType }
  /** Three i32: all are traced (memory.copy), or the first and last (memory.fill, whose second is data). */
  | { kind: 'range'; middle: boolean }
  /** Operands of an integer division, whose time depends on them on most processors. */
  | { kind: 'division'; type: 'i32' | 'i64' };

export interface Instruction {
  /** Offset after the immediates. */
  end: number;
  effect: Effect;
}

const NONE: Effect = { kind: 'none' };
const ADDRESS: Effect = { kind: 'address' };
const DECISION: Effect = { kind: 'decision' };

/** An unsigned LEB128 number (up to 2^53) and the offset after it; for signed ones only the offset is of use. */
export function leb(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
}

/** Decodes the instruction at `at`. */
export function decode(bytes: Uint8Array, at: number): Instruction {
  const opcode = bytes[at++];
  const skip = (count: number, effect: Effect = NONE): Instruction => {
    let end = at;
    for (let i = 0; i < count; i++) end = leb(bytes, end)[1];
    return { end, effect };
  };
  if (opcode === 0xfc) return decodeBulk(bytes, at);
  if (opcode === 0xfd) return decodeSimd(bytes, at);
  if (opcode === 0x02 || opcode === 0x03) return skip(1);
  if (opcode === 0x04 || opcode === 0x0d) return skip(1, DECISION);
  if (opcode === 0x0c || opcode === 0x10 || (opcode >= 0x20 && opcode <= 0x26)) return skip(1);
  if (opcode === 0x0e) return skip(leb(bytes, at)[0] + 2, DECISION);
  if (opcode === 0x11) return skip(2, DECISION);
  if (opcode === 0x1b) return skip(0, DECISION);
  if (opcode === 0x1c) return skip(1 + leb(bytes, at)[0], DECISION);
  if (opcode >= 0x28 && opcode <= 0x35) return skip(2, ADDRESS);
  if (opcode >= 0x36 && opcode <= 0x3e) return skip(2, { kind: 'addressUnder', type: storedType(opcode) });
  if (opcode === 0x3f || opcode === 0x40 || opcode === 0x41 || opcode === 0x42 || opcode === 0xd0 || opcode === 0xd2)
    return skip(1);
  if (opcode === 0x43) return { end: at + 4, effect: NONE };
  if (opcode === 0x44) return { end: at + 8, effect: NONE };
  if (opcode >= 0x6d && opcode <= 0x70) return skip(0, { kind: 'division', type: 'i32' });
  if (opcode >= 0x7f && opcode <= 0x82) return skip(0, { kind: 'division', type: 'i64' });
  if (opcode <= 0xc4) return skip(0);
  throw new Error(`opcode 0x${opcode.toString(16)} is not known to the tracer`);
}

function storedType(opcode: number): ValueType {
  if (opcode === 0x38) return 'f32';
  if (opcode === 0x39) return 'f64';
  return opcode === 0x37 || opcode >= 0x3c ? 'i64' : 'i32';
}

function decodeBulk(bytes: Uint8Array, at: number): Instruction {
  const [opcode, after] = leb(bytes, at);
  if (opcode <= 7) return { end: after, effect: NONE };
  if (opcode === 10) return { end: after + 2, effect: { kind: 'range', middle: true } };
  if (opcode === 11) return { end: after + 1, effect: { kind: 'range', middle: false } };
  throw new Error(`bulk opcode ${opcode} is not known to the tracer`);
}

function decodeSimd(bytes: Uint8Array, at: number): Instruction {
  const [opcode, after] = leb(bytes, at);
  const memory = (lane: number) => leb(bytes, leb(bytes, after)[1])[1] + lane;
  const underVector: Effect = { kind: 'addressUnder', type: 'v128' };
  if (opcode <= 10 || opcode === 92 || opcode === 93) return { end: memory(0), effect: ADDRESS };
  if (opcode === 11) return { end: memory(0), effect: underVector };
  if (opcode === 12 || opcode === 13) return { end: after + 16, effect: NONE };
  if (opcode >= 21 && opcode <= 34) return { end: after + 1, effect: NONE };
  if (opcode >= 84 && opcode <= 91) return { end: memory(1), effect: underVector };
  return { end: after, effect: NONE };
}
