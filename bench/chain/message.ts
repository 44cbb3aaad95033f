// The request of the bench, the policy for it, and what must arrive of it.
import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import type { DecipherGCM } from 'node:crypto';

export const KEY_ID = 'kms://bench/key';
export const PATH = '/pay';

const ID_NO = '110101199003074514';
const PAN = '6222021234567894';

/** Sections of the policy by the names that the bench gives them. */
export const SECTIONS = {
  limit: { rateLimit: { requests: 1_000_000_000, period: '1s', key: { header: 'x-client-id' } } },
  validate: {
    validation: {
      fields: [
        { name: 'transCode', pattern: '^01[0-9]{6}$' },
        { name: 'amount', pattern: '^[0-9]{1,12}$' },
        { name: 'account', minLength: 10, maxLength: 32 },
      ],
    },
  },
  mask: {
    masking: {
      fields: [
        { path: '$.idNo', kind: 'IdCard', direction: 'Request' },
        { path: '$.pan', kind: 'BankCard', direction: 'Request' },
      ],
    },
  },
  encrypt: { encryption: { keyId: KEY_ID, request: 'Encrypt', response: 'None' } },
} as const;

export type SectionName = keyof typeof SECTIONS;
export const ALL_SECTIONS = Object.keys(SECTIONS) as SectionName[];

/** A FinancialRoute with these sections for requests of `path`. */
export function policy(sections: readonly SectionName[], path: string): object {
  const spec = Object.assign(
    { match: { path: { type: 'Exact', value: path } } },
    ...sections.map((name) => SECTIONS[name]),
  );
  return {
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name: 'all', namespace: 'bench' },
    spec,
  };
}

/** A payment message of `bytes` bytes: the fields that the stages read, and an array of plain items. */
export function payload(bytes: number): Buffer {
  const message = {
    transCode: '01123456',
    amount: '1050000',
    account: 'ACC-00112233',
    idNo: ID_NO,
    pan: PAN,
    items: [] as object[],
    pad: '',
  };
  while (JSON.stringify(message).length < bytes - 110)
    message.items.push({ no: message.items.length, name: 'fund-share', price: 12.5, open: true, note: 'settled T+1' });
  message.pad = 'x'.repeat(bytes - JSON.stringify(message).length);
  return Buffer.from(JSON.stringify(message));
}

/** One HTTP/1.1 request with the body. */
export function httpRequest(body: Buffer): Buffer {
  const head = `POST ${PATH} HTTP/1.1\r\nhost: bank.example\r\ncontent-type: application/json\r\nx-client-id: c1\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

function masked(sent: Buffer): string {
  return sent.toString().replace(ID_NO, '110***********4514').replace(PAN, '622202******7894');
}

function opened(body: Buffer, key: Buffer): string {
  const envelope = JSON.parse(body.toString()) as Record<string, string>;
  const iv = Buffer.from(envelope['iv']!, 'base64');
  const decipher = createDecipheriv('sm4-gcm' as 'aes-128-gcm', key, iv) as DecipherGCM;
  decipher.setAAD(Buffer.from(`fim-json\nSM4-GCM\n${envelope['kid']}\n`));
  decipher.setAuthTag(Buffer.from(envelope['tag']!, 'base64'));
  return Buffer.concat([decipher.update(envelope['ct']!, 'base64'), decipher.final()]).toString();
}

/** Asserts that the upstream got what the sections promise. */
export function checkArrived(arrived: Buffer, sent: Buffer, sections: readonly SectionName[], key: Buffer): void {
  const text = sections.includes('encrypt') ? opened(arrived, key) : arrived.toString();
  assert.equal(text, sections.includes('mask') ? masked(sent) : sent.toString());
}
