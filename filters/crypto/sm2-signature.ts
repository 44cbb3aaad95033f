// SM2 signatures (GB/T 32918.2) as r ‖ s, 64 bytes, and as DER (GM/T 0009, 7.3: SEQUENCE of two INTEGER).
import { wipe } from './constant-time';
import {
  DER_SEQUENCE,
  derAtEnd,
  derEnter,
  derLeave,
  derNumberBytes,
  derOpen,
  derPutHeader,
  derPutNumber,
  derTakeNumber,
} from './der';
import {
  fieldFromBytes,
  fieldIsZeroPublic,
  fieldMultiply,
  fieldSquare,
  fieldSubtract,
  fieldToBytes,
  fieldWipe,
  isFieldBytes,
} from './sm2-field';
import { sm2Digest } from './sm2-digest';
import { Sm2PrivateKey, Sm2PublicKey } from './sm2-key';
import { multiplyGenerator, multiplySumPrepared, multiplySumPublic } from './sm2-multiply';
import { drawNonce } from './sm2-nonce';
import { JACOBIAN_BYTES, Z, isInfinityPublic, pointToAffine, pointWipe } from './sm2-point';
import {
  addOrderPublic,
  scalarAdd,
  scalarFromBytes,
  scalarFromBytesReduced,
  scalarIsZero,
  scalarMultiplyMontgomery,
  scalarSubtract,
  scalarToBytes,
  scalarWipe,
} from './sm2-scalar';

/** Bytes of a signature as r ‖ s. */
export const SIGNATURE_BYTES: u32 = 64;
/** Longest DER signature, bytes. The shortest has 8. */
export const MAX_DER_SIGNATURE_BYTES: u32 = 72;
/** Attempts at a usable nonce. One in 2^255 is unusable, so several in a row mean a fault. */
const MAX_TRIES: u32 = 4;

const POINT: usize = memory.data(240, 16);
const NONCE: usize = memory.data(32, 16);
const SCALAR_E: usize = memory.data(32, 16);
const SCALAR_R: usize = memory.data(32, 16);
const SCALAR_S: usize = memory.data(32, 16);
const BYTES: usize = memory.data(32, 16);
const ELEMENT: usize = memory.data(80, 16);
const SQUARE: usize = memory.data(80, 16);
const DIGEST: usize = memory.data(32, 16);

/**
 * Signs with a given nonce in [1, n - 1]. False if the nonce gives r = 0, r + k = n or s = 0. For tests and for
 * `sm2SignDigest`: a nonce used twice reveals the private key.
 */
export function sm2SignWithNonce(key: Sm2PrivateKey, digest: usize, nonce: usize, signature: usize): bool {
  multiplyGenerator(POINT, nonce);
  pointToAffine(POINT, POINT);
  fieldToBytes(BYTES, POINT);
  scalarFromBytesReduced(SCALAR_R, BYTES);
  scalarFromBytesReduced(SCALAR_E, digest);
  scalarAdd(SCALAR_R, SCALAR_R, SCALAR_E); // r = e + x1
  scalarAdd(SCALAR_S, SCALAR_R, nonce);
  const unusable = scalarIsZero(SCALAR_R) | scalarIsZero(SCALAR_S);
  scalarMultiplyMontgomery(SCALAR_S, SCALAR_S, key.inverse);
  scalarSubtract(SCALAR_S, SCALAR_S, SCALAR_R); // s = (k - r d) / (1 + d) = (k + r) / (1 + d) - r
  const good = (unusable | scalarIsZero(SCALAR_S)) == 0;
  if (good) {
    scalarToBytes(signature, SCALAR_R);
    scalarToBytes(signature + 32, SCALAR_S);
  }
  wipe(POINT, <u32>JACOBIAN_BYTES);
  wipe(SCALAR_S, 32);
  fieldWipe();
  pointWipe();
  scalarWipe();
  return good;
}

/**
 * Signs a digest e (32 bytes, of `sm2Digest`) to r ‖ s. False, with nothing written, if the host's randomness failed or
 * the key was wiped.
 */
export function sm2SignDigest(key: Sm2PrivateKey, digest: usize, signature: usize): bool {
  if (scalarIsZero(key.scalar)) return false;
  let done = false;
  for (let tries: u32 = 0; !done && tries < MAX_TRIES; tries++) {
    if (!drawNonce(NONCE, key.scalar, digest)) break;
    done = sm2SignWithNonce(key, digest, NONCE, signature);
  }
  wipe(NONCE, 32);
  return done;
}

/**
 * Signs a message under a user id (at most `MAX_ID_BYTES`) to r ‖ s. False as for `sm2SignDigest`, or if the id is too
 * long.
 */
export function sm2Sign(
  key: Sm2PrivateKey,
  id: usize,
  idLength: u32,
  message: usize,
  length: u32,
  signature: usize,
): bool {
  return sm2Digest(DIGEST, key.publicKey, id, idLength, message, length) && sm2SignDigest(key, DIGEST, signature);
}

/** Whether X / Z^2 of POINT is the number at BYTES, which must be public. */
function hasX(): bool {
  if (!isFieldBytes(BYTES)) return false;
  fieldFromBytes(ELEMENT, BYTES);
  fieldSquare(SQUARE, POINT + Z);
  fieldMultiply(ELEMENT, ELEMENT, SQUARE);
  fieldSubtract(ELEMENT, ELEMENT, POINT);
  return fieldIsZeroPublic(ELEMENT);
}

/** Whether r ‖ s signs the digest e (32 bytes). The time depends on the inputs, which are public. */
export function sm2VerifyDigest(key: Sm2PublicKey, digest: usize, signature: usize): bool {
  if (scalarFromBytes(SCALAR_R, signature) == 0 || scalarFromBytes(SCALAR_S, signature + 32) == 0) return false;
  scalarAdd(SCALAR_E, SCALAR_R, SCALAR_S); // t
  if (scalarIsZero(SCALAR_E)) return false;
  const multiples = key.multiples();
  if (multiples != 0) multiplySumPrepared(POINT, SCALAR_S, SCALAR_E, multiples);
  else multiplySumPublic(POINT, SCALAR_S, SCALAR_E, key.point);
  if (isInfinityPublic(POINT)) return false;
  scalarFromBytesReduced(SCALAR_E, digest);
  scalarSubtract(SCALAR_E, SCALAR_R, SCALAR_E); // x1 = r - e modulo n: that number, or n more if it is below p
  scalarToBytes(BYTES, SCALAR_E);
  return hasX() || (addOrderPublic(BYTES) && hasX());
}

/** Whether r ‖ s signs the message under a user id. */
export function sm2Verify(
  key: Sm2PublicKey,
  id: usize,
  idLength: u32,
  message: usize,
  length: u32,
  signature: usize,
): bool {
  return sm2Digest(DIGEST, key, id, idLength, message, length) && sm2VerifyDigest(key, DIGEST, signature);
}

/** Writes r ‖ s as DER, at most `MAX_DER_SIGNATURE_BYTES`. Returns the length. */
export function sm2SignatureToDer(signature: usize, out: usize): u32 {
  const content = derNumberBytes(signature) + derNumberBytes(signature + 32);
  const end = derPutNumber(derPutNumber(derPutHeader(out, DER_SEQUENCE, content), signature), signature + 32);
  return <u32>(end - out);
}

/**
 * Reads DER into r ‖ s. False unless it is the only encoding of two integers from 0 to 2^256 - 1. The verifier checks
 * their range.
 */
export function sm2SignatureFromDer(der: usize, length: u32, signature: usize): bool {
  derOpen(der, length);
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0 || !derTakeNumber(signature) || !derTakeNumber(signature + 32)) return false;
  return derLeave(outer) && derAtEnd();
}
