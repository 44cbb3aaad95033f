// The library inside Envoy: a plugin measures itself when Envoy starts, and its log lines are the figures.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { envoyBinary, envoyVersion } from '../../envoy/standalone/envoy-binary.ts';
import { expectedDigest } from './operations.ts';

const ROOT = join(import.meta.dirname, '../..');
/** All of the plugin's work takes about 2 s; a busy machine may take longer. */
const LIMIT_MS = 120_000;

export interface EnvoyFigures {
  name: string;
  /** Operations a second, by `OPERATION SIZE`. */
  rates: Map<string, number>;
}

/** Builds the plugin, starts Envoy with it, and ends Envoy when the plugin is done. Throws if a result is wrong. */
export async function measureInEnvoy(): Promise<EnvoyFigures> {
  const binary = await envoyBinary();
  const folder = mkdtempSync(join(tmpdir(), 'fim-bench-'));
  try {
    const module = join(folder, 'bench.wasm');
    const asc = [
      'node_modules/assemblyscript/bin/asc.js',
      'bench/crypto/envoy.module.ts',
      '-o',
      module,
      '--config',
      'asconfig.json',
      '--target',
      'release',
    ];
    const compiled = spawnSync(process.execPath, [...asc, '--use', 'abort=bench/crypto/envoy.module/abort'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (compiled.status !== 0) throw new Error(`asc failed: ${compiled.stderr}`);
    writeFileSync(join(folder, 'envoy.json'), JSON.stringify(bootstrap(module)));
    const rates = await run(binary, join(folder, 'envoy.json'));
    return { name: `FIM in Envoy ${await envoyVersion(binary)}`, rates };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function bootstrap(module: string): unknown {
  return {
    bootstrap_extensions: [
      {
        name: 'envoy.bootstrap.wasm',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.wasm.v3.WasmService',
          singleton: true,
          config: {
            name: 'bench',
            vm_config: { runtime: 'envoy.wasm.runtime.v8', code: { local: { filename: module } } },
          },
        },
      },
    ],
  };
}

async function run(binary: string, config: string): Promise<Map<string, number>> {
  const child = spawn(binary, ['-c', config, '--concurrency', '1', '--disable-hot-restart', '-l', 'critical'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const rates = new Map<string, number>();
  const lines: string[] = [];
  let done = false;
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line);
    const words = /fim-bench (.*)$/.exec(line)?.[1].split(' ');
    if (words?.[0] === 'done') {
      done = true;
      break;
    }
    if (!words) continue;
    const [operation, size, nanoseconds, digest] = words;
    const expected = expectedDigest(operation, Number(size));
    if (expected !== undefined && digest !== expected)
      throw new Error(`wrong result in Envoy: ${operation}, ${size} bytes`);
    rates.set(`${operation} ${size}`, 1e9 / Number(nanoseconds));
  }
  clearTimeout(timer);
  child.kill('SIGTERM');
  if (!done) throw new Error(`Envoy ended before the plugin was done: ${lines.at(-1) ?? 'no output'}`);
  return rates;
}
