// The guest that fails on purpose, compiled in memory.
import { readFileSync } from 'node:fs';
import { main } from 'assemblyscript/asc';

const SOURCE = new URL('wicked.module.ts', import.meta.url);

export async function compileWicked(): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await main(
    ['guest.ts', '--outFile', 'out.wasm', '--exportStart', '_initialize', '--runtime', 'stub', '--use', 'abort=', '-O'],
    {
      readFile: (name) => (name === 'guest.ts' ? readFileSync(SOURCE, 'utf8') : null),
      writeFile: (name, data) => void (name === 'out.wasm' && (wasm = data as Uint8Array)),
      listFiles: () => [],
    },
  );
  if (error !== null || wasm === undefined) throw new Error(`the wicked guest does not compile:\n${stderr.toString()}`);
  return wasm;
}
