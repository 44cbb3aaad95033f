// Certificates with a mistake each, made with keys of the test module.
import { randomBytes } from 'node:crypto';
import { certificate, pem, type Issuance } from '../../scripts/fim/tlcp-certificate.ts';
import { NOW, put, tlcp } from './tlcp-guest.ts';

export const DAY_MS = 86_400_000;
const LIFE_DAYS = 365;

const inRoom = (length: number): Buffer => Buffer.from(new Uint8Array(tlcp.memory.buffer, tlcp.room(1) >>> 0, length));

/** An SM2 key. */
export class Key {
  readonly der: Buffer;
  readonly point: Buffer;

  constructor() {
    this.der = inRoom(tlcp.generateKey());
    tlcp.publicOf(put(this.der));
    this.point = inRoom(64);
  }

  readonly sign = (message: Buffer): Buffer => {
    put(Buffer.concat([this.der, message]));
    return inRoom(tlcp.signWith(this.der.length, message.length));
  };

  get pem(): string {
    return pem('PRIVATE KEY', this.der);
  }
}

export interface Made {
  name: string;
  key: Key;
  pem: string;
  der: Buffer;
}

/** A certificate by `issuer` (itself if there is none); what is not said is as it should be. */
export function make(said: Partial<Issuance> & { name: string }, issuer?: Made, key = new Key()): Made {
  const made = certificate({
    issuer: issuer?.name ?? said.name,
    serial: randomBytes(16),
    notBefore: new Date(NOW * 1000 - DAY_MS),
    notAfter: new Date(NOW * 1000 + LIFE_DAYS * DAY_MS),
    point: key.point,
    sign: (issuer?.key ?? key).sign,
    ...said,
  });
  return { name: said.name, key, der: made, pem: pem('CERTIFICATE', made) };
}

export const authority = (name: string, issuer?: Made, said: Partial<Issuance> = {}): Made =>
  make({ name, authority: {}, usages: ['keyCertSign', 'cRLSign'], ...said }, issuer);
export const forSigning = (issuer: Made, said: Partial<Issuance> = {}): Made =>
  make({ name: 'server sign', authority: false, usages: ['digitalSignature'], hosts: ['bank.test'], ...said }, issuer);
export const forEncryption = (issuer: Made, said: Partial<Issuance> = {}): Made =>
  make({ name: 'server encrypt', authority: false, usages: ['keyEncipherment', 'keyAgreement'], ...said }, issuer);
