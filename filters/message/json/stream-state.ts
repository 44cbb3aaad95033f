/**
 * State of a text between its pieces. It begins as zeros. Containers, hashes of names and the current text follow it in
 * memory.
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
  /** Remaining letters of the literal, lowest byte first. */
  literal: u32;
  kind: u32;
  isName: u32;
  keeping: u32;
  escaped: u32;
  textLength: u32;
  keyCount: u32;
  /** Random key of the name hashes, drawn for each text. */
  seed0: u64;
  seed1: u64;
  /** For the reader of the events: state of the current value. */
  value: u32;
  /** Number of bytes seen, at most 2. The encoding shows in the first two. */
  begun: u32;
}

/** An open container. */
@unmanaged
export class JsonStreamFrame {
  isObject: u32;
  /** Index of the first hash of its names. */
  keysFrom: u32;
  /** Number of its values so far. */
  count: u32;
  /** For the reader of the events. */
  state: u32;
}

/** Adds the next byte of a UTF-8 sequence. False if it is invalid. */
export function goOnUtf8(state: JsonStreamState, byte: u32): bool {
  if (byte < state.utf8Low || byte > state.utf8High) return false;
  state.utf8Left--;
  state.utf8Low = 0x80;
  state.utf8High = 0xbf;
  return true;
}

/**
 * Adds the first byte of a sequence (Unicode, table 3-7): number of following bytes, and bounds of the second. False if
 * it is invalid.
 */
export function beginUtf8(state: JsonStreamState, byte: u32): bool {
  if (byte < 0xc2 || byte > 0xf4) return false;
  state.utf8Left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
  state.utf8Low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
  state.utf8High = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
  return true;
}
