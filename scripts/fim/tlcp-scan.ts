// Questions of a regulator's scan beside the suites: other protocols on the same port, what each certificate is
// for, how long it holds, and what of it stands out.
import { X509Certificate } from 'node:crypto';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import type { Address } from '../../envoy/standalone/address.ts';
import { dial } from './tlcp-dial.ts';

const DAY_MS = 86_400_000;
const ANSWER_MS = 3000;
/** Days before the end of a certificate from which it is pointed out. */
const SOON_DAYS = 30;
const TLS_VERSIONS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const KEY_USAGE = Buffer.from('0603551d0f', 'hex');
const BIT_STRING = 3;
const SIGN_BITS = 0xc0; // digitalSignature, nonRepudiation
const ENCRYPT_BITS = 0x38; // keyEncipherment, dataEncipherment, keyAgreement

export interface CertificateReport {
  subject: string;
  issuer: string;
  serial: string;
  validFrom: string;
  validTo: string;
  daysLeft: number;
  names: string;
  isAuthority: boolean;
  /** By keyUsage; without it both. */
  use: 'signatures' | 'encryption' | 'both' | 'authority';
}

/** First byte of keyUsage; null: the certificate has none. */
function usageBits(der: Buffer): number | null {
  const at = der.indexOf(KEY_USAGE);
  if (at < 0) return null;
  const bits = der.indexOf(BIT_STRING, at + KEY_USAGE.length + 2);
  return bits < 0 ? null : (der[bits + 3] ?? null);
}

export function describeCertificate(der: Buffer): CertificateReport {
  const found = new X509Certificate(der);
  const line = (text: string): string => text.replaceAll('\n', ', ');
  const bits = usageBits(der) ?? SIGN_BITS | ENCRYPT_BITS;
  const [signs, encrypts] = [(bits & SIGN_BITS) !== 0, (bits & ENCRYPT_BITS) !== 0];
  const validTo = new Date(found.validTo);
  return {
    subject: line(found.subject),
    issuer: line(found.issuer),
    serial: found.serialNumber,
    validFrom: new Date(found.validFrom).toISOString(),
    validTo: validTo.toISOString(),
    daysLeft: Math.floor((validTo.getTime() - Date.now()) / DAY_MS),
    names: found.subjectAltName ?? '',
    isAuthority: found.ca,
    use: found.ca ? 'authority' : signs && encrypts ? 'both' : signs ? 'signatures' : 'encryption',
  };
}

/** Other protocols that the port speaks: versions of TLS, plain HTTP. */
export async function otherProtocols(address: Address): Promise<string[]> {
  const found: string[] = [];
  for (const version of TLS_VERSIONS) if (await speaksTls(address, version)) found.push(version);
  if (await speaksHttp(address)) found.push('HTTP');
  return found;
}

async function speaksTls(address: Address, version: SecureVersion): Promise<boolean> {
  const raw = await dial(address);
  return new Promise((done) => {
    // Whom it is with does not matter: nothing is said. The old versions need the lowest level of security.
    const socket = connectTls({
      socket: raw,
      minVersion: version,
      maxVersion: version,
      rejectUnauthorized: false,
      ciphers: 'ALL:@SECLEVEL=0',
    });
    const end = (speaks: boolean): void => {
      socket.destroy();
      done(speaks);
    };
    socket.setTimeout(ANSWER_MS, () => end(false));
    socket.once('secureConnect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}

async function speaksHttp(address: Address): Promise<boolean> {
  const raw = await dial(address);
  return new Promise((done) => {
    const end = (speaks: boolean): void => {
      raw.destroy();
      done(speaks);
    };
    raw.setTimeout(ANSWER_MS, () => end(false));
    raw.once('data', (data: Buffer) => end(data.subarray(0, 5).toString('latin1') === 'HTTP/'));
    raw.once('error', () => end(false));
    raw.once('close', () => end(false));
    raw.write(`OPTIONS * HTTP/1.1\r\nhost: ${address.host}\r\nconnection: close\r\n\r\n`);
  });
}

/** Remarks for people. */
export function pointOut(
  certificates: readonly CertificateReport[],
  suites: readonly string[],
  protocols: readonly string[],
): string[] {
  const notes: string[] = [];
  for (const { subject, daysLeft } of certificates)
    if (daysLeft < SOON_DAYS) notes.push(`${subject} ${daysLeft < 0 ? 'has expired' : `expires in ${daysLeft} days`}`);
  const leaves = certificates.filter(({ isAuthority }) => !isAuthority);
  if (leaves.some(({ use }) => use === 'both'))
    notes.push('a certificate is for signatures and encryption both: the standard wants one for each');
  if (leaves.length > 1 && new Set(leaves.map(({ subject }) => subject)).size > 1)
    notes.push('the two certificates have different subjects: some clients refuse that');
  if (suites.length > 0 && !suites.some((name) => name.includes('GCM')))
    notes.push('no suite with GCM: those with CBC are all that is offered');
  const old = protocols.filter((name) => name === 'TLSv1' || name === 'TLSv1.1');
  if (old.length > 0) notes.push(`${old.join(' and ')} on the same port: withdrawn`);
  if (protocols.includes('HTTP')) notes.push('plain HTTP on the same port');
  return notes;
}
