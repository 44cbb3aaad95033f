// Certificates for tests, made on the spot (RFC 5280 in DER): Node signs but does not make them.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A certificate with its key, PEM. */
export interface Certificate {
  certificate: string;
  key: string;
}

export interface Authority extends Certificate {
  name: string;
  privateKey: KeyObject;
}

const HOUR_MS = 3_600_000;
const ECDSA_SHA256 = '06082a8648ce3d040302';

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(header), content]);
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
const raw = (hex: string): Buffer => Buffer.from(hex, 'hex');
const algorithm = (): Buffer => sequence(raw(ECDSA_SHA256));
const nameOf = (name: string): Buffer => sequence(der(0x31, sequence(raw('0603550403'), der(0x0c, Buffer.from(name)))));
const timeOf = (at: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(at).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
const extension = (oid: string, critical: boolean, value: Buffer): Buffer =>
  sequence(raw(oid), ...(critical ? [raw('0101ff')] : []), der(0x04, value));

function issue(
  name: string,
  issuer: { name: string; privateKey: KeyObject } | null,
  extensions: Buffer[],
  lifeMs = HOUR_MS,
): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = Date.now();
  const body = sequence(
    der(0xa0, raw('020102')),
    der(0x02, Buffer.concat([raw('01'), randomBytes(8)])),
    algorithm(),
    nameOf(issuer?.name ?? name),
    sequence(timeOf(now - HOUR_MS), timeOf(now + lifeMs)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuer?.privateKey ?? privateKey);
  const text = sequence(body, algorithm(), der(0x03, Buffer.from([0]), signature)).toString('base64');
  const certificate = `-----BEGIN CERTIFICATE-----\n${text.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  return { name, privateKey, certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

/** A certificate authority. */
export function makeAuthority(name: string): Authority {
  return issue(name, null, [extension('0603551d13', true, sequence(raw('0101ff')))]);
}

/** A certificate of `authority` for server and client, good for 127.0.0.1, for an hour unless told. */
export function makeCertificate(authority: Authority, name: string, lifeMs?: number): Certificate {
  const address = extension('0603551d11', false, sequence(der(0x87, Buffer.from([127, 0, 0, 1]))));
  return issue(name, authority, [address], lifeMs);
}

/** A revocation list of `authority` that names certificates by number, good for some hours. */
export function makeList(authority: Authority, numbers: number[], hours = 1): string {
  const now = Date.now();
  const entries = numbers.map((number) => sequence(der(0x02, Buffer.from([number])), timeOf(now)));
  const body = sequence(
    der(0x02, Buffer.from([1])),
    algorithm(),
    nameOf(authority.name),
    timeOf(now - HOUR_MS),
    timeOf(now + hours * HOUR_MS),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
  );
  const signature = sign('sha256', body, authority.privateKey);
  const text = sequence(body, algorithm(), der(0x03, Buffer.from([0]), signature)).toString('base64');
  return `-----BEGIN X509 CRL-----\n${text.replace(/.{64}(?=.)/g, '$&\n')}\n-----END X509 CRL-----\n`;
}
