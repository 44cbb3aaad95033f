// The messages with certificates in them (GB/T 38636-2020, 6.4.5.4 and 6.4.5.6), and signatures with SM2.
import { DEFAULT_ID, DEFAULT_ID_BYTES, sm2Digest } from '../crypto/sm2-digest';
import { DER_SEQUENCE, derHeaderBytes, derPutHeader } from '../crypto/der';
import { Sm2PrivateKey, Sm2PublicKey } from '../crypto/sm2-key';
import {
  MAX_DER_SIGNATURE_BYTES,
  sm2SignatureFromDer,
  sm2SignatureToDer,
  sm2VerifyDigest,
} from '../crypto/sm2-signature';
import { Certificate } from '../x509/certificate';
import { Chain } from '../x509/chain';
import { CertificateFault } from '../x509/fault';
import { Chance } from './chance';
import { Cursor } from './cursor';
import { draft16, draft24, draft8, draftBegin, draftBytes, draftClose, draftOpen } from './draft';
import { ECDSA_SIGN, Message, RSA_SIGN } from './protocol';

const DIGEST: usize = memory.data(32, 16);
const RAW: usize = memory.data(64, 16);
const DER: usize = memory.data(72, 16);
const HEADER: usize = memory.data(8, 8);

/**
 * Writes a Certificate message: the pair, or its certificate for signatures alone, then authorities as far as they are
 * there and wanted. Null: none.
 */
export function draftCertificates(chain: Chain | null, signOnly: bool, authorities: bool): void {
  draftBegin(Message.Certificate);
  const ordered: Array<Certificate> = chain ? chain.inOrder(signOnly, authorities) : [];
  let total: u32 = 0;
  for (let i = 0; i < ordered.length; i++) total += 3 + ordered[i].length;
  draft24(total);
  for (let i = 0; i < ordered.length; i++) {
    draft24(ordered[i].length);
    draftBytes(ordered[i].der, ordered[i].length);
  }
}

/** Why `readCertificates` answered null; None: the message itself is malformed. */
export let listFault: CertificateFault = CertificateFault.None;

/** The certificates of a message, perhaps none; null: see `listFault`. */
export function readCertificates(body: usize, length: u32): Chain | null {
  const cursor = new Cursor();
  const chain = new Chain();
  cursor.open(body, length);
  listFault = CertificateFault.None;
  if (cursor.u24() != cursor.left) return null;
  while (cursor.isGood && cursor.left > 0) {
    const size = cursor.u24();
    const der = cursor.take(size);
    if (der == 0) return null;
    listFault = chain.add(der, size);
    if (listFault != CertificateFault.None) return null;
  }
  return cursor.isDone ? chain : null;
}

/**
 * Writes a CertificateRequest with the names of the anchors. RSA is named beside the national type, as other
 * implementations do and some clients expect; certificates with it are not accepted.
 */
export function draftRequest(anchors: Array<Certificate>): void {
  draftBegin(Message.CertificateRequest);
  draft8(2);
  draft8(RSA_SIGN);
  draft8(ECDSA_SIGN);
  const names = draftOpen();
  for (let i = 0; i < anchors.length; i++) {
    const length = anchors[i].subjectLength;
    draft16(derHeaderBytes(length) + length);
    draftBytes(HEADER, <u32>(derPutHeader(HEADER, DER_SEQUENCE, length) - HEADER));
    draftBytes(anchors[i].subject, length);
  }
  draftClose(names);
}

/** Whether a CertificateRequest is well-formed. What it asks for is not looked at: there is one pair to give. */
export function isRequest(body: usize, length: u32): bool {
  const cursor = new Cursor();
  cursor.open(body, length);
  if (cursor.take(max(cursor.u8(), 1)) == 0) return false;
  if (cursor.u16() != cursor.left) return false;
  while (cursor.isGood && cursor.left > 0) cursor.take(cursor.u16());
  return cursor.isDone;
}

/** Writes a signature of a message, with its length. False: the host has no randomness. */
export function draftSignature(key: Sm2PrivateKey, message: usize, length: u32, chance: Chance): bool {
  sm2Digest(DIGEST, key.publicKey, DEFAULT_ID, DEFAULT_ID_BYTES, message, length);
  if (!chance.sign(key, DIGEST, RAW)) return false;
  const size = sm2SignatureToDer(RAW, DER);
  draft16(size);
  draftBytes(DER, size);
  return true;
}

/** Whether the DER at `signature` signs the message. */
export function isSigned(key: Sm2PublicKey, message: usize, length: u32, signature: usize, size: u32): bool {
  if (size > MAX_DER_SIGNATURE_BYTES || !sm2SignatureFromDer(signature, size, RAW)) return false;
  sm2Digest(DIGEST, key, DEFAULT_ID, DEFAULT_ID_BYTES, message, length);
  return sm2VerifyDigest(key, DIGEST, RAW);
}
