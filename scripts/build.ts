// Builds the modules. Recompiles one only if an imported source, the compiler or its settings have changed.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rename } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHAIN, FUSED_MODULE, TLCP_MODULE } from '../envoy/route/stages/table.ts';
import { CodedError } from '../envoy/standalone/coded-error.ts';
import { compiled } from './compile.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** The modules, the fused one first. */
export const MODULES: readonly string[] = [FUSED_MODULE, ...CHAIN.map(({ folder }) => folder)];
/** Modules of the listener itself, which judge no messages. */
export const LISTENER_MODULES: readonly string[] = [TLCP_MODULE];
/** Modules for the command line's own use: no proxy loads them. */
export const TOOL_MODULES: readonly string[] = ['tlcp', 'audit-digest'];

/** A module on disk. */
export interface BuiltModule {
  name: string;
  /** Absolute. */
  path: string;
  bytes: number;
  sha256: string;
  /** Compile time in milliseconds. 0 if it came from the cache. */
  tookMs: number;
}

/**
 * Builds `names` into `build/`, several in parallel, and returns them in that order. The user's cache folder keeps
 * results by a hash of all inputs, so that a second build only reads the sources. Error: FIM-UP-0003 with the
 * compiler's output.
 */
export async function buildModules(
  names: readonly string[] = MODULES,
  progress: (line: string) => void = () => {},
): Promise<BuiltModule[]> {
  const built = new Map<string, BuiltModule>();
  const waiting = [...names];
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name; name = waiting.shift()) built.set(name, await buildModule(name, progress));
  };
  await Promise.all(Array.from({ length: Math.min(names.length, availableParallelism()) }, worker));
  return names.map((name) => built.get(name)!);
}

async function buildModule(name: string, progress: (line: string) => void): Promise<BuiltModule> {
  const path = join(ROOT, 'build', `${name}.wasm`);
  const { path: kept, tookMs } = await compiled({ entry: `filters/${name}/index.ts` }, `${name}.wasm`, progress);
  const wasm = await readFile(kept);
  const sha256 = createHash('sha256').update(wasm).digest('hex');
  await place(kept, path, sha256);
  if (tookMs > 0)
    progress(`compiled ${name}.wasm in ${(tookMs / 1000).toFixed(1)} s (${Math.ceil(wasm.length / 1024)} KiB)`);
  return { name, path, bytes: wasm.length, sha256, tookMs };
}

/**
 * Copies the cached module to `build/` by rename, unless the same bytes are there. A proxy that watches the file then
 * sees complete modules and no false changes.
 */
async function place(kept: string, path: string, sha256: string): Promise<void> {
  const there = await readFile(path).then(
    (bytes) => createHash('sha256').update(bytes).digest('hex'),
    () => '',
  );
  if (there === sha256) return;
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  await copyFile(kept, partial);
  await rename(partial, path);
}

async function main(args: string[]): Promise<void> {
  const all = [...MODULES, ...LISTENER_MODULES, ...TOOL_MODULES];
  const unknown = args.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new CodedError('FIM-UP-0020', `no module ${unknown.join(', ')}; there are ${all.join(', ')}`);
  const built = await buildModules(args.length > 0 ? args : all, (line) => console.error(`fim: ${line}`));
  for (const { name, bytes, sha256, tookMs } of built) {
    console.log(
      `${`${name}.wasm`.padEnd(20)} ${String(bytes).padStart(8)} bytes  sha256 ${sha256}  ${tookMs ? `${(tookMs / 1000).toFixed(1)} s` : 'from cache'}`,
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof CodedError)) throw error;
    console.error(`fim: ${error.message}`);
    if (error.advice) console.error(`fim: ${error.advice}`);
    process.exitCode = 1;
  });
}
