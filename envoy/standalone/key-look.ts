// Looks up each key of the routes once, with Envoy's credentials, before a message needs it.
import { KEY_LOOKS_MS, KEY_LOOK_TIMEOUT_MS, MAX_KEY_LOOKS, MAX_KEY_LOOKS_AT_ONCE } from '../limits.ts';
import { messageOf } from './coded-error.ts';
import type { KeyFault, ReadKey } from './key-answer.ts';
import { isFault, readDataKey, readStoredKey } from './key-answer.ts';
import type { KmsAccess } from './kms-client.ts';
import { askKms, storedKeyPath, transitName, transitPath } from './kms-client.ts';
import { type NeededKey, useOf } from './needed-keys.ts';

/** Takes the version that the KMS has of a key. */
export type OnVersion = (id: string, version: number) => void;

/**
 * Looks up keys, at most MAX_KEY_LOOKS_AT_ONCE in parallel, within KEY_LOOKS_MS. Returns the fault of each use,
 * or null, by `useOf`. A key that was not looked up in time has no entry.
 */
export async function lookUpKeys(
  keys: readonly NeededKey[],
  access: KmsAccess,
  onVersion?: OnVersion,
): Promise<Map<string, KeyFault | null>> {
  const found = new Map<string, KeyFault | null>();
  const waiting = keys.slice(0, MAX_KEY_LOOKS);
  const until = performance.now() + KEY_LOOKS_MS;
  const work = async (): Promise<void> => {
    for (let key = waiting.shift(); key !== undefined && performance.now() < until; key = waiting.shift())
      found.set(useOf(key), await lookUp(key, access, until - performance.now(), onVersion));
  };
  await Promise.all(Array.from({ length: MAX_KEY_LOOKS_AT_ONCE }, work));
  return found;
}

async function lookUp(
  key: NeededKey,
  access: KmsAccess,
  leftMs: number,
  onVersion?: OnVersion,
): Promise<KeyFault | null> {
  const timeoutMs = Math.max(1, Math.round(Math.min(leftMs, KEY_LOOK_TIMEOUT_MS)));
  const name = transitName(access, key.id);
  if (name !== undefined && !key.protects) return null; // only a message carries a data key to unwrap
  try {
    const found =
      name === undefined
        ? readStoredKey(await askKms(access, { path: storedKeyPath(access, key.id), timeoutMs }))
        : readDataKey(
            await askKms(access, {
              path: transitPath(access, 'datakey/plaintext', name),
              body: { bits: key.algorithm === 'AES-256' ? 256 : 128 },
              timeoutMs,
            }),
          );
    if (isFault(found)) return found;
    if (found.version !== undefined) onVersion?.(key.id, found.version);
    return judge(key, found);
  } catch (error) {
    return { code: 'FIM-KMS-0001', detail: messageOf(error) };
  }
}

function judge(key: NeededKey, { algorithm, material }: ReadKey): KeyFault | null {
  material.fill(0);
  const fits = key.algorithm.startsWith('SM2') ? algorithm.startsWith('SM2') : algorithm === key.algorithm;
  return fits ? null : { code: 'FIM-KMS-0009', detail: `it is one of ${algorithm}, and ${key.algorithm} is needed` };
}
