// Host functions for AssemblyScript units that call the host. Only the few that specs need are implemented, and any
// other call returns Unimplemented. test/host tests real host behaviour with envoy/host.

const RESULT_OK = 0;
const RESULT_NOT_FOUND = 1;
const RESULT_CAS_MISMATCH = 4;
const RESULT_UNIMPLEMENTED = 12;

type HostFunction = (...args: never[]) => number | bigint | void;
type Imports = Record<string, Record<string, HostFunction>>;

/** Parts of the instance that the host uses: memory, and `malloc` if the spec exports it. */
export interface GuestExports {
  memory: WebAssembly.Memory;
  malloc?: (bytes: number) => number;
}

/** State of one spec's host. A spec changes it through imports of the module `unit`. */
class UnitHost {
  private clockNanoseconds: bigint | null = null;
  private randomMode = 0;
  private shared = new Map<string, { value: Buffer; cas: number }>();

  private readonly guestOf: () => GuestExports;

  constructor(guestOf: () => GuestExports) {
    this.guestOf = guestOf;
  }

  imports(): Imports {
    return { env: this.proxyWasm(), unit: this.control(), wasi_snapshot_preview1: this.wasi() };
  }

  private get view(): DataView {
    return new DataView(this.guestOf().memory.buffer);
  }

  private bytes(pointer: number, length: number): Buffer<ArrayBuffer> {
    return Buffer.from(this.guestOf().memory.buffer as ArrayBuffer, pointer >>> 0, length >>> 0);
  }

  private now(): bigint {
    return this.clockNanoseconds ?? process.hrtime.bigint();
  }

  /** `setClock(ns)`: fixed time, negative for the real one. `setRandom(mode)`: 0 real, 1 failing, 2 stuck at zero. */
  private control(): Record<string, HostFunction> {
    return {
      setClock: (nanoseconds: bigint) => void (this.clockNanoseconds = nanoseconds < 0n ? null : nanoseconds),
      setRandom: (mode: number) => void (this.randomMode = mode),
    };
  }

  private wasi(): Record<string, HostFunction> {
    return {
      random_get: (pointer: number, length: number) => {
        if (this.randomMode === 1) return 29; // EIO
        const target = this.bytes(pointer, length);
        if (this.randomMode === 2) target.fill(0);
        else for (let at = 0; at < target.length; at += 65536) crypto.getRandomValues(target.subarray(at, at + 65536));
        return 0;
      },
      clock_time_get: (_id: number, _precision: bigint, out: number) => {
        this.view.setBigUint64(out >>> 0, this.now(), true);
        return 0;
      },
      fd_write: () => 8, // EBADF
      proc_exit: (code: number) => {
        throw new Error(`proc_exit(${code})`);
      },
    };
  }

  private proxyWasm(): Record<string, HostFunction> {
    return {
      proxy_log: () => RESULT_OK,
      proxy_set_effective_context: () => RESULT_OK,
      proxy_set_tick_period_milliseconds: () => RESULT_OK,
      proxy_get_current_time_nanoseconds: (out: number) => {
        this.view.setBigUint64(out >>> 0, this.now(), true);
        return RESULT_OK;
      },
      proxy_get_shared_data: (key: number, keyLength: number, value: number, valueLength: number, cas: number) =>
        this.getShared(this.bytes(key, keyLength).toString('latin1'), value, valueLength, cas),
      proxy_set_shared_data: (key: number, keyLength: number, value: number, valueLength: number, cas: number) =>
        this.setShared(this.bytes(key, keyLength).toString('latin1'), Buffer.from(this.bytes(value, valueLength)), cas),
    };
  }

  private getShared(key: string, outPointer: number, outLength: number, outCas: number): number {
    const entry = this.shared.get(key);
    if (entry === undefined) return RESULT_NOT_FOUND;
    const { malloc } = this.guestOf();
    if (malloc === undefined) return RESULT_UNIMPLEMENTED;
    const copy = malloc(entry.value.length);
    this.bytes(copy, entry.value.length).set(entry.value);
    this.view.setUint32(outPointer >>> 0, copy, true);
    this.view.setUint32(outLength >>> 0, entry.value.length, true);
    this.view.setUint32(outCas >>> 0, entry.cas, true);
    return RESULT_OK;
  }

  private setShared(key: string, value: Buffer, cas: number): number {
    const known = this.shared.get(key);
    if (cas !== 0 && cas !== (known?.cas ?? 0)) return RESULT_CAS_MISMATCH;
    this.shared.set(key, { value, cas: (known?.cas ?? 0) + 1 });
    return RESULT_OK;
  }
}

/**
 * Imports for one compiled spec: every `env.proxy_*`, `unit.*` and WASI function that `binary` imports. `guestOf` is
 * called only while the guest runs. The compiler and as-pect supply their own imports.
 */
export function unitImports(binary: Uint8Array<ArrayBuffer>, guestOf: () => GuestExports): Imports {
  const known = new UnitHost(guestOf).imports();
  const imports: Imports = { env: {} };
  for (const { module, name } of WebAssembly.Module.imports(new WebAssembly.Module(binary))) {
    const offered = known[module]?.[name];
    const wanted = offered ?? (module === 'env' && name.startsWith('proxy_') ? () => RESULT_UNIMPLEMENTED : undefined);
    if (wanted !== undefined) (imports[module] ??= {})[name] = wanted;
  }
  return imports;
}
