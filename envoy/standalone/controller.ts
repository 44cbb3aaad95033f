import { examine, NO_SHADOW, NOTHING_COUNTED, numbered } from '../release/index.ts';
import type { CanaryKeeper, Chosen } from './canary-keeper.ts';
import type { AlsoTls, ErrorCode, Lane } from '../route/index.ts';
import { canonicalHash, canonicalJson, TLCP_MODULE, tlcpSectionPath } from '../route/index.ts';
import type { EnvoyObject, FilterSlot } from '../xds/index.ts';
import { CodedError, messageOf } from './coded-error.ts';
import type { DiscoveredFiles } from './discovered-files.ts';
import { LocatedError } from './located-error.ts';
import type { NeededKey } from './needed-keys.ts';
import type { OnEvent } from './events.ts';
import type { KeyWatch } from './key-watch.ts';
import { NOTHING_SEEN, type Concerned, type LiveProof } from './live-proof.ts';
import type { ModuleStore, StoredModule } from './module-store.ts';
import type { Loaded, Policy, Problem } from './policy.ts';
import type { KeptRelease, ReleaseStore } from './release-store.ts';
import {
  allModulesOf,
  gone,
  keysOfBoth,
  modulesOf,
  pluginOf,
  rolloutOf,
  type Rollout,
  type RolloutModules,
} from './rollout.ts';
import type { TlcpPlanner } from './tlcp-plan.ts';

/** Time between checks of a KMS that a module update waits for, milliseconds. */
const KMS_RETRY_MS = 500;

export interface ControllerParts {
  slots: readonly FilterSlot[];
  /** Reads the route files. Never throws for their content. */
  load: () => Promise<Loaded>;
  modules: ModuleStore;
  tlcp: TlcpPlanner;
  files: DiscoveredFiles;
  /** The listener with this ordinary TLS. Absent: it is one for good. */
  listener?: (alsoTls: AlsoTls | null) => EnvoyObject;
  /** Whether other machines can reach the listener. */
  exposed: boolean;
  /** Creates the keys that the routes name, if the KMS is the development KMS. */
  provideKeys: (keys: readonly NeededKey[]) => void;
  /** Looks up the routes' keys and reports those that are unavailable. */
  keyWatch: KeyWatch;
  /** Whether the KMS answers. */
  kmsHealthy: () => Promise<boolean>;
  canary: CanaryKeeper;
  releases: ReleaseStore;
  onEvent: OnEvent;
}

/**
 * Brings route files and modules into force: load, validate, translate, dry run, write, prove. One change runs at a
 * time, and changes that arrive meanwhile are merged. A failed change never replaces the release in force.
 */
export class Controller {
  private readonly parts: ControllerParts;
  private proof: LiveProof | undefined;
  private current: Rollout | undefined;
  private previous: Rollout | undefined;
  private generation = 0;
  private running: Promise<void> | undefined;
  private startsTlcp = false;
  private stopped = false;
  private pendingSince: number | undefined;
  private retry: NodeJS.Timeout | undefined;
  /**
   * Last reports about the files, the modules, both together and the KMS. Empty while all is well. A repeated report is
   * suppressed.
   */
  private readonly told = { routes: '', modules: '', release: '', kms: '', held: '', kept: '' } satisfies Record<
    About,
    string
  >;

  constructor(parts: ControllerParts) {
    this.parts = parts;
  }

  /**
   * Writes the first configuration, before Envoy starts. Throws a CodedError, or emits `rejected` and returns false, if
   * there is none to write.
   */
  async prepare(): Promise<boolean> {
    const { policy, problems } = await this.parts.load();
    if (!policy) {
      this.refuse(problems);
      return false;
    }
    const chosen = await this.choose(policy);
    const tlcp = await this.parts.tlcp.plan(chosen.policy.tls).catch((error: unknown) => {
      if (!(error instanceof LocatedError)) throw error;
      return error.problem;
    });
    if (tlcp !== null && 'code' in tlcp) {
      this.refuse([tlcp]);
      return false;
    }
    const rollout = rolloutOf(policy, chosen, await this.loadModules(chosen), tlcp);
    const refused = this.examine(rollout);
    if (refused.length > 0) {
      this.refuse(refused);
      return false;
    }
    this.parts.provideKeys(keysOfBoth(rollout));
    await this.parts.files.writeClusters(chosen.policy.lanes);
    this.startsTlcp = (await this.write(rollout)).tlcp;
    this.current = rollout;
    return true;
  }

  /** Waits until the first configuration is in force. `since`: start time, by performance.now. */
  async confirm(proof: LiveProof, since: number): Promise<void> {
    this.proof = proof;
    const looked = this.parts.keyWatch.check(keysOfBoth(this.current!));
    await proof.wait(
      { ...NOTHING_SEEN, generation: this.generation },
      { routes: false, tlcp: this.startsTlcp, listener: false, canary: this.current!.canary !== null },
    );
    this.parts.canary.taken(this.current!.given, NOTHING_COUNTED, NO_SHADOW);
    await this.keep(this.current!);
    await this.report(since, looked);
  }

  /** Brings the current files into force. `since`: time of the change. Settles when nothing is left to do. */
  async changed(since: number): Promise<void> {
    if (this.stopped) return;
    this.pendingSince ??= since;
    this.running ??= this.drain().finally(() => (this.running = undefined));
    await this.running;
  }

  /**
   * Brings a former release back into force: the one of that name, or the last good one. The files have no say until they
   * are edited. Errors: FIM-UP-0170 to -0173. `inForce`: false while it waits for the KMS.
   */
  async rollBack(id?: string): Promise<{ release: KeptRelease; inForce: boolean }> {
    await this.running;
    const { releases, canary } = this.parts;
    const release = releases.former(id);
    const content = await this.contentOf(this.current!.given);
    canary.displace(`${release.id} is in force again, by command`);
    releases.hold(release.id, content ?? '');
    await this.changed(performance.now());
    const inForce = releases.current === release.id;
    if (!inForce && this.told.kms === '') {
      releases.letGo();
      throw new CodedError('FIM-UP-0173', release.id);
    }
    return { release, inForce };
  }

  /** How a policy of the files is to be in force: as its canary stands, or not at all where a former release is. */
  private async choose(given: Policy): Promise<Chosen> {
    const { releases, canary } = this.parts;
    const held = releases.heldAgainst(await this.contentOf(given));
    if (held === undefined) return canary.choose(given);
    return { policy: releases.policyOf(held), kept: releases.modulesOf(held) };
  }

  /** Identity of what files and modules say. Undefined: a module cannot be used. */
  private async contentOf({ hash, lanes, tls, canary }: Policy): Promise<string | undefined> {
    const { modules, slots } = this.parts;
    try {
      const current = await Promise.all(slots.map((slot) => modules.load(slot.module)));
      const digests = current.map(({ sha256 }) => sha256);
      return canonicalHash(JSON.parse(JSON.stringify([hash, lanes, tls, canary?.release ?? null, digests])));
    } catch {
      return undefined;
    }
  }

  /** Keeps what is in force, to go back to. A canary that some requests meet is no release yet. */
  private async keep({ given, policy, releases }: Rollout): Promise<void> {
    const ruling = policy === given.canary?.shadowed ? given : policy;
    const modules = new Map(this.parts.slots.map((slot, index) => [slot.module, releases[index]!.module]));
    const store = this.parts.releases;
    await store.keep(ruling, modules).catch((error: unknown) => this.warn('kept', 'FIM-UP-0176', messageOf(error)));
    if (store.held !== undefined) this.warn('held', 'FIM-UP-0175', store.held);
    else this.told.held = '';
  }

  private warn(about: About, code: ErrorCode, detail: string): void {
    const { message } = new CodedError(code, detail);
    if (this.isNews(about, message)) this.parts.onEvent({ event: 'warning', code, message });
  }

  /** Waits for the running change and starts no other. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retry);
    this.pendingSince = undefined;
    await this.running;
  }

  private async drain(): Promise<void> {
    while (this.pendingSince !== undefined) {
      const since = this.pendingSince;
      this.pendingSince = undefined;
      await this.advance(since).catch((error: unknown) => this.refuse([problemOf(error)], 'release'));
    }
  }

  private async advance(since: number): Promise<void> {
    clearTimeout(this.retry);
    const { policy, problems } = await this.parts.load();
    const wasRefused = this.told.routes !== '' || this.told.release !== '';
    if (problems) this.refuse(problems);
    else this.told.routes = '';
    const rollout = await this.rolloutWith(policy ?? this.current!.given);
    if (rollout.identity === this.current!.identity) {
      // The error was undone: the files again say what is in force.
      if (problems) return;
      this.told.release = '';
      if (wasRefused) await this.report(since);
      return;
    }
    const refused = this.examine(rollout);
    if (refused.length > 0) return this.refuse(refused, 'release');
    if (!(await this.mayStartMachines(rollout))) return;
    await this.bringIntoForce(rollout, since);
  }

  /** The policy with the current module files, or with the modules in force if a current one is unusable. */
  private async rolloutWith(policy: Policy): Promise<Rollout> {
    const chosen = await this.choose(policy);
    const tlcp = await this.parts.tlcp.plan(chosen.policy.tls);
    try {
      const modules = await this.loadModules(chosen);
      this.told.modules = '';
      return rolloutOf(policy, chosen, modules, tlcp);
    } catch (error) {
      // A canary with another module than the one that it names would prove nothing, nor would a former release.
      if (chosen.kept !== undefined || (chosen.canary?.plan.module ?? chosen.module) !== undefined) throw error;
      this.refuse([problemOf(error)], 'modules');
      return rolloutOf(policy, chosen, { stable: modulesOf(this.current!) }, tlcp);
    }
  }

  private async bringIntoForce(rollout: Rollout, since: number): Promise<void> {
    this.parts.provideKeys(keysOfBoth(rollout));
    // No route leads to channels that Envoy does not know yet, or no longer.
    await this.writeChannels([...rollout.policy.lanes, ...gone(this.current!.policy.lanes, rollout.policy.lanes)]);
    const before = await this.proof!.baseline(this.generation + 1);
    const counted = rollout.canary === null ? undefined : await this.proof!.variants();
    const shadow = rollout.given.canary?.shadowed === undefined ? undefined : await this.proof!.shadow();
    const concerned = await this.write(rollout);
    try {
      await this.proof!.wait(before, concerned);
    } catch (error) {
      // Envoy would read a refused configuration again after a restart, so the previous one is restored.
      await this.write(this.current!);
      await this.writeChannels(this.current!.policy.lanes);
      throw error;
    }
    await this.writeChannels(rollout.policy.lanes);
    this.previous = this.current;
    this.current = rollout;
    this.told.release = '';
    this.parts.canary.taken(rollout.given, counted, shadow);
    await this.keep(rollout);
    await this.report(since, this.parts.keyWatch.check(keysOfBoth(rollout)));
    const { tlcpModule } = this.parts.files;
    await this.parts.modules.prune([
      ...allModulesOf(this.current),
      ...allModulesOf(this.previous!),
      ...(tlcpModule === undefined ? [] : [tlcpModule]),
    ]);
  }

  private async writeChannels(lanes: readonly Lane[]): Promise<void> {
    const before = await this.proof!.clusterState();
    const version = await this.parts.files.writeClusters(lanes);
    if (version !== undefined) await this.proof!.channels(version, before);
  }

  /** Writes the releases under a new generation. */
  private async write(rollout: Rollout): Promise<Concerned> {
    this.generation++;
    const configs = rollout.releases.map((release) => numbered(release, this.generation));
    const tlcpChanged = await this.parts.files.writeTlcp(rollout.tlcp, this.generation);
    const alsoTls = rollout.policy.tls?.alsoTls ?? null;
    const wanted = this.parts.listener?.(alsoTls);
    if (wanted !== undefined) await this.parts.files.writeStanding(alsoTls, false);
    const listener = wanted !== undefined && (await this.parts.files.writeListener(wanted));
    if (listener) await this.parts.files.writeStanding(alsoTls, true);
    const routes = await this.parts.files.writeRoutes(configs[0]!, rollout.policy.lanes);
    const { canary } = rollout;
    await this.parts.files.writePlugins(
      this.parts.slots,
      modulesOf(rollout),
      configs,
      canary === null ? undefined : pluginOf(canary, this.generation),
    );
    return { routes, listener, tlcp: tlcpChanged && rollout.tlcp !== null, canary: canary !== null };
  }

  /** Errors: those of the module store, FIM-UP-0073 (a release is not the one that is named). */
  private async loadModules({ module, kept, canary }: Chosen): Promise<RolloutModules> {
    const { modules, slots } = this.parts;
    const load = (name: string): Promise<StoredModule> => {
      const path = kept?.get(name);
      if (path !== undefined) return modules.loadKept(path);
      return module === undefined ? modules.load(name) : modules.loadRelease(name, module);
    };
    const stable = await Promise.all(slots.map((slot) => load(slot.module)));
    const other = canary?.plan.module;
    if (other === undefined) return { stable };
    return { stable, canary: await modules.loadRelease(slots[0]!.module, other) };
  }

  /**
   * Reasons why the release must not reach the proxy: the dry run's verdict, and routes that would be exposed without
   * the TLS that they ask for.
   */
  private examine(rollout: Rollout): Problem[] {
    const { policy, releases } = rollout;
    if (this.parts.exposed && policy.loopbackOnly.length > 0) {
      return policy.loopbackOnly.map((route) => problemOf(new CodedError('FIM-UP-0015', route)));
    }
    const { tlcp, canary } = rollout;
    const judged = this.parts.slots.map(({ module: name }, index) => ({ name, ...releases[index]! }));
    return [
      ...judged.flatMap(({ name, module, config }) => judge(name, module, config, policy.locate)),
      ...(canary === null
        ? []
        : judge(this.parts.slots[0]!.module, canary.module, canary.config, canary.plan.variant.locate)),
      ...(tlcp === null ? [] : judge(TLCP_MODULE, tlcp.module, tlcp.config, problemOfTls(policy))),
    ];
  }

  /**
   * New module code starts VMs without keys, whose first requests wait for one. It is held back while the KMS is down.
   */
  private async mayStartMachines(rollout: Rollout): Promise<boolean> {
    const before = modulesOf(this.current!);
    const begins = rollout.canary !== null && this.current!.canary?.module !== rollout.canary.module;
    const fresh = begins || modulesOf(rollout).some((module) => !before.includes(module));
    if (!fresh || keysOfBoth(rollout).length === 0 || (await this.parts.kmsHealthy())) {
      this.told.kms = '';
      return true;
    }
    this.warn('kms', 'FIM-UP-0017', 'the new module waits for it; the old one stays in service');
    this.retry = setTimeout(() => void this.changed(performance.now()), KMS_RETRY_MS);
    return false;
  }

  /** `looked`: settles when the look-up of the keys is done or its time is over. The report follows then. */
  private async report(since: number, looked?: Promise<void>): Promise<void> {
    const { policy, releases } = this.current!;
    const tookMs = Math.round(performance.now() - since);
    await looked;
    this.parts.onEvent({
      event: 'applied',
      routes: policy.routes,
      tookMs,
      generation: this.generation,
      modules: Object.fromEntries(
        this.parts.slots.map((slot, index) => [`${slot.module}.wasm`, releases[index]!.module.sha256]),
      ),
      conditions: this.parts.keyWatch.resolve(policy.conditions),
      inherited: policy.inherited,
      notices: policy.notices,
      tlcp: this.current!.tlcp?.news ?? null,
    });
  }

  /** Emits `rejected`, once for each file. */
  private refuse(problems: readonly Problem[], about: About = 'routes'): void {
    if (!this.isNews(about, JSON.stringify(problems))) return;
    for (const [file, errors] of Map.groupBy(problems, (problem) => problem.file ?? '')) {
      this.parts.onEvent({ event: 'rejected', file, errors });
    }
  }

  private isNews(about: About, text: string): boolean {
    if (this.told[about] === text) return false;
    this.told[about] = text;
    return true;
  }
}

type About = 'routes' | 'modules' | 'release' | 'kms' | 'held' | 'kept';

/** The module's own verdict on its configuration. */
function judge(name: string, module: StoredModule, config: object, locate: Policy['locate']): Problem[] {
  const refusal = examine(module.loaded, canonicalJson(config));
  if (refusal === undefined) return [];
  const problem = locate(refusal.code, refusal.pointer);
  const detail = refusal.detail === undefined ? '' : `: ${refusal.detail}`;
  return [{ ...problem, message: `${problem.message} (${name}.wasm refuses it${detail})` }];
}

/** A refusal of the settings of national TLS is told of the routes that ask for it. */
function problemOfTls({ tls }: Policy): Policy['locate'] {
  return (code, pointer) => tls!.issue(code as ErrorCode, tlcpSectionPath(pointer), tls!.routes.join(', '));
}

function problemOf(error: unknown): Problem {
  if (error instanceof LocatedError) return error.problem;
  return error instanceof CodedError
    ? { code: error.code, path: '', message: error.message }
    : { code: 'FIM-UP-0013', path: '', message: messageOf(error) };
}
