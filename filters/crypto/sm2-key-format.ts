// Reads SM2 keys in the formats of other software. Private keys: PKCS#8 (RFC 5208), OneAsymmetricKey (RFC 5958), SEC 1
// (RFC 5915), the bare scalar. Public keys: SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), certificates (signature and dates
// are not checked), the bare point. All others are DER or PEM. Encrypted keys and ambiguous files are refused.
// envoy/standalone/sm2-key.ts accepts the same; test/vectors/keys/sm2.json tests both.
import { MAX_KEY_FILE_BYTES } from '../limits';
import { wipe } from './constant-time';
import {
  DER_CONTEXT_0,
  DER_CONTEXT_1,
  DER_IMPLICIT_1,
  DER_INTEGER,
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  derAtEnd,
  derEnter,
  derLeave,
  derLength,
  derOpen,
  derPeek,
  derSkipRest,
  derTake,
  derTakeBits,
  derTakeSmall,
} from './der';
import { hasPem, pemDecode, pemIs, pemNext, pemOpen } from './pem';
import { COORDINATES_BYTES, Sm2PrivateKey, Sm2PublicKey } from './sm2-key';
import { takeSm2Algorithm, takeSm2Curve } from './sm2-parameters';

const LABEL_PRIVATE: usize = memory.data<u8>([0x50, 0x52, 0x49, 0x56, 0x41, 0x54, 0x45, 0x20, 0x4b, 0x45, 0x59]); // PRIVATE KEY, after EC or SM2 too
const LABEL_PRIVATE_BYTES: u32 = 11;
const LABEL_ENCRYPTED: usize = memory.data<u8>([
  0x45, 0x4e, 0x43, 0x52, 0x59, 0x50, 0x54, 0x45, 0x44, 0x20, 0x50, 0x52, 0x49, 0x56, 0x41, 0x54, 0x45, 0x20, 0x4b,
  0x45, 0x59,
]); // ENCRYPTED PRIVATE KEY
const LABEL_ENCRYPTED_BYTES: u32 = 21;
const LABEL_PUBLIC: usize = memory.data<u8>([0x50, 0x55, 0x42, 0x4c, 0x49, 0x43, 0x20, 0x4b, 0x45, 0x59]); // PUBLIC KEY
const LABEL_PUBLIC_BYTES: u32 = 10;
const LABEL_CERTIFICATE: usize = memory.data<u8>([0x43, 0x45, 0x52, 0x54, 0x49, 0x46, 0x49, 0x43, 0x41, 0x54, 0x45]); // CERTIFICATE
const LABEL_CERTIFICATE_BYTES: u32 = 11;

const SCALAR_BYTES: u32 = 32;
/**
 * Some libraries omit a scalar's leading zeros. One in 2^32 scalars has more than four, so a shorter one was truncated.
 */
const MIN_SCALAR_BYTES: u32 = 28;
const SCALAR: usize = memory.data(32, 16);

/** A scalar of MIN_SCALAR_BYTES to 32 bytes, or of 33 with a leading zero, as Java writes numbers. */
function fromScalar(bytes: usize, length: u32): Sm2PrivateKey | null {
  if (length == SCALAR_BYTES + 1 && load<u8>(bytes) == 0) {
    bytes++;
    length--;
  }
  if (length < MIN_SCALAR_BYTES || length > SCALAR_BYTES) return null;
  memory.fill(SCALAR, 0, SCALAR_BYTES);
  memory.copy(SCALAR + SCALAR_BYTES - length, bytes, length);
  const key = Sm2PrivateKey.fromBytes(SCALAR);
  wipe(SCALAR, SCALAR_BYTES);
  return key;
}

/** Key of a bit string with a point, whose first byte must give its form. */
function takePoint(tag: u32): Sm2PublicKey | null {
  const bits = derTakeBits(tag);
  return bits != 0 && derLength != COORDINATES_BYTES ? Sm2PublicKey.fromBytes(bits, derLength) : null;
}

/** Whether the next element is the public key of `key`. */
function takesPointOf(key: Sm2PrivateKey, tag: u32): bool {
  const point = takePoint(tag);
  return point != null && key.matches(point.coordinates);
}

/**
 * ECPrivateKey, from the reader. The curve may be absent if `curveKnown`. A contained public key must match the scalar.
 */
function takeSec1(curveKnown: bool): Sm2PrivateKey | null {
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0 || !derTakeSmall(1)) return null;
  const scalar = derTake(DER_OCTET_STRING);
  const length = derLength;
  if (scalar == 0) return null;
  if (derPeek() == DER_CONTEXT_0) {
    const inner = derEnter(DER_CONTEXT_0);
    if (inner == 0 || !takeSm2Curve() || !derLeave(inner)) return null;
  } else if (!curveKnown) return null;
  const key = fromScalar(scalar, length);
  if (!key) return null;
  if (takeSec1Point(key) && derLeave(outer)) return key;
  key.wipe();
  return null;
}

/** The optional public key of an ECPrivateKey: absent, or that of `key`. */
function takeSec1Point(key: Sm2PrivateKey): bool {
  if (derPeek() != DER_CONTEXT_1) return true;
  const outer = derEnter(DER_CONTEXT_1);
  return outer != 0 && takesPointOf(key, 0x03) && derLeave(outer);
}

/**
 * PKCS#8 PrivateKeyInfo (version 0) or OneAsymmetricKey (version 1, optionally with a public key). The reader is inside
 * its sequence. Attributes are skipped.
 */
function takePkcs8(): Sm2PrivateKey | null {
  const version = derTake(DER_INTEGER);
  if (version == 0 || derLength != 1 || load<u8>(version) > 1 || !takeSm2Algorithm()) return null;
  const outer = derEnter(DER_OCTET_STRING);
  if (outer == 0) return null;
  const key = takeSec1(true);
  if (!key) return null;
  if (
    derLeave(outer) &&
    (derPeek() != DER_CONTEXT_0 || derTake(DER_CONTEXT_0) != 0) &&
    (derPeek() != DER_IMPLICIT_1 || (load<u8>(version) == 1 && takesPointOf(key, DER_IMPLICIT_1)))
  )
    return key;
  key.wipe();
  return null;
}

/** Whether the sequence at `der` is a PKCS#8 one: its second element is a sequence. */
function isPkcs8(der: usize, length: u32): bool {
  derOpen(der, length);
  return derEnter(DER_SEQUENCE) != 0 && derTake(DER_INTEGER) != 0 && derPeek() == DER_SEQUENCE;
}

/**
 * Private key in PKCS#8 or SEC 1 DER. Null if it is malformed, of another curve, out of range, or does not match its
 * public key.
 */
export function sm2PrivateKeyFromDer(der: usize, length: u32): Sm2PrivateKey | null {
  const pkcs8 = isPkcs8(der, length);
  derOpen(der, length);
  let key: Sm2PrivateKey | null = null;
  if (pkcs8) {
    const outer = derEnter(DER_SEQUENCE);
    key = takePkcs8();
    if (key && derLeave(outer) && derAtEnd()) return key;
  } else {
    key = takeSec1(false);
    if (key && derAtEnd()) return key;
  }
  if (key) key.wipe();
  return null;
}

/** SubjectPublicKeyInfo, from the reader. */
function takeSpki(): Sm2PublicKey | null {
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0 || !takeSm2Algorithm()) return null;
  const key = takePoint(0x03);
  return key && derLeave(outer) ? key : null;
}

/** The public key of an X.509 certificate (RFC 5280, 4.1), from the reader. */
function takeCertificate(): Sm2PublicKey | null {
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0) return null;
  const signed = derEnter(DER_SEQUENCE);
  if (signed == 0 || (derPeek() == DER_CONTEXT_0 && derTake(DER_CONTEXT_0) == 0) || derTake(DER_INTEGER) == 0)
    return null; // version, serial number
  for (let i = 0; i < 4; i++) if (derTake(DER_SEQUENCE) == 0) return null; // signature, issuer, validity, subject
  const key = takeSpki();
  if (!key || !derSkipRest() || !derLeave(signed) || derTake(DER_SEQUENCE) == 0 || derTakeBits() == 0) return null;
  return derLeave(outer) ? key : null;
}

/** Whether the sequence at `der` begins like a SubjectPublicKeyInfo: a sequence with an object identifier. */
function isSpki(der: usize, length: u32): bool {
  derOpen(der, length);
  return derEnter(DER_SEQUENCE) != 0 && derEnter(DER_SEQUENCE) != 0 && derPeek() == DER_OID;
}

/** Public key in SubjectPublicKeyInfo or certificate DER. Null if it is malformed, of another curve, or not on it. */
export function sm2PublicKeyFromDer(der: usize, length: u32): Sm2PublicKey | null {
  const spki = isSpki(der, length);
  derOpen(der, length);
  const key = spki ? takeSpki() : takeCertificate();
  return key && derAtEnd() ? key : null;
}

/**
 * Private key of a PEM text. Null if there is none, more than one, an encrypted one, or as for `sm2PrivateKeyFromDer`.
 */
export function sm2PrivateKeyFromPem(text: usize, length: u32): Sm2PrivateKey | null {
  if (length == 0 || length > MAX_KEY_FILE_BYTES) return null;
  const der = heap.alloc(length);
  let bytes: i32 = 0;
  pemOpen(text, length);
  while (pemNext()) {
    if (!pemIs(LABEL_PRIVATE, LABEL_PRIVATE_BYTES)) continue;
    bytes = bytes != 0 || pemIs(LABEL_ENCRYPTED, LABEL_ENCRYPTED_BYTES) ? -1 : pemDecode(der);
  }
  const key: Sm2PrivateKey | null = bytes <= 0 ? null : sm2PrivateKeyFromDer(der, bytes);
  wipe(der, length);
  heap.free(der);
  return key;
}

/**
 * Public key of a PEM text, or of its first certificate. Null if there is neither, more than one, a private key, or as
 * for `sm2PublicKeyFromDer`.
 */
export function sm2PublicKeyFromPem(text: usize, length: u32): Sm2PublicKey | null {
  if (length == 0 || length > MAX_KEY_FILE_BYTES) return null;
  const der = heap.alloc(length);
  const key = publicFromBlocks(text, length, der);
  wipe(der, length);
  heap.free(der);
  return key;
}

function publicFromBlocks(text: usize, length: u32, der: usize): Sm2PublicKey | null {
  let bytes: i32 = 0;
  let isNamed = false; // by a bare public key
  pemOpen(text, length);
  while (pemNext()) {
    if (pemIs(LABEL_PRIVATE, LABEL_PRIVATE_BYTES)) return null;
    if (pemIs(LABEL_PUBLIC, LABEL_PUBLIC_BYTES)) {
      if (isNamed) return null;
      isNamed = true;
      bytes = pemDecode(der);
    } else if (bytes == 0 && pemIs(LABEL_CERTIFICATE, LABEL_CERTIFICATE_BYTES)) bytes = pemDecode(der);
  }
  return bytes <= 0 ? null : sm2PublicKeyFromDer(der, bytes);
}

/**
 * Whether `der` is exactly one sequence. It is then not searched for PEM, which would branch on each byte of the key.
 */
function isSequence(der: usize, length: u32): bool {
  derOpen(der, length);
  return derTake(DER_SEQUENCE) != 0 && derAtEnd();
}

/**
 * Private key in PEM, DER or as the bare scalar. Null as for `sm2PrivateKeyFromPem`. No DER is as short as a scalar.
 */
export function sm2PrivateKeyFrom(bytes: usize, length: u32): Sm2PrivateKey | null {
  if (length <= SCALAR_BYTES + 1) return fromScalar(bytes, length);
  return isSequence(bytes, length) ? sm2PrivateKeyFromDer(bytes, length) : sm2PrivateKeyFromPem(bytes, length);
}

/**
 * Public key in PEM, DER or as the bare point: 0x04 ‖ x ‖ y, x ‖ y, or 0x02 or 0x03 ‖ x. Null as for
 * `sm2PublicKeyFromPem`.
 */
export function sm2PublicKeyFrom(bytes: usize, length: u32): Sm2PublicKey | null {
  if (isSequence(bytes, length)) return sm2PublicKeyFromDer(bytes, length);
  return hasPem(bytes, length) ? sm2PublicKeyFromPem(bytes, length) : Sm2PublicKey.fromBytes(bytes, length);
}

/** Length of `sm2PublicKeyToDer`'s output, bytes. */
export const SPKI_BYTES: u32 = 91;
const SPKI_HEAD: usize = memory.data<u8>([
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf,
  0x55, 0x01, 0x82, 0x2d, 0x03, 0x42, 0x00,
]);
const SPKI_HEAD_BYTES: u32 = 26;

/** Writes SubjectPublicKeyInfo DER with the uncompressed point, `SPKI_BYTES`. */
export function sm2PublicKeyToDer(key: Sm2PublicKey, out: usize): void {
  memory.copy(out, SPKI_HEAD, SPKI_HEAD_BYTES);
  key.writeUncompressed(out + SPKI_HEAD_BYTES);
}

/** Length of `sm2PrivateKeyToDer`'s output, bytes. */
export const PKCS8_BYTES: u32 = 138;
const PKCS8_HEAD: usize = memory.data<u8>([
  0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
  0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
]);
const PKCS8_HEAD_BYTES: u32 = 36;
const PKCS8_MIDDLE: usize = memory.data<u8>([0xa1, 0x44, 0x03, 0x42, 0x00]);
const PKCS8_MIDDLE_BYTES: u32 = 5;

/** Writes PKCS#8 DER including the public key, `PKCS8_BYTES`. The caller wipes it. */
export function sm2PrivateKeyToDer(key: Sm2PrivateKey, out: usize): void {
  memory.copy(out, PKCS8_HEAD, PKCS8_HEAD_BYTES);
  key.writeBytes(out + PKCS8_HEAD_BYTES);
  memory.copy(out + PKCS8_HEAD_BYTES + 32, PKCS8_MIDDLE, PKCS8_MIDDLE_BYTES);
  key.publicKey.writeUncompressed(out + PKCS8_HEAD_BYTES + 32 + PKCS8_MIDDLE_BYTES);
}
