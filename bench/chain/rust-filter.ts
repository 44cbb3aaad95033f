// The Rust filters of the bench, built by cargo and kept over runs by a hash of their sources.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../envoy/standalone/cache-folder.ts';

const SOURCES = join(import.meta.dirname, 'rust');
const FILES = ['lib.rs', 'empty.rs', 'chain.rs'];
const TARGET = 'wasm32-wasip1';
/** Instructions that FIM's own modules use too. */
const RUST_FLAGS = '-C target-feature=+simd128,+bulk-memory';

const run = promisify(execFile);

/** A filter's module: `empty` does nothing, `chain` what FIM's chain does. Throws if cargo or its target is missing. */
export async function rustFilter(kind: 'empty' | 'chain'): Promise<string> {
  const hash = createHash('sha256').update(RUST_FLAGS);
  for (const file of ['manifest.toml', ...FILES]) hash.update(await readFile(join(SOURCES, file)));
  const folder = cacheFolder('bench-chain');
  const module = join(folder, `rust-${kind}-${hash.digest('hex').slice(0, 12)}.wasm`);
  if (await exists(module)) return module;
  await requireTarget();
  const work = join(folder, 'rust');
  await mkdir(join(work, 'src'), { recursive: true });
  await copyFile(join(SOURCES, 'manifest.toml'), join(work, 'Cargo.toml'));
  for (const file of FILES) await copyFile(join(SOURCES, file), join(work, 'src', file));
  console.error(`building the Rust filter ${kind} …`);
  const features = kind === 'chain' ? ['--features', 'chain'] : [];
  await run('cargo', ['build', '--release', '--quiet', '--target', TARGET, ...features], {
    cwd: work,
    env: { ...process.env, RUSTFLAGS: RUST_FLAGS },
  });
  await copyFile(join(work, 'target', TARGET, 'release/chain_filter.wasm'), module);
  return module;
}

async function requireTarget(): Promise<void> {
  const { stdout } = await run('rustc', ['--print', 'target-libdir', '--target', TARGET]);
  if (!(await exists(stdout.trim())))
    throw new Error(`the Rust toolchain has no ${TARGET} target (rustup target add ${TARGET})`);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
