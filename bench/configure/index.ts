// npm run bench -- configure [--json FILE]: what a configuration costs the worker that takes it: `proxy_on_configure`
// with its collection. The least of several rounds is kept, since noise only adds.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createVm, exchange, loadModule } from '../../envoy/host/index.ts';
import type { LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { pluginConfiguration } from './policies.ts';

const ROUTES = 100;
const MANY_ROUTES = 1000;
const ROUNDS = 25;
const MANY_ROUNDS = 5;
const COLD_ROUNDS = 5;
const EDITS = 300;
/** Edits before the memory is first looked at: an arena keeps the room of its largest configuration. */
const SETTLING_EDITS = 20;

const EMPTY = JSON.stringify({ version: '1.0', routes: [] });

interface Figure {
  what: string;
  ms: number;
}

/** Numbers from `from` on, one for each route. */
function seeds(count: number, from: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

/** A module new to the engine: the same code with a unique custom section, so that no cached compilation serves it. */
function unseen(bytes: Uint8Array, tag: number): LoadedModule {
  return loadModule(Buffer.concat([bytes, Buffer.from([0, 3, 1, 0x74, tag])]));
}

/** A worker's VM that takes configurations one after another, as Envoy's does. */
class Worker {
  readonly vm: Vm;
  private root: RootContext | undefined;
  private generation = 0;

  constructor(module: LoadedModule) {
    this.vm = createVm(module);
    this.take(EMPTY); // starts the machine: the self-tests are not what is measured
  }

  /** Takes a configuration in place of the one before; ms of it. */
  take(json: string): number {
    const bytes = Buffer.from(json);
    const start = performance.now();
    // As a worker does: the trial in a new machine before it is the main thread's.
    const { accepted, root } = this.vm.configureUntried(bytes);
    const ms = performance.now() - start;
    assert.equal(accepted, true, this.vm.logs.at(-1)?.message ?? '');
    this.root?.close();
    this.root = root;
    return ms;
  }

  /** The same for routes with these seeds. */
  takeRoutes(list: readonly number[]): number {
    return this.take(pluginConfiguration(list, ++this.generation));
  }

  /** Asserts that route 7 uses the pattern of its seed. */
  assertServes(list: readonly number[]): void {
    const send = (code: string): number =>
      exchange(this.root!, {
        request: {
          authority: 'h7.bank.example',
          path: '/service/7/x',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ transCode: code }),
        },
        maxWaitMs: 1,
      }).client.status;
    const own = String(list[7]).padStart(6, '0');
    assert.notEqual(send(`${own}123456`), 422);
    assert.equal(send(`x${own}123456`), 422);
  }
}

function least(rounds: number, run: (round: number) => number): number {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) best = Math.min(best, run(round));
  return best;
}

function measure(bytes: Uint8Array): Figure[] {
  const figures: Figure[] = [];
  const add = (what: string, ms: number): number => figures.push({ what, ms });
  add(
    `first of all, ${ROUTES} routes (cold code)`,
    least(COLD_ROUNDS, (round) => new Worker(unseen(bytes, round)).takeRoutes(seeds(ROUTES, 1))),
  );
  const module = loadModule(bytes);
  const worker = new Worker(module);
  let list = seeds(ROUTES, 0);
  let next = ROUTES;
  const renew = (count: number): number => {
    list = seeds(count, next);
    next += count;
    return worker.takeRoutes(list);
  };
  add(
    `${ROUTES} routes, all new`,
    least(ROUNDS, () => renew(ROUTES)),
  );
  worker.assertServes(list);
  add(
    `first in a new machine, ${ROUTES} routes`,
    least(ROUNDS, () => new Worker(module).takeRoutes(list)),
  );
  add(
    `one of ${ROUTES} routes edited`,
    least(ROUNDS, (round) => {
      list = list.with(round % ROUTES, next++);
      return worker.takeRoutes(list);
    }),
  );
  worker.assertServes(list);
  add(
    `${MANY_ROUTES} routes, all new`,
    least(MANY_ROUNDS, () => renew(MANY_ROUTES)),
  );
  add(
    `one of ${MANY_ROUTES} routes edited`,
    least(MANY_ROUNDS, (round) => {
      list = list.with(round, next++);
      return worker.takeRoutes(list);
    }),
  );
  return figures;
}

/** Pages of 64 KiB after a few edits of one route in turn and of all routes, and after many. */
function memoryOverEdits(bytes: Uint8Array): { edits: number; pages: number }[] {
  const worker = new Worker(loadModule(bytes));
  let list = seeds(ROUTES, 0);
  const figures = [];
  for (let edit = 1; edit <= EDITS; edit++) {
    list = edit % 2 === 0 ? seeds(ROUTES, edit * ROUTES) : list.with(edit % ROUTES, edit);
    worker.takeRoutes(list);
    if (edit === SETTLING_EDITS || edit === EDITS) figures.push({ edits: edit, pages: worker.vm.memoryPages });
  }
  return figures;
}

/** `--json FILE` writes the figures. */
export async function main(args: string[]): Promise<void> {
  const [fim] = await buildModules(['fim'], (line) => console.error(line));
  const bytes = readFileSync(fim!.path);
  const times = measure(bytes);
  console.log(`ms of a configuration (least of ${ROUNDS} rounds, ${MANY_ROUNDS} for ${MANY_ROUTES} routes)`);
  for (const { what, ms } of times) console.log(`${what.padEnd(44)}${ms.toFixed(2).padStart(9)}`);
  const memory = memoryOverEdits(bytes);
  for (const { edits, pages } of memory)
    console.log(`${`pages of 64 KiB after ${edits} edits`.padEnd(44)}${String(pages).padStart(9)}`);
  const out = args.indexOf('--json');
  if (out >= 0) await writeFile(args[out + 1]!, `${JSON.stringify({ bench: 'configure', times, memory }, null, 2)}\n`);
}
