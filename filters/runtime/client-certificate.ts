// The client whose certificate was verified when the connection of the current request was made: for stages, in
// both directions. National TLS sets filter state of the connection, which no message and no extraction can set, since
// their names have no dot; of another TLS the proxy says it itself.
import { Bytes } from '../memory/bytes';
import { readProperty, resultLength, resultPointer } from './host';

/** Filter state of a connection over national TLS, `wasm.` before it. */
export const CLIENT_SUBJECT: Bytes = Bytes.from('fim.client.subject');
export const CLIENT_FINGERPRINT: Bytes = Bytes.from('fim.client.fingerprint');
const MTLS: Bytes = Bytes.from('connection\0mtls');
const PEER_SUBJECT: Bytes = Bytes.from('connection\0subject_peer_certificate');
const PEER_DIGEST: Bytes = Bytes.from('connection\0sha256_peer_certificate_digest');

/**
 * The certificate's fingerprint in hex, at `resultPointer` / `resultLength` of host.ts: SM3 over national TLS, SHA-256
 * over another TLS. False: the client showed none.
 */
export function readClientFingerprint(): bool {
  return readFact(CLIENT_FINGERPRINT, PEER_DIGEST);
}

/**
 * The certificate's subject, at the same place: over national TLS in the certificate's order (`C=CN,O=Bank,CN=teller`),
 * over another TLS as RFC 2253 has it, the last part first. False: the client showed none, or it is empty.
 */
export function readClientSubject(): bool {
  return readFact(CLIENT_SUBJECT, PEER_SUBJECT);
}

function readFact(national: Bytes, other: Bytes): bool {
  if (readProperty(national.pointer, national.length)) return resultLength() > 0;
  // The proxy asks for certificates only where it verifies them.
  if (!readProperty(MTLS.pointer, MTLS.length) || resultLength() != 1 || load<u8>(resultPointer()) == 0) return false;
  return readProperty(other.pointer, other.length) && resultLength() > 0;
}
