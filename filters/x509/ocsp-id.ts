// OCSP's name for a certificate (RFC 6960, 4.1.1): digests of its issuer's name and key, and its serial number. Peers
// write SHA-1 (the most), SHA-256 or SM3; an answer is matched by the digest that it uses itself.
import {
  DER_INTEGER,
  DER_NULL,
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  derEnter,
  derHeaderBytes,
  derLeave,
  derLength,
  derPeek,
  derPutHeader,
  derTake,
} from '../crypto/der';
import { sha1, SHA1_BYTES } from '../crypto/sha1';
import { Sha256 } from '../crypto/sha256';
import { Sm3 } from '../crypto/sm3';
import { Certificate } from './certificate';

/** Digest of a certificate's name in OCSP. */
export const enum IdDigest {
  Sha1 = 0,
  Sha256 = 1,
  Sm3 = 2,
}

const OID_SHA1: usize = memory.data<u8>([0x2b, 0x0e, 0x03, 0x02, 0x1a]); // 1.3.14.3.2.26
const OID_SHA256: usize = memory.data<u8>([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01]); // 2.16.840.1.101.3.4.2.1
const OID_SM3: usize = memory.data<u8>([0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x11]); // 1.2.156.10197.1.401
const NO_DIGEST: i32 = -1;

const NAME: usize = memory.data(32, 16);
const KEY: usize = memory.data(32, 16);
const sha256: Sha256 = new Sha256();
const sm3: Sm3 = new Sm3();

function oidOf(digest: IdDigest): usize {
  return digest == IdDigest.Sha1 ? OID_SHA1 : digest == IdDigest.Sha256 ? OID_SHA256 : OID_SM3;
}

function oidBytes(digest: IdDigest): u32 {
  return digest == IdDigest.Sha1 ? 5 : digest == IdDigest.Sha256 ? 9 : 8;
}

function digestBytes(digest: IdDigest): u32 {
  return digest == IdDigest.Sha1 ? SHA1_BYTES : 32;
}

function hash(digest: IdDigest, data: usize, length: u32, out: usize): void {
  if (digest == IdDigest.Sha1) sha1(data, length, out);
  else if (digest == IdDigest.Sha256) sha256.hash(data, length, out);
  else sm3.hash(data, length, out);
}

/** Fills NAME and KEY. The name is digested with its header, which stands before it in the certificate. */
function hashIssuer(digest: IdDigest, certificate: Certificate, issuer: Certificate): void {
  const header = derHeaderBytes(certificate.issuerLength);
  hash(digest, certificate.issuer - header, header + certificate.issuerLength, NAME);
  hash(digest, issuer.keyBits, issuer.keyBitsLength, KEY);
}

/** Bytes that `putId` writes. */
export function idBytes(digest: IdDigest, certificate: Certificate): u32 {
  const content = idContentBytes(digest, certificate);
  return derHeaderBytes(content) + content;
}

function idContentBytes(digest: IdDigest, certificate: Certificate): u32 {
  // Algorithm with NULL, two digests, the number: each below 128 bytes.
  return 2 + (2 + oidBytes(digest) + 2) + 2 * (2 + digestBytes(digest)) + 2 + certificate.serialLength;
}

/** Writes a CertID. The address after it. */
export function putId(out: usize, digest: IdDigest, certificate: Certificate, issuer: Certificate): usize {
  hashIssuer(digest, certificate, issuer);
  const size = digestBytes(digest);
  const oidSize = oidBytes(digest);
  let at = derPutHeader(out, DER_SEQUENCE, idContentBytes(digest, certificate));
  at = derPutHeader(at, DER_SEQUENCE, 2 + oidSize + 2);
  at = derPutHeader(at, DER_OID, oidSize);
  memory.copy(at, oidOf(digest), oidSize);
  at = derPutHeader(at + oidSize, DER_NULL, 0);
  at = derPutHeader(at, DER_OCTET_STRING, size);
  memory.copy(at, NAME, size);
  at = derPutHeader(at + size, DER_OCTET_STRING, size);
  memory.copy(at, KEY, size);
  at = derPutHeader(at + size, DER_INTEGER, certificate.serialLength);
  memory.copy(at, certificate.serial, certificate.serialLength);
  return at + certificate.serialLength;
}

/** Reads a CertID: 1 if it names the certificate, 0 if another, -1 if it is malformed. */
export function takeId(certificate: Certificate, issuer: Certificate): i32 {
  const outer = derEnter(DER_SEQUENCE);
  const algorithm = outer == 0 ? <usize>0 : derEnter(DER_SEQUENCE);
  const oid = algorithm == 0 ? <usize>0 : derTake(DER_OID);
  if (oid == 0) return -1;
  let digest = NO_DIGEST;
  for (let i = 0; i < 3; i++) if (derLength == oidBytes(i) && memory.compare(oid, oidOf(i), derLength) == 0) digest = i;
  if (derPeek() == DER_NULL && (derTake(DER_NULL) == 0 || derLength != 0)) return -1;
  if (!derLeave(algorithm)) return -1;
  const name = derTake(DER_OCTET_STRING);
  const nameLength = derLength;
  const key = name == 0 ? <usize>0 : derTake(DER_OCTET_STRING);
  const keyLength = derLength;
  const serial = key == 0 ? <usize>0 : derTake(DER_INTEGER);
  const serialLength = derLength;
  if (serial == 0 || !derLeave(outer)) return -1;
  if (digest == NO_DIGEST) return 0;
  const size = digestBytes(digest);
  if (nameLength != size || keyLength != size || serialLength != certificate.serialLength) return 0;
  hashIssuer(digest, certificate, issuer);
  return i32(
    memory.compare(name, NAME, size) == 0 &&
      memory.compare(key, KEY, size) == 0 &&
      memory.compare(serial, certificate.serial, serialLength) == 0,
  );
}
