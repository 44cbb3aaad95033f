// Counts that proxies keep of a canary and of the policy in force beside it, read from the modules' own counters.

/** Counts of one of the two. */
export interface VariantCounts {
  answered: number;
  failed: number;
  refused: number;
  /** Requests by the upper bound of their time, milliseconds; beyond the last bound: Infinity. */
  took: ReadonlyMap<number, number>;
  /** Refusals by code. */
  codes: ReadonlyMap<string, number>;
}

export interface Counts {
  canary: VariantCounts;
  stable: VariantCounts;
  /** Machines of the canary that died. */
  died: number;
}

const NONE: VariantCounts = { answered: 0, failed: 0, refused: 0, took: new Map(), codes: new Map() };

/** Counts of a proxy that has just started. */
export const NOTHING_COUNTED: Counts = { canary: NONE, stable: NONE, died: 0 };

/** Counters to ask a proxy for, as a pattern of Envoy's names. `plugin`: that of the canary. */
export function countersPattern(plugin: string): string {
  const name = plugin.replaceAll('.', String.raw`\.`);
  return String.raw`^(wasmcustom\.fim\.variant\..*|wasm\.${name}\.vm_reload_(success|failure|backoff))$`;
}

const COUNTER = /^(?:wasmcustom[._])?fim[._]variant[._](requests|took|refused)_total\{(.*)\}$/;
const DIED = /vm_reload_(?:success|failure|backoff)$/;

/** Counts of a proxy. `stats`: its counters by name, with labels behind: `…requests_total{variant=canary,outcome=failed}`. */
export function readCounts(stats: ReadonlyMap<string, number>): Counts {
  const of = { canary: new Reading(), stable: new Reading() };
  let died = 0;
  for (const [name, value] of stats) {
    const [, what, text = ''] = COUNTER.exec(name) ?? [];
    if (what === undefined) {
      if (DIED.test(name)) died += value;
      continue;
    }
    const labels = new Map(text.split(',').map((label) => label.split('=') as [string, string]));
    const variant = labels.get('variant');
    if (variant === 'canary' || variant === 'stable') of[variant].take(what, labels, value);
  }
  return { canary: of.canary, stable: of.stable, died };
}

class Reading implements VariantCounts {
  answered = 0;
  failed = 0;
  refused = 0;
  readonly took = new Map<number, number>();
  readonly codes = new Map<string, number>();

  take(what: string, labels: ReadonlyMap<string, string>, value: number): void {
    const { outcome = '', within = '', code = '' } = Object.fromEntries(labels);
    if (what === 'requests') {
      if (outcome === 'answered' || outcome === 'failed' || outcome === 'refused') this[outcome] += value;
    } else if (what === 'took') add(this.took, within === 'more' ? Infinity : Number(within), value);
    else add(this.codes, code, value);
  }
}

function add<Key>(map: Map<Key, number>, key: Key, value: number): void {
  map.set(key, (map.get(key) ?? 0) + value);
}

/** Counts of several proxies together. */
export function sumOf(all: readonly Counts[]): Counts {
  return {
    canary: joined(
      all.map(({ canary }) => canary),
      (a, b) => a + b,
    ),
    stable: joined(
      all.map(({ stable }) => stable),
      (a, b) => a + b,
    ),
    died: all.reduce((sum, { died }) => sum + died, 0),
  };
}

/** Counts since `before`. A counter that is smaller than before began anew. */
export function since(before: Counts, now: Counts): Counts {
  const more = (then: number, current: number): number => (current >= then ? current - then : current);
  return {
    canary: joined([before.canary, now.canary], more),
    stable: joined([before.stable, now.stable], more),
    died: more(before.died, now.died),
  };
}

function joined(all: readonly VariantCounts[], join: (a: number, b: number) => number): VariantCounts {
  const fold = (read: (counts: VariantCounts) => number): number => all.map(read).reduce(join);
  const maps = <Key>(read: (counts: VariantCounts) => ReadonlyMap<Key, number>): Map<Key, number> =>
    new Map(
      [...new Set(all.flatMap((counts) => [...read(counts).keys()]))].map((key) => [
        key,
        fold((counts) => read(counts).get(key) ?? 0),
      ]),
    );
  return {
    answered: fold(({ answered }) => answered),
    failed: fold(({ failed }) => failed),
    refused: fold(({ refused }) => refused),
    took: maps(({ took }) => took),
    codes: maps(({ codes }) => codes),
  };
}

/** Requests of which something became. */
export function requestsOf({ answered, failed, refused }: VariantCounts): number {
  return answered + failed + refused;
}

/** Time that a share of the timed requests kept, milliseconds. Undefined: there are none. Infinity: beyond the last bound. */
export function quantile({ took }: VariantCounts, share: number): number | undefined {
  const bounds = [...took.keys()].sort((a, b) => a - b);
  const total = bounds.reduce((sum, bound) => sum + took.get(bound)!, 0);
  if (total === 0) return undefined;
  let left = share * total;
  let low = 0;
  for (const bound of bounds) {
    const count = took.get(bound)!;
    if (count > 0 && left <= count) return bound === Infinity ? Infinity : low + ((bound - low) * left) / count;
    left -= count;
    low = bound;
  }
  return Infinity;
}
