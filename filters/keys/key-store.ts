import { MAX_KEYS } from '../limits';
import { Bytes } from '../memory/bytes';
import { KmsConfig } from '../runtime/config.gen';
import { KeyRing } from './key-ring';

/**
 * Keys of this VM. They outlive configurations, so that a policy edit fetches nothing. They exist in linear memory
 * only.
 */
const rings: Array<KeyRing> = [];

/**
 * Ring of a key of a KMS, created at the first call. `bits`: of data keys that a transit engine generates, 128 (SM4) or
 * 256 (AES-256).
 */
export function keyRing(id: Bytes, kms: KmsConfig, bits: u32 = 128): KeyRing {
  for (let i = 0; i < rings.length; i++) {
    const ring = rings[i];
    if (ring.bits == bits && ring.id.equals(id.pointer, id.length) && sameKms(ring.kms, kms)) {
      ring.kms = kms;
      return ring;
    }
  }
  if (rings.length >= MAX_KEYS) makeRoom();
  const ring = new KeyRing(id, kms, bits);
  rings.push(ring);
  return ring;
}

function sameKms(a: KmsConfig, b: KmsConfig): bool {
  return (
    a.cluster.equals(b.cluster.pointer, b.cluster.length) &&
    a.authority.equals(b.authority.pointer, b.authority.length) &&
    a.pathPrefix.equals(b.pathPrefix.pointer, b.pathPrefix.length) &&
    a.transitMount.equals(b.transitMount.pointer, b.transitMount.length)
  );
}

/** Drops the least recently used idle ring. A policy that still holds it notices `dropped`. */
function makeRoom(): void {
  let oldest = -1;
  for (let i = 0; i < rings.length; i++) {
    if (rings[i].idle && (oldest < 0 || rings[i].usedAtMs < rings[oldest].usedAtMs)) oldest = i;
  }
  if (oldest < 0) return;
  rings[oldest].retire();
  rings[oldest].dropped = true;
  rings.splice(oldest, 1);
}

/** Refreshes, retries and bounds the waits of all keys. Called from a root context's tick. */
export function tickKeys(rootId: u32): void {
  for (let i = 0; i < rings.length; i++) rings[i].tick(rootId);
}
