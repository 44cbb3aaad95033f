// SM2 behind functions on addresses and handles, for the tests and the bench on Node. A handle is 1 + the index of a
// key; 0 is no key.
import '../../filters/runtime/abort';
import { Sm2PrivateKey, Sm2PublicKey } from '../../filters/crypto/sm2-key';
import * as format from '../../filters/crypto/sm2-key-format';
import * as signature from '../../filters/crypto/sm2-signature';
import * as encryption from '../../filters/crypto/sm2-encryption';
import { sm2Agree } from '../../filters/crypto/sm2-exchange';
import * as digest from '../../filters/crypto/sm2-digest';
import {
  scalarFromBytes,
  scalarInvertToMontgomery,
  scalarMultiplyMontgomery,
  scalarToBytes,
} from '../../filters/crypto/sm2-scalar';
import {
  fieldFromBytes,
  fieldInvert,
  fieldMultiply,
  fieldSquareRoot,
  fieldToBytes,
} from '../../filters/crypto/sm2-field';
import {
  multiplyGenerator,
  multiplyPoint,
  multiplySumPrepared,
  multiplySumPublic,
} from '../../filters/crypto/sm2-multiply';
import { isInfinityPublic, pointToAffine, pointToCoordinates } from '../../filters/crypto/sm2-point';

export { sm2SelfTest } from '../../filters/crypto/sm2-self-test';
export { randomBytes } from '../../filters/crypto/random';

let privateKeys: Sm2PrivateKey[] = [];
let publicKeys: Sm2PublicKey[] = [];

/** A block of memory that the test fills and reads. */
export function allocate(bytes: u32): usize {
  return heap.alloc(bytes);
}
/** Forgets all keys. */
export function forget(): void {
  privateKeys = [];
  publicKeys = [];
}

function keepPrivate(key: Sm2PrivateKey | null): u32 {
  return key ? privateKeys.push(key) : 0;
}
function keepPublic(key: Sm2PublicKey | null): u32 {
  return key ? publicKeys.push(key) : 0;
}

export function generate(): u32 {
  return keepPrivate(Sm2PrivateKey.generate());
}
export function privateFromBytes(bytes: usize): u32 {
  return keepPrivate(Sm2PrivateKey.fromBytes(bytes));
}
export function privateFromDer(der: usize, length: u32): u32 {
  return keepPrivate(format.sm2PrivateKeyFromDer(der, length));
}
export function privateFromPem(text: usize, length: u32): u32 {
  return keepPrivate(format.sm2PrivateKeyFromPem(text, length));
}
export function privateToBytes(key: u32, out: usize): void {
  privateKeys[key - 1].writeBytes(out);
}
export function privateToDer(key: u32, out: usize): void {
  format.sm2PrivateKeyToDer(privateKeys[key - 1], out);
}
export function privateSecret(key: u32): usize {
  return privateKeys[key - 1].scalar;
}
export function wipePrivate(key: u32): void {
  privateKeys[key - 1].wipe();
}
export function publicOf(key: u32): u32 {
  return keepPublic(privateKeys[key - 1].publicKey);
}
export function publicFromBytes(bytes: usize, length: u32): u32 {
  return keepPublic(Sm2PublicKey.fromBytes(bytes, length));
}
export function publicFromDer(der: usize, length: u32): u32 {
  return keepPublic(format.sm2PublicKeyFromDer(der, length));
}
export function publicFromPem(text: usize, length: u32): u32 {
  return keepPublic(format.sm2PublicKeyFromPem(text, length));
}
export function publicToDer(key: u32, out: usize): void {
  format.sm2PublicKeyToDer(publicKeys[key - 1], out);
}
export function publicUncompressed(key: u32, out: usize): void {
  publicKeys[key - 1].writeUncompressed(out);
}
export function publicCompressed(key: u32, out: usize): void {
  publicKeys[key - 1].writeCompressed(out);
}

export function identity(out: usize, key: u32, id: usize, idLength: u32): bool {
  return digest.sm2Identity(out, publicKeys[key - 1], id, idLength);
}
export function digestOf(out: usize, key: u32, id: usize, idLength: u32, message: usize, length: u32): bool {
  return digest.sm2Digest(out, publicKeys[key - 1], id, idLength, message, length);
}
export function sign(key: u32, id: usize, idLength: u32, message: usize, length: u32, out: usize): bool {
  return signature.sm2Sign(privateKeys[key - 1], id, idLength, message, length, out);
}
export function signDigest(key: u32, hash: usize, out: usize): bool {
  return signature.sm2SignDigest(privateKeys[key - 1], hash, out);
}

const NONCE: usize = memory.data(32, 16);

/** `nonce`: 32 big-endian bytes; false also if it is out of range. */
export function signWithNonce(key: u32, hash: usize, nonce: usize, out: usize): bool {
  const done = scalarFromBytes(NONCE, nonce) != 0 && signature.sm2SignWithNonce(privateKeys[key - 1], hash, NONCE, out);
  memory.fill(NONCE, 0, 32);
  return done;
}
export function verify(key: u32, id: usize, idLength: u32, message: usize, length: u32, rs: usize): bool {
  return signature.sm2Verify(publicKeys[key - 1], id, idLength, message, length, rs);
}
export function verifyDigest(key: u32, hash: usize, rs: usize): bool {
  return signature.sm2VerifyDigest(publicKeys[key - 1], hash, rs);
}
export function signatureToDer(rs: usize, out: usize): u32 {
  return signature.sm2SignatureToDer(rs, out);
}
export function signatureFromDer(der: usize, length: u32, rs: usize): bool {
  return signature.sm2SignatureFromDer(der, length, rs);
}

export function ciphertextBound(layout: i32, length: u32): u32 {
  return encryption.sm2CiphertextBound(layout, length);
}
export function encrypt(key: u32, layout: i32, input: usize, length: u32, out: usize): u32 {
  return encryption.sm2Encrypt(publicKeys[key - 1], layout, input, length, out);
}
export function encryptWithNonce(key: u32, layout: i32, nonce: usize, input: usize, length: u32, out: usize): u32 {
  if (scalarFromBytes(NONCE, nonce) == 0) return 0;
  const written = encryption.sm2EncryptWithNonce(publicKeys[key - 1], layout, NONCE, input, length, out);
  memory.fill(NONCE, 0, 32);
  return written;
}
export function decrypt(key: u32, layout: i32, input: usize, length: u32, out: usize): i32 {
  return encryption.sm2Decrypt(privateKeys[key - 1], layout, input, length, out);
}

/** Identities at `identities`: own Z, then the peer's. */
export function agree(
  isInitiator: bool,
  own: u32,
  ephemeral: u32,
  peer: u32,
  peerEphemeral: u32,
  identities: usize,
  out: usize,
  length: u32,
  confirmations: usize,
): bool {
  return sm2Agree(
    isInitiator,
    privateKeys[own - 1],
    privateKeys[ephemeral - 1],
    publicKeys[peer - 1],
    publicKeys[peerEphemeral - 1],
    identities,
    identities + 32,
    out,
    length,
    confirmations,
  );
}

// The layers below, on numbers of 32 big-endian bytes.

const X: usize = memory.data(80, 16);
const W: usize = memory.data(80, 16);
const POINT: usize = memory.data(240, 16);
const SCALAR: usize = memory.data(32, 16);
const OTHER: usize = memory.data(32, 16);

export function fieldProduct(a: usize, b: usize, out: usize): void {
  fieldFromBytes(X, a);
  fieldFromBytes(W, b);
  fieldMultiply(X, X, W);
  fieldToBytes(out, X);
}
export function fieldInverse(a: usize, out: usize): void {
  fieldFromBytes(X, a);
  fieldInvert(X, X);
  fieldToBytes(out, X);
}
export function fieldRoot(a: usize, out: usize): void {
  fieldFromBytes(X, a);
  fieldSquareRoot(W, X);
  fieldToBytes(out, W);
}
/** out = b / a modulo n; false if a or b is not in [1, n - 1]. */
export function scalarQuotient(a: usize, b: usize, out: usize): bool {
  if (scalarFromBytes(SCALAR, a) == 0 || scalarFromBytes(OTHER, b) == 0) return false;
  scalarInvertToMontgomery(SCALAR, SCALAR);
  scalarMultiplyMontgomery(SCALAR, SCALAR, OTHER);
  scalarToBytes(out, SCALAR);
  return true;
}

function writePoint(out: usize): bool {
  if (isInfinityPublic(POINT)) return false;
  pointToAffine(POINT, POINT);
  pointToCoordinates(out, POINT);
  return true;
}
/** out = k G, 64 bytes; k in [1, n - 1]. */
export function generatorTimes(k: usize, out: usize): bool {
  scalarFromBytes(SCALAR, k);
  multiplyGenerator(POINT, SCALAR);
  return writePoint(out);
}
/** out = k Q. */
export function pointTimes(k: usize, key: u32, out: usize): bool {
  scalarFromBytes(SCALAR, k);
  multiplyPoint(POINT, SCALAR, publicKeys[key - 1].point);
  return writePoint(out);
}
/** out = s G + t Q by the table of a key in regular use; false at infinity. */
export function preparedSumOf(s: usize, t: usize, key: u32, out: usize): bool {
  scalarFromBytes(SCALAR, s);
  scalarFromBytes(OTHER, t);
  const point = publicKeys[key - 1];
  point.multiples();
  multiplySumPrepared(POINT, SCALAR, OTHER, point.multiples());
  return writePoint(out);
}
/** out = s G + t Q; false at infinity. */
export function sumOf(s: usize, t: usize, key: u32, out: usize): bool {
  scalarFromBytes(SCALAR, s);
  scalarFromBytes(OTHER, t);
  multiplySumPublic(POINT, SCALAR, OTHER, publicKeys[key - 1].point);
  return writePoint(out);
}
