// Clients of one authority, each with a pair of certificates of its own.
import { randomBytes } from 'node:crypto';
import { certificate, pem, type Subject } from '../../../scripts/fim/tlcp-certificate.ts';
import type { KeyPair, TlcpModule } from '../../../scripts/fim/tlcp-module.ts';

const DAY_MS = 86_400_000;

export interface Crowd {
  /** The authority, PEM. */
  trust: string;
  /** Certificates and keys of each client, PEM. */
  pairs: string[];
}

export function crowdOf(core: TlcpModule, count: number): Crowd {
  const authority = core.generateKey();
  const issue = (subject: Subject, { point }: KeyPair): string => {
    const life = { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) };
    const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
    return pem(
      'CERTIFICATE',
      certificate({ issuer: 'authority', serial, ...life, point, sign: authority.sign, ...subject }),
    );
  };
  const pair = (name: string): string => {
    const parts = (['digitalSignature', 'keyAgreement'] as const).flatMap((usage) => {
      const key = core.generateKey();
      const usages = usage === 'keyAgreement' ? ([usage, 'keyEncipherment'] as const) : [usage];
      return [issue({ name, usages }, key), pem('PRIVATE KEY', key.der)];
    });
    return parts.join('');
  };
  return {
    trust: issue({ name: 'authority', authority: {}, usages: ['keyCertSign'] }, authority),
    pairs: Array.from({ length: count }, (_, i) => pair(`client ${i}`)),
  };
}
