// SM2 encryption (GB/T 32918.4) in the five layouts that are in use. C1 is a point, C2 the masked text, C3 an SM3
// digest over it.
import { MAX_SM2_PLAINTEXT_BYTES } from '../limits';
import { equalConstantTime, wipe } from './constant-time';
import {
  DER_OCTET_STRING,
  DER_SEQUENCE,
  derAtEnd,
  derEnter,
  derHeaderBytes,
  derLeave,
  derLength,
  derNumberBytes,
  derOpen,
  derPutHeader,
  derPutNumber,
  derTake,
  derTakeNumber,
} from './der';
import { FIELD_BYTES, fieldWipe } from './sm2-field';
import { sharedSm3 } from './sm2-digest';
import { sm2KdfXor } from './sm2-kdf';
import { COORDINATES_BYTES, Sm2PrivateKey, Sm2PublicKey } from './sm2-key';
import { multiplyGenerator, multiplyPoint } from './sm2-multiply';
import { drawNonce } from './sm2-nonce';
import {
  JACOBIAN_BYTES,
  pointFromCoordinates,
  pointToAffine,
  pointToCoordinates,
  pointWipe,
  pointsToAffine,
} from './sm2-point';
import { scalarIsZero } from './sm2-scalar';

/** Layouts of a ciphertext. */
export const enum Sm2Layout {
  /** GM/T 0009, 7.2: SEQUENCE of x, y, C3, C2. */
  Asn1,
  /** GB/T 32918.4-2016: 0x04 ‖ x ‖ y ‖ C3 ‖ C2. */
  C1C3C2,
  /** The draft of 2010: 0x04 ‖ x ‖ y ‖ C2 ‖ C3. */
  C1C2C3,
  /** x ‖ y ‖ C3 ‖ C2. */
  C1C3C2Bare,
  /** x ‖ y ‖ C2 ‖ C3. */
  C1C2C3Bare,
}

const C3_BYTES: u32 = 32;
/** Most bytes that ASN.1 adds: headers of the sequence, two integers of 35, headers of two octet strings. */
const MAX_ASN1_OVERHEAD_BYTES: u32 = 5 + 35 + 35 + 2 + C3_BYTES + 5;
/** Attempts at a key stream that is not all zero (for a single byte one in 256 is). */
const MAX_TRIES: u32 = 64;

const NONCE: usize = memory.data(32, 16);
const POINTS: usize = memory.data(480, 16); // k G and k P, Jacobian
const PRODUCTS: usize = memory.data(160, 16);
const C1: usize = memory.data(64, 16);
const SHARED: usize = memory.data(64, 16); // x2 ‖ y2
const C3: usize = memory.data(32, 16);

let c2: usize = 0; // parts of the last ciphertext read
let c2Length: u32 = 0;
let c3: usize = 0;

/** Room that `sm2Encrypt` needs for its result, bytes. 0 if the text is empty or too long. */
export function sm2CiphertextBound(layout: Sm2Layout, length: u32): u32 {
  if (length == 0 || length > MAX_SM2_PLAINTEXT_BYTES) return 0;
  if (layout == Sm2Layout.Asn1) return length + MAX_ASN1_OVERHEAD_BYTES;
  return length + COORDINATES_BYTES + C3_BYTES + u32(layout == Sm2Layout.C1C3C2 || layout == Sm2Layout.C1C2C3);
}

/** out = SM3(x2 ‖ text ‖ y2). */
function digestC3(out: usize, text: usize, length: u32): void {
  const sm3 = sharedSm3();
  sm3.reset();
  sm3.update(SHARED, 32);
  sm3.update(text, length);
  sm3.update(SHARED + 32, 32);
  sm3.digest(out);
}

/** Writes everything but C2 of a ciphertext. Returns the address for the `length` bytes of C2. */
function writeFrame(layout: Sm2Layout, length: u32, output: usize): usize {
  if (layout == Sm2Layout.Asn1) {
    const content = derNumberBytes(C1) + derNumberBytes(C1 + 32) + 2 + C3_BYTES + derHeaderBytes(length) + length;
    let at = derPutHeader(output, DER_SEQUENCE, content);
    at = derPutNumber(derPutNumber(at, C1), C1 + 32);
    at = derPutHeader(at, DER_OCTET_STRING, C3_BYTES);
    memory.copy(at, C3, C3_BYTES);
    return derPutHeader(at + C3_BYTES, DER_OCTET_STRING, length);
  }
  let at = output;
  if (layout == Sm2Layout.C1C3C2 || layout == Sm2Layout.C1C2C3) store<u8>(at++, 4);
  memory.copy(at, C1, COORDINATES_BYTES);
  at += COORDINATES_BYTES;
  if (layout == Sm2Layout.C1C3C2 || layout == Sm2Layout.C1C3C2Bare) {
    memory.copy(at, C3, C3_BYTES);
    return at + C3_BYTES;
  }
  memory.copy(at + length, C3, C3_BYTES);
  return at;
}

/**
 * Encrypts with a given nonce in [1, n - 1]. Returns the number of bytes, or 0 if the key stream is all zero. For tests
 * and for `sm2Encrypt`.
 */
export function sm2EncryptWithNonce(
  key: Sm2PublicKey,
  layout: Sm2Layout,
  nonce: usize,
  input: usize,
  length: u32,
  output: usize,
): u32 {
  const bound = sm2CiphertextBound(layout, length);
  if (bound == 0) return 0;
  const second = POINTS + JACOBIAN_BYTES;
  multiplyGenerator(POINTS, nonce);
  multiplyPoint(second, nonce, key.point);
  pointsToAffine(POINTS, 2, JACOBIAN_BYTES, PRODUCTS);
  pointToCoordinates(C1, POINTS);
  pointToCoordinates(SHARED, second);
  digestC3(C3, input, length);
  const body = writeFrame(layout, length, output);
  const empty = sm2KdfXor(body, input, length, SHARED);
  wipeShared();
  if (empty != 0) {
    memory.fill(output, 0, bound); // the plaintext itself is there
    return 0;
  }
  const trailing = layout == Sm2Layout.C1C2C3 || layout == Sm2Layout.C1C2C3Bare ? C3_BYTES : 0;
  return <u32>(body - output) + length + trailing;
}

/**
 * Encrypts 1 to `MAX_SM2_PLAINTEXT_BYTES` bytes. `output` has room for `sm2CiphertextBound` and does not overlap the
 * input. Returns the number of bytes, or 0 if the length is out of range or the host's randomness failed.
 */
export function sm2Encrypt(key: Sm2PublicKey, layout: Sm2Layout, input: usize, length: u32, output: usize): u32 {
  let written: u32 = 0;
  if (sm2CiphertextBound(layout, length) == 0) return 0;
  for (let tries: u32 = 0; written == 0 && tries < MAX_TRIES; tries++) {
    if (!drawNonce(NONCE, key.coordinates, key.coordinates + 32)) break;
    written = sm2EncryptWithNonce(key, layout, NONCE, input, length, output);
  }
  wipe(NONCE, 32);
  return written;
}

/** Finds the parts of an ASN.1 ciphertext. */
function readAsn1(input: usize, length: u32): bool {
  derOpen(input, length);
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0 || !derTakeNumber(C1) || !derTakeNumber(C1 + 32)) return false;
  c3 = derTake(DER_OCTET_STRING);
  if (c3 == 0 || derLength != C3_BYTES) return false;
  c2 = derTake(DER_OCTET_STRING);
  if (c2 == 0) return false;
  c2Length = derLength;
  return derLeave(outer) && derAtEnd();
}

/** Finds the parts of a ciphertext: the point in C1, addresses of the others in globals. */
function readFrame(layout: Sm2Layout, input: usize, length: u32): bool {
  if (layout == Sm2Layout.Asn1) return readAsn1(input, length);
  const marked = layout == Sm2Layout.C1C3C2 || layout == Sm2Layout.C1C2C3;
  const fixed = COORDINATES_BYTES + C3_BYTES + u32(marked);
  if (length < fixed) return false;
  if (marked && load<u8>(input) != 4) return false;
  const body = input + u32(marked);
  memory.copy(C1, body, COORDINATES_BYTES);
  c2Length = length - fixed;
  if (layout == Sm2Layout.C1C3C2 || layout == Sm2Layout.C1C3C2Bare) {
    c3 = body + COORDINATES_BYTES;
    c2 = c3 + C3_BYTES;
  } else {
    c2 = body + COORDINATES_BYTES;
    c3 = c2 + c2Length;
  }
  return true;
}

/**
 * Decrypts. `output` has room for `length` bytes and does not overlap the input. Returns the number of bytes. Returns
 * -1 if the ciphertext is malformed or empty, its point is not on the curve, or its digest is wrong; everything written
 * to `output` is then zero.
 */
export function sm2Decrypt(key: Sm2PrivateKey, layout: Sm2Layout, input: usize, length: u32, output: usize): i32 {
  if (scalarIsZero(key.scalar) || !readFrame(layout, input, length)) return -1;
  const size = c2Length;
  if (size == 0 || size > MAX_SM2_PLAINTEXT_BYTES) return -1;
  if (!pointFromCoordinates(POINTS, C1)) return -1;
  const second = POINTS + JACOBIAN_BYTES;
  multiplyPoint(second, key.scalar, POINTS);
  pointToAffine(second, second);
  pointToCoordinates(SHARED, second);
  const empty = sm2KdfXor(output, c2, size, SHARED);
  digestC3(C3, output, size);
  // A digest that is wrong takes the work of one that is right: who asks may have to keep it to himself.
  const good = (<u32>equalConstantTime(C3, c3, C3_BYTES)) & (empty ^ 1);
  wipeShared();
  for (let i: u32 = 0; i < size; i++) store<u8>(output + i, <u8>((<u32>load<u8>(output + i)) & (0 - good)));
  return <i32>((size + 1) & (0 - good)) - 1;
}

function wipeShared(): void {
  wipe(POINTS, <u32>JACOBIAN_BYTES * 2);
  wipe(PRODUCTS, <u32>FIELD_BYTES * 2);
  wipe(SHARED, 64);
  wipe(C3, 32);
  fieldWipe();
  pointWipe();
}
