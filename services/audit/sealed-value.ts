import { createDecipheriv } from 'node:crypto';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import type { SealedValue } from './record.gen.ts';

const TAG_BYTES = 16;
const NONCE_BYTES = 12;

/** Whether a member of `data_masked` is a sealed value. */
export function isSealed(value: unknown): value is SealedValue {
  const { alg, key, version, nonce, data } = (value ?? {}) as Partial<SealedValue>;
  return (
    (alg === 'SM4-GCM' || alg === 'AES-256-GCM') &&
    typeof version === 'number' &&
    [key, nonce, data].every((text) => typeof text === 'string')
  );
}

/** Purpose that a value is sealed for: it does not open in another record or field. */
export function sealedFor(eventId: string, field: string): Buffer {
  return Buffer.from(`fim audit ${eventId} ${field}`);
}

/** The plaintext. Error: FIM-AUD-0027. */
export function openSealed(value: SealedValue, key: Buffer, eventId: string, field: string): Buffer {
  const [nonce, data] = [Buffer.from(value.nonce, 'base64'), Buffer.from(value.data, 'base64')];
  try {
    if (nonce.length !== NONCE_BYTES || data.length < TAG_BYTES) throw new Error('its lengths');
    const name = value.alg === 'SM4-GCM' ? 'sm4-gcm' : 'aes-256-gcm';
    const cipher = createDecipheriv(name as 'aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(sealedFor(eventId, field));
    cipher.setAuthTag(data.subarray(-TAG_BYTES));
    return Buffer.concat([cipher.update(data.subarray(0, -TAG_BYTES)), cipher.final()]);
  } catch {
    throw new CodedError('FIM-AUD-0027', 'key, version, record or field are others, or it was changed');
  }
}
