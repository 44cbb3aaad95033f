// Layout of an indexed message: one record of 32 bytes for each value, in document order. The first child of a value is
// thus the record after it.

/** Kind of a value. */
export const enum FieldKind {
  Null = 0,
  False = 1,
  True = 2,
  Number = 3,
  String = 4,
  Array = 5,
  Object = 6,
}

/** log2 of the record's size. */
export const NODE_SHIFT: u32 = 5;

/** Kind in bits 0-2, flags, and from KEY_LENGTH_SHIFT up the length of the decoded name. */
export const INFO: usize = 0;
/** Offset of the first byte, and after the last one, in the source (including quotes), or of a TEXT. */
export const START: usize = 4;
export const END: usize = 8;
/** Next value of the same parent. 0 for the last one. */
export const NEXT: usize = 12;
/** Parent. 0 for the root. */
export const PARENT: usize = 16;
/** Number of children. */
export const COUNT: usize = 20;
/** Address of the field's decoded name, without quotes. 0 for items and the root. */
export const KEY: usize = 24;
/** Hash of the name (`hashBytes`), or index of an item. */
export const KEY_HASH: usize = 28;

export const KIND_MASK: u32 = 7;
/** The JSON string contains escapes. */
export const ESCAPED: u32 = 8;
/** The JSON key contains escapes, and KEY is a decoded copy in the arena. */
export const KEY_ESCAPED: u32 = 16;
/** START to END is the decoded text: no quotes, no escapes. It may be outside the source (the offset wraps). */
export const TEXT: u32 = 32;
/** An attribute of an XML element. Wildcards do not match it. */
export const ATTRIBUTE: u32 = 64;
export const KEY_LENGTH_SHIFT: u32 = 7;
/** Longest name that INFO has room for, bytes. */
export const MAX_KEY_LENGTH: u32 = (1 << (32 - KEY_LENGTH_SHIFT)) - 1;
