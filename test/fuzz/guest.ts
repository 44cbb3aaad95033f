// Test modules in AssemblyScript: compiled once for each state of their sources, then called from Node.
import { getRandomValues } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compiled } from '../../scripts/compile.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Exports of every test module, besides its own. */
export interface GuestExports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  room(bytes: number): number;
}

/** Codes of errors by their numbers in the modules of this build. */
const CODES = new Map(
  [...readFileSync(`${root}filters/errors.gen.ts`, 'utf8').matchAll(/^ {2}(FIM_\w+) = (\d+),$/gm)].map(
    ([, name, number]) => [Number(number), name!.replaceAll('_', '-')] as const,
  ),
);
const NUMBERS = new Map([...CODES].map(([number, code]) => [code, number]));

/** Number of an error code (`FIM-JSON-0001`) in the modules. */
export function errorId(code: string): number {
  const number = NUMBERS.get(code);
  if (number === undefined) throw new Error(`no such code in the modules: ${code}`);
  return number;
}

/** The error code of a number in the modules. */
export function errorCode(number: number): string {
  const code = CODES.get(number);
  if (code === undefined) throw new Error(`no error of the modules has the number ${number}`);
  return code;
}

/**
 * Share of a test's cases that a run takes. A seed repeats its cases, so that a run finds nothing that the one before did
 * not, unless the code has changed; `FIM_TEST_FUZZ=all` takes all of them, and `FIM_FUZZ_SEED` others.
 */
const SHARE = process.env['FIM_TEST_FUZZ'] === 'all' ? 1 : 1 / 4;
/** Cases of which no test takes a share. */
const FEW_CASES = 400;

/** Cases of a random test that has `all`: `FIM_FUZZ_CASES` if set, else a quarter, or all of a few. */
export function caseCount(all: number): number {
  const asked = Number(process.env['FIM_FUZZ_CASES'] ?? '');
  return Number.isSafeInteger(asked) && asked > 0 ? asked : Math.max(Math.min(all, FEW_CASES), Math.ceil(all * SHARE));
}

/** Seed of a random test: `FIM_FUZZ_SEED` if set, else the test's own. Another seed takes other cases. */
export function seedOf(own: number): number {
  const asked = Number(process.env['FIM_FUZZ_SEED'] ?? '');
  return Number.isSafeInteger(asked) && asked > 0 ? asked : own;
}

/** Time that this thread computed while `run` ran, ms. Other work on the machine does not count. */
export function computingMs(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const used = process.threadCpuUsage(before);
  return (used.user + used.system) / 1000;
}

/** Computing that one measurement takes at least, ms: the clock of computing time is coarse. */
const LEAST_MEASURED_MS = 20;

/** Time of one `run`, ms of computing: the least of `rounds` measurements. */
export function bestMs(rounds: number, run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < rounds; i++) {
    let used = 0;
    let runs = 0;
    for (; used < LEAST_MEASURED_MS; runs++) used += computingMs(run);
    best = Math.min(best, used / runs);
  }
  return best;
}

/** A random sequence that a seed repeats (mulberry32). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

/** A compiled test module. */
export class Guest<T extends GuestExports> {
  readonly exports: T;
  private readonly encoder = new TextEncoder();
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  constructor(exports: T) {
    this.exports = exports;
  }

  /** Puts text or bytes where the module expects its input; returns the length in bytes. */
  put(input: string | Uint8Array): number {
    const bytes = typeof input === 'string' ? this.encoder.encode(input) : input;
    const at = this.exports.room(bytes.length + 1) >>> 0;
    new Uint8Array(this.exports.memory.buffer, at, bytes.length).set(bytes);
    return bytes.length;
  }

  /** Text at an address. */
  text(at: number, length: number): string {
    return this.decoder.decode(new Uint8Array(this.exports.memory.buffer, at >>> 0, length));
  }

  /** Pages of memory in use. */
  get pages(): number {
    return this.exports.memory.buffer.byteLength / 65536;
  }
}

/** `FOLDER/NAME.module.ts` (from the project's root), compiled as the modules are shipped. */
export async function compileModule(path: string): Promise<Buffer<ArrayBuffer>> {
  return readFile((await compiled({ entry: `${path}.module.ts` })).path);
}

/** Starts a module, with real randomness. */
export function startGuest<T extends GuestExports>(module: WebAssembly.Module): T {
  const random_get = (at: number, length: number): number => {
    getRandomValues(new Uint8Array(exports.memory.buffer, at >>> 0, length));
    return 0;
  };
  // A core that counts or knows keys asks the proxy, which is not there and always says yes.
  const env = Object.fromEntries(
    WebAssembly.Module.imports(module)
      .filter((entry) => entry.module === 'env')
      .map(({ name }) => [name, (): number => 0]),
  );
  const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: { random_get }, env });
  const exports = instance.exports as unknown as T;
  exports._initialize();
  return exports;
}

/** Compiles `FOLDER/NAME.module.ts` and starts it. */
export async function compileGuest<T extends GuestExports>(path: string): Promise<Guest<T>> {
  return new Guest(startGuest<T>(new WebAssembly.Module(await compileModule(path))));
}
