// Layout of an indexed message: one record of 32 bytes for each value, in document order, so that the first child of a
// value is the record after it.

/** What a value is. */
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

/** Kind in bits 0-2, flags, and the length of the field's name, decoded, from KEY_LENGTH_SHIFT up. */
export const INFO: usize = 0;
/** Offset of the first byte, and after the last one, in the source (quotes included), or of a TEXT. */
export const START: usize = 4;
export const END: usize = 8;
/** Next value of the same parent; 0 at its end. */
export const NEXT: usize = 12;
/** The parent; 0 for the root. */
export const PARENT: usize = 16;
/** Number of children. */
export const COUNT: usize = 20;
/** Address of the field's name, decoded, without quotes; 0 for items and the root. */
export const KEY: usize = 24;
/** Hash of the name (`hashBytes`); the index of an item. */
export const KEY_HASH: usize = 28;

export const KIND_MASK: u32 = 7;
/** The JSON string holds escapes. */
export const ESCAPED: u32 = 8;
/** The JSON key holds escapes: KEY is a decoded copy in the arena. */
export const KEY_ESCAPED: u32 = 16;
/**
 * START to END is the value's text as it is meant: no quotes, no escapes. It may stand outside the source (the offset
 * wraps).
 */
export const TEXT: u32 = 32;
/** An attribute of an XML element: wildcards pass it by. */
export const ATTRIBUTE: u32 = 64;
export const KEY_LENGTH_SHIFT: u32 = 7;
/** Longest name that INFO has room for, bytes. */
export const MAX_KEY_LENGTH: u32 = (1 << (32 - KEY_LENGTH_SHIFT)) - 1;
