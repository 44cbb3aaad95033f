// Names of ISO 8583 fields with their hashes, in static memory so that messages need not create them.
import { Ascii } from '../../memory/ascii';
import { hashBytes } from '../../memory/bytes';
import { LAST_ELEMENT } from './spec';

const SLOT_BYTES: u32 = 8;
/** "DE2" to "DE192", eight bytes each. "MTI" is at 0 and "TPDU" at 1, which are no elements. */
const NAMES: usize = memory.data(193 * 8, 8);
const HASHES: usize = memory.data(193 * 4, 4);
/** Slots of names that are no elements. */
export const MTI: u32 = 0;
export const TPDU: u32 = 1;
let filled: bool = false;

/** Fills the tables on first use. */
export function fillFieldNames(): void {
  if (filled) return;
  filled = true;
  store<u32>(NAMES, 0x49544d); // MTI
  store<u32>(NAMES + SLOT_BYTES, 0x55445054); // TPDU
  for (let element: u32 = 2; element <= LAST_ELEMENT; element++) {
    let at = NAMES + element * SLOT_BYTES;
    store<u16>(at, 0x4544); // DE
    at += 2;
    if (element >= 100) store<u8>(at++, <u8>(48 + element / 100));
    if (element >= 10) store<u8>(at++, <u8>(48 + ((element / 10) % 10)));
    store<u8>(at, <u8>(48 + (element % 10)));
  }
  for (let slot: u32 = 0; slot <= LAST_ELEMENT; slot++)
    store<u32>(HASHES + (slot << 2), hashBytes(fieldName(slot), fieldNameLength(slot)));
}

/** Address of the name of an element, or of MTI or TPDU. */
// @ts-ignore: decorator
@inline
export function fieldName(slot: u32): usize {
  return NAMES + slot * SLOT_BYTES;
}

/** Length of the name, bytes. */
// @ts-ignore: decorator
@inline
export function fieldNameLength(slot: u32): u32 {
  return slot < 2 ? 3 + slot : slot < 10 ? 3 : slot < 100 ? 4 : 5;
}

/** Hash of the name (`hashBytes`). */
// @ts-ignore: decorator
@inline
export function fieldNameHash(slot: u32): u32 {
  return load<u32>(HASHES + (slot << 2));
}

/** Data element of a name such as `DE55`. 0: none. */
export function elementNumber(name: usize, length: u32): u32 {
  if (length < 3 || load<u16>(name) != 0x4544) return 0;
  let element: u32 = 0;
  for (let i: u32 = 2; i < length; i++) {
    const digit = <u32>load<u8>(name + i) - 48;
    if (digit > 9 || element > LAST_ELEMENT) return 0;
    element = element * 10 + digit;
  }
  return element <= LAST_ELEMENT ? element : 0;
}

/** Data element that a JSON Pointer leads into (`/DE55/9F26`: 55). 0 if none. */
export function elementOf(pointer: usize, length: u32): u32 {
  if (length < 4 || load<u16>(pointer, 1) != 0x4544) return 0;
  let element: u32 = 0;
  for (let i: u32 = 3; i < length && load<u8>(pointer + i) != Ascii.Slash; i++) {
    const digit = <u32>load<u8>(pointer + i) - 48;
    if (digit > 9 || element > LAST_ELEMENT) return 0;
    element = element * 10 + digit;
  }
  return element <= LAST_ELEMENT ? element : 0;
}
