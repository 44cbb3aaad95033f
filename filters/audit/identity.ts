// Who writes the records of this VM, and the ids of its events.
import { randomBytes } from '../crypto/random';
import { encodeHex } from '../memory/hex';

const SOURCE_BYTES: u32 = 16;
/** Length of the source's text. */
export const SOURCE_TEXT_BYTES: u32 = 32;
/** Length of an event's id: `018f3d2e-7b1c-7abc-8def-0123456789ab`. */
export const EVENT_ID_BYTES: u32 = 36;

/** Steps of splitmix64, a bijection: no two events of a source have the same bits. */
const STEP: u64 = 0x9e3779b97f4a7c15;
const MIX_A: u64 = 0xbf58476d1ce4e5b9;
const MIX_B: u64 = 0x94d049bb133111eb;

const RANDOM: usize = memory.data(32, 8);
const SOURCE: usize = memory.data(32, 8);
const BITS: usize = memory.data(16, 8);
const HEX: usize = memory.data(32, 8);
const ID: usize = memory.data(40, 8);
let known: bool = false;
let state: u64 = 0;
let salt: u64 = 0;

/** Makes the source's name. Once per VM. False: the host has no random bytes. */
export function openIdentity(): bool {
  if (known) return true;
  if (!randomBytes(RANDOM, 32)) return false;
  encodeHex(RANDOM, SOURCE_BYTES, SOURCE);
  state = load<u64>(RANDOM, 16);
  salt = load<u64>(RANDOM, 24);
  known = true;
  return true;
}

/** Address of the source's name, SOURCE_TEXT_BYTES long. */
export function sourceName(): usize {
  return SOURCE;
}

/** Bits that differ from event to event; no secret. */
export function nextBits(): u64 {
  state += STEP;
  let bits = state;
  bits = (bits ^ (bits >> 30)) * MIX_A;
  bits = (bits ^ (bits >> 27)) * MIX_B;
  return bits ^ (bits >> 31);
}

/** Address of a new UUIDv7 (RFC 9562, 5.7), EVENT_ID_BYTES long, valid until the next call. `millis`: since 1970. */
export function eventId(millis: u64): usize {
  const bits = nextBits();
  store<u64>(BITS, bswap<u64>((millis << 16) | 0x7000 | (salt & 0xfff)));
  salt = rotl<u64>(salt, 12);
  store<u64>(BITS, bswap<u64>((bits >> 2) | 0x8000000000000000), 8);
  encodeHex(BITS, 16, HEX);
  memory.copy(ID, HEX, 8);
  store<u8>(ID, 45, 8);
  memory.copy(ID + 9, HEX + 8, 4);
  store<u8>(ID, 45, 13);
  memory.copy(ID + 14, HEX + 12, 4);
  store<u8>(ID, 45, 18);
  memory.copy(ID + 19, HEX + 16, 4);
  store<u8>(ID, 45, 23);
  memory.copy(ID + 24, HEX + 20, 12);
  return ID;
}
