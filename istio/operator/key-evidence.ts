// What proxies say of keys: whether the key service lets the operator see a key proves nothing of whether it gives the
// key to a proxy.
import type { WorkloadRuntime } from './cluster-view.ts';
import type { ProbeResult, Proxy } from './proxies.ts';

/**
 * Time for which no look may have failed before one that brought a key clears what was wrong, milliseconds: several
 * keys share the counters.
 */
const CLEAR_MS = 10_000;

/** One look at a proxy's counters of keys. */
export interface KeyReading {
  /** Looks that brought none, by reason: `denied`, `absent`, `unreadable`, `expired`, `revoked`, `outage`. */
  unavailable: Readonly<Record<string, number>>;
  /** Looks that brought a key. */
  succeeded: number;
}

export interface KeyTrouble {
  reading: KeyReading;
  reason: string | undefined;
  /** When looks were last found to fail, milliseconds of this process's clock. */
  failedAt: number;
}

/** Reads one sample; false if it is not of keys. */
export function readKeySample(
  keys: { unavailable: Record<string, number>; succeeded: number },
  name: string,
  value: number,
): boolean {
  const reason = /fim_key_unavailable_([a-z]+)$/.exec(name)?.[1];
  if (reason !== undefined) keys.unavailable[reason] = (keys.unavailable[reason] ?? 0) + value;
  else if (name.endsWith('fim_key_fetch_succeeded')) keys.succeeded += value;
  else return false;
  return true;
}

/**
 * A silent key service is told by the operator's own looks, and what is cached goes on: only its refusals count here.
 */
function failures({ unavailable }: KeyReading): [string, number][] {
  return Object.entries(unavailable).filter(([reason, count]) => reason !== 'outage' && count > 0);
}

function next(before: KeyTrouble | undefined, reading: KeyReading, now: number): KeyTrouble {
  const grown = failures(reading)
    .map(([reason, count]): [string, number] => [reason, count - (before?.reading.unavailable[reason] ?? 0)])
    .filter(([, more]) => more > 0)
    .sort(([, a], [, b]) => b - a);
  const [worst] = grown;
  // Of a proxy that was not asked before only one that never got a key is known to lack one.
  if (worst !== undefined && (before !== undefined || reading.succeeded === 0))
    return { reading, reason: worst[0], failedAt: now };
  const isBack =
    before?.reason !== undefined && reading.succeeded > before.reading.succeeded && now - before.failedAt > CLEAR_MS;
  const isRestarted = before !== undefined && reading.succeeded < before.reading.succeeded;
  return {
    reading,
    reason: isBack || isRestarted ? undefined : before?.reason,
    failedAt: before?.failedAt ?? -Infinity,
  };
}

/** Notes what the proxies have just said; those that lack a key, as `gw-1: denied`. */
export function keyTroubles(
  runtime: WorkloadRuntime,
  proxies: readonly Proxy[],
  results: readonly ProbeResult[],
): string[] {
  const { keyTrouble } = runtime;
  for (const uid of keyTrouble.keys()) if (!proxies.some((proxy) => proxy.uid === uid)) keyTrouble.delete(uid);
  const now = performance.now();
  return proxies.flatMap(({ uid, name }, index) => {
    const result = results[index];
    if (result !== undefined && 'reading' in result)
      keyTrouble.set(uid, next(keyTrouble.get(uid), result.reading.keys, now));
    const reason = keyTrouble.get(uid)?.reason;
    return reason === undefined ? [] : [`${name}: ${reason}`];
  });
}
