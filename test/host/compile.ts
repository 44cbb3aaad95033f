// Compiles AssemblyScript for host tests.
import { readFile } from 'node:fs/promises';
import { main } from 'assemblyscript/asc';
import { type Compilation, compiled } from '../../scripts/compile.ts';

async function bytesOf(what: Compilation): Promise<Uint8Array> {
  return readFile((await compiled(what)).path);
}

/** The guest that does what `x-do` says. */
export function compileFixture(): Promise<Uint8Array> {
  return bytesOf({ entry: 'test/host/fixture/module.ts', config: 'test/host/fixture/asconfig.json' });
}

/** The runtime with one stage through which bodies pass in pieces. */
export function compilePieces(): Promise<Uint8Array> {
  return bytesOf({ entry: 'test/host/fixture/pieces.module.ts' });
}

/** The module of national TLS whose machine dies when an answer says `DIE!`. */
export function compileTlcpTrap(): Promise<Uint8Array> {
  return bytesOf({ entry: 'test/e2e/tlcp-trap.module.ts', options: ['--optimizeLevel', '0'] });
}

/** All stages in a machine that dies when a request has `x-die`. */
export function compileLimitsTrap(): Promise<Uint8Array> {
  return bytesOf({ entry: 'test/e2e/limits-trap.module.ts', options: ['--optimizeLevel', '0'] });
}

/** The runtime with one service and two stages that use it. */
export function compileServices(): Promise<Uint8Array> {
  return bytesOf({ entry: 'test/host/fixture/services.module.ts' });
}

/** A guest of the given source text, in memory, with the least that a host asks of a module. */
export async function compileGuest(source: string, options: string[] = []): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await main(['guest.ts', '--outFile', 'out.wasm', '--config', 'none.json', ...options], {
    readFile: (name) => (name === 'guest.ts' ? source : null),
    writeFile: (name: string, data: Uint8Array | string) => {
      if (name === 'out.wasm') wasm = data as Uint8Array;
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) throw new Error(`the guest does not compile:\n${stderr.toString()}`);
  return wasm;
}

/** The modules' reader of a KMS's answers and of keys, without the rest. */
export function compileKeys(): Promise<Uint8Array> {
  return bytesOf({ entry: 'test/host/fixture/keys.module.ts' });
}
