// A VM with its root contexts, as one Envoy worker has it.
import { LOG_LEVELS } from './abi.ts';
import { HttpStream } from './http-stream.ts';
import type { StreamOptions } from './http-stream.ts';
import { HttpCalls } from './http-calls.ts';
import { Instance } from './instance.ts';
import { Metrics, MetricTable } from './metrics.ts';
import type { LoadedModule } from './module.ts';
import { RootContext } from './root-context.ts';
import { SharedData } from './shared-data.ts';
import { VirtualClock } from './virtual-clock.ts';
import type { FilledOptions, LogEntry, VmOptions } from './vm-options.ts';
import type { Machine, RootSide } from './roles.ts';
import { DEFAULT_RELOAD_BACKOFF_MS } from '../limits.ts';

/** Result of a configuration attempt. */
export interface Configured {
  accepted: boolean;
  /**
   * Context that serves streams with this configuration. It is closed after a refusal, where Envoy would keep the
   * previous one.
   */
  root: RootContext;
  /** Log entries of the guest during the attempt. */
  logs: LogEntry[];
}

export class Vm implements Machine {
  readonly options: FilledOptions;
  readonly sharedData: SharedData;
  readonly clock: VirtualClock;
  readonly metrics: Metrics;
  readonly logs: LogEntry[] = [];
  /** Guest behaviour that stock Envoy would ignore or crash on. Tests assert that there is none. */
  readonly violations: string[] = [];
  metricTable: MetricTable;
  httpCalls: HttpCalls;
  instance: Instance;
  /** Root contexts that serve or drain. */
  readonly roots = new Set<RootContext>();
  /** Number of replacements under FAIL_RELOAD. */
  reloads = 0;
  /** Whether it has accepted a configuration. */
  private serves = false;
  private readonly module: LoadedModule;
  private startedAtMs: number;

  /** Throws LoadError if `_initialize` fails or calls a function that is not allowed then. */
  constructor(module: LoadedModule, options: VmOptions = {}) {
    this.module = module;
    this.options = {
      vmId: '',
      vmConfiguration: '',
      allowOnHeadersStopIteration: true,
      failurePolicy: 'FAIL_RELOAD',
      reloadBackoffMs: DEFAULT_RELOAD_BACKOFF_MS,
      logLevel: 'info',
      ...options,
    };
    this.sharedData = options.sharedData ?? new SharedData();
    this.clock = options.clock ?? new VirtualClock();
    this.metrics = options.metrics ?? new Metrics();
    this.metricTable = new MetricTable(this.metrics);
    this.httpCalls = new HttpCalls(this);
    this.startedAtMs = this.clock.nowMs;
    this.instance = new Instance(this, module);
  }

  /**
   * Tests a configuration and starts a root context with it, as Envoy does for each new plugin configuration. Earlier
   * ones keep serving their streams. `accepted` combines the results of `proxy_on_vm_start` and `proxy_on_configure`.
   */
  configure(configuration: string | Uint8Array, rootId = ''): Configured {
    // Envoy's main thread tests a configuration in a fresh VM before any serving VM gets it.
    const trial = this.serves ? this.tryOut(configuration, rootId) : null;
    if (trial !== null && !trial.accepted) return trial;
    return this.configureUntried(configuration, rootId);
  }

  /**
   * Configures without the test in a fresh VM. A worker does so after another VM of the process has accepted the
   * configuration.
   */
  configureUntried(configuration: string | Uint8Array, rootId = ''): Configured {
    const logged = this.logs.length;
    const root = new RootContext(this, Buffer.from(configuration as string), rootId);
    this.roots.add(root);
    const accepted = root.start();
    const logs = this.logs.slice(logged);
    if (accepted) this.serves = true;
    else root.close();
    return { accepted, root, logs };
  }

  private tryOut(configuration: string | Uint8Array, rootId: string): Configured {
    const trial = new Vm(this.module, {
      ...this.options,
      sharedData: this.sharedData,
      clock: this.clock,
      metrics: new Metrics(),
    });
    const outcome = trial.configureUntried(configuration, rootId);
    if (outcome.accepted) outcome.root.close();
    this.logs.push(...outcome.logs);
    return outcome;
  }

  /** Opens an HTTP stream through plugins in the order of the filter chain. They may belong to several VMs. */
  static openStream(roots: RootSide[], options: StreamOptions = {}): HttpStream {
    for (const root of roots) root.vm.reloadIfDue();
    return new HttpStream(roots, options);
  }

  /** True after a trap. Every stream is then refused until a reload. */
  get failed(): boolean {
    return this.instance.failed;
  }

  /** Linear memory in pages of 64 KiB. It never shrinks. */
  get memoryPages(): number {
    return this.instance.memoryPages;
  }

  /** Roots and streams that the guest has been told to create and not yet to delete. */
  get liveContexts(): number {
    return this.instance.contexts.size;
  }

  /** A counter, once the guest has told all that it counted: it may keep counts until its next tick. */
  counted(name: string): number {
    [...this.roots].at(-1)?.tick();
    return this.metrics.value(name);
  }

  log(level: number, message: string): void {
    const entry = { level: LOG_LEVELS[level]!, message };
    this.logs.push(entry);
    this.options.onLog?.(entry);
  }

  /** Under FAIL_RELOAD the first stream after the back-off replaces a dead VM. */
  reloadIfDue(): void {
    if (!this.failed || this.options.failurePolicy !== 'FAIL_RELOAD') return;
    if (this.clock.nowMs - this.startedAtMs < this.options.reloadBackoffMs) return;
    this.startedAtMs = this.clock.nowMs;
    this.reloads++;
    this.httpCalls.cancelAll();
    this.httpCalls = new HttpCalls(this);
    this.metricTable = new MetricTable(this.metrics);
    this.instance = new Instance(this, this.module);
    for (const root of this.roots) root.restart();
  }
}

/** Creates a VM that runs the module. */
export function createVm(module: LoadedModule, options: VmOptions = {}): Vm {
  return new Vm(module, options);
}
