// Cost of a stream that no stage processes, and whether concurrent streams increase it. Compared with the dispatcher of
// @solo-io/proxy-runtime on the same host. Rounds of all subjects take turns. The least of each counts, because noise
// only adds.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFile } from 'node:fs/promises';
import { buildModules } from '../../scripts/build.ts';
import { startQuietly } from './quiet-host.ts';
import type { Exports } from './quiet-host.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIVE = [0, 1_000, 10_000];
const ROUNDS = 15;
/** One round lasts about this long, ms. */
const ROUND_MS = 30;
const MICROS_PER_MS = 1000;

interface Subject {
  name: string;
  guest: Exports;
  live: number;
  nextId: number;
  micros: number;
}

/** A route that no request of the bench matches, and one that all match and whose stage reads headers only. */
const UNMATCHED = JSON.stringify({
  version: '1.0',
  routes: [{ name: 'bench/other', match: { hosts: ['other.example'] }, stages: {} }],
});

function buildSdkModule(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'fim-bench-'));
  try {
    const out = join(folder, 'sdk.wasm');
    execFileSync(
      process.execPath,
      [
        'node_modules/assemblyscript/bin/asc.js',
        'bench/runtime/sdk/module.ts',
        '-o',
        out,
        '--lib',
        'bench/runtime/sdk/lib',
        '--config',
        'bench/runtime/sdk/asconfig.json',
      ],
      { cwd: ROOT, stdio: 'inherit' },
    );
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function open(subject: Subject): number {
  const { guest } = subject;
  const id = subject.nextId++;
  guest['proxy_on_context_create']!(id, 1);
  guest['proxy_on_request_headers']!(id, 6, 1);
  return id;
}

/** Runs a stream from creation to deletion, as Envoy calls a filter for a GET with an empty response. */
function close(guest: Exports, id: number): void {
  guest['proxy_on_response_headers']!(id, 6, 1);
  guest['proxy_on_log']?.(id);
  guest['proxy_on_done']?.(id);
  guest['proxy_on_delete']!(id);
}

function round(subject: Subject): void {
  let streams = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < ROUND_MS) {
    for (let i = 0; i < 20; i++) close(subject.guest, open(subject));
    streams += 20;
    elapsed = performance.now() - start;
  }
  subject.micros = Math.min(subject.micros, (elapsed * MICROS_PER_MS) / streams);
}

/** `--json FILE` writes the figures. */
export async function main(args: string[]): Promise<void> {
  const [fim] = await buildModules(['fim'], (line) => console.error(line));
  const modules: [string, Uint8Array, string][] = [
    ['fim.wasm', readFileSync(fim!.path), UNMATCHED],
    ['SDK dispatcher', buildSdkModule(), ''],
  ];
  const subjects = modules.flatMap(([name, bytes, configuration]) =>
    LIVE.map((live): Subject => {
      const subject = { name, guest: startQuietly(bytes, configuration), live, nextId: 2, micros: Infinity };
      for (let i = 0; i < live; i++) open(subject);
      return subject;
    }),
  );
  for (let i = 0; i < ROUNDS; i++) for (const subject of subjects) round(subject);
  console.log(`µs a stream without work (least of ${ROUNDS} rounds), by streams alive besides`);
  console.log(
    ['', ...LIVE.map((live) => `${live}`)].map((cell, i) => (i === 0 ? cell.padEnd(16) : cell.padStart(10))).join(''),
  );
  for (const [name] of modules) {
    const cells = LIVE.map((live) =>
      subjects
        .find((subject) => subject.name === name && subject.live === live)!
        .micros.toFixed(2)
        .padStart(10),
    );
    console.log(name.padEnd(16) + cells.join(''));
  }
  const out = args.indexOf('--json');
  const figures = subjects.map(({ name, live, micros }) => ({ name, live, micros }));
  if (out >= 0) await writeFile(args[out + 1]!, `${JSON.stringify({ bench: 'runtime', figures }, null, 2)}\n`);
}
