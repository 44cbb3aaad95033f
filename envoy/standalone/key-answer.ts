// Reads a KMS's response about a key as the modules do (filters/keys/kms-answer.ts).
import type { ErrorCode } from '../route/errors.gen.ts';
import { messageOf } from './coded-error.ts';
import { KEY_ALGORITHMS, type KeyAlgorithm } from '../route/index.ts';
import { isSm2, takesLength } from './key-material.ts';
import type { KmsAnswerText } from './kms-client.ts';
import { fromBase64 } from './pem.ts';
import { sm2BytesOf, sm2KeyPem } from './sm2-key.ts';

/** Reason why a key is unavailable. `detail` contains nothing of the key. */
export interface KeyFault {
  code: ErrorCode;
  detail: string;
}

/** A key as the KMS stores it. The caller overwrites `material`. */
export interface ReadKey {
  algorithm: KeyAlgorithm;
  material: Buffer;
  /** Version, of a key that is stored in the KMS. */
  version?: number;
}

interface Answer {
  errors?: unknown;
  data?: {
    data?: Record<string, unknown> | null;
    metadata?: Record<string, unknown>;
    plaintext?: unknown;
    ciphertext?: unknown;
  } | null;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
const HEX = /^(?:[0-9a-fA-F]{2})+$/;

function parse(text: string): Answer | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Answer) : null;
  } catch {
    return null;
  }
}

/** Whether a text is a valid RFC 3339 time. */
export function isTime(text: string): boolean {
  if (!TIME.test(text) || Number.isNaN(Date.parse(text))) return false;
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate() && month <= 12 && month >= 1;
}

function statusFault({ status, text }: KmsAnswerText, mayList: boolean): KeyFault {
  const errors = parse(text)?.errors;
  if (status === 401 || status === 403) return { code: 'FIM-KMS-0008', detail: `status ${status}` };
  if (Array.isArray(errors) && ((status === 404 && errors.length === 0) || (status === 400 && mayList)))
    return { code: 'FIM-KMS-0002', detail: `status ${status}` };
  return { code: 'FIM-KMS-0001', detail: `status ${status}` };
}

const unreadable = (detail: string): KeyFault => ({ code: 'FIM-KMS-0003', detail });

/** Whether a result is a fault and not a key. */
export function isFault(found: ReadKey | KeyFault): found is KeyFault {
  return 'code' in found;
}

/** Reads a KV version 2 response. */
export function readStoredKey(answer: KmsAnswerText, now = Date.now()): ReadKey | KeyFault {
  const { data, metadata } = parse(answer.text)?.data ?? {};
  const version = metadata?.['version'];
  const gone = metadata?.['destroyed'] === true || hasPassed(metadata?.['deletion_time'], now) === true;
  if ((answer.status === 404 || answer.status === 200) && Number.isInteger(version) && gone)
    return { code: 'FIM-KMS-0007', detail: `version ${String(version)} was taken back` };
  if (answer.status !== 200) return statusFault(answer, false);
  if (!Number.isInteger(version) || !data) return unreadable('the answer is no KV version 2 read');
  const custom = (metadata?.['custom_metadata'] ?? {}) as Record<string, unknown>;
  const ended = hasPassed(data['expires'] ?? custom['expires'], now);
  if (ended === undefined || hasPassed(metadata?.['deletion_time'], now) === undefined)
    return unreadable('`expires` or `deletion_time` is no RFC 3339 time');
  if (ended) return { code: 'FIM-KMS-0007', detail: `version ${String(version)} has ended` };
  const named = data['algorithm'] ?? custom['algorithm'];
  const algorithm = KEY_ALGORITHMS.find((known) => known === named && known !== 'transit');
  if (algorithm === undefined)
    return unreadable(`\`algorithm\` is none of ${KEY_ALGORITHMS.filter((known) => known !== 'transit').join(', ')}`);
  const found = materialOf(algorithm, data['material'], data['encoding'] ?? custom['encoding']);
  return isFault(found) ? found : { ...found, version: Number(version) };
}

/** Whether a time has passed. Undefined if the value is not a time. */
function hasPassed(value: unknown, now: number): boolean | undefined {
  if (value === undefined || value === null || value === '') return false;
  if (typeof value !== 'string' || !isTime(value)) return undefined;
  return Date.parse(value) <= now;
}

function materialOf(algorithm: KeyAlgorithm, text: unknown, encoding: unknown): ReadKey | KeyFault {
  if (typeof text !== 'string') return unreadable('`material` is no text');
  if (encoding !== undefined && encoding !== 'base64' && encoding !== 'hex')
    return unreadable('`encoding` is neither base64 nor hex');
  if (isSm2(algorithm)) {
    try {
      return { algorithm, material: Buffer.from(sm2KeyPem(algorithm, sm2BytesOf(Buffer.from(text), encoding))) };
    } catch (error) {
      return unreadable(`\`material\` is no key of ${algorithm}: ${messageOf(error)}`);
    }
  }
  const isHex = HEX.test(text);
  if (encoding === undefined && isHex && takesLength(algorithm, text.length / 2))
    return unreadable('`material` is hexadecimal digits: say so by `encoding`, or write base64');
  const material = encoding !== 'hex' ? fromBase64(text) : isHex ? Buffer.from(text, 'hex') : null;
  if (material !== null && takesLength(algorithm, material.length)) return { algorithm, material };
  material?.fill(0);
  return unreadable(`\`material\` is no key of ${algorithm}`);
}

/** Reads a transit engine's response: a data key in clear. */
export function readDataKey(answer: KmsAnswerText): ReadKey | KeyFault {
  if (answer.status !== 200) return statusFault(answer, true);
  const { plaintext: text, ciphertext } = parse(answer.text)?.data ?? {};
  const version = /^\w+:v([1-9]\d{0,8}):/.exec(String(ciphertext))?.[1];
  const material = typeof text === 'string' ? fromBase64(text) : null;
  if (material?.length === 16 || material?.length === 32)
    return {
      algorithm: material.length === 16 ? 'SM4' : 'AES-256',
      material,
      ...(version !== undefined && { version: Number(version) }),
    };
  return unreadable('the answer is no data key');
}
