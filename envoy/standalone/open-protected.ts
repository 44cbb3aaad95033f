import type { CipherGCMTypes } from 'node:crypto';
import { createDecipheriv } from 'node:crypto';
import { MAX_PROTECTED_CHARACTERS } from '../limits.ts';
import { CodedError, messageOf } from './coded-error.ts';

const KMS_TIMEOUT_MS = 5_000;
/** OpenSSL has it since 3.3; Node's types do not name it yet. */
const CIPHER = 'sm4-gcm' as CipherGCMTypes;
const READ_PREFIX = '/v1/secret/data/';
/** `kms://path#version`. Whoever made the body chose it: no part may lead out of the KMS's folder of keys. */
const KID = /^kms:\/(?:\/(?!\.{1,2}[/#])[\w.-]+)+#[1-9]\d{0,8}$/;

/** A body of the wire profile fim-json; the binary fields are base64. */
export interface ProtectedBody {
  alg: 'SM4-GCM';
  /** `kms://path#version`. */
  kid: string;
  iv: string;
  ct: string;
  tag: string;
  ctx?: string;
}

/**
 * Opens a body that the sm4-encryptor has made, with OpenSSL's SM4-GCM: nothing here is shared with the filter. Errors: FIM-UP-0018 (not such a body),
 * FIM-UP-0017 (no KMS), FIM-KMS-0002, FIM-KMS-0003, FIM-UP-0019 (does not open).
 */
export async function openProtected(text: string, kms: URL, token?: string): Promise<Buffer> {
  const body = parseProtected(text);
  const key = await fetchKey(body.kid, kms, token);
  try {
    return openWith(body, key);
  } finally {
    key.fill(0);
  }
}

/** Opens a body with the 16 bytes of its key. Error: FIM-UP-0019. */
export function openWith(body: ProtectedBody, key: Buffer): Buffer {
  try {
    const decipher = createDecipheriv(CIPHER, key, Buffer.from(body.iv, 'base64'), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(['fim-json', body.alg, body.kid, body.ctx ?? ''].join('\n'), 'utf8'));
    decipher.setAuthTag(Buffer.from(body.tag, 'base64'));
    return Buffer.concat([decipher.update(Buffer.from(body.ct, 'base64')), decipher.final()]);
  } catch {
    throw new CodedError('FIM-UP-0019', `key ${body.kid}`);
  }
}

/** Reads a body of the wire profile. Error: FIM-UP-0018. */
export function parseProtected(text: string): ProtectedBody {
  if (text.length > MAX_PROTECTED_CHARACTERS) throw new CodedError('FIM-UP-0018', 'too large');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new CodedError('FIM-UP-0018', 'not JSON');
  }
  const found = body as Partial<ProtectedBody> | null;
  for (const name of ['alg', 'kid', 'iv', 'ct', 'tag'] as const) {
    if (typeof found?.[name] !== 'string') throw new CodedError('FIM-UP-0018', `\`${name}\` is missing`);
  }
  if (found!.alg !== 'SM4-GCM') throw new CodedError('FIM-UP-0018', 'its `alg` is not SM4-GCM');
  if (!KID.test(found!.kid!)) throw new CodedError('FIM-UP-0018', 'its `kid` is not kms://path#version');
  return found as ProtectedBody;
}

/** The key of a `kid`, from a KV version 2 store. Errors: FIM-UP-0017, FIM-KMS-0001 (no answer in time), FIM-KMS-0002, FIM-KMS-0003. */
export async function fetchKey(kid: string, kms: URL, token?: string): Promise<Buffer> {
  const [id, version] = kid.split('#') as [string, string];
  const path = id.slice('kms://'.length).split('/').map(encodeURIComponent).join('/');
  const url = new URL(`${READ_PREFIX}${path}?version=${version}`, kms);
  const response = await fetch(url, { signal: AbortSignal.timeout(KMS_TIMEOUT_MS), headers: token === undefined ? {} : { 'x-vault-token': token } }).catch((error: Error) => {
    throw new CodedError(error.name === 'TimeoutError' ? 'FIM-KMS-0001' : 'FIM-UP-0017', `${kms.origin} (${messageOf(error.cause ?? error)})`);
  });
  if (response.status === 404) throw new CodedError('FIM-KMS-0002', kid);
  const answer = (await response.json().catch(() => null)) as { data?: { data?: { algorithm?: string; material?: string } } } | null;
  const material = answer?.data?.data?.material;
  if (!response.ok || answer?.data?.data?.algorithm !== 'SM4' || typeof material !== 'string') throw new CodedError('FIM-KMS-0003', `status ${response.status}`);
  return Buffer.from(material, 'base64');
}
