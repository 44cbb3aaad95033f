// Judges a canary by what was counted of it and of the policy in force in the same time.
import { MAX_CANARY_LOOKS } from '../limits.ts';
import type { CanaryGates } from '../route/index.ts';
import { durationMs } from '../route/index.ts';
import { quantile, requestsOf, since, type Counts, type VariantCounts } from './variant-counts.ts';

/** Gates with their defaults, as numbers. Rates are shares of 1. */
export interface Gates {
  p99?: { ms: number } | { more: number };
  errorRate: number;
  refusalRate: number;
  minRequests: number;
}

/** View of one of the two for an operator. */
export interface Figures {
  requests: number;
  /** Shares of 1. */
  errorRate: number;
  refusalRate: number;
  /** Milliseconds. Null: none was timed, or longer than is measured. */
  p50: number | null;
  p99: number | null;
  /** Refusals by code. */
  codes: Record<string, number>;
}

export interface Verdict {
  /** `Inconclusive`: too little has been seen to say anything. */
  kind: 'Inconclusive' | 'Holds' | 'Fails';
  /** In words, with the figures that it rests on. */
  reason: string;
  canary: Figures;
  stable: Figures;
}

/** The gates of a canary. */
export function gatesOf({ p99, errorRate = '1%', refusalRate = '1%', minRequests = 500 }: CanaryGates = {}): Gates {
  return {
    ...(p99 === undefined
      ? {}
      : { p99: p99.startsWith('+') ? { more: percent(p99.slice(1)) } : { ms: durationMs(p99) } }),
    errorRate: percent(errorRate),
    refusalRate: percent(refusalRate),
    minRequests,
  };
}

function percent(text: string): number {
  return Number(text.replace('%', '')) / 100;
}

export function figuresOf(counts: VariantCounts): Figures {
  const requests = requestsOf(counts);
  const share = (count: number): number => (requests === 0 ? 0 : count / requests);
  const time = (part: number): number | null => {
    const ms = quantile(counts, part);
    return ms === undefined || ms === Infinity ? null : Math.round(ms * 1000) / 1000;
  };
  return {
    requests,
    errorRate: share(counts.failed),
    refusalRate: share(counts.refused),
    p50: time(0.5),
    p99: time(0.99),
    codes: Object.fromEntries([...counts.codes].filter(([, count]) => count > 0).sort()),
  };
}

/** The verdict on what was counted. Never `Holds` on less than the least number of requests, of either. */
export function judge(gates: Gates, counts: Counts): Verdict {
  const canary = figuresOf(counts.canary);
  const stable = figuresOf(counts.stable);
  const said = (kind: Verdict['kind'], reason: string): Verdict => ({ kind, reason, canary, stable });
  if (counts.died > 0) return said('Fails', 'a machine of the canary died');
  for (const [name, { requests }] of Object.entries({ canary, stable }))
    if (requests < gates.minRequests)
      return said('Inconclusive', `${requests} of ${gates.minRequests} requests of ${name}`);
  const errors = canary.errorRate - stable.errorRate;
  if (errors > gates.errorRate)
    return said('Fails', `errorRate ${shown(canary.errorRate)}, of stable ${shown(stable.errorRate)}`);
  const refusals = Math.abs(canary.refusalRate - stable.refusalRate);
  if (refusals > gates.refusalRate)
    return said('Fails', `refusalRate ${shown(canary.refusalRate)}, of stable ${shown(stable.refusalRate)}`);
  const slow = slowness(gates, counts);
  return slow === undefined ? said('Holds', 'every gate holds') : said(...slow);
}

/** Fault of the canary's times. Undefined: none. */
function slowness({ p99 }: Gates, counts: Counts): ['Fails' | 'Inconclusive', string] | undefined {
  if (p99 === undefined) return undefined;
  const own = quantile(counts.canary, 0.99);
  const other = quantile(counts.stable, 0.99);
  if (own === undefined || other === undefined) return ['Inconclusive', 'no request of one of the two was timed'];
  const most = 'ms' in p99 ? p99.ms : other * (1 + p99.more);
  return own > most ? ['Fails', `p99 ${time(own)}, of stable ${time(other)}`] : undefined;
}

function time(ms: number): string {
  return Number.isFinite(ms) ? `${ms.toPrecision(3)} ms` : 'more than 10 s';
}

function shown(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

/** Counts of a step of a canary, from look to look. */
export class CanaryWindow {
  private readonly gates: Gates;
  private readonly begin: Counts;
  private readonly looks: Counts[] = [];

  /** `begin`: what was counted before the step. */
  constructor(gates: Gates, begin: Counts) {
    this.gates = gates;
    this.begin = begin;
  }

  /**
   * The verdict after another look. It fails if the whole step does, or the latest requests by themselves: a canary that
   * turns bad late is not saved by what was good before.
   */
  look(now: Counts): Verdict {
    const whole = judge(this.gates, since(this.begin, now));
    const latest = this.latest(now);
    this.looks.push(now);
    if (this.looks.length > MAX_CANARY_LOOKS) this.looks.shift();
    return whole.kind === 'Fails' || latest?.kind !== 'Fails' ? whole : latest;
  }

  /** The verdict on the fewest latest looks that have requests enough. Undefined: no earlier look leaves as many. */
  private latest(now: Counts): Verdict | undefined {
    const { minRequests } = this.gates;
    for (let i = this.looks.length - 1; i >= 0; i--) {
      const counts = since(this.looks[i]!, now);
      if (requestsOf(counts.canary) >= minRequests && requestsOf(counts.stable) >= minRequests)
        return judge(this.gates, counts);
    }
    return undefined;
  }
}
