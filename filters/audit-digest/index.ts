// Hashes of the audit log for the collector and its verifier: SM3 with the prefixes of RFC 6962, for hosts that bring
// bytes themselves. In V8 it is faster than OpenSSL's, which has a price for each call.
import '../runtime/abort';
import { HASH_BYTES } from '../crypto/hash';
import { Sm3 } from '../crypto/sm3';

/** Longest entry, bytes. */
const ROOM_BYTES: u32 = 131072;
const LEAF: u8 = 0;
const NODE: u8 = 1;

const ROOM: usize = memory.data(131088, 16);
const RESULT: usize = memory.data(32, 16);
const sm3 = new Sm3();

/** Where an entry of up to `roomBytes` bytes goes; for a node, its two halves. */
export function room(): usize {
  return ROOM + 1;
}

export function roomBytes(): u32 {
  return ROOM_BYTES;
}

/** Where hashes are written. */
export function result(): usize {
  return RESULT;
}

/** SM3(0x00 ‖ entry). */
export function leaf(length: u32): void {
  store<u8>(ROOM, LEAF);
  sm3.hash(ROOM, min(length, ROOM_BYTES) + 1, RESULT);
}

/** SM3(0x01 ‖ left ‖ right). */
export function node(): void {
  store<u8>(ROOM, NODE);
  sm3.hash(ROOM, 2 * HASH_BYTES + 1, RESULT);
}
