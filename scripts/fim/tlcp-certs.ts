import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { certificate, pem, signingRequest, type Subject } from './tlcp-certificate.ts';
import { tlcpFolder } from './tlcp-files.ts';
import { TlcpModule, type KeyPair } from './tlcp-module.ts';

export interface CertsFlags {
  out?: string;
  host?: string[];
  days: string;
  requests?: string;
}

const DAY_MS = 86_400_000;
const SERIAL_BYTES = 16;
const MAX_DAYS = 3650;
/** Clocks that are a little behind take what was made just now. */
const EARLIER_MS = 3_600_000;
const AUTHORITY = 'FIM development CA';
const SIGNING = ['digitalSignature', 'nonRepudiation'] as const;
const ENCRYPTION = ['keyEncipherment', 'dataEncipherment', 'keyAgreement'] as const;

/** Files by name; those with a private key are for their owner only. */
type Files = Record<string, string>;

const keyPem = (key: KeyPair): string => pem('PRIVATE KEY', key.der);

/**
 * `fim tlcp certs`. Errors: FIM-TLCP-0005 if one of the files is there, FIM-UP-0020.
 */
export async function certs(flags: CertsFlags): Promise<number> {
  const days = Number(flags.days);
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS)
    throw new CodedError('FIM-UP-0020', `--days ${flags.days} is not a whole number from 1 to ${MAX_DAYS}`);
  const folder = resolve(flags.out ?? tlcpFolder());
  const module = await TlcpModule.load();
  const files =
    flags.requests === undefined
      ? developmentFiles(module, flags.host ?? ['localhost', '127.0.0.1'], days)
      : requestFiles(module, flags.requests, flags.host);
  writeFiles(folder, files);
  for (const name of Object.keys(files)) process.stdout.write(`${join(folder, name)}\n`);
  return 0;
}

/** An authority and pairs, as `fim tlcp certs` makes them, by file name. */
export async function developmentCertificates(hosts: string[], days: number): Promise<Files> {
  return developmentFiles(await TlcpModule.load(), hosts, days);
}

/** Writes files, those with a private key for their owner only. Errors: FIM-TLCP-0005 if one is there. */
export function writeFiles(folder: string, files: Files): void {
  const there = Object.keys(files).filter((name) => existsSync(join(folder, name)));
  if (there.length > 0) throw new CodedError('FIM-TLCP-0005', `${folder} has ${there.join(', ')}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, name), text, { mode: text.includes('PRIVATE KEY') ? 0o600 : 0o644, flag: 'wx' });
}

/** An authority, and the pairs of a server and a client, each in one file with its keys and in single ones. */
function developmentFiles(module: TlcpModule, hosts: string[], days: number): Files {
  const now = Date.now();
  const authority = module.generateKey();
  const issue = (subject: Subject, key: KeyPair): string =>
    pem(
      'CERTIFICATE',
      certificate({
        ...subject,
        issuer: AUTHORITY,
        serial: serial(),
        notBefore: new Date(now - EARLIER_MS),
        notAfter: new Date(now + days * DAY_MS),
        point: key.point,
        sign: authority.sign,
      }),
    );
  const root = issue({ name: AUTHORITY, authority: {}, usages: ['keyCertSign', 'cRLSign'] }, authority);
  const files: Files = { 'ca.pem': root, 'ca.key': keyPem(authority) };
  for (const side of ['server', 'client'] as const) {
    // No basicConstraints: an empty one says no more, and GmSSL refuses it.
    // One subject for both: GmSSL takes no other pair.
    const name = `FIM development ${side}`;
    const common = { name, purposes: [side], ...(side === 'server' ? { hosts } : {}) } as const;
    const [signKey, encryptKey] = [module.generateKey(), module.generateKey()];
    const sign = issue({ usages: SIGNING, ...common }, signKey);
    const encrypt = issue({ usages: ENCRYPTION, ...common }, encryptKey);
    files[`${side}.pem`] = sign + keyPem(signKey) + encrypt + keyPem(encryptKey);
    files[`${side}-sign.pem`] = sign;
    files[`${side}-sign.key`] = keyPem(signKey);
    files[`${side}-encrypt.pem`] = encrypt;
    files[`${side}-encrypt.key`] = keyPem(encryptKey);
  }
  return files;
}

/** Keys, and a request for each certificate of the pair. */
function requestFiles(module: TlcpModule, name: string, hosts: string[] | undefined): Files {
  const files: Files = {};
  for (const [use, usages] of [
    ['sign', SIGNING],
    ['encrypt', ENCRYPTION],
  ] as const) {
    const key = module.generateKey();
    files[`${use}.key`] = keyPem(key);
    const subject = { name, usages, ...(hosts ? { hosts } : {}) };
    files[`${use}.csr`] = pem('CERTIFICATE REQUEST', signingRequest(subject, key.point, key.sign));
  }
  return files;
}

/** A number that is positive and not zero. */
function serial(): Buffer {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes;
}
