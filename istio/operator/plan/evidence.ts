// Judges from a proxy's counters which configuration it runs. Pure: readings in, verdict out.
import { countedOf, progressOf, ReleaseCounters, slotOf, vmsOf } from '../../../envoy/release/index.ts';
import { readKeySample, type KeyReading } from '../key-evidence.ts';
import { readAuditSample, type AuditReading } from './audited.ts';

/**
 * Error of the start time, milliseconds. Envoy updates its uptime with each flush of statistics (5 s) and in whole
 * seconds, so a process may be older than it seems.
 */
const UPTIME_ERROR_MS = 10_000;

/** One reading of one proxy. */
export interface Reading {
  /** Latest possible start of the proxy's process, milliseconds since 1970. The earliest is UPTIME_ERROR_MS before. */
  startedAt: number;
  /** Worker threads. */
  concurrency: number;
  /** VMs that took a configuration, by generation modulo 16. */
  configured: readonly number[];
  /** The same for national TLS. */
  tlcpConfigured?: readonly number[];
  /** Configurations that the module refused, in all VMs. */
  moduleRefused: number;
  /** Extension configurations that Envoy refused. */
  envoyRefused: number;
  /** Modules that the agent failed to fetch, by its reason: `checksum_mismatched`, `download_failure`. */
  fetchFailures: Readonly<Record<string, number>>;
  keys: KeyReading;
  audit: AuditReading;
  /** Replaced listeners and filter chains that still serve their open connections. */
  draining: number;
  /** Listeners that are not in service yet. */
  warming: number;
  /** Listeners in service, including those of the bootstrap. */
  listeners: number;
  /** Connection managers with the seal in their filter chain, by stat prefix. Each has counters of its own. */
  chains: ReadonlyMap<string, ChainReading>;
}

/** Seal counters of one connection manager. */
export interface ChainReading {
  /** Requests that the seal refused. */
  refused: number;
  /** Requests that reached the seal without FIM's stamp, whether it refused them or not. */
  unseen: number;
}

/** Generation that the proxies are to run. */
export interface Expectation {
  generation: number;
  /** Whether the generation puts national TLS into force. */
  tlcp?: boolean;
  /** Time since which no other generation of the same counter can have reached a proxy, milliseconds since 1970. */
  slotFreeSince: number;
  /**
   * Time at which all proxies were last proven for this generation, according to the status. Undefined if they were
   * not.
   */
  provenAt?: number;
}

export interface ProxyFacts {
  /** Reading from before the generation was applied. Undefined if there is none. */
  baseline?: Reading;
  /** First reading after the generation was applied, for a proxy without baseline. Undefined before the first. */
  firstLook?: Reading;
  now: Reading;
  /** Time at which the proxy became ready, milliseconds since 1970. */
  readySince: number;
}

export type Verdict =
  | { state: 'proven'; workers: number }
  | { state: 'pending' }
  /** The counters may be of an earlier generation. Only a new generation can tell. */
  | { state: 'ambiguous' }
  | { state: 'refused'; reason: string; wantsModule: boolean };

/** Whether a later reading is of the same process. Counters of one process never fall. */
export function isSameProcess(before: Reading, now: Reading): boolean {
  return (
    Math.abs(before.startedAt - now.startedAt) <= UPTIME_ERROR_MS &&
    before.configured.every((count, slot) => (now.configured[slot] ?? 0) >= count)
  );
}

type CountedKinds = Pick<Reading, 'configured' | 'tlcpConfigured'>;
type Refused = Pick<Reading, 'moduleRefused' | 'envoyRefused'>;

const ZERO: Pick<Reading, 'configured' | 'moduleRefused' | 'envoyRefused' | 'fetchFailures'> = {
  configured: [],
  moduleRefused: 0,
  envoyRefused: 0,
  fetchFailures: {},
};

/** The earlier reading, if it is of the same process as the current one. */
function ofProcess(before: Reading | undefined, now: Reading): Reading | undefined {
  return before !== undefined && isSameProcess(before, now) ? before : undefined;
}

function refusalOf(now: Reading, before: typeof ZERO): { reason: string; wantsModule: boolean } | undefined {
  for (const [result, count] of Object.entries(now.fetchFailures)) {
    if (count > (before.fetchFailures[result] ?? 0))
      return { reason: `the proxy's agent did not get the module: ${result.replaceAll('_', ' ')}`, wantsModule: true };
  }
  if (now.moduleRefused > before.moduleRefused)
    return { reason: 'the module refused the configuration', wantsModule: false };
  if (now.envoyRefused > before.envoyRefused) return { reason: 'Envoy refused the configuration', wantsModule: false };
  return undefined;
}

/**
 * Judges one proxy. Three kinds of proof count, in this order. First, as many VMs as the proxy has took the generation
 * since it was applied. Second, they did so in a process younger than the counter's present meaning. Third, an earlier
 * proof included the proxy, and its process and readiness are older than that proof. Without any, growth since the
 * first look decides; earlier counts may be of an earlier generation.
 */
export function judge(
  { generation, slotFreeSince, provenAt, tlcp = false }: Expectation,
  { baseline, firstLook, now, readySince }: ProxyFacts,
): Verdict {
  const slot = slotOf(generation);
  const needed = vmsOf(now.concurrency);
  const kinds = ({ configured, tlcpConfigured = [] }: CountedKinds): (readonly number[])[] =>
    tlcp ? [configured, tlcpConfigured] : [configured];
  const count = Math.min(...kinds(now).map((counts) => counts[slot] ?? 0));
  const isYoung = now.startedAt - UPTIME_ERROR_MS > slotFreeSince;
  const before = isYoung ? ZERO : ofProcess(baseline, now);
  const since = before ?? ofProcess(firstLook, now);
  const isTaken = (from: CountedKinds & Refused): boolean =>
    kinds(now).every((configured, kind) => {
      const then = countedOf({ ...from, configured: kinds(from)[kind] ?? [] }, generation);
      return progressOf(needed, then, countedOf({ ...now, configured }, generation)) === 'proven';
    });
  if (since !== undefined && isTaken(since)) return { state: 'proven', workers: now.concurrency };
  if (
    before === undefined &&
    provenAt !== undefined &&
    now.startedAt < provenAt &&
    readySince <= provenAt &&
    count >= needed
  )
    return { state: 'proven', workers: now.concurrency };
  if (before === undefined && count >= needed) return { state: 'ambiguous' };
  const refusal = since === undefined ? undefined : refusalOf(now, since);
  if (refusal !== undefined) return { state: 'refused', ...refusal };
  const mayHaveRefused = before === undefined && refusalOf(now, ZERO) !== undefined;
  return { state: mayHaveRefused ? 'ambiguous' : 'pending' };
}

/**
 * Counters of the seal (`plan/seal.ts`). Their kind and connection manager are in the name or, after Istio's tag rules,
 * in labels.
 */
const CHAIN_SAMPLE = /^(envoy_http_(?:.*_)?)rbac_fim_(seal|passage)_rbac(?:_(?:shadow_)?(allowed|denied))?$/;
const RESULT_LABEL = /(?:^|,)authz_(?:enforce|dry_run)_result="(\w+)"/;
const DRAINING = new Set([
  'envoy_listener_manager_total_listeners_draining',
  'envoy_listener_manager_total_filter_chains_draining',
]);
const WARMING = 'envoy_listener_manager_total_listeners_warming';
const ACTIVE = 'envoy_listener_manager_total_listeners_active';

/** Listeners of Istio's bootstrap: metrics and health. */
const BOOTSTRAP_LISTENERS = 2;

/**
 * Whether a proxy has no listener that could have a filter. Nothing reaches it then, and nothing can be proven about
 * it.
 */
export function isIdle({ listeners, warming, draining, configured }: Reading): boolean {
  return (
    listeners <= BOOTSTRAP_LISTENERS && warming === 0 && draining === 0 && configured.every((count) => count === 0)
  );
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?\s+(\S+)/;

function readChain(chains: Map<string, ChainReading>, name: string, labels: string, value: number): void {
  const [, manager, what, named] = CHAIN_SAMPLE.exec(name) ?? [];
  if (manager === undefined) return;
  const key = `${manager}{${labels.replace(RESULT_LABEL, '')}}`;
  const chain = chains.get(key) ?? { refused: 0, unseen: 0 };
  const isDenied = (named ?? RESULT_LABEL.exec(labels)?.[1]) === 'denied';
  if (isDenied && what === 'seal') chain.refused = value;
  if (isDenied && what === 'passage') chain.unseen = value;
  chains.set(key, chain);
}

/**
 * Reads Prometheus text from Envoy or Istio's agent. Undefined if the source is not an Envoy with all counters that
 * proof needs. `at`: time of reading, milliseconds since 1970.
 */
export function readMetrics(text: string, at: number): Reading | undefined {
  let concurrency: number | undefined;
  let uptimeSeconds: number | undefined;
  const counters = new ReleaseCounters();
  const fetchFailures: Record<string, number> = {};
  const keys = { unavailable: {}, succeeded: 0 };
  const audit = { waiting: 0, written: 0, acknowledged: 0, lost: 0 };
  const chains = new Map<string, ChainReading>();
  let draining: number | undefined;
  let warming = 0;
  let listeners = 0;
  for (const line of text.split('\n')) {
    const match = line.startsWith('#') ? null : SAMPLE.exec(line);
    if (match === null) continue;
    const [, name = '', labels = '', written] = match;
    const value = Number(written);
    if (!Number.isFinite(value)) continue;
    if (readKeySample(keys, { name, labels }, value) || readAuditSample(audit, name, value)) continue;
    readChain(chains, name, labels, value);
    if (DRAINING.has(name)) draining = (draining ?? 0) + value;
    if (name === WARMING) warming = value;
    if (name === ACTIVE) listeners = value;
    if (counters.take(name, labels, value)) continue;
    if (name === 'envoy_server_concurrency') concurrency = value;
    else if (name === 'envoy_server_uptime') uptimeSeconds = value;
    else if (name.endsWith('wasm_remote_fetch_count')) {
      const result = /result="([a-z_]+)"/.exec(labels)?.[1] ?? 'failure';
      if (result !== 'success') fetchFailures[result] = (fetchFailures[result] ?? 0) + value;
    }
  }
  if (concurrency === undefined || uptimeSeconds === undefined || draining === undefined) return undefined;
  return {
    startedAt: at - uptimeSeconds * 1000,
    concurrency,
    configured: counters.configured,
    tlcpConfigured: counters.tlcpConfigured,
    moduleRefused: counters.moduleRefused,
    envoyRefused: counters.envoyRefused,
    fetchFailures,
    keys,
    audit,
    draining,
    warming,
    listeners,
    chains,
  };
}
