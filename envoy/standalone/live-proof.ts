import { setTimeout as pause } from 'node:timers/promises';
import { FUSED_MODULE } from '../route/index.ts';
import { canaryName } from '../xds/index.ts';
import {
  countedOf,
  countersPattern,
  lookTwice,
  progressOf,
  readCounts,
  readShadow,
  ReleaseCounters,
  shadowPattern,
  slotOf,
  vmsOf,
  type Counted,
  type Counts,
  type Progress,
  type ShadowCounts,
} from '../release/index.ts';
import { CodedError } from './coded-error.ts';
import type { ClusterState, EnvoyAdmin } from './envoy-admin.ts';

const POLL_MS = 5;
/**
 * Time for all workers to accept a configuration, milliseconds. A hundred times what a new module needs on an idle
 * machine.
 */
const LIVE_TIMEOUT_MS = 30_000;

const ROUTES_READ = 'http.fim.rds.fim.config_reload';
const ROUTES_REFUSED = 'http.fim.rds.fim.update_rejected';
const LISTENER_READ = 'listener_manager.lds.update_success';
const LISTENER_REFUSED = 'listener_manager.lds.update_rejected';
const LISTENER_WAITS = 'listener_manager.total_listeners_warming';
const STATS_FILTER = String.raw`^(listener_manager\.(lds\.update_(success|rejected)|total_listeners_warming)|extension_config_discovery\.(http|network)_filter\..*\.update_rejected|http\.fim\.rds\.fim\.(update_rejected|config_reload)|wasmcustom\.fim\.(tlcp\.)?configured\.SLOT)$`;

/** Counters of the proxy before a change. */
export interface Baseline extends Counted {
  generation: number;
  routesRead: number;
  routesRefused: number;
  /** VMs that took the generation of national TLS. */
  tlcpConfigured: number;
  listenerRead: number;
  listenerRefused: number;
  /** Listeners that wait for what they need. */
  listenerWaits: number;
}

/** Counters of a proxy that has just started. */
export const NOTHING_SEEN: Omit<Baseline, 'generation'> = {
  configured: 0,
  refused: 0,
  routesRead: 0,
  routesRefused: 0,
  tlcpConfigured: 0,
  listenerRead: 0,
  listenerRefused: 0,
  listenerWaits: 0,
};

/** Parts besides the plugins that a change concerns. */
export interface Concerned {
  routes: boolean;
  /** National TLS, other than its end: nothing counts that. */
  tlcp: boolean;
  /** The listener itself. */
  listener: boolean;
  /** A canary runs: there are twice as many VMs. */
  canary?: boolean;
}

/**
 * Proves that a configuration is in force: every VM that accepts one counts it in `fim.configured.<generation mod 16>`.
 * Files that were read and objects that exist prove nothing of the sort.
 */
export class LiveProof {
  private readonly admin: EnvoyAdmin;
  private readonly expected: number;
  private readonly expectedTlcp: number;

  /** `concurrency`: workers. `filters`: Wasm filters in the chain. */
  constructor(admin: EnvoyAdmin, concurrency: number, filters: number) {
    this.admin = admin;
    this.expected = vmsOf(concurrency, filters);
    this.expectedTlcp = vmsOf(concurrency);
  }

  /** Reads the counters before files are written. */
  async baseline(generation: number): Promise<Baseline> {
    return { generation, ...(await this.read(generation)) };
  }

  /**
   * Waits until all VMs have accepted the generation, and Envoy has read new routes, if it concerns them. A late
   * admin interface is polled again: Envoy answers nobody while it loads a module on a busy machine. Errors:
   * FIM-UP-0013 (Envoy refused it), FIM-UP-0012 (time is up).
   */
  async wait(before: Baseline, concerned: Concerned): Promise<void> {
    const { generation } = before;
    const deadline = performance.now() + LIVE_TIMEOUT_MS;
    for (;;) {
      const { seen: now } = await lookTwice(
        () => this.read(generation).catch(() => before),
        (seen) => this.progress(before, seen, concerned) === 'proven',
      );
      const progress = this.progress(before, now, concerned);
      if (progress === 'proven') return;
      if (progress === 'refused') throw new CodedError('FIM-UP-0013', `generation ${generation}`);
      if (performance.now() > deadline)
        throw new CodedError(
          'FIM-UP-0012',
          `generation ${generation}: ${now.configured - before.configured} of ${this.expectedOf(concerned.canary === true)} VMs in ${LIVE_TIMEOUT_MS / 1000} s`,
        );
      await pause(POLL_MS);
    }
  }

  /** VMs that take a configuration. */
  private expectedOf(canary: boolean): number {
    return canary ? this.expected * 2 : this.expected;
  }

  /** Counts of a canary and of the policy beside it. Undefined: they cannot be read now. */
  variants(): Promise<Counts | undefined> {
    return this.admin.stats(countersPattern(canaryName(FUSED_MODULE))).then(readCounts, () => undefined);
  }

  /** Counts of a shadow. Undefined: they cannot be read now. */
  shadow(): Promise<ShadowCounts | undefined> {
    return this.admin.stats(shadowPattern(FUSED_MODULE)).then(readShadow, () => undefined);
  }

  /** State of Envoy's discovered clusters, before they are written. */
  clusterState(): Promise<ClusterState> {
    return this.admin.clusterState();
  }

  /**
   * Waits until Envoy uses the version of the channels: their names are resolved, and those that are asked have answered
   * or not. Errors: FIM-UP-0013 (Envoy refused it), FIM-UP-0012 (time is up).
   */
  async channels(version: string, before: ClusterState): Promise<void> {
    const deadline = performance.now() + LIVE_TIMEOUT_MS;
    for (;;) {
      const state = await this.admin.clusterState().catch(() => before);
      if (state.refused > before.refused) throw new CodedError('FIM-UP-0013', 'the channels of the routes');
      if (state.version === version && state.warming === 0) return;
      if (performance.now() > deadline)
        throw new CodedError('FIM-UP-0012', `the channels of the routes in ${LIVE_TIMEOUT_MS / 1000} s`);
      await pause(POLL_MS);
    }
  }

  /** State of the plugins, and of the routes and national TLS where they are concerned. */
  private progress(
    before: Baseline,
    now: Omit<Baseline, 'generation'>,
    { routes, tlcp, listener, canary = false }: Concerned,
  ): Progress {
    if (now.routesRefused > before.routesRefused || now.listenerRefused > before.listenerRefused) return 'refused';
    const progress = progressOf(this.expectedOf(canary), before, now);
    const routed = !routes || now.routesRead > before.routesRead;
    const secured = !tlcp || now.tlcpConfigured - before.tlcpConfigured >= this.expectedTlcp;
    const listens = !listener || (now.listenerRead > before.listenerRead && now.listenerWaits === 0);
    return progress === 'proven' && !(routed && secured && listens) ? 'pending' : progress;
  }

  private async read(generation: number): Promise<Omit<Baseline, 'generation'>> {
    const slot = String(slotOf(generation));
    const stats = await this.admin.stats(STATS_FILTER.replace('SLOT', slot));
    const counters = new ReleaseCounters();
    for (const [name, value] of stats) counters.take(name, '', value);
    return {
      ...countedOf(counters, generation),
      tlcpConfigured: stats.get(`wasmcustom.fim.tlcp.configured.${slot}`) ?? 0,
      listenerRead: stats.get(LISTENER_READ) ?? 0,
      listenerRefused: stats.get(LISTENER_REFUSED) ?? 0,
      listenerWaits: stats.get(LISTENER_WAITS) ?? 0,
      routesRead: stats.get(ROUTES_READ) ?? 0,
      routesRefused: stats.get(ROUTES_REFUSED) ?? 0,
    };
  }
}
