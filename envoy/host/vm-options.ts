// How a virtual machine is set up.
import type { LogLevel } from './abi.ts';
import type { HttpCallHandler } from './http-call.ts';
import type { Metrics } from './metrics.ts';
import type { SharedData } from './shared-data.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface LogEntry {
  level: LogLevel;
  message: string;
}

export interface VmOptions {
  /** Name under which shared data is kept; VMs with the same one share it. */
  vmId?: string;
  /** What `on_vm_start` may read. */
  vmConfiguration?: string;
  /** Share it among VMs to model workers. */
  sharedData?: SharedData;
  clock?: VirtualClock;
  metrics?: Metrics;
  /** Fills the bytes; the engine's secure source if absent. */
  random?: (bytes: Uint8Array) => void;
  /** Answers the guest's HTTP call-outs; without one every cluster is unknown. */
  httpCall?: HttpCallHandler;
  environment?: Record<string, string>;
  /** Envoy's switch of that name (>= 1.35). FIM needs it on. */
  allowOnHeadersStopIteration?: boolean;
  failurePolicy?: 'FAIL_CLOSED' | 'FAIL_OPEN' | 'FAIL_RELOAD';
  /** Least time between a failed VM's start and its replacement under FAIL_RELOAD, ms. */
  reloadBackoffMs?: number;
  /** Whether a plugin configuration cannot be read, as in a machine whose memory is used up. */
  withholds?: (configuration: Buffer) => boolean;
  /** What `proxy_get_log_level` answers. Entries of every level are recorded. */
  logLevel?: LogLevel;
  /** Sees each log entry when it is written. */
  onLog?: (entry: LogEntry) => void;
}

/** The options with what has a default filled in. */
export type FilledOptions = Required<
  Pick<
    VmOptions,
    'vmId' | 'vmConfiguration' | 'allowOnHeadersStopIteration' | 'failurePolicy' | 'reloadBackoffMs' | 'logLevel'
  >
> &
  VmOptions;
