// SM2 keys from files: private keys as PKCS#8 (RFC 5208) or SEC 1 (RFC 5915), public keys as SubjectPublicKeyInfo (RFC 5280, 4.1.2.7),
// each as DER or PEM. The curve must be named (1.2.156.10197.1.301); encrypted keys are refused.
import { MAX_KEY_FILE_BYTES } from '../limits';
import { wipe } from './constant-time';
import {
  DER_CONTEXT_0, DER_CONTEXT_1, DER_INTEGER, DER_OCTET_STRING, DER_SEQUENCE, derAtEnd, derEnter, derLeave, derLength, derOpen, derPeek, derTake,
  derTakeBits, derTakeOid, derTakeSmall,
} from './der';
import { decodePem } from './pem';
import { COORDINATES_BYTES, Sm2PrivateKey, Sm2PublicKey } from './sm2-key';

/** 1.2.840.10045.2.1, ecPublicKey. */
const OID_EC: usize = memory.data<u8>([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]);
const OID_EC_BYTES: u32 = 7;
/** 1.2.156.10197.1.301, the SM2 curve. */
const OID_SM2: usize = memory.data<u8>([0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d]);
const OID_SM2_BYTES: u32 = 8;

const LABEL_PKCS8: usize = memory.data<u8>([0x50, 0x52, 0x49, 0x56, 0x41, 0x54, 0x45, 0x20, 0x4b, 0x45, 0x59]); // PRIVATE KEY
const LABEL_PKCS8_BYTES: u32 = 11;
const LABEL_SEC1: usize = memory.data<u8>([0x45, 0x43, 0x20, 0x50, 0x52, 0x49, 0x56, 0x41, 0x54, 0x45, 0x20, 0x4b, 0x45, 0x59]); // EC PRIVATE KEY
const LABEL_SEC1_BYTES: u32 = 14;
const LABEL_SM2: usize = memory.data<u8>([0x53, 0x4d, 0x32, 0x20, 0x50, 0x52, 0x49, 0x56, 0x41, 0x54, 0x45, 0x20, 0x4b, 0x45, 0x59]); // SM2 PRIVATE KEY
const LABEL_SM2_BYTES: u32 = 15;
const LABEL_SPKI: usize = memory.data<u8>([0x50, 0x55, 0x42, 0x4c, 0x49, 0x43, 0x20, 0x4b, 0x45, 0x59]); // PUBLIC KEY
const LABEL_SPKI_BYTES: u32 = 10;

/** AlgorithmIdentifier of an SM2 key, from the reader. */
function takeAlgorithm(): bool {
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0 || !derTakeOid(OID_EC, OID_EC_BYTES) || !derTakeOid(OID_SM2, OID_SM2_BYTES)) return false;
  return derLeave(outer);
}

/** Key of a bit string that holds a point, whose first byte must say its form. */
function takePoint(): Sm2PublicKey | null {
  const bits = derTakeBits();
  return bits != 0 && derLength != COORDINATES_BYTES ? Sm2PublicKey.fromBytes(bits, derLength) : null;
}

/** ECPrivateKey, from the reader: the curve may be left out where `curveKnown`; a public key in it must be that of the scalar. */
function takeSec1(curveKnown: bool): Sm2PrivateKey | null {
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0 || !derTakeSmall(1)) return null;
  const scalar = derTake(DER_OCTET_STRING);
  if (scalar == 0 || derLength != 32) return null;
  if (derPeek() == DER_CONTEXT_0) {
    const inner = derEnter(DER_CONTEXT_0);
    if (inner == 0 || !derTakeOid(OID_SM2, OID_SM2_BYTES) || !derLeave(inner)) return null;
  } else if (!curveKnown) return null;
  const key = Sm2PrivateKey.fromBytes(scalar);
  if (!key) return null;
  if (takeSec1Point(key) && derLeave(outer)) return key;
  key.wipe();
  return null;
}

/** The optional public key of an ECPrivateKey: absent, or that of `key`. */
function takeSec1Point(key: Sm2PrivateKey): bool {
  if (derPeek() != DER_CONTEXT_1) return true;
  const outer = derEnter(DER_CONTEXT_1);
  if (outer == 0) return false;
  const point = takePoint();
  return point != null && key.matches(point.coordinates) && derLeave(outer);
}

/** PKCS#8 PrivateKeyInfo, whose sequence was entered and whose next element is the version; attributes are passed over. */
function takePkcs8(): Sm2PrivateKey | null {
  if (!derTakeSmall(0) || !takeAlgorithm()) return null;
  const outer = derEnter(DER_OCTET_STRING);
  if (outer == 0) return null;
  const key = takeSec1(true);
  if (!key) return null;
  const complete = derLeave(outer);
  if (complete && (derPeek() != DER_CONTEXT_0 || derTake(DER_CONTEXT_0) != 0)) return key;
  key.wipe();
  return null;
}

/** Whether the sequence at `der` is a PKCS#8 one: its second element is a sequence. */
function isPkcs8(der: usize, length: u32): bool {
  derOpen(der, length);
  return derEnter(DER_SEQUENCE) != 0 && derTake(DER_INTEGER) != 0 && derPeek() == DER_SEQUENCE;
}

/** A private key of PKCS#8 or SEC 1 DER. Null if it is malformed, of another curve, out of range, or its public key is of another. */
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

/** A public key of SubjectPublicKeyInfo DER. Null if it is malformed, of another curve, or not on it. */
export function sm2PublicKeyFromDer(der: usize, length: u32): Sm2PublicKey | null {
  derOpen(der, length);
  const outer = derEnter(DER_SEQUENCE);
  if (outer == 0 || !takeAlgorithm()) return null;
  const key = takePoint();
  return key && derLeave(outer) && derAtEnd() ? key : null;
}

/**
 * The first private key of a PEM text, PKCS#8 before SEC 1 (label `EC PRIVATE KEY`, or `SM2 PRIVATE KEY` as `openssl ec` writes). Null if there
 * is none, or as `sm2PrivateKeyFromDer`.
 */
export function sm2PrivateKeyFromPem(text: usize, length: u32): Sm2PrivateKey | null {
  if (length == 0 || length > MAX_KEY_FILE_BYTES) return null;
  const der = heap.alloc(length);
  let bytes = decodePem(text, length, LABEL_PKCS8, LABEL_PKCS8_BYTES, der);
  if (bytes < 0) bytes = decodePem(text, length, LABEL_SEC1, LABEL_SEC1_BYTES, der);
  if (bytes < 0) bytes = decodePem(text, length, LABEL_SM2, LABEL_SM2_BYTES, der);
  const key: Sm2PrivateKey | null = bytes < 0 ? null : sm2PrivateKeyFromDer(der, bytes);
  wipe(der, length);
  heap.free(der);
  return key;
}

/** The first public key of a PEM text. Null if there is none, or as `sm2PublicKeyFromDer`. */
export function sm2PublicKeyFromPem(text: usize, length: u32): Sm2PublicKey | null {
  if (length == 0 || length > MAX_KEY_FILE_BYTES) return null;
  const der = heap.alloc(length);
  const bytes = decodePem(text, length, LABEL_SPKI, LABEL_SPKI_BYTES, der);
  const key: Sm2PublicKey | null = bytes < 0 ? null : sm2PublicKeyFromDer(der, bytes);
  heap.free(der);
  return key;
}

/** Bytes of `sm2PublicKeyToDer`. */
export const SPKI_BYTES: u32 = 91;
const SPKI_HEAD: usize = memory.data<u8>([
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d,
  0x03, 0x42, 0x00,
]);
const SPKI_HEAD_BYTES: u32 = 26;

/** Writes SubjectPublicKeyInfo DER with the uncompressed point, `SPKI_BYTES`. */
export function sm2PublicKeyToDer(key: Sm2PublicKey, out: usize): void {
  memory.copy(out, SPKI_HEAD, SPKI_HEAD_BYTES);
  key.writeUncompressed(out + SPKI_HEAD_BYTES);
}

/** Bytes of `sm2PrivateKeyToDer`. */
export const PKCS8_BYTES: u32 = 138;
const PKCS8_HEAD: usize = memory.data<u8>([
  0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf,
  0x55, 0x01, 0x82, 0x2d, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20,
]);
const PKCS8_HEAD_BYTES: u32 = 36;
const PKCS8_MIDDLE: usize = memory.data<u8>([0xa1, 0x44, 0x03, 0x42, 0x00]);
const PKCS8_MIDDLE_BYTES: u32 = 5;

/** Writes PKCS#8 DER with the public key in it, `PKCS8_BYTES`. The caller wipes it. */
export function sm2PrivateKeyToDer(key: Sm2PrivateKey, out: usize): void {
  memory.copy(out, PKCS8_HEAD, PKCS8_HEAD_BYTES);
  key.writeBytes(out + PKCS8_HEAD_BYTES);
  memory.copy(out + PKCS8_HEAD_BYTES + 32, PKCS8_MIDDLE, PKCS8_MIDDLE_BYTES);
  key.publicKey.writeUncompressed(out + PKCS8_HEAD_BYTES + 32 + PKCS8_MIDDLE_BYTES);
}
