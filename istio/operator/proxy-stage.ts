// Stage 3: probes the proxies of a workload for the configuration that they run.
import {
  BYPASS_TOLD_MS,
  MAX_RENEW_MS,
  MIN_RENEW_MS,
  PENDING_PROBE_MS,
  PROVEN_PROBE_MS,
  SEAL_SHOWS_MS,
} from '../limits.ts';
import { emptyState, type ClusterView, type WorkloadRuntime } from './cluster-view.ts';
import { GENERATION_SLOTS, lookTwice } from '../../envoy/release/index.ts';
import { keyTroubles } from './key-evidence.ts';
import { judgeAudit, noAudit, type AuditBook } from './plan/audited.ts';
import { isIdle, isSameProcess, judge, type Reading, type Verdict } from './plan/evidence.ts';
import type { RouteStatus } from './plan/status.ts';
import type { WorkloadState } from './plan/route-facts.ts';
import type { Workload } from './plan/workloads.ts';
import { noteProof } from './proof.ts';
import { allProxiesOf, type ProbeGate, type ProbeResult, type Proxy } from './proxies.ts';

/** Pause before another new generation is made for want of proof, milliseconds. */
const BUMP_PAUSE_MS = 600_000;

export interface ProxyStageParts {
  view: ClusterView;
  gate: ProbeGate;
  probe: (proxy: Proxy) => Promise<ProbeResult>;
  defaultPort: number;
  onProbe: (result: 'ok' | 'failed') => void;
  /** Answer of the collector of audit records; undefined: there is none. */
  auditBook: () => Promise<AuditBook | undefined>;
  /** Whether proxies can fetch the module, as far as is known. */
  isModuleServed: () => boolean;
}

export interface ProxyOutcome {
  /** Whether the status of the workload's routes may have changed. */
  changed: boolean;
  /** Whether the object needs a new generation. */
  bump: boolean;
  /** Time until the next probe, milliseconds. Undefined if there is nothing to probe. */
  againMs: number | undefined;
}

/** When as many proxies as there are now, or more, were proven to run a state, as a status says. */
function proofInStatus(
  status: RouteStatus | undefined,
  { name, generation, hash }: WorkloadState,
  proxies: readonly Proxy[],
): number | undefined {
  const entry = status?.workloads?.find(
    (workload) => workload.name === name && workload.generation === generation && workload.configurationHash === hash,
  );
  if (entry?.provenAt === undefined) return undefined;
  const at = Date.parse(entry.provenAt);
  // Of more that were there then, some were another workload's.
  return proxies.filter(({ readySince }) => readySince > 0 && readySince <= at).length <= entry.proxies
    ? at
    : undefined;
}

export class ProxyStage {
  private readonly parts: ProxyStageParts;

  constructor(parts: ProxyStageParts) {
    this.parts = parts;
  }

  /** Reads the proxies that lack a usable reading: there is none, or its counter has been reused since. */
  async readBaselines(workload: Workload, runtime: WorkloadRuntime, generation: number): Promise<void> {
    const proxies = this.takeIn(workload, runtime);
    await Promise.all(
      proxies.map(async (proxy) => {
        const known = runtime.readings.get(proxy.uid);
        if (known === undefined || known.generation <= generation - GENERATION_SLOTS)
          await this.ask(proxy, runtime, generation - 1);
      }),
    );
    for (const uid of runtime.readings.keys()) runtime.moved.delete(uid);
    runtime.baselines = new Map([...runtime.readings].map(([uid, { reading }]) => [uid, reading]));
    runtime.firstLooks = new Map();
  }

  /** Probes all proxies of a workload. */
  async reconcile(namespace: string, name: string): Promise<ProxyOutcome> {
    const workload = this.parts.view.workload(namespace, name);
    const runtime = this.parts.view.knownRuntime(namespace, name);
    if (workload === undefined || runtime?.release === undefined)
      return { changed: false, bump: false, againMs: undefined };
    const { release } = runtime;
    const proxies = this.takeIn(workload, runtime);
    const results = await this.look(workload, runtime, proxies);
    // The generation may have changed while the proxies were probed.
    if (runtime.release.generation !== release.generation) return { changed: false, bump: false, againMs: 0 };
    const present = new Set(proxies.map(({ uid }) => uid));
    for (const known of [...keptByPod(runtime), runtime.moved])
      for (const uid of known.keys()) if (!present.has(uid)) known.delete(uid);
    const { state, ambiguous, wantModule } = this.judgeAll(workload, runtime, proxies, results);
    noteFirstLooks(runtime, proxies, results);
    state.keyTroubles = keyTroubles(runtime, proxies, results);
    await this.lookAtRecords(workload, runtime, state, proxies, results);
    const others = leftTo(workload);
    const changed = others !== runtime.leftTo || JSON.stringify(state) !== JSON.stringify(runtime.state);
    Object.assign(runtime, { state, leftTo: others });
    noteProof(runtime);
    const bump = this.renews(runtime, wantModule) || isUnclear(runtime, ambiguous);
    runtime.bump ||= bump;
    const age = Date.now() - release.appliedAt;
    const settled =
      state.programmed === state.proxies &&
      state.unseen.length === 0 &&
      state.keyTroubles.length === 0 &&
      !isPending(state) &&
      proxies.every(({ uid, ready }) => ready || runtime.inForce.has(uid));
    return {
      changed,
      bump,
      againMs: settled ? PROVEN_PROBE_MS : Math.min(PROVEN_PROBE_MS, Math.max(PENDING_PROBE_MS, age / 10)),
    };
  }

  /** Notes whether the records of the workload's ready proxies reach the collector, if a route of it asks for some. */
  private async lookAtRecords(
    workload: Workload,
    { release, records }: WorkloadRuntime,
    state: WorkloadState,
    proxies: readonly Proxy[],
    results: readonly ProbeResult[],
  ): Promise<void> {
    const { view } = this.parts;
    const checked = view.namespaces.get(workload.namespace)?.checked;
    const audited = workload.routes.filter(({ key }) => checked?.get(key)?.needs.audit === true);
    const book = audited.length === 0 || release === undefined ? undefined : await this.parts.auditBook();
    if (book === undefined) return;
    state.audit = noAudit();
    const said = audited
      .flatMap(({ key }) => (view.informers.routes.get(key)?.status as RouteStatus | undefined)?.conditions ?? [])
      .find(({ type, status }) => type === 'Audited' && status === 'True');
    const provenAt = said === undefined ? undefined : Date.parse(said.lastTransitionTime);
    for (const [index, { uid, name, ready }] of proxies.entries()) {
      const result = results[index];
      if (!ready || result === undefined || 'error' in result || isIdle(result.reading)) continue;
      const { audit: reading, startedAt } = result.reading;
      const look = { name, namespace: workload.namespace, reading, startedAt, provenAt, book, now: Date.now() };
      records.set(uid, judgeAudit(state.audit, records.get(uid), look));
    }
  }

  /**
   * Whether to send the configuration again. An agent that failed to fetch the module does not retry until the
   * configuration changes, and its proxy answers 500 until then. The pause grows while this does not help.
   */
  private renews(runtime: WorkloadRuntime, wantModule: Map<string, string>): boolean {
    const { renewal } = runtime;
    if (wantModule.size === 0) {
      if (renewal.wanting.size === 0) renewal.count = 0;
      return false;
    }
    if (
      !this.parts.isModuleServed() ||
      performance.now() - renewal.at < Math.min(MAX_RENEW_MS, MIN_RENEW_MS * 2 ** renewal.count)
    )
      return false;
    Object.assign(renewal, { at: performance.now(), count: renewal.count + 1, wanting: wantModule });
    return true;
  }

  /** One result for each proxy. */
  private look(workload: Workload, runtime: WorkloadRuntime, proxies: readonly Proxy[]): Promise<ProbeResult[]> {
    const { generation } = runtime.release!;
    const { verdictOn } = this.verdicts(workload, runtime, proxies);
    return Promise.all(
      proxies.map(async (proxy) => {
        const { seen, twice } = await lookTwice(
          () => this.ask(proxy, runtime, generation),
          (result) =>
            runtime.release!.generation === generation &&
            runtime.confirmed.get(proxy.uid) !== generation &&
            verdictOn(proxy, result)?.state === 'proven',
        );
        if (twice && 'reading' in seen) runtime.confirmed.set(proxy.uid, generation);
        return seen;
      }),
    );
  }

  /** Verdict on a proxy by what was seen of it: undefined if it could not be probed. */
  private verdicts(
    workload: Workload,
    runtime: WorkloadRuntime,
    proxies: readonly Proxy[],
  ): { verdictOn: (proxy: Proxy, result: ProbeResult | undefined) => Verdict | undefined; provenAt?: number } {
    const { generation, hash, tlcp: national } = runtime.release!;
    const expected = { generation, tlcp: national !== undefined };
    const provenAt = runtime.state.provenAt ?? this.provenAt(workload, { ...runtime.state, generation, hash }, proxies);
    const since =
      runtime.history.find((entry) => entry.generation > generation - GENERATION_SLOTS)?.since ?? Date.now();
    const before = provenAt === undefined ? {} : { provenAt };
    const verdictOn = (proxy: Proxy, result: ProbeResult | undefined): Verdict | undefined => {
      if (result === undefined || 'error' in result) return undefined;
      const seen = {
        firstLook: runtime.firstLooks.get(proxy.uid),
        now: result.reading,
        readySince: proxy.readySince,
      };
      // Counters of a proxy that was another workload's say of which generation they are, not of which workload.
      return runtime.moved.has(proxy.uid)
        ? judge({ ...expected, slotFreeSince: Infinity }, seen)
        : judge(
            { ...expected, slotFreeSince: since, ...before },
            { ...seen, baseline: runtime.baselines.get(proxy.uid) },
          );
    };
    return { verdictOn, ...before };
  }

  private judgeAll(
    workload: Workload,
    runtime: WorkloadRuntime,
    proxies: readonly Proxy[],
    results: readonly ProbeResult[],
  ): { state: WorkloadState; ambiguous: string[]; wantModule: Map<string, string> } {
    const { generation, hash } = runtime.release!;
    const state: WorkloadState = {
      ...emptyState(workload.name),
      hash,
      generation,
      counted: true,
      applyError: runtime.applyError,
    };
    const { verdictOn, provenAt } = this.verdicts(workload, runtime, proxies);
    const verdicts = proxies.map((proxy, index) => verdictOn(proxy, results[index]));
    const ambiguous: string[] = [];
    const wantModule = new Map<string, string>();
    runtime.inForce.clear();
    for (const [index, proxy] of proxies.entries()) {
      const result = results[index];
      const verdict = sinceRenewal(runtime, proxy, verdicts[index]);
      if (verdict?.state === 'refused' && verdict.wantsModule && verdict === verdicts[index])
        wantModule.set(proxy.uid, verdict.reason);
      if (!proxy.ready) {
        if (verdict?.state === 'proven') runtime.inForce.add(proxy.uid);
        continue;
      }
      state.proxies++;
      if (verdict === undefined || result === undefined || 'error' in result) {
        state.unreachable++;
        continue;
      }
      if (verdict.state !== 'proven' && isIdle(result.reading)) {
        runtime.inForce.add(proxy.uid);
        state.idle.push(proxy.name);
        state.proxies--;
        continue;
      }
      if (verdict.state === 'refused') state.refusals.push({ proxy: proxy.name, reason: verdict.reason });
      else if (verdict.state === 'ambiguous') ambiguous.push(proxy.uid);
      lookAtSeal(state, runtime, proxy, result.reading);
      if (verdict.state === 'proven' && hasDrained(state, runtime, proxy, result.reading)) {
        runtime.inForce.add(proxy.uid);
        state.programmed++;
        state.workers += verdict.workers;
      } else if (verdict.state !== 'refused') state.lagging.push(proxy.name);
    }
    const isWhole = state.proxies > 0 && state.programmed === state.proxies;
    if (provenAt !== undefined) state.provenAt = provenAt;
    else if (isWhole) state.provenAt = Date.now();
    return { state, ambiguous, wantModule };
  }

  /**
   * Time at which this generation was proven, from the status of one of its routes. The status outlives the operator.
   */
  private provenAt(workload: Workload, state: WorkloadState, proxies: readonly Proxy[]): number | undefined {
    for (const { key } of workload.routes) {
      const found = proofInStatus(
        this.parts.view.informers.routes.get(key)?.status as RouteStatus | undefined,
        state,
        proxies,
      );
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private proxies(workload: Workload): Proxy[] {
    const { view, defaultPort } = this.parts;
    return allProxiesOf(
      workload,
      view.informers.pods.in(workload.namespace).values(),
      view.facts(workload.namespace),
      defaultPort,
    );
  }

  /**
   * The proxies of a workload, which are its from now on: what is known of those that were another's, or were its
   * before they were that, proves nothing.
   */
  private takeIn(workload: Workload, runtime: WorkloadRuntime): Proxy[] {
    const { claims } = this.parts.view;
    const proxies = this.proxies(workload);
    const own = `${workload.namespace}/${workload.name}`;
    // A Service's filter chains stand beside others in a waypoint.
    if (workload.selection.lattice === 'waypoint') return proxies;
    for (const { uid } of proxies) {
      const before = claims.get(uid);
      claims.set(uid, own);
      if (before === undefined || before === own) continue;
      for (const known of keptByPod(runtime)) known.delete(uid);
      runtime.proven?.processes.delete(uid);
      runtime.moved.add(uid);
    }
    return proxies;
  }

  private async ask(proxy: Proxy, runtime: WorkloadRuntime, generation: number): Promise<ProbeResult> {
    const result = await this.parts.gate.run(() => this.parts.probe(proxy));
    this.parts.onProbe('error' in result ? 'failed' : 'ok');
    if ('reading' in result) runtime.readings.set(proxy.uid, { reading: result.reading, generation });
    return result;
  }
}

/**
 * Verdict on a proxy that was sent the configuration again for want of the module. It stays a failure until the proxy
 * has the module; the renewal alone does not count as success.
 */
function sinceRenewal({ renewal }: WorkloadRuntime, { uid }: Proxy, verdict: Verdict | undefined): Verdict | undefined {
  const reason = renewal.wanting.get(uid);
  if (reason === undefined || verdict === undefined) return verdict;
  if (verdict.state === 'pending') return { state: 'refused', reason, wantsModule: true };
  if (verdict.state === 'proven') renewal.wanting.delete(uid);
  return verdict;
}

/** All that is known of a workload's proxies by the pod's uid. */
function keptByPod(runtime: WorkloadRuntime): Map<string, unknown>[] {
  const { readings, baselines, firstLooks, confirmed, drained, seals, records, renewal } = runtime;
  return [readings, baselines, firstLooks, confirmed, drained, seals, records, renewal.wanting];
}

/** Whether the collector has no records of some proxies yet. */
function isPending({ audit, proxies }: WorkloadState): boolean {
  return audit !== undefined && audit.delivered < proxies;
}

/** Pods of its selection that are not a workload's own, as one text. */
export function leftTo({ narrower }: Workload): string {
  return JSON.stringify(narrower.map(({ terms }) => terms));
}

/** Whether only a new generation can tell what runs: at once for those that were not given one for it yet. */
function isUnclear(runtime: WorkloadRuntime, ambiguous: readonly string[]): boolean {
  const pause = ambiguous.some((uid) => !runtime.bumpedFor.has(uid)) ? MIN_RENEW_MS : BUMP_PAUSE_MS;
  if (ambiguous.length === 0 || performance.now() - runtime.bumpedAt < pause) return false;
  Object.assign(runtime, { bumpedAt: performance.now(), bumpedFor: new Set(ambiguous) });
  return true;
}

/**
 * Keeps the first reading of each proxy under this generation, or after its restart. Refusals after that reading count
 * even without a baseline.
 */
function noteFirstLooks(
  { firstLooks }: WorkloadRuntime,
  proxies: readonly Proxy[],
  results: readonly ProbeResult[],
): void {
  for (const [index, { uid }] of proxies.entries()) {
    const result = results[index];
    if (result === undefined || 'error' in result) continue;
    const before = firstLooks.get(uid);
    if (before === undefined || !isSameProcess(before, result.reading)) firstLooks.set(uid, result.reading);
  }
}

/**
 * Whether no open connection still goes on without the filter. The old listener serves connections from before the
 * filter until it has drained. Once this holds for a shape of the object, later draining listeners have other causes.
 */
function hasDrained(
  state: WorkloadState,
  { shape, drained }: WorkloadRuntime,
  { uid }: Proxy,
  { draining, warming }: Reading,
): boolean {
  if (drained.get(uid) === shape) return true;
  if (draining === 0 && warming === 0) {
    drained.set(uid, shape);
    return true;
  }
  state.draining += draining + warming;
  return false;
}

const NO_COUNT = { shown: false, unseen: 0, grewAt: -Infinity };

/** Reads the seal's counters of a proxy: whether the seal is present, and whether requests bypass FIM. */
function lookAtSeal(state: WorkloadState, runtime: WorkloadRuntime, { uid, name }: Proxy, { chains }: Reading): void {
  if (runtime.sealedAt === undefined) return;
  const now = Date.now();
  const before = runtime.seals.get(uid) ?? (runtime.sealFresh ? NO_COUNT : undefined);
  const unseen = [...chains.values()].reduce((sum, chain) => sum + chain.unseen, 0);
  const grewAt = before !== undefined && unseen > before.unseen ? now : (before?.grewAt ?? -Infinity);
  const shown = (before?.shown ?? false) || chains.size > 0;
  runtime.seals.set(uid, { shown, unseen, grewAt });
  // A chain without the seal has no counters of it. The set of chains may change, but it must not be empty.
  if (chains.size === 0 && (shown || now - runtime.sealedAt > SEAL_SHOWS_MS)) state.unsealed.push(name);
  if (now - grewAt < BYPASS_TOLD_MS) state.unseen.push(name);
}
