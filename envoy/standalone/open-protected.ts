import { MAX_PROTECTED_CHARACTERS } from '../limits.ts';
import { CodedError, messageOf } from './coded-error.ts';
import { isFault, readDataKey, readStoredKey } from './key-answer.ts';
import type { KmsAccess, KmsQuestion } from './kms-client.ts';
import { askKms, storedKeyPath, transitName, transitPath } from './kms-client.ts';
import { openMessage, readProtected } from './protected-message.ts';
import type { MessageTerms, ProtectedAlgorithm, ProtectedMessage } from './protected-message.ts';

const KMS_TIMEOUT_MS = 5_000;

/** Name that the KMS uses for the algorithm's key. */
function keyAlgorithm(algorithm: ProtectedAlgorithm): string {
  if (algorithm === 'AES-256-GCM') return 'AES-256';
  return algorithm.startsWith('SM2') ? 'SM2-PRIVATE' : 'SM4';
}

/**
 * Decrypts a message of the sm4-encryptor with OpenSSL and sm-crypto-v2. Shares no code with the filter. `terms`: for
 * the profiles raw, hex and base64, which do not describe themselves. Errors: FIM-UP-0018 (not such a message),
 * FIM-UP-0017 (no KMS), FIM-UP-0019 (does not decrypt), and those of `fetchKey`.
 */
export async function openProtected(
  body: string | Buffer,
  kms: URL | KmsAccess,
  terms?: MessageTerms,
): Promise<Buffer> {
  if (body.length > MAX_PROTECTED_CHARACTERS) throw new CodedError('FIM-UP-0018', 'too large');
  const message = readProtected(Buffer.from(body), terms);
  const access = kms instanceof URL ? { url: kms } : kms;
  const key = await keyOf(message, access);
  try {
    return await openMessage(message, key);
  } finally {
    key.fill(0);
  }
}

/** Data key that the message carries, unwrapped by the KMS, or the key that it names. */
async function keyOf({ algorithm, kid, wrapped }: ProtectedMessage, access: KmsAccess): Promise<Buffer> {
  if (wrapped.length === 0 || algorithm.startsWith('SM2')) return fetchKey(kid, access, keyAlgorithm(algorithm));
  const name = transitName(access, kid.split('#')[0]!);
  if (name === undefined)
    throw new CodedError('FIM-UP-0018', 'it carries a data key, and its `kid` is of no transit mount');
  const found = readDataKey(
    await ask(access, {
      path: transitPath(access, 'decrypt', name),
      body: { ciphertext: wrapped.toString() },
      timeoutMs: KMS_TIMEOUT_MS,
    }),
  );
  if (isFault(found)) throw new CodedError(found.code, `${kid}: ${found.detail}`);
  return found.material;
}

/**
 * Key of a `kid` from a KV version 2 store: its bytes, or PEM text. Errors: FIM-UP-0017, FIM-KMS-0001 (no response in
 * time), FIM-KMS-0002, FIM-KMS-0003 (also for a key of another algorithm), FIM-KMS-0007, FIM-KMS-0008.
 */
export async function fetchKey(kid: string, kms: URL | KmsAccess, algorithm = 'SM4'): Promise<Buffer> {
  const access = kms instanceof URL ? { url: kms } : kms;
  const [id, version] = kid.split('#') as [string, string];
  const found = readStoredKey(
    await ask(access, { path: `${storedKeyPath(access, id)}?version=${version}`, timeoutMs: KMS_TIMEOUT_MS }),
  );
  if (isFault(found)) throw new CodedError(found.code, `${kid}: ${found.detail}`);
  if (found.algorithm !== algorithm) throw new CodedError('FIM-KMS-0003', `${kid} is a key of ${found.algorithm}`);
  return found.material;
}

async function ask(access: KmsAccess, question: KmsQuestion): ReturnType<typeof askKms> {
  try {
    return await askKms(access, question);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const late = error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
    throw new CodedError(late ? 'FIM-KMS-0001' : 'FIM-UP-0017', `${access.url.origin} (${messageOf(error)})`);
  }
}
