// Certificates of others that were found right, kept parsed and with what was verified: clients come again. What is
// kept is public, and every check that depends on time, policy or revocation is made each time.
import { MAX_KEPT_CERTIFICATES } from '../limits';
import { Certificate } from './certificate';

const byEnd: Map<u64, Certificate> = new Map<u64, Certificate>();
const order: StaticArray<u64> = new StaticArray<u64>(MAX_KEPT_CERTIFICATES);
let next: i32 = 0;

/** The last eight bytes, which are of the signature: as good as a digest to find one by, and all bytes are compared. */
function endOf(der: usize, length: u32): u64 {
  return length < 8 ? 0 : load<u64>(der + length - 8);
}

/** The kept certificate with this DER; null: there is none. */
export function keptCertificate(der: usize, length: u32): Certificate | null {
  const end = endOf(der, length);
  if (!byEnd.has(end)) return null;
  const kept = byEnd.get(end);
  return kept.length == length && memory.compare(kept.der, der, length) == 0 ? kept : null;
}

/** Keeps a certificate that a trust anchor leads to; the oldest makes room. */
export function keepCertificate(certificate: Certificate): void {
  const end = endOf(certificate.der, certificate.length);
  if (byEnd.has(end)) return;
  byEnd.delete(unchecked(order[next]));
  unchecked((order[next] = end));
  next = (next + 1) % MAX_KEPT_CERTIFICATES;
  byEnd.set(end, certificate);
}
