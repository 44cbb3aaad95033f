// One instance of a module: memory, contexts, calls. A trap ends it for good.
import { ALLOWED_WHILE_STARTING } from './signatures.ts';
import { LoadError } from './module.ts';
import type { LoadedModule } from './module.ts';
import { hostFunctions } from './imports/index.ts';
import { GuestExit } from './imports/wasi.ts';
import type { Guest, GuestContext, Machine } from './roles.ts';

class ForbiddenCall extends Error {}

type Phase = 'start-section' | 'initialize' | 'running';

export class Instance implements Guest {
  readonly vm: Machine;
  readonly contexts = new Map<number, GuestContext>();
  /** Number of the guest's calls of each host function. */
  readonly hostCalls = new Map<string, number>();
  failed = false;
  current: GuestContext | null = null;
  effectiveId = 0;
  /** Set by a local reply in this call. Iteration then stops whatever the callback returns. */
  iterationStopped = false;
  private readonly afterCall: (() => void)[] = [];
  private phase: Phase = 'start-section';
  private lastContextId = 0;
  private readonly exports: Record<string, unknown>;
  private readonly memory: WebAssembly.Memory;
  private view: Buffer = Buffer.alloc(0);

  constructor(vm: Machine, module: LoadedModule) {
    this.vm = vm;
    let instance: WebAssembly.Instance;
    try {
      instance = new WebAssembly.Instance(module.compiled, this.imports());
    } catch (error) {
      const reason = error instanceof ForbiddenCall ? 'start-section' : 'initialize';
      throw new LoadError(reason, `Failed to initialize Wasm code: ${(error as Error).message}`);
    }
    this.exports = instance.exports;
    this.memory = instance.exports['memory'] as WebAssembly.Memory;
    if (!(this.memory instanceof WebAssembly.Memory))
      throw new LoadError('missing-function', 'Wasm module exports no memory.');
    this.phase = 'initialize';
    try {
      (this.function('_initialize') ?? this.function('_start'))?.();
    } catch (error) {
      throw new LoadError('initialize', `Failed to initialize Wasm code: ${(error as Error).message}`);
    }
    this.phase = 'running';
  }

  // --- calls into the guest

  has(name: string): boolean {
    return this.function(name) !== undefined;
  }

  /**
   * Calls a callback and `read`s its result while the call's flags are valid. Then performs the actions that the guest
   * asked for (continue, local replies). A trap marks the instance as failed and gives the result 0.
   */
  call<T>(context: GuestContext, name: string, args: number[], read: (answer: number) => T): T {
    const answer = this.invoke(context, name, args);
    const result = read(answer);
    this.iterationStopped = false;
    this.runAfterCall();
    return result;
  }

  defer(action: () => void): void {
    this.afterCall.push(action);
  }

  runAfterCall(): void {
    for (let action = this.afterCall.shift(); action !== undefined; action = this.afterCall.shift()) action();
  }

  newContextId(): number {
    return ++this.lastContextId;
  }

  private invoke(context: GuestContext, name: string, args: number[]): number {
    const callback = this.function(name);
    if (callback === undefined) return 0;
    const outer = this.current;
    const outerEffective = this.effectiveId;
    this.current = context;
    this.effectiveId = 0;
    try {
      return Number(callback(...args) ?? 0);
    } catch (error) {
      if (!isTrap(error)) throw error;
      this.failed = true;
      this.vm.log(5, `Function: ${name} failed: Uncaught RuntimeError: ${(error as Error).message}`);
      return 0;
    } finally {
      this.current = outer;
      this.effectiveId = outerEffective;
    }
  }

  private function(name: string): ((...args: number[]) => unknown) | undefined {
    const found = this.exports[name];
    return typeof found === 'function' ? (found as (...args: number[]) => unknown) : undefined;
  }

  // --- for host functions

  /** Context that a host function acts on: the effective one if the guest has set one that is alive. */
  active(): GuestContext {
    return (this.effectiveId === 0 ? undefined : this.contexts.get(this.effectiveId)) ?? this.current!;
  }

  get memoryPages(): number {
    return this.memory.buffer.byteLength / 65536;
  }

  /** Linear memory. Fetch it again after any call into the guest, because growth replaces it. */
  bytes(): Buffer {
    if (this.view.buffer !== this.memory.buffer) this.view = Buffer.from(this.memory.buffer);
    return this.view;
  }

  /** View of `size` bytes at `pointer`. Null if they are not all in memory. */
  slice(pointer: number, size: number): Buffer | null {
    const memory = this.bytes();
    const start = pointer >>> 0;
    const end = start + (size >>> 0);
    return end <= memory.length ? memory.subarray(start, end) : null;
  }

  text(pointer: number, size: number): string | null {
    return this.slice(pointer, size)?.toString('utf8') ?? null;
  }

  writeWord(pointer: number, value: number): boolean {
    const place = this.slice(pointer, 4);
    place?.writeUInt32LE(value >>> 0, 0);
    return place !== null;
  }

  writeLong(pointer: number, value: bigint): boolean {
    const place = this.slice(pointer, 8);
    place?.writeBigUInt64LE(BigInt.asUintN(64, value), 0);
    return place !== null;
  }

  /** Copies bytes into memory that the guest allocates and must free. Allocates nothing for zero bytes. */
  give(bytes: Uint8Array, pointerOut: number, sizeOut: number): boolean {
    let pointer = 0;
    if (bytes.length > 0) {
      pointer = Number((this.function('malloc') ?? this.function('proxy_on_memory_allocate'))!(bytes.length)) >>> 0;
      const place = pointer === 0 ? null : this.slice(pointer, bytes.length);
      if (place === null) return false;
      place.set(bytes);
    }
    return this.writeWord(pointerOut, pointer) && this.writeWord(sizeOut, bytes.length);
  }

  private imports(): WebAssembly.Imports {
    const guarded = (functions: Record<string, Function>): WebAssembly.ModuleImports =>
      Object.fromEntries(
        Object.entries(functions).map(([name, run]) => [
          name,
          (...args: unknown[]) => {
            if (this.phase === 'start-section' || (this.phase === 'initialize' && !ALLOWED_WHILE_STARTING.has(name)))
              throw new ForbiddenCall(
                `host function ${name} called from the ${this.phase === 'initialize' ? 'initialization' : 'start section'}`,
              );
            this.hostCalls.set(name, (this.hostCalls.get(name) ?? 0) + 1);
            const refused = this.vm.options.refuses?.(name);
            return refused ?? run(...args);
          },
        ]),
      );
    const { env, wasi } = hostFunctions(this);
    return { env: guarded(env), wasi_snapshot_preview1: guarded(wasi), wasi_unstable: guarded(wasi) };
  }
}

/** Traps, stack overflows and exits end the guest. Any other error is a fault of the host and reaches the caller. */
function isTrap(error: unknown): boolean {
  return (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof GuestExit ||
    (error instanceof RangeError && /call stack/.test(error.message))
  );
}
