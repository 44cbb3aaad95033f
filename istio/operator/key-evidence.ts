// Key counters of proxies. That the operator can see a key at the key service does not prove that a proxy gets it.
import type { WorkloadRuntime } from './cluster-view.ts';
import type { ProbeResult, Proxy } from './proxies.ts';

/**
 * Time without a failed look-up before a success clears the trouble, milliseconds. Several keys share the counters, so
 * a success alone proves nothing.
 */
const CLEAR_MS = 10_000;

/** One reading of a proxy's key counters. */
export interface KeyReading {
  /** Failed look-ups by reason: `denied`, `absent`, `unreadable`, `expired`, `revoked`, `unfit` (not of the certificate), `outage`. */
  unavailable: Readonly<Record<string, number>>;
  /** Successful look-ups. */
  succeeded: number;
}

export interface KeyTrouble {
  reading: KeyReading;
  reason: string | undefined;
  /** Time of the last observed failure, milliseconds of this process's clock. */
  failedAt: number;
  /** Successful look-ups before it. */
  succeededThen: number;
}

/** In a label, in the name of a proxy that was not told of labels, and as earlier modules write it. */
const IN_LABEL = /\breason="([a-z]+)"/;
const IN_NAME = /fim_key_(?:reason___([a-z]+)___unavailable_total|unavailable_(?!total)([a-z]+))$/;

function reasonOf(name: string, labels: string): string | undefined {
  if (name.endsWith('fim_key_unavailable_total')) return IN_LABEL.exec(labels)?.[1];
  const found = IN_NAME.exec(name);
  return found?.[1] ?? found?.[2];
}

/** Reads one sample. Returns false if the sample is not about keys. */
export function readKeySample(
  keys: { unavailable: Record<string, number>; succeeded: number },
  { name, labels = '' }: { name: string; labels?: string },
  value: number,
): boolean {
  const reason = reasonOf(name, labels);
  if (reason !== undefined) keys.unavailable[reason] = (keys.unavailable[reason] ?? 0) + value;
  else if (name.endsWith('fim_key_fetch_succeeded')) keys.succeeded += value;
  else return false;
  return true;
}

/**
 * Outages are left out: the operator's own look-ups report a silent key service, and proxies go on with cached keys.
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
  // Without an earlier reading, only a proxy that never got a key is known to lack one.
  if (worst !== undefined && (before !== undefined || reading.succeeded === 0))
    return { reading, reason: worst[0], failedAt: now, succeededThen: before?.reading.succeeded ?? 0 };
  // A success may have come right after the last failure, so that one reading has both. The next may be as far away as
  // the key's refresh. A key that is still refused fails again within seconds, while messages need it.
  // What does not fit its certificate is counted again and again, and ends without another look-up.
  const isBack =
    before?.reason !== undefined &&
    (before.reason === 'unfit' || reading.succeeded > before.succeededThen) &&
    now - before.failedAt > CLEAR_MS;
  const isRestarted = before !== undefined && reading.succeeded < before.reading.succeeded;
  return {
    reading,
    reason: isBack || isRestarted ? undefined : before?.reason,
    failedAt: before?.failedAt ?? -Infinity,
    succeededThen: before?.succeededThen ?? reading.succeeded,
  };
}

/** Notes the latest readings. Returns the proxies that lack a key, as `gw-1: denied`. */
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
