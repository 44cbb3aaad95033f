// Builds the modules. Recompiles one only if an imported source, the compiler or its settings have changed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHAIN, FUSED_MODULE } from '../envoy/route/stages/table.ts';
import { cacheFolder } from '../envoy/standalone/cache-folder.ts';
import { CodedError } from '../envoy/standalone/coded-error.ts';
import { forgetOldModules, touchModule } from './kept-modules.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const COMPILER = join(ROOT, 'node_modules/assemblyscript/bin/asc.js');
/** Sources that every module contains implicitly: `use` of asconfig.json adds them. */
const IMPLICIT_SOURCES = ['filters/runtime/abort.ts'];

/** Packages whose version changes the output. */
const COMPILED_WITH = ['assemblyscript', '@solo-io/proxy-runtime'];

/**
 * Compilation target of asconfig.json. `FIM_BUILD=debug` compiles in a tenth of the time and gives trap stacks function
 * names, but the modules run several times slower. Use it for work on the filters, never for a release.
 */
const TARGET = process.env.FIM_BUILD === 'debug' ? 'debug' : 'release';

/** Time between progress lines of a compilation, milliseconds. */
const HEARTBEAT_MS = 10_000;

/** The modules, the fused one first. */
export const MODULES: readonly string[] = [FUSED_MODULE, ...CHAIN.map(({ folder }) => folder)];
/** Modules for the command line's own use: no proxy loads them. */
export const TOOL_MODULES: readonly string[] = ['tlcp'];

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
  const settings = await settingsDigest();
  const built = new Map<string, BuiltModule>();
  const waiting = [...names];
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name; name = waiting.shift())
      built.set(name, await buildModule(name, settings, progress));
  };
  await Promise.all(Array.from({ length: Math.min(names.length, availableParallelism()) }, worker));
  if ([...built.values()].some(({ tookMs }) => tookMs > 0)) await forgetOldModules(cacheFolder('modules'));
  return names.map((name) => built.get(name)!);
}

async function buildModule(name: string, settings: string, progress: (line: string) => void): Promise<BuiltModule> {
  const entry = `filters/${name}/index.ts`;
  const key = await sourcesDigest(entry, settings);
  const kept = join(cacheFolder('modules'), `${name}-${key}.wasm`);
  const path = join(ROOT, 'build', `${name}.wasm`);
  const started = performance.now();
  const cached = await stat(kept).then(
    (found) => found.size > 0,
    () => false,
  );
  if (!cached) {
    progress(`compiling ${name}.wasm …`);
    const heartbeat = setInterval(
      () => progress(`still compiling ${name}.wasm (${Math.round((performance.now() - started) / 1000)} s) …`),
      HEARTBEAT_MS,
    );
    await compile(name, entry, kept).finally(() => clearInterval(heartbeat));
  }
  const tookMs = cached ? 0 : Math.round(performance.now() - started);
  if (cached) await touchModule(kept);
  const wasm = await readFile(kept);
  const sha256 = createHash('sha256').update(wasm).digest('hex');
  await place(kept, path, sha256);
  if (!cached)
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

async function compile(name: string, entry: string, output: string): Promise<void> {
  const work = await mkdtemp(join(dirname(output), 'compiling-'));
  const clear = (): void => rmSync(work, { recursive: true, force: true });
  process.once('exit', clear);
  try {
    const partial = join(work, `${name}.wasm`);
    const { status, output: said } = await run([
      COMPILER,
      entry,
      '-o',
      partial,
      '--config',
      'asconfig.json',
      '--target',
      TARGET,
    ]);
    if (status !== 0) throw new CodedError('FIM-UP-0003', `${entry}\n${said.trim()}`);
    await rename(partial, output);
  } finally {
    process.off('exit', clear);
    clear();
  }
}

function run(args: string[]): Promise<{ status: number; output: string }> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = (): boolean => child.kill();
    process.once('exit', end);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', failed);
    child.on('close', (status) => {
      process.off('exit', end);
      done({ status: status ?? 1, output });
    });
  });
}

/** Digest of all inputs of every module besides its sources. */
async function settingsDigest(): Promise<string> {
  const hash = createHash('sha256');
  hash.update(await readFile(join(ROOT, 'asconfig.json')));
  if (TARGET !== 'release') hash.update(TARGET);
  for (const name of COMPILED_WITH) hash.update(await readFile(join(ROOT, 'node_modules', name, 'package.json')));
  for (const source of IMPLICIT_SOURCES) await hashSources(source, hash, new Set());
  return hash.digest('hex');
}

async function sourcesDigest(entry: string, settings: string): Promise<string> {
  const hash = createHash('sha256').update(settings);
  await hashSources(entry, hash, new Set());
  return hash.digest('hex').slice(0, 32);
}

/** Adds the source and all its relative imports to `hash`, in order of appearance. Packages count by their version. */
async function hashSources(source: string, hash: ReturnType<typeof createHash>, seen: Set<string>): Promise<void> {
  if (seen.has(source)) return;
  seen.add(source);
  const text = await readFile(join(ROOT, source), 'utf8').catch(() => {
    throw new CodedError('FIM-UP-0003', `source ${source} is missing`);
  });
  hash.update(`${source}\n${text.length}\n${text}`);
  for (const [, specifier] of text.matchAll(/\b(?:from|import)\s*['"](\.{1,2}\/[^'"]+)['"]/g)) {
    await hashSources(await resolveImport(source, specifier!), hash, seen);
  }
}

async function resolveImport(source: string, specifier: string): Promise<string> {
  const base = join(ROOT, dirname(source), specifier);
  for (const candidate of [`${base}.ts`, join(base, 'index.ts')]) {
    if (
      await stat(candidate).then(
        (found) => found.isFile(),
        () => false,
      )
    )
      return relative(ROOT, candidate);
  }
  throw new CodedError('FIM-UP-0003', `${source} imports ${specifier}, which is missing`);
}

async function main(args: string[]): Promise<void> {
  const all = [...MODULES, ...TOOL_MODULES];
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
