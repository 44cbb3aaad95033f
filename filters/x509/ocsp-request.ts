// A question to an OCSP responder (RFC 6960, 4.1): one certificate, and a nonce (RFC 8954).
import {
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  derAtEnd,
  derEnter,
  derHeaderBytes,
  derLeave,
  derLength,
  derOpen,
  derPutHeader,
  derTake,
} from '../crypto/der';
import { Certificate } from './certificate';
import { IdDigest, idBytes, putId } from './ocsp-id';

/** Bytes of the nonce of a question. */
export const NONCE_BYTES: u32 = 32;
/** [2], constructed: extensions of a request. */
const DER_CONTEXT_2: u32 = 0xa2;
/** [6], primitive: a URI among general names. */
const DER_URI: u32 = 0x86;
/** 1.3.6.1.5.5.7.48.1.2, the nonce. */
export const OID_NONCE: usize = memory.data<u8>([0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02]);
export const OID_NONCE_BYTES: u32 = 9;
/** Its first eight bytes, the responder's access method, are the OID without the last. */
const OID_OCSP_BYTES: u32 = 8;

/** One extension: nonce as octet string within its octet string. */
const NONCE_EXTENSION_BYTES: u32 = 2 + OID_NONCE_BYTES + 2 + 2 + NONCE_BYTES;
const EXTENSIONS_BYTES: u32 = 2 + 2 + 2 + NONCE_EXTENSION_BYTES;

/** Room that `writeRequest` needs. */
export function requestBytes(digest: IdDigest, certificate: Certificate): u32 {
  const inner = listBytes(digest, certificate) + EXTENSIONS_BYTES;
  const signed = derHeaderBytes(inner) + inner;
  return derHeaderBytes(signed) + signed;
}

/** Request list: a sequence of one sequence of an id. */
function listBytes(digest: IdDigest, certificate: Certificate): u32 {
  const id = idBytes(digest, certificate);
  const one = derHeaderBytes(id) + id;
  return derHeaderBytes(one) + one;
}

/** Writes the question, `requestBytes` long. `nonce`: NONCE_BYTES. */
export function writeRequest(
  out: usize,
  digest: IdDigest,
  certificate: Certificate,
  issuer: Certificate,
  nonce: usize,
): void {
  const id = idBytes(digest, certificate);
  const one = derHeaderBytes(id) + id;
  const inner = listBytes(digest, certificate) + EXTENSIONS_BYTES;
  let at = derPutHeader(out, DER_SEQUENCE, derHeaderBytes(inner) + inner);
  at = derPutHeader(at, DER_SEQUENCE, inner);
  at = derPutHeader(at, DER_SEQUENCE, one);
  at = derPutHeader(at, DER_SEQUENCE, id);
  at = putId(at, digest, certificate, issuer);
  at = derPutHeader(at, DER_CONTEXT_2, EXTENSIONS_BYTES - 2);
  at = derPutHeader(at, DER_SEQUENCE, EXTENSIONS_BYTES - 4);
  at = derPutHeader(at, DER_SEQUENCE, NONCE_EXTENSION_BYTES);
  at = derPutHeader(at, DER_OID, OID_NONCE_BYTES);
  memory.copy(at, OID_NONCE, OID_NONCE_BYTES);
  at = derPutHeader(at + OID_NONCE_BYTES, DER_OCTET_STRING, 2 + NONCE_BYTES);
  at = derPutHeader(at, DER_OCTET_STRING, NONCE_BYTES);
  memory.copy(at, nonce, NONCE_BYTES);
}

/** Length of what `responderOf` found. */
export let responderLength: u32 = 0;

/** Text of the responder's URI that a certificate names (authorityInfoAccess); 0: it names none. */
export function responderOf(certificate: Certificate): usize {
  const extensions = certificate.extensions;
  if (extensions.authorityInfo == 0) return 0;
  derOpen(extensions.authorityInfo, extensions.authorityInfoLength);
  const outer = derEnter(DER_SEQUENCE);
  while (outer != 0 && !derAtEnd()) {
    const access = derEnter(DER_SEQUENCE);
    const method = access == 0 ? <usize>0 : derTake(DER_OID);
    if (method == 0) return 0;
    const isOcsp = derLength == OID_OCSP_BYTES && memory.compare(method, OID_NONCE, OID_OCSP_BYTES) == 0;
    const place = derTake(DER_URI);
    if (isOcsp && place != 0) {
      responderLength = derLength;
      return place;
    }
    if (place == 0 || !derLeave(access)) return 0;
  }
  return 0;
}
