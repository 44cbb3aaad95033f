// One worker of the limits: the module of limits.module.ts on shared data.
import { SharedData } from '../../envoy/host/index.ts';
import type { GuestExports } from './guest.ts';

export interface LimitExports extends GuestExports {
  proxy_on_memory_allocate(size: number): number;
  open(): number;
  define(at: number, algorithm: number, requests: number, periodMs: number, burst: number): void;
  lease(at: number): void;
  ask(from: number, to: number, keys: number, nowNanos: bigint, cost: number): number;
  askMany(at: number, first: bigint, count: number, nowNanos: bigint): number;
  isTaken(at: number): number;
  isSpare(at: number): number;
  giveBackAll(from: number, to: number, nowNanos: bigint): void;
  simulate(seed: bigint, window: number, shaped: number): number;
}

export const TOKEN_BUCKET = 0;
export const ADMITTED = 0;
export const SECOND = 1_000_000_000n;
export const START = 1000n * SECOND;
/** Part of the table that is in use, so that few keys fill it: 1 of 128, or all of it by hand. */
export const SHARE = process.env.FIM_TEST_WHOLE_TABLE ? 1 : 128;
export const LINES = 131_072 / SHARE;
const LINE_PREFIX = Buffer.from('fim.limit2');

/** One worker: the module on shared data. */
export class Worker {
  readonly exports: LimitExports;
  /** Called before each operation on shared data. */
  beforeOperation: () => void = () => {};
  private readonly shared: SharedData;
  private random = 11;

  constructor(module: WebAssembly.Module, shared: SharedData) {
    this.shared = shared;
    const instance = new WebAssembly.Instance(module, {
      wasi_snapshot_preview1: {
        random_get: (at: number, length: number) => {
          const bytes = new Uint8Array(this.exports.memory.buffer, at, length);
          for (let i = 0; i < length; i++) bytes[i] = this.random++ * 37;
          return 0;
        },
      },
      env: {
        proxy_get_shared_data: (key: number, length: number, value: number, size: number, cas: number) =>
          this.get(this.text(key, length), value, size, cas),
        proxy_set_shared_data: (key: number, length: number, value: number, size: number, cas: number) => {
          this.beforeOperation();
          const bytes = Buffer.from(this.exports.memory.buffer, value, size);
          return this.shared.set('', this.text(key, length), bytes, cas >>> 0) ? 0 : 8;
        },
        proxy_define_metric: () => 1,
        proxy_increment_metric: () => 0,
      },
    });
    this.exports = instance.exports as unknown as LimitExports;
    this.exports._initialize();
  }

  /** Asks limits of which each has the key at its place. */
  ask(keys: readonly bigint[], now: bigint, cost = 1): number {
    const at = this.exports.room(64) >>> 0;
    new BigUint64Array(this.exports.memory.buffer, at, keys.length).set(keys);
    return this.exports.ask(0, keys.length, at, now, cost);
  }

  /**
   * Name of a shared value. The table has LINES lines instead of all: the number of a line is in its last four bytes.
   */
  private text(at: number, length: number): string {
    const name = Buffer.from(this.exports.memory.buffer.slice(at, at + length));
    if (name.subarray(0, 10).equals(LINE_PREFIX)) name.writeUInt32LE(name.readUInt32LE(length - 4) % LINES, length - 4);
    return name.toString('latin1');
  }

  private get(key: string, value: number, size: number, cas: number): number {
    this.beforeOperation();
    const entry = this.shared.get('', key);
    if (entry === undefined) return 1;
    const at = this.exports.proxy_on_memory_allocate(entry.value.length) >>> 0;
    new Uint8Array(this.exports.memory.buffer, at, entry.value.length).set(entry.value);
    const out = new DataView(this.exports.memory.buffer);
    out.setUint32(value, at, true);
    out.setUint32(size, entry.value.length, true);
    out.setUint32(cas, entry.cas, true);
    return 0;
  }
}
