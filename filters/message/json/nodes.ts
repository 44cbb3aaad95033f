// Layout of the JSON index: one record of 32 bytes for each value, in document order, so that the first child of a container is the record after it.

/** What a value is. */
export const enum JsonKind {
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

/** Kind in bits 0-2, flags, and the length of the member's key, decoded, from KEY_LENGTH_SHIFT up. */
export const INFO: usize = 0;
/** Offset of the first byte, and after the last one, quotes included. */
export const START: usize = 4;
export const END: usize = 8;
/** Next value of the same container; 0 at its end. */
export const NEXT: usize = 12;
/** The container; 0 for the root. */
export const PARENT: usize = 16;
/** Number of children; 0 for scalars. */
export const COUNT: usize = 20;
/** Address of the member's key, decoded, without quotes; 0 for items and the root. */
export const KEY: usize = 24;
/** Hash of the key (`hashBytes`); the index of an item. */
export const KEY_HASH: usize = 28;

export const KIND_MASK: u32 = 7;
/** The string holds escapes. */
export const ESCAPED: u32 = 8;
/** The key holds escapes: KEY is a decoded copy in the arena. */
export const KEY_ESCAPED: u32 = 16;
export const KEY_LENGTH_SHIFT: u32 = 5;
