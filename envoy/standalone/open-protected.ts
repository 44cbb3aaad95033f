import { MAX_PROTECTED_CHARACTERS } from '../limits.ts';
import { CodedError, messageOf } from './coded-error.ts';
import { openMessage, readProtected } from './protected-message.ts';
import type { MessageTerms, ProtectedAlgorithm } from './protected-message.ts';

const KMS_TIMEOUT_MS = 5_000;
const READ_PREFIX = '/v1/secret/data/';

/** The KMS's name for the key of an algorithm. */
function keyAlgorithm(algorithm: ProtectedAlgorithm): string {
  if (algorithm === 'AES-256-GCM') return 'AES-256';
  return algorithm.startsWith('SM2') ? 'SM2-PRIVATE' : 'SM4';
}

/**
 * Opens a message that the sm4-encryptor has made, with OpenSSL and sm-crypto-v2: nothing here is shared with the filter. `terms`: for the profiles raw, hex and
 * base64, which do not say what they are. Errors: FIM-UP-0018 (not such a message), FIM-UP-0017 (no KMS), FIM-KMS-0002, FIM-KMS-0003, FIM-UP-0019 (does not open).
 */
export async function openProtected(body: string | Buffer, kms: URL, token?: string, terms?: MessageTerms): Promise<Buffer> {
  if (body.length > MAX_PROTECTED_CHARACTERS) throw new CodedError('FIM-UP-0018', 'too large');
  const message = readProtected(Buffer.from(body), terms);
  const key = await fetchKey(message.kid, kms, token, keyAlgorithm(message.algorithm));
  try {
    return await openMessage(message, key);
  } finally {
    key.fill(0);
  }
}

/**
 * The key of a `kid`, from a KV version 2 store: its bytes, or PEM text. Errors: FIM-UP-0017, FIM-KMS-0001 (no answer in time), FIM-KMS-0002, FIM-KMS-0003 (also
 * for a key of another algorithm).
 */
export async function fetchKey(kid: string, kms: URL, token?: string, algorithm = 'SM4'): Promise<Buffer> {
  const [id, version] = kid.split('#') as [string, string];
  const path = id.slice('kms://'.length).split('/').map(encodeURIComponent).join('/');
  const url = new URL(`${READ_PREFIX}${path}?version=${version}`, kms);
  const response = await fetch(url, { signal: AbortSignal.timeout(KMS_TIMEOUT_MS), headers: token === undefined ? {} : { 'x-vault-token': token } }).catch((error: Error) => {
    throw new CodedError(error.name === 'TimeoutError' ? 'FIM-KMS-0001' : 'FIM-UP-0017', `${kms.origin} (${messageOf(error.cause ?? error)})`);
  });
  if (response.status === 404) throw new CodedError('FIM-KMS-0002', kid);
  const answer = (await response.json().catch(() => null)) as { data?: { data?: { algorithm?: string; material?: string } } } | null;
  const material = answer?.data?.data?.material;
  if (!response.ok || answer?.data?.data?.algorithm !== algorithm || typeof material !== 'string') throw new CodedError('FIM-KMS-0003', `status ${response.status}`);
  return material.startsWith('-----') ? Buffer.from(material) : Buffer.from(material, 'base64');
}
