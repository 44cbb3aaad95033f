/** What is kept of a text between its pieces; begins as zeros. Behind it: containers, hashes of names, the text at hand. */
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
