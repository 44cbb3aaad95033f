// Compiles AssemblyScript, and keeps the results in the user's cache folder by a hash of everything that they depend
// on.
import { spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../envoy/standalone/cache-folder.ts';
import { CodedError } from '../envoy/standalone/coded-error.ts';
import { forgetOldModules, touchModule } from './kept-modules.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const COMPILER = join(ROOT, 'node_modules/assemblyscript/bin/asc.js');

/** Packages whose version changes the output. */
const COMPILED_WITH = ['assemblyscript', '@solo-io/proxy-runtime'];

/**
 * Compilation target of asconfig.json. `FIM_BUILD=debug` compiles in a tenth of the time and gives trap stacks function
 * names, but the modules run several times slower. Use it for work on the filters, never for a release.
 */
export const TARGET = process.env.FIM_BUILD === 'debug' ? 'debug' : 'release';

/** Time between progress lines of a compilation, milliseconds. */
const HEARTBEAT_MS = 10_000;
/** Time between looks whether another process has compiled the same, milliseconds. */
const LOOK_MS = 100;
/** Age from which another process's claim to a compilation counts as abandoned, milliseconds. */
const ABANDONED_CLAIM_MS = 300_000;

/** A module to compile, and its options. Paths are relative to the project's root. */
export interface Compilation {
  entry: string;
  /** The compiler's configuration. Default: the modules' own with `TARGET`. */
  config?: string;
  /** Options of the compiler besides. */
  options?: readonly string[];
}

/** A compiled module in the cache. */
export interface Kept {
  /** Absolute. */
  path: string;
  /** Compile time in milliseconds. 0 if it came from the cache. */
  tookMs: number;
}

/**
 * Compiles what is not in the cache. A second process that wants the same waits for the first. `progress` hears of a
 * compilation under the name `called`. Error: FIM-UP-0003 with the compiler's output.
 */
export async function compiled(
  what: Compilation,
  called = what.entry,
  progress: (line: string) => void = () => {},
): Promise<Kept> {
  const folder = cacheFolder('modules');
  const name = what.entry.replace(/^filters\/|(\/index|\.module)?\.ts$/g, '').replaceAll('/', '-');
  const path = join(folder, `${name}-${digest(what)}.wasm`);
  const started = performance.now();
  let tookMs = 0;
  while (!(await isThere(path))) {
    const release = await claim(`${path}.claim`);
    if (release === null) {
      await pause(LOOK_MS);
      continue;
    }
    try {
      if (await isThere(path)) break;
      progress(`compiling ${called} …`);
      const heartbeat = setInterval(
        () => progress(`still compiling ${called} (${Math.round((performance.now() - started) / 1000)} s) …`),
        HEARTBEAT_MS,
      );
      await compile(what, path).finally(() => clearInterval(heartbeat));
      tookMs = Math.round(performance.now() - started);
    } finally {
      release();
    }
  }
  if (tookMs > 0) await forgetOldModules(folder);
  else await touchModule(path);
  return { path, tookMs };
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.size > 0,
    () => false,
  );
}

/** Makes this process the one that compiles: what gives it up again. Null: another process compiles. */
async function claim(folder: string): Promise<(() => void) | null> {
  const release = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, String(process.pid)), '');
  } catch {
    if (await isAbandoned(folder)) release();
    return null;
  }
  process.once('exit', release);
  return () => {
    process.off('exit', release);
    release();
  };
}

/**
 * Whether the process that made a claim has ended without giving it up, or holds it longer than any compilation takes.
 */
async function isAbandoned(folder: string): Promise<boolean> {
  const age = await stat(folder).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  if (age > ABANDONED_CLAIM_MS) return true;
  const [holder] = await readdir(folder).catch(() => []);
  if (holder === undefined) return false;
  try {
    process.kill(Number(holder), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function compile({ entry, config, options = [] }: Compilation, output: string): Promise<void> {
  const work = await mkdtemp(join(dirname(output), 'compiling-'));
  const clear = (): void => rmSync(work, { recursive: true, force: true });
  process.once('exit', clear);
  try {
    const partial = join(work, 'module.wasm');
    const settings = config === undefined ? ['--config', 'asconfig.json', '--target', TARGET] : ['--config', config];
    const { status, output: said } = await run([
      '--enable-source-maps',
      COMPILER,
      entry,
      '-o',
      partial,
      ...settings,
      ...options,
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

function digest({ entry, config, options = [] }: Compilation): string {
  const settings = readFileSync(join(ROOT, config ?? 'asconfig.json'), 'utf8');
  const hash = createHash('sha256').update(settings);
  hash.update(JSON.stringify(config === undefined ? [TARGET, ...options] : options));
  for (const name of COMPILED_WITH) hash.update(readFileSync(join(ROOT, 'node_modules', name, 'package.json')));
  const seen = new Set<string>();
  for (const source of implicitSources(settings)) hashSources(source, hash, seen);
  hashSources(entry, hash, seen);
  return hash.digest('hex').slice(0, 32);
}

/** Sources that `use` of a configuration adds to every module: `NAME=FILE/EXPORT`. */
function implicitSources(settings: string): string[] {
  const { options } = JSON.parse(settings) as { options?: { use?: string[] } };
  return (options?.use ?? []).map((use) => `${dirname(use.slice(use.indexOf('=') + 1))}.ts`);
}

/**
 * Adds the source and all its relative imports to `hash`, in order of appearance. Packages count by their version. Every
 * test of a built module does this first, for hundreds of small files: without promises it takes a fifth of the time.
 */
function hashSources(source: string, hash: Hash, seen: Set<string>): void {
  if (seen.has(source)) return;
  seen.add(source);
  const text = textOf(source);
  hash.update(`${source}\n${text.length}\n${text}`);
  for (const [, specifier] of text.matchAll(/\b(?:from|import)\s*['"](\.{1,2}\/[^'"]+)['"]/g))
    hashSources(resolveImport(source, specifier!, seen), hash, seen);
}

function textOf(source: string): string {
  try {
    return readFileSync(join(ROOT, source), 'utf8');
  } catch {
    throw new CodedError('FIM-UP-0003', `source ${source} is missing`);
  }
}

function resolveImport(source: string, specifier: string, seen: ReadonlySet<string>): string {
  const base = join(dirname(source), specifier);
  for (const candidate of [`${base}.ts`, join(base, 'index.ts')])
    if (seen.has(candidate) || statSync(join(ROOT, candidate), { throwIfNoEntry: false })?.isFile() === true)
      return candidate;
  throw new CodedError('FIM-UP-0003', `${source} imports ${specifier}, which is missing`);
}
