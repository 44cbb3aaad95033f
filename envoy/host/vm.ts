// A virtual machine with its root contexts, as one Envoy worker has it.
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

/** Outcome of a configuration. */
export interface Configured {
  accepted: boolean;
  /**
   * The context that serves streams with this configuration. After a refusal Envoy would keep the one before; this one
   * is closed.
   */
  root: RootContext;
  /** What the guest logged meanwhile. */
  logs: LogEntry[];
}

export class Vm implements Machine {
  readonly options: FilledOptions;
  readonly sharedData: SharedData;
  readonly clock: VirtualClock;
  readonly metrics: Metrics;
  readonly logs: LogEntry[] = [];
  /**
   * Things that stock Envoy would let pass or crash on and that a filter must not do. Tests assert that there are none.
   */
  readonly violations: string[] = [];
  metricTable: MetricTable;
  httpCalls: HttpCalls;
  instance: Instance;
  /** Root contexts that serve or drain. */
  readonly roots = new Set<RootContext>();
  /** How often FAIL_RELOAD replaced the machine. */
  reloads = 0;
  /** It has taken a configuration. */
  private serves = false;
  private readonly module: LoadedModule;
  private startedAtMs: number;

  /** Throws LoadError if `_initialize` fails or calls what it may not. */
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
   * Tries a configuration out and starts a root context with it, as Envoy does for each new plugin configuration; those
   * before keep serving their streams. `accepted` is what `proxy_on_vm_start` and `proxy_on_configure` answered.
   */
  configure(configuration: string | Uint8Array, rootId = ''): Configured {
    // As Envoy does on its main thread: a configuration is tried in a fresh machine before any that serves gets it.
    const trial = this.serves ? this.tryOut(configuration, rootId) : null;
    if (trial !== null && !trial.accepted) return trial;
    return this.configureUntried(configuration, rootId);
  }

  /**
   * The same without the trial: what a worker does with a configuration that another machine of the process has taken,
   * or that Envoy takes for tried.
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

  /** True after a trap: every stream is refused until a reload. */
  get failed(): boolean {
    return this.instance.failed;
  }

  /** Pages of 64 KiB of linear memory. It never shrinks. */
  get memoryPages(): number {
    return this.instance.memoryPages;
  }

  /** Contexts that the guest has been told of and not yet to delete: roots and streams. */
  get liveContexts(): number {
    return this.instance.contexts.size;
  }

  log(level: number, message: string): void {
    const entry = { level: LOG_LEVELS[level]!, message };
    this.logs.push(entry);
    this.options.onLog?.(entry);
  }

  /** Under FAIL_RELOAD a dead machine is replaced by the first stream after the back-off. */
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

/** A virtual machine that runs the module. */
export function createVm(module: LoadedModule, options: VmOptions = {}): Vm {
  return new Vm(module, options);
}
