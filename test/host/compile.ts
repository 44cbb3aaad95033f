// Compiles AssemblyScript for host tests, in memory.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

async function compile(
  entry: string,
  options: string[],
  readFile: (name: string, base: string) => string | null,
): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const writeFile = (name: string, data: Uint8Array | string): void => {
    if (name === 'out.wasm') wasm = data as Uint8Array;
  };
  const { error, stderr } = await main([entry, '--outFile', 'out.wasm', ...options], {
    readFile,
    writeFile,
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) throw new Error(`${entry} does not compile:\n${stderr.toString()}`);
  return wasm;
}

function readSource(name: string, base: string): string | null {
  try {
    return readFileSync(resolve(ROOT, base, name), 'utf8');
  } catch {
    return null;
  }
}

/** The guest that does what `x-do` says. */
export function compileFixture(): Promise<Uint8Array> {
  return compile('test/host/fixture/module.ts', ['--config', 'test/host/fixture/asconfig.json'], readSource);
}

/** The runtime with one stage through which bodies pass in pieces. */
export function compilePieces(): Promise<Uint8Array> {
  return compile(
    'test/host/fixture/pieces.module.ts',
    ['--config', 'asconfig.json', '--target', 'release'],
    readSource,
  );
}

/** The runtime with one service and two stages that use it. */
export function compileServices(): Promise<Uint8Array> {
  return compile(
    'test/host/fixture/services.module.ts',
    ['--config', 'asconfig.json', '--target', 'release'],
    readSource,
  );
}

/** A guest of the given source text, with the least that a host asks of a module. */
export function compileGuest(source: string, options: string[] = []): Promise<Uint8Array> {
  return compile('guest.ts', ['--config', 'none.json', ...options], (name) => (name === 'guest.ts' ? source : null));
}

/** The modules' reader of a KMS's answers and of keys, without the rest. */
export function compileKeys(): Promise<Uint8Array> {
  return compile('test/host/fixture/keys.module.ts', ['--config', 'asconfig.json', '--target', 'release'], readSource);
}
