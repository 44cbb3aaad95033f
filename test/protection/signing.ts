// A counterparty that signs and verifies, written from the README alone with OpenSSL (node:crypto) and sm-crypto-v2.
import { createHash, createHmac } from 'node:crypto';
import { sm2 } from 'sm-crypto-v2';
import { publicOf } from './partner.ts';

export interface SigningTerms {
  algorithm: 'HMAC-SM3' | 'SM2';
  encoding?: 'base64' | 'hex';
  form?: 'DER' | 'RS';
  userId?: string;
  /** HMAC key, or the 32 bytes of an SM2 private key. */
  key: Buffer;
}

/** The text that a signature over a whole message covers. */
export function canonical(
  start: string[],
  timestamp: string,
  nonce: string,
  headers: [string, string][],
  body: Buffer,
): Buffer {
  const lines = [
    ...start,
    timestamp,
    nonce,
    ...headers.map(([name, value]) => `${name}:${value}`),
    createHash('sm3').update(body).digest('hex'),
  ];
  return Buffer.from(lines.join('\n'));
}

export function sign(terms: SigningTerms, data: Buffer): string {
  const { algorithm, encoding = 'base64', form = 'DER', userId = '1234567812345678', key } = terms;
  if (algorithm === 'HMAC-SM3') return createHmac('sm3', key).update(data).digest(encoding);
  const hex = sm2.doSignature(Uint8Array.from(data), key.toString('hex'), { hash: true, der: form === 'DER', userId });
  return Buffer.from(hex, 'hex').toString(encoding);
}

export function verify(terms: SigningTerms, data: Buffer, text: string): boolean {
  const { algorithm, encoding = 'base64', form = 'DER', userId = '1234567812345678', key } = terms;
  if (algorithm === 'HMAC-SM3') return createHmac('sm3', key).update(data).digest(encoding) === text;
  return sm2.doVerifySignature(Uint8Array.from(data), Buffer.from(text, encoding).toString('hex'), publicOf(key), {
    hash: true,
    der: form === 'DER',
    userId,
  });
}
