// The operator: watch → queue → plan, build, apply → probe the proxies → status. Each stage has a file of its own; this
// one connects them.
import { BASELINE_STATUS_MS, KEY_ANSWER_MS, MIN_RETRY_MS, QUEUE_WORKERS, RESYNC_MS, SETTLE_MS } from '../limits.ts';
import type { KmsConfig } from '../../envoy/route/index.ts';
import { KMS_CLUSTER } from '../../envoy/xds/index.ts';
import { AffectedStage } from './affected-stage.ts';
import { AuditDirectory } from './audit-directory.ts';
import { BaselineStage } from './baseline-stage.ts';
import { CertificateDirectory } from './certificate-directory.ts';
import { Changes, type ChangeTargets } from './changes.ts';
import { ClusterView, type Informers } from './cluster-view.ts';
import { collect } from './collect.ts';
import { EventSink } from './events.ts';
import { FairGate, Ledger } from './fairness.ts';
import { KeyBinding } from './key-binding.ts';
import { KeyDirectory } from './key-directory.ts';
import { GateStage } from './gate-stage.ts';
import type { Informer } from './kube/informer.ts';
import type { KubeObject } from './kube/objects.ts';
import { ModuleSource } from './module-source.ts';
import { ModulesInForce, namedModules } from './modules-in-force.ts';
import { planNamespace } from './namespace-stage.ts';
import { makeInformers } from './kept-objects.ts';
import { CONTROLLER_NAME } from './plan/ancestors.ts';
import { probe, ProbeGate } from './proxies.ts';
import { ProxyStage } from './proxy-stage.ts';
import { WorkQueue } from './queue.ts';
import { RetireStage } from './retire-stage.ts';
import { RouteChecker } from './route-checker.ts';
import { SealStage } from './seal-stage.ts';
import { ServiceStage, servicesOf } from './service-stage.ts';
import { keyFor, type Stage } from './stage-key.ts';
import { StatusStage } from './status-stage.ts';
import { WorkloadStage } from './workload-stage.ts';
import { auditAccessOf, kmsAccessOf, tlcpSourceOptions, type OperatorOptions } from './operator-options.ts';
import { TlcpSource } from './tlcp-source.ts';

/** Interval at which the module file is checked, milliseconds. */
const MODULE_LOOK_MS = 1_000;

export class Operator implements ChangeTargets {
  readonly view: ClusterView;
  readonly queue: WorkQueue;
  readonly baselines: BaselineStage;
  private readonly options: OperatorOptions;
  private readonly ledger = new Ledger();
  private readonly gate = new FairGate(this.ledger);
  private readonly checker = new RouteChecker(this.gate);
  private readonly modules: ModuleSource;
  private readonly tlcp: TlcpSource;
  private readonly inForce: ModulesInForce;
  private readonly keys: KeyDirectory;
  private readonly certificates: CertificateDirectory;
  private readonly binding: KeyBinding;
  private readonly events: EventSink;
  private readonly collector: AuditDirectory;
  private readonly workloads: WorkloadStage;
  private readonly proxies: ProxyStage;
  private readonly seals: SealStage;
  private readonly services: ServiceStage;
  private readonly leaving: RetireStage;
  private readonly gates: GateStage;
  private readonly affected: AffectedStage;
  private readonly statuses: StatusStage;
  private readonly stopping = new AbortController();
  private running: Promise<unknown> = Promise.resolve();

  constructor(options: OperatorOptions) {
    this.options = options;
    const { api, metrics, kms, log, version } = options;
    this.view = new ClusterView(this.informers(options), options.revision);
    this.queue = new WorkQueue({
      workers: QUEUE_WORKERS,
      namespaceOf: (key) => key.split('/')[1] ?? '',
      ledger: this.ledger,
      work: (key) => this.work(key),
      onFailure: (key, error, retryMs) =>
        log('failed', { key, error: (error as Error).message, retryMs: Math.round(retryMs) }, 'warn'),
      onDone: (key, seconds, failed) =>
        metrics.reconciles.observe(
          { stage: key.slice(0, key.indexOf('/')), result: failed ? 'failed' : 'done' },
          seconds,
        ),
    });
    this.modules = new ModuleSource({ ...options.modules, sealed: options.seal !== 'off' });
    this.tlcp = new TlcpSource(tlcpSourceOptions(options));
    this.inForce = new ModulesInForce(options.modules);
    this.keys = new KeyDirectory({ ...kms, onChange: (namespace) => this.plan(namespace) });
    this.certificates = new CertificateDirectory({ api, onChange: (namespace) => this.plan(namespace) });
    this.binding = new KeyBinding(options.keys.mode, options.keys.bound);
    this.events = new EventSink(api, (message) => log('event-lost', { error: message }, 'warn'));
    this.collector = new AuditDirectory(options.audit);
    const asking = { view: this.view, gate: new ProbeGate(), probe, defaultPort: options.probePort };
    this.proxies = new ProxyStage({
      ...asking,
      onProbe: (result) => metrics.probes.inc({ result }),
      auditBook: () => this.collector.book(),
      isModuleServed: () => this.modules.problem === undefined,
    });
    this.gates = new GateStage({ view: this.view, api, defaultPort: options.probePort });
    this.affected = new AffectedStage({ view: this.view, api, controllerName: CONTROLLER_NAME });
    this.leaving = new RetireStage({
      ...asking,
      api,
      onRetired: (namespace, name) => log('retired', { namespace, workload: name }),
    });
    const config: KmsConfig = { cluster: kms.cluster ?? KMS_CLUSTER, ...kms.settings };
    this.workloads = new WorkloadStage({
      view: this.view,
      api,
      checker: this.checker,
      gate: this.gate,
      modules: this.modules,
      tlcp: this.tlcp,
      certificates: this.certificates,
      kms: config,
      collects: options.audit.url !== undefined,
      countsGlobally: options.limits !== undefined,
      version,
      clusterDomain: options.clusterDomain,
      requestTimeoutMs: options.requestTimeoutMs,
      believedPeers: options.believedPeers,
      removeSeal: (namespace, name) => this.seals.remove(namespace, name),
      readBaselines: (workload, runtime, generation) => this.proxies.readBaselines(workload, runtime, generation),
      onApplied: (namespace, name, generation) => {
        metrics.applied.inc();
        log('applied', { namespace, workload: name, generation });
      },
    });
    this.services = this.makeServices(options);
    this.seals = new SealStage({
      view: this.view,
      api,
      mode: options.seal,
      otherPorts: options.otherPorts,
      version,
      stamps: (sha256) => this.modules.current?.reference.sha256 === sha256 && this.modules.current.stamps,
      apply: (wanted) => this.workloads.apply(wanted),
      chains: (workload) => this.workloads.chains(workload),
      onApplied: (namespace, name) => log('sealed', { namespace, workload: name }),
    });
    this.statuses = new StatusStage({
      view: this.view,
      api,
      modules: this.modules,
      inForce: this.inForce,
      keys: this.keys,
      certificates: this.certificates,
      events: this.events,
      rootNamespace: options.rootNamespace,
      otherPorts: options.seal === 'off' ? 'tell' : options.otherPorts,
    });
    this.baselines = this.makeBaselines(options);
  }

  private informers({ api, namespaces, rootNamespace, metrics, log }: OperatorOptions): Informers {
    return makeInformers({
      api,
      only: namespaces,
      onChange: new Changes(this, rootNamespace).handlers,
      onWork: (namespace, ms) => this.ledger.charge(namespace, ms),
      onFailure: (resource, reason, message) => {
        metrics.watchFailures.inc({ resource, reason });
        log('watch-failed', { resource, reason, message }, 'warn');
      },
    });
  }

  private makeServices({ api, kms, tlcp, audit, limits, version, clusterDomain }: OperatorOptions): ServiceStage {
    const services = { kms: kmsAccessOf(kms, tlcp), audit: auditAccessOf(audit), limits };
    const apply = (wanted: KubeObject): Promise<KubeObject> => this.workloads.apply(wanted);
    return new ServiceStage({ view: this.view, api, ...services, version, clusterDomain, apply });
  }

  private makeBaselines({ api, rootNamespace }: OperatorOptions): BaselineStage {
    const { view, modules, binding, events, statuses } = this;
    const facts = (key: string): ReturnType<StatusStage['facts']> => statuses.facts(key);
    return new BaselineStage({ view, api, modules, binding, events, rootNamespace, facts });
  }

  /** Starts watching the cluster. Writes nothing before `lead`. Settles when everything has been listed. */
  async start(): Promise<void> {
    const informers = Object.values(this.view.informers) as Informer[];
    this.running = Promise.all(informers.map((informer) => informer.run(this.stopping.signal)));
    await Promise.all(informers.map((informer) => informer.whenSynced()));
  }

  /** Starts writing as the leader. */
  async lead(): Promise<void> {
    await this.workModule();
    this.workBaselines();
    this.queue.start();
    this.queue.addAfter(keyFor('module'), MODULE_LOOK_MS);
    this.queue.add(keyFor('resync'));
    this.queue.addAfter(keyFor('keys'), KEY_ANSWER_MS);
  }

  /** Reason why the view of the cluster is incomplete. Undefined if it is complete. */
  notReady(): string | undefined {
    return this.view.notReady();
  }

  /** Updates the gauges. */
  collect(): void {
    collect(this.options.metrics, this.view, this.queue, this.events);
  }

  /** Finishes running work and stops. */
  async stop(): Promise<void> {
    await this.queue.stop();
    this.certificates.stop();
    await this.events.flush();
    this.stopping.abort();
    await this.running;
  }

  plan(namespace: string): void {
    this.queue.addAfter(keyFor('namespace', namespace), SETTLE_MS);
  }

  private planAll(): void {
    for (const namespace of new Set([
      ...this.view.informers.routes.namespaces(),
      ...this.view.informers.envoyFilters.namespaces(),
      ...this.view.informers.namespaces.names(),
      ...this.baselines.namespaces(),
    ]))
      this.plan(namespace);
  }

  /** Plans namespaces whose routes name keys again, so that their keys are checked again. */
  private planWithKeys(): void {
    for (const [namespace, { checked }] of this.view.namespaces)
      if ([...checked.values()].some(({ keyIds }) => keyIds.length > 0)) this.plan(namespace);
  }

  private async work(key: string): Promise<number | undefined> {
    const [stage, namespace = '', name = ''] = key.split('/') as [Stage, string, string];
    // Another operator looks after it: what it finds is left to it as it stands.
    if (namespace !== '' && !this.view.isOwn(namespace)) {
      this.view.letGo(namespace);
      await this.certificates.look(namespace, []);
      return undefined;
    }
    switch (stage) {
      case 'namespace':
        return this.workNamespace(namespace);
      case 'services':
        await this.workServices(namespace);
        return undefined;
      case 'workload':
        return this.workWorkload(namespace, name);
      case 'proxies':
        return this.workProxies(namespace, name);
      case 'seal':
        return this.workSeal(namespace, name);
      case 'gates':
        return this.gates.reconcile(namespace);
      case 'affected':
        return this.affected.reconcile(namespace);
      case 'retire':
        return this.leaving.reconcile(namespace, name);
      case 'status':
        await this.statuses.reconcile(`${namespace}/${name}`);
        this.tellBaselines();
        return undefined;
      case 'module':
        return this.workModule();
      case 'baselines':
        return this.workBaselines();
      case 'reach':
        return this.baselines.reconcile();
      case 'keys':
        this.planWithKeys();
        return KEY_ANSWER_MS;
      case 'resync':
        this.resync();
        return RESYNC_MS;
    }
  }

  /** Routes that are planned or proven change what is to be said of baselines. */
  private tellBaselines(): void {
    if (this.baselines.known.all.size > 0) this.queue.addAfter(keyFor('reach'), BASELINE_STATUS_MS);
  }

  private workBaselines(): undefined {
    if (this.baselines.look()) this.planAll();
    this.tellBaselines();
  }

  private tellRoutes(keys: readonly string[]): void {
    for (const key of keys) this.queue.add(`status/${key}`);
  }

  tellNamespace(namespace: string): void {
    this.tellRoutes([...(this.view.namespaces.get(namespace)?.checked.keys() ?? [])]);
  }

  private async workNamespace(namespace: string): Promise<undefined> {
    const { view, checker, keys, certificates, binding, gate } = this;
    const { api, rootNamespace } = this.options;
    const known = { rootNamespace, baselines: this.baselines.known };
    const parts = { view, api, checker, keys, certificates, binding, gate, ...known };
    const outcome = await planNamespace(parts, namespace).catch((error: unknown) => {
      binding.passOver(namespace);
      throw error;
    });
    for (const other of outcome.others) this.plan(other);
    // Waiting namespaces are planned when the last namespace has been examined.
    if (outcome.isWaiting) return undefined;
    await this.workServices(namespace).catch(() => this.queue.addAfter(keyFor('services', namespace), MIN_RETRY_MS));
    for (const name of outcome.workloads) {
      this.queue.add(keyFor('workload', namespace, name));
      this.queue.add(keyFor('seal', namespace, name));
    }
    this.queue.add(keyFor('affected', namespace));
    for (const name of outcome.reassigned) this.queue.add(keyFor('proxies', namespace, name));
    this.tellRoutes(outcome.routes);
  }

  /** Reconciles the objects of services. Their errors concern only routes that need them. */
  private async workServices(namespace: string): Promise<void> {
    const { changed, error } = await this.services.reconcile(namespace);
    if (changed.length > 0)
      this.tellRoutes(
        [...(this.view.namespaces.get(namespace)?.checked ?? [])]
          .filter(([, route]) => servicesOf(route).some((object) => changed.includes(object)))
          .map(([key]) => key),
      );
    if (error !== undefined) throw error;
  }

  private async workWorkload(namespace: string, name: string): Promise<undefined> {
    const first = !this.view.isBuilt(namespace);
    try {
      const outcome = await this.workloads.reconcile(namespace, name);
      // The seal follows at once, so that Istio sends both to the proxies together.
      if (outcome.ask) await this.seals.reconcile(namespace, name);
      if (outcome.ask) this.queue.add(keyFor('proxies', namespace, name));
      if (outcome.retiring) this.queue.add(keyFor('retire', namespace, name));
      this.tellRoutes(outcome.routes);
    } catch (error) {
      // The routes report the API server's error, and the key is tried again.
      this.tellRoutes([...(this.view.knownRuntime(namespace, name)?.build?.members ?? [])]);
      throw error;
    } finally {
      // These waited for the last workload to be built.
      if (first && this.view.isBuilt(namespace)) this.tellNamespace(namespace);
    }
  }

  private async workProxies(namespace: string, name: string): Promise<number | undefined> {
    const { changed, bump, againMs } = await this.proxies.reconcile(namespace, name);
    this.queue.add(keyFor('gates', namespace));
    if (bump) this.queue.add(keyFor('workload', namespace, name));
    if (changed) {
      this.tellRoutes([...(this.view.knownRuntime(namespace, name)?.build?.members ?? [])]);
      this.queue.add(keyFor('seal', namespace, name));
    }
    return againMs;
  }

  private async workSeal(namespace: string, name: string): Promise<undefined> {
    if (await this.seals.reconcile(namespace, name)) this.queue.add(keyFor('proxies', namespace, name));
  }

  private async workModule(): Promise<number> {
    const before = this.modules.problem;
    const changed = await this.modules.refresh();
    const isOtherTlcp = await this.tlcp.refresh();
    const pairs = this.tlcp.supply.defaults?.pairs ?? [];
    this.binding.ofCertificates = new Set(pairs.flatMap(({ signKey, encryptKey }) => [signKey, encryptKey]));
    if (isOtherTlcp && this.tlcp.problem !== '')
      this.options.log('tlcp-problem', { message: this.tlcp.problem }, 'error');
    const { envoyFilters } = this.view.informers;
    const isMissed = await this.inForce.refresh(
      namedModules(envoyFilters.namespaces().flatMap((namespace) => [...envoyFilters.in(namespace).values()])),
    );
    const { current, problem } = this.modules;
    if (changed) this.options.log('module', { sha256: current?.reference.sha256 ?? '' });
    const isOther = problem?.message !== before?.message;
    if (problem !== undefined && isOther) this.options.log('module-problem', { message: problem.message }, 'error');
    if (changed || isOther || isOtherTlcp) this.resync();
    if (isOther || isMissed) for (const name of this.view.namespaces.keys()) this.tellNamespace(name);
    return MODULE_LOOK_MS;
  }

  private resync(): void {
    this.planAll();
    for (const [namespace, { grouping }] of this.view.namespaces)
      for (const name of grouping.workloads.keys()) {
        this.queue.add(keyFor('workload', namespace, name));
        // Time alone changes what is to be said of certificates.
        const made = this.view.knownRuntime(namespace, name)?.build;
        if (made?.tlcpEnds !== undefined) this.tellRoutes([...made.members]);
      }
  }
}
