// Settings of a virtual machine.
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
  /** Key of the shared data. VMs with the same one share it. */
  vmId?: string;
  /** Configuration that `on_vm_start` may read. */
  vmConfiguration?: string;
  /** Shared data. VMs that share it model workers. */
  sharedData?: SharedData;
  clock?: VirtualClock;
  metrics?: Metrics;
  /** Fills the bytes with random data. Default: the engine's secure source. */
  random?: (bytes: Uint8Array) => void;
  /** Answers the guest's HTTP call-outs. Without it every cluster is unknown. */
  httpCall?: HttpCallHandler;
  environment?: Record<string, string>;
  /** Envoy's setting of the same name (>= 1.35). FIM needs it on. */
  allowOnHeadersStopIteration?: boolean;
  failurePolicy?: 'FAIL_CLOSED' | 'FAIL_OPEN' | 'FAIL_RELOAD';
  /** Shortest time between the start of a failed VM and its replacement under FAIL_RELOAD, milliseconds. */
  reloadBackoffMs?: number;
  /** Answer of a host function in the place of its work, such as a fault of the host's. Undefined: it works. */
  refuses?: (name: string) => number | undefined;
  /** Whether the guest fails to read a configuration, as when its memory is exhausted. */
  withholds?: (configuration: Buffer) => boolean;
  /** Result of `proxy_get_log_level`. Entries of every level are recorded. */
  logLevel?: LogLevel;
  /** Called for each log entry. */
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
