// Header of the wire profile segmented. Numbers are big-endian.
//    0   4  "FIMS"
//    4   1  version of the format: 1
//    5   1  algorithm: 1 SM4-GCM, 2 AES-256-GCM, 3 SM4-CBC-HMAC-SM3, 4 SM4-CTR-HMAC-SM3, 5 SM2-ENVELOPE
//    6   4  plaintext of one segment, bytes
//   10  16  random id of the message: segments of two messages never fit together
//   26   2  bytes of the kid          28  2  bytes of the context
//   30   2  bytes of the content type 32  2  bytes of the wrapped key
//   34      kid, context, content type, wrapped key
// Associated data of segment i: the whole header ‖ i in 32 bits ‖ 1 for the last segment, else 0.
import { randomBytes } from '../crypto/random';
import { KeyVersion } from '../keys/key-version';
import { MAX_SEGMENT_BYTES, MAX_SEGMENT_HEADER_BYTES } from '../limits';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { versionOf } from './kid';
import { Opening } from './opening';
import { Parts, Protection } from './protection';

/** "FIMS", little-endian. */
const MAGIC: u32 = 0x534d4946;
const FORMAT: u8 = 1;
const SEGMENT_BYTES_AT: usize = 6;
const ID_AT: usize = 10;
const ID_BYTES: u32 = 16;
const KID_AT: usize = 26;
const CONTEXT_AT: usize = 28;
const TYPE_AT: usize = 30;
const WRAPPED_AT: usize = 32;
/** Length of the fixed part before the texts, bytes. */
export const FIXED_BYTES: u32 = 34;
/** Length of index and final flag after the header in the associated data, bytes. */
export const PLACE_BYTES: u32 = 5;

function be16(at: usize): u32 {
  return bswap<u16>(load<u16>(at));
}

/** Length of the header that begins with these FIXED_BYTES, bytes. 0 if it is no header. */
export function headerBytes(at: usize): u32 {
  if (load<u32>(at) != MAGIC || load<u8>(at, 4) != FORMAT) return 0;
  const bytes = FIXED_BYTES + be16(at + KID_AT) + be16(at + CONTEXT_AT) + be16(at + TYPE_AT) + be16(at + WRAPPED_AT);
  return bytes <= MAX_SEGMENT_HEADER_BYTES ? bytes : 0;
}

/** Length of the wrapped key, from a header's FIXED_BYTES. */
export function wrappedKeyBytes(at: usize): u32 {
  return be16(at + WRAPPED_AT);
}

/** Appends a header, after `plan.suite.begin`. Returns its length. 0: no memory or randomness. */
export function writeSegmentHeader(plan: Protection, key: KeyVersion, type: Span, out: Writer): u32 {
  const suite = plan.suite;
  const wrapped = suite.wraps ? suite.wrappedLength : key.wrapped.length;
  const wrappedKey = suite.wraps ? suite.wrapped : key.wrapped.pointer;
  const bytes = FIXED_BYTES + key.kid.length + plan.context.length + type.length + wrapped;
  const to = out.reserve(bytes);
  if (to == 0 || bytes > MAX_SEGMENT_HEADER_BYTES) return 0;
  store<u32>(to, MAGIC);
  store<u8>(to, FORMAT, 4);
  store<u8>(to, suite.id, 5);
  store<u32>(to, bswap(plan.segmentBytes), SEGMENT_BYTES_AT);
  if (!randomBytes(to + ID_AT, ID_BYTES)) return 0;
  store<u16>(to, bswap<u16>(<u16>key.kid.length), KID_AT);
  store<u16>(to, bswap<u16>(<u16>plan.context.length), CONTEXT_AT);
  store<u16>(to, bswap<u16>(<u16>type.length), TYPE_AT);
  store<u16>(to, bswap<u16>(<u16>wrapped), WRAPPED_AT);
  let at = to + FIXED_BYTES;
  memory.copy(at, key.kid.pointer, key.kid.length);
  at += key.kid.length;
  memory.copy(at, plan.context.pointer, plan.context.length);
  at += plan.context.length;
  memory.copy(at, type.pointer, type.length);
  memory.copy(at + type.length, wrappedKey, wrapped);
  out.advance(bytes);
  return bytes;
}

/** Plaintext bytes of a segment, after `readSegmentHeader`. */
export let segmentBytes: u32 = 0;

/** Reads a header of `bytes` (of `headerBytes`), which must have the key, algorithm and context of the route. */
export function readSegmentHeader(plan: Protection, at: usize, bytes: u32, parts: Parts): Opening {
  parts.clear();
  const suite = plan.suite;
  if (load<u8>(at, 5) != suite.id) return Opening.Foreign;
  segmentBytes = bswap(load<u32>(at, SEGMENT_BYTES_AT));
  if (segmentBytes == 0 || segmentBytes > MAX_SEGMENT_BYTES) return Opening.Malformed;
  const kid = at + FIXED_BYTES;
  const kidLength = be16(at + KID_AT);
  parts.version = versionOf(plan.keyId, kid, kidLength);
  if (parts.version == 0) return Opening.Foreign;
  const context = kid + kidLength;
  const contextLength = be16(at + CONTEXT_AT);
  if (!plan.context.equals(context, contextLength)) return Opening.Foreign;
  const type = context + contextLength;
  const typeLength = be16(at + TYPE_AT);
  if (typeLength > 0 && !parts.takeType(type, typeLength)) return Opening.Malformed;
  parts.wrapped = type + typeLength;
  parts.wrappedLength = be16(at + WRAPPED_AT);
  if (suite.wraps && parts.wrappedLength == 0) return Opening.Malformed;
  parts.aad = at;
  parts.aadLength = bytes;
  return Opening.Done;
}

/** Writes the place of a segment after the header in its associated data. `end`: address after the header. */
export function writePlace(end: usize, index: u32, last: bool): void {
  store<u32>(end, bswap(index));
  store<u8>(end, last ? 1 : 0, 4);
}
