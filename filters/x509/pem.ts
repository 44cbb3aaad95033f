// Certificates of a PEM text, in any order and with anything between them.
import { MAX_CHAIN_FILE_BYTES } from '../limits';
import { pemDecode, pemIs, pemNext, pemOpen } from '../crypto/pem';
import { Certificate, parseFault } from './certificate';
import { Chain } from './chain';
import { CertificateFault } from './fault';

const LABEL: usize = memory.data<u8>([0x43, 0x45, 0x52, 0x54, 0x49, 0x46, 0x49, 0x43, 0x41, 0x54, 0x45]); // CERTIFICATE
const LABEL_BYTES: u32 = 11;

/** Adds the certificates of a text to a chain. */
export function addPem(chain: Chain, text: usize, length: u32): CertificateFault {
  if (length > MAX_CHAIN_FILE_BYTES) return CertificateFault.TooLarge;
  const before = chain.certificates.length;
  const der = heap.alloc(length + 16);
  let fault = CertificateFault.None;
  pemOpen(text, length);
  while (fault == CertificateFault.None && pemNext()) {
    if (!pemIs(LABEL, LABEL_BYTES)) continue;
    const bytes = pemDecode(der);
    fault = bytes <= 0 ? CertificateFault.Malformed : chain.add(der, bytes);
  }
  heap.free(der);
  if (fault != CertificateFault.None) return fault;
  return chain.certificates.length == before ? CertificateFault.Missing : CertificateFault.None;
}

/** Adds the certificates of a text, which are authorities', to a list of trust anchors of at most `most`. */
export function addAnchors(anchors: Array<Certificate>, text: usize, length: u32, most: i32): CertificateFault {
  if (length > MAX_CHAIN_FILE_BYTES) return CertificateFault.TooLarge;
  const before = anchors.length;
  const der = heap.alloc(length + 16);
  let fault = CertificateFault.None;
  pemOpen(text, length);
  while (fault == CertificateFault.None && pemNext()) {
    if (!pemIs(LABEL, LABEL_BYTES)) continue;
    const bytes = pemDecode(der);
    const anchor: Certificate | null = bytes <= 0 ? null : Certificate.parse(der, bytes);
    if (!anchor) fault = bytes <= 0 ? CertificateFault.Malformed : parseFault;
    else if (!anchor.extensions.isAuthority) fault = CertificateFault.NotAuthority;
    else if (anchors.length >= most) fault = CertificateFault.TooMany;
    else anchors.push(anchor);
  }
  heap.free(der);
  if (fault != CertificateFault.None) return fault;
  return anchors.length == before ? CertificateFault.Missing : CertificateFault.None;
}
