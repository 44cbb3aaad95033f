/**
 * What is kept of a text between its pieces; begins as zeros. Behind it: containers, hashes of names, the text at hand.
 */
@unmanaged
export class JsonStreamState {
  mode: u32;
  depth: u32;
  utf8Left: u32;
  utf8Low: u32;
  utf8High: u32;
  escape: u32;
  unit: u32;
  surrogate: u32;
  digits: u32;
  /** Letters of the literal that are still to come, lowest byte first. */
  literal: u32;
  kind: u32;
  isName: u32;
  keeping: u32;
  escaped: u32;
  textLength: u32;
  keyCount: u32;
  /** Key of the hashes of names, drawn for each text. */
  seed0: u64;
  seed1: u64;
  /** For the reader of the events: the state of the value at hand. */
  value: u32;
  /** Bytes seen, at most 2: an encoding shows in the first two. */
  begun: u32;
}

/** An open container. */
@unmanaged
export class JsonStreamFrame {
  isObject: u32;
  /** First of its names' hashes. */
  keysFrom: u32;
  /** Values in it so far. */
  count: u32;
  /** For the reader of the events. */
  state: u32;
}

/** The next byte of a sequence of UTF-8; false if it is none. */
export function goOnUtf8(state: JsonStreamState, byte: u32): bool {
  if (byte < state.utf8Low || byte > state.utf8High) return false;
  state.utf8Left--;
  state.utf8Low = 0x80;
  state.utf8High = 0xbf;
  return true;
}

/**
 * The first byte of a sequence (Unicode, table 3-7): how many follow, and the bounds of the second; false if none
 * begins so.
 */
export function beginUtf8(state: JsonStreamState, byte: u32): bool {
  if (byte < 0xc2 || byte > 0xf4) return false;
  state.utf8Left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
  state.utf8Low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
  state.utf8High = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
  return true;
}
