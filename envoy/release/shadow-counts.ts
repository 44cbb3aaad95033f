// Counts by a proxy of a shadow, read from the modules' own counters.

/** A difference between the two policies, by the code of the one that refuses. */
export type Difference = 'stricter' | 'laxer' | 'other';

export interface ShadowCounts {
  /** Messages of which both say the same. */
  same: number;
  /** The shadow alone refuses. */
  stricter: number;
  /** The policy in force alone refuses. */
  laxer: number;
  /** Both refuse, for different reasons. */
  other: number;
  /** Messages that the shadow did not judge, since its time was used up. */
  skipped: number;
  /** Differences by kind and code: `stricter FIM-PBOC-0007`. */
  codes: Record<string, number>;
  /** Machines that died. */
  died: number;
}

/** Counts of a proxy that has just started. */
export const NO_SHADOW: ShadowCounts = { same: 0, stricter: 0, laxer: 0, other: 0, skipped: 0, codes: {}, died: 0 };

/** Counters to ask a proxy for, as a pattern of Envoy's names. `plugin`: that of the policy in force. */
export function shadowPattern(plugin: string): string {
  const name = plugin.replaceAll('.', String.raw`\.`);
  return String.raw`^(wasmcustom\.fim\.shadow\..*|wasm\.${name}\.vm_reload_(success|failure|backoff))$`;
}

const COUNTER = /^wasmcustom\.fim\.shadow\.(messages|differences)_total\{(.*)\}$/;
const DIED = /vm_reload_(?:success|failure|backoff)$/;

/** Counts of a proxy. `stats`: its counters by name, with labels behind. */
export function readShadow(stats: ReadonlyMap<string, number>): ShadowCounts {
  const counts: ShadowCounts = { ...NO_SHADOW, codes: {} };
  for (const [name, value] of stats) {
    const [, what, text = ''] = COUNTER.exec(name) ?? [];
    if (what === undefined) {
      if (DIED.test(name)) counts.died += value;
      continue;
    }
    const { shadow = '', code = '' } = Object.fromEntries(text.split(',').map((label) => label.split('=')));
    if (what === 'differences') counts.codes[`${shadow} ${code}`] = (counts.codes[`${shadow} ${code}`] ?? 0) + value;
    else if (shadow in counts) counts[shadow as Difference] += value;
  }
  return counts;
}

/** Counts since `before`. A counter that is smaller than before began anew. */
export function shadowSince(before: ShadowCounts, now: ShadowCounts): ShadowCounts {
  const more = (then: number, current: number): number => (current >= then ? current - then : current);
  const codes = Object.entries(now.codes)
    .map(([code, count]): [string, number] => [code, more(before.codes[code] ?? 0, count)])
    .filter(([, count]) => count > 0)
    .sort();
  return {
    same: more(before.same, now.same),
    stricter: more(before.stricter, now.stricter),
    laxer: more(before.laxer, now.laxer),
    other: more(before.other, now.other),
    skipped: more(before.skipped, now.skipped),
    codes: Object.fromEntries(codes),
    died: more(before.died, now.died),
  };
}
