// The Rust scan of the bench, built by cargo and kept over runs by a hash of its sources.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../envoy/standalone/cache-folder.ts';

const SOURCES = join(import.meta.dirname, 'rust');
const TARGET = 'wasm32-unknown-unknown';
const run = promisify(execFile);

interface RustExports {
  memory: WebAssembly.Memory;
  room(length: number): number;
  compile(): number;
  scan(times: number): number;
}

/** A scan with the `regex` crate in WebAssembly, for one pattern. Throws if cargo or its target is missing. */
export class RustScan {
  private readonly exports: RustExports;

  private constructor(exports: RustExports) {
    this.exports = exports;
  }

  static async start(pattern: string): Promise<RustScan> {
    const { instance } = await WebAssembly.instantiate(await readFile(await build()), {});
    const scan = new RustScan(instance.exports as unknown as RustExports);
    scan.put(new TextEncoder().encode(pattern));
    if (scan.exports.compile() !== 1) throw new Error('the regex crate refuses the pattern');
    return scan;
  }

  put(bytes: Uint8Array): void {
    const at = this.exports.room(bytes.length) >>> 0;
    new Uint8Array(this.exports.memory.buffer, at, bytes.length).set(bytes);
  }

  scan(times: number): number {
    return this.exports.scan(times);
  }
}

async function build(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['manifest.toml', 'src/lib.rs']) hash.update(await readFile(join(SOURCES, file)));
  const folder = cacheFolder('bench-mask');
  const module = join(folder, `scan-${hash.digest('hex').slice(0, 12)}.wasm`);
  if (existsSync(module)) return module;
  const work = join(folder, 'rust');
  await mkdir(join(work, 'src'), { recursive: true });
  await writeFile(join(work, 'Cargo.toml'), await readFile(join(SOURCES, 'manifest.toml')));
  await copyFile(join(SOURCES, 'src/lib.rs'), join(work, 'src/lib.rs'));
  console.error('building the Rust scan …');
  await run('cargo', ['build', '--release', '--quiet', '--target', TARGET], {
    cwd: work,
    env: { ...process.env, RUSTFLAGS: '-C target-feature=+simd128,+bulk-memory' },
  });
  await copyFile(join(work, 'target', TARGET, 'release/scan.wasm'), module);
  return module;
}
