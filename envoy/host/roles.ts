// Roles of the host's parts towards one another: a VM, the guest in it, and the contexts that the guest knows.
import type { BodyBuffer } from './body-buffer.ts';
import type { HeaderMap } from './header-map.ts';
import type { HttpCall, HttpCallAnswer } from './http-call.ts';
import type { MetricTable } from './metrics.ts';
import type { SharedData } from './shared-data.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { FilledOptions } from './vm-options.ts';

/** A virtual machine, as its contexts and host functions see it. */
export interface Machine {
  readonly options: FilledOptions;
  readonly sharedData: SharedData;
  readonly clock: VirtualClock;
  readonly metricTable: MetricTable;
  readonly httpCalls: CallOuts;
  readonly instance: Guest;
  readonly roots: Set<RootSide>;
  readonly violations: string[];
  log(level: number, message: string): void;
  /** Under FAIL_RELOAD the first stream after the back-off replaces a dead VM. */
  reloadIfDue(): void;
}

/** The call-outs of a machine. */
export interface CallOuts {
  /** Starts a call-out. Returns the result code and the token. */
  start(root: RootSide, call: HttpCall): { result: number; token: number };
  cancelOf(root: RootSide): void;
}

/** One life of a module. */
export interface Guest {
  readonly vm: Machine;
  readonly contexts: Map<number, GuestContext>;
  readonly failed: boolean;
  effectiveId: number;
  iterationStopped: boolean;
  has(name: string): boolean;
  /** Calls a callback, then `read`s its answer, then does what the guest asked to happen after the call. */
  call<T>(context: GuestContext, name: string, args: number[], read: (answer: number) => T): T;
  defer(action: () => void): void;
  newContextId(): number;
  /** The context that a host function works on. */
  active(): GuestContext;
  /** View of `size` bytes at `pointer`. Null if they are not all in memory. */
  slice(pointer: number, size: number): Buffer | null;
  text(pointer: number, size: number): string | null;
  writeWord(pointer: number, value: number): boolean;
  writeLong(pointer: number, value: bigint): boolean;
  /** Copies bytes into memory that the guest allocates and must free. Allocates nothing for zero bytes. */
  give(bytes: Uint8Array, pointerOut: number, sizeOut: number): boolean;
}

/** A root context, as streams and host functions see it. */
export interface RootSide extends GuestContext {
  readonly vm: Machine;
  /** Response of the call-out that is being delivered. */
  callAnswer: HttpCallAnswer | null;
  /** Result of `proxy_get_status`. */
  status: { code: number; message: string };
  setTickPeriod(ms: number): void;
  /** The guest reports that it is done (`proxy_done`). False if it was not asked. */
  finished(): boolean;
  /** Applies the same configuration to the new VM after a reload. */
  restart(): void;
  streamOpened(): void;
  streamClosed(instance: Guest): void;
}

/** Context in which a host function runs: a root, a stream, or the VM itself. */
export interface GuestContext {
  readonly id: number;
  readonly root: RootSide | null;
  map(kind: number, writable: boolean): HeaderMap | null;
  buffer(kind: number): GuestBuffer | null;
  property(path: string): Uint8Array | null;
  setProperty(path: string, value: Uint8Array): boolean;
  continueStream(kind: number): void;
  closeStream(kind: number): void;
  sendLocalReply(reply: LocalReply): void;
}

/** A buffer as the guest sees it: read-only bytes, or a body that it may replace. */
export type GuestBuffer = { bytes: Uint8Array } | { body: BodyBuffer };

export interface LocalReply {
  status: number;
  body: Buffer;
  headers: [string, string][];
  /** -1: absent. */
  grpcStatus: number;
  details: string;
}
