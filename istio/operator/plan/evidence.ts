// What a proxy's own counters prove about the configuration that it runs. Pure: readings in, verdict out.
import { readKeySample, type KeyReading } from '../key-evidence.ts';

/** Counters among which the configurations take turns by generation (as in the modules). */
export const GENERATION_SLOTS = 16;
/**
 * Besides the workers' VMs: the one that Envoy checks the code with and the main thread's (measured with Envoy 1.40).
 */
const EXTRA_VMS = 2;
/**
 * Envoy brings its uptime up to date with each flush of its statistics (5 s) and in whole seconds: a process may be
 * older than it seems by this, milliseconds.
 */
const UPTIME_ERROR_MS = 10_000;

/** One look at one proxy. */
export interface Reading {
  /** When the proxy's process began at the latest, milliseconds since 1970; at the earliest: UPTIME_ERROR_MS before. */
  startedAt: number;
  /** Worker threads. */
  concurrency: number;
  /** VMs that took a configuration, by generation modulo 16. */
  configured: readonly number[];
  /** Configurations that the module refused, by all VMs. */
  moduleRefused: number;
  /** Extension configurations that Envoy refused. */
  envoyRefused: number;
  /** Modules that the agent did not get, by its reason: `checksum_mismatched`, `download_failure`. */
  fetchFailures: Readonly<Record<string, number>>;
  keys: KeyReading;
  /** Listeners and filter chains that were replaced and still serve the connections that they have. */
  draining: number;
  /** Listeners that are not in service yet. */
  warming: number;
  /** Listeners in service, those of the bootstrap too. */
  listeners: number;
  /** Connection managers that have the seal in their chain, by the name of their statistics: each counts for itself. */
  chains: ReadonlyMap<string, ChainReading>;
}

/** What a connection manager's counters say of its chain of filters. */
export interface ChainReading {
  /** Requests that the seal refused. */
  refused: number;
  /** Requests that reached the seal without FIM's stamp, refused or not. */
  unseen: number;
}

/** What the proxies are to run. */
export interface Expectation {
  generation: number;
  /** Since when no other generation of the same counter can have reached a proxy, milliseconds since 1970. */
  slotFreeSince: number;
  /** When all proxies of the workload were last proven, as the status says; undefined: not yet, for this generation. */
  provenAt?: number;
}

export interface ProxyFacts {
  /** What the proxy said before the generation was applied; undefined if it was not asked. */
  baseline?: Reading;
  /** Without such a baseline: what the proxy said when it was first asked after that; undefined: it was not yet. */
  firstLook?: Reading;
  now: Reading;
  /** Since when the proxy is ready, milliseconds since 1970. */
  readySince: number;
}

export type Verdict =
  | { state: 'proven'; workers: number }
  | { state: 'pending' }
  /** The counters may be of an earlier generation: only a new one can tell. */
  | { state: 'ambiguous' }
  | { state: 'refused'; reason: string; wantsModule: boolean };

/** Whether a later reading is of the same process: counters of one process never fall. */
export function isSameProcess(before: Reading, now: Reading): boolean {
  return (
    Math.abs(before.startedAt - now.startedAt) <= UPTIME_ERROR_MS &&
    before.configured.every((count, slot) => (now.configured[slot] ?? 0) >= count)
  );
}

const ZERO: Pick<Reading, 'configured' | 'moduleRefused' | 'envoyRefused' | 'fetchFailures'> = {
  configured: [],
  moduleRefused: 0,
  envoyRefused: 0,
  fetchFailures: {},
};

/** The reading if it is of the process that was asked now. */
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
 * Judges one proxy. Proof is, in this order: as many VMs as the proxy has took the generation since it was applied; or
 * did so in a process that is younger than the counter's present meaning; or the proxy was among those proven before,
 * and its process and readiness are older than that proof. Without any of these, growth since the
 * first look says what it says; what was counted before that may be of an earlier generation.
 */
export function judge(
  { generation, slotFreeSince, provenAt }: Expectation,
  { baseline, firstLook, now, readySince }: ProxyFacts,
): Verdict {
  const slot = generation % GENERATION_SLOTS;
  const needed = now.concurrency + EXTRA_VMS;
  const count = now.configured[slot] ?? 0;
  const isYoung = now.startedAt - UPTIME_ERROR_MS > slotFreeSince;
  const before = isYoung ? ZERO : ofProcess(baseline, now);
  const since = before ?? ofProcess(firstLook, now);
  if (since !== undefined && count - (since.configured[slot] ?? 0) >= needed)
    return { state: 'proven', workers: now.concurrency };
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
 * Counters of the seal (`plan/seal.ts`). What they count and of which connection manager stands in the name, or, by
 * Istio's rules for tags, in labels.
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

/** Whether a proxy has no listener that could have a filter: nothing reaches it, and nothing of it can be proven. */
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
 * Reads Prometheus text as Envoy or Istio's agent writes it; undefined if it is not from an Envoy that tells all that
 * proof needs. `at`: when it was read, milliseconds since 1970.
 */
export function readMetrics(text: string, at: number): Reading | undefined {
  let concurrency: number | undefined;
  let uptimeSeconds: number | undefined;
  let moduleRefused = 0;
  let envoyRefused = 0;
  const configured = new Array<number>(GENERATION_SLOTS).fill(0);
  const fetchFailures: Record<string, number> = {};
  const keys = { unavailable: {}, succeeded: 0 };
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
    if (readKeySample(keys, name, value)) continue;
    readChain(chains, name, labels, value);
    if (DRAINING.has(name)) draining = (draining ?? 0) + value;
    if (name === WARMING) warming = value;
    if (name === ACTIVE) listeners = value;
    const slot = /fim_configured_(\d+)$/.exec(name);
    if (slot !== null)
      configured[Number(slot[1]) % GENERATION_SLOTS] = (configured[Number(slot[1]) % GENERATION_SLOTS] ?? 0) + value;
    else if (name === 'envoy_server_concurrency') concurrency = value;
    else if (name === 'envoy_server_uptime') uptimeSeconds = value;
    else if (name.endsWith('fim_config_refused')) moduleRefused += value;
    else if (/extension_config_discovery_.*update_rejected$/.test(name) && /fim/.test(name + labels))
      envoyRefused += value;
    else if (name.endsWith('wasm_remote_fetch_count')) {
      const result = /result="([a-z_]+)"/.exec(labels)?.[1] ?? 'failure';
      if (result !== 'success') fetchFailures[result] = (fetchFailures[result] ?? 0) + value;
    }
  }
  if (concurrency === undefined || uptimeSeconds === undefined || draining === undefined) return undefined;
  return {
    startedAt: at - uptimeSeconds * 1000,
    concurrency,
    configured,
    moduleRefused,
    envoyRefused,
    fetchFailures,
    keys,
    draining,
    warming,
    listeners,
    chains,
  };
}
