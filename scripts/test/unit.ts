// The as-pect tier: runs test/unit/**/*.spec.ts on worker threads.
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { addOutcome, emptyOutcome, type Outcome } from './outcome.ts';
import type { UnitReply, UnitRequest } from './unit-worker.ts';

/** Time after which a spec, including compilation, is stopped and counts as failed. */
const SPEC_DEADLINE_MS = 120_000;

export interface UnitOptions {
  /** Folder of the specs. */
  folder: string;
  /** Parts of paths: a spec runs if its path contains one of them. Empty: all. */
  names: string[];
  optimize: boolean;
  print: (line: string) => void;
}

function report(reply: UnitReply, print: (line: string) => void): void {
  const { passed, failed } = reply.outcome;
  const mark = failed === 0 ? '✔' : '✖';
  const failedText = failed === 0 ? '' : `, ${failed} failed`;
  print(
    `  ${mark} ${reply.spec}  ${passed} passed${failedText}  (compile ${Math.round(reply.compileMs)} ms, run ${Math.round(reply.runMs)} ms)`,
  );
}

/** Runs one spec on `worker`. A deadline or a dead worker gives a failed reply. */
function runOn(worker: Worker, request: UnitRequest): Promise<UnitReply> {
  return new Promise((resolve) => {
    const fail = (detail: string): void => {
      const outcome = { ...emptyOutcome(), failed: 1, failures: [{ name: request.spec, detail }] };
      finish({ spec: request.spec, outcome, compileMs: 0, runMs: 0, processorMs: 0 });
    };
    const deadline = setTimeout(() => fail(`not finished after ${SPEC_DEADLINE_MS} ms`), SPEC_DEADLINE_MS);
    const onError = (error: unknown): void => fail(`worker died: ${String(error)}`);
    const finish = (reply: UnitReply): void => {
      clearTimeout(deadline);
      worker.off('message', finish);
      worker.off('error', onError);
      resolve(reply);
    };
    worker.on('message', finish);
    worker.on('error', onError);
    worker.postMessage(request);
  });
}

async function drain(queue: string[], options: UnitOptions, total: Outcome): Promise<void> {
  const start = (): Worker => new Worker(new URL('./unit-worker.ts', import.meta.url));
  let worker = start();
  for (let spec = queue.shift(); spec !== undefined; spec = queue.shift()) {
    const reply = await runOn(worker, { spec, optimize: options.optimize });
    report(reply, options.print);
    addOutcome(total, reply.outcome);
    total.costs.push({ name: reply.spec, processorMs: reply.processorMs });
    if (reply.compileMs === 0) {
      await worker.terminate(); // hung or dead: the next spec gets a new one
      worker = start();
    }
  }
  await worker.terminate();
}

/** Runs the specs that `names` selects. Finding none is a failure. */
export async function runUnits(options: UnitOptions): Promise<Outcome> {
  const all = globSync(`${options.folder}/**/*.spec.ts`)
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
  const chosen =
    options.names.length === 0 ? all : all.filter((spec) => options.names.some((name) => spec.includes(name)));
  if (chosen.length === 0) {
    const detail = `no spec matches ${options.names.join(' ') || options.folder}`;
    return { ...emptyOutcome(), failed: 1, failures: [{ name: 'as-pect', detail }] };
  }
  const total = emptyOutcome();
  const workers = Math.min(chosen.length, availableParallelism(), 4);
  await Promise.all(Array.from({ length: workers }, () => drain(chosen, options, total)));
  return total;
}
