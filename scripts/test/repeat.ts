// Runs stages again and again, to find what fails by chance.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { addOutcome, emptyOutcome, type Outcome } from './outcome.ts';
import type { Stage, StageRequest } from './stages.ts';

export interface Repetition {
  times: number;
  /** Keep each processor busy meanwhile. */
  besideLoad: boolean;
}

/** A thread that computes until it is ended, one for each processor. They end with this process. */
function load(): Worker[] {
  return Array.from({ length: availableParallelism() }, () => new Worker('for (;;) {}', { eval: true }));
}

/** Runs the stages so many times, one after the other. A failure counts at once: nothing is run once more, alone. */
export async function runRepeatedly(
  stages: readonly Stage[],
  request: StageRequest,
  { times, besideLoad }: Repetition,
): Promise<Outcome> {
  const { print } = request;
  const total = emptyOutcome();
  const busy = besideLoad ? load() : [];
  try {
    for (let round = 1; round <= times; round++) {
      print(`round ${round} of ${times}`);
      for (const stage of stages) {
        const { outcome } = await stage.run(request);
        for (const failure of outcome.failures) {
          failure.name = `round ${round}: ${failure.name}`;
          print(`    ${failure.detail.replaceAll('\n', '\n    ')}`);
        }
        addOutcome(total, outcome);
        print(`  ${outcome.failed === 0 ? '✔' : '✖'} ${stage.name}: ${outcome.passed} good, ${outcome.failed} bad`);
      }
    }
  } finally {
    await Promise.all(busy.map((worker) => worker.terminate()));
  }
  return total;
}

/** Takes `--times N` and `--beside-load` out of a command line. A string is what is wrong with them. */
export function readRepetition(args: string[]): { repetition: Repetition | undefined; rest: string[] } | string {
  const rest = args.filter((arg) => arg !== '--beside-load');
  const besideLoad = rest.length < args.length;
  const at = rest.indexOf('--times');
  if (at < 0) return { repetition: besideLoad ? { times: 1, besideLoad } : undefined, rest };
  const [, text = ''] = rest.splice(at, 2);
  if (!/^[1-9]\d{0,3}$/.test(text)) return '--times takes a number from 1 to 9999';
  return { repetition: { times: Number(text), besideLoad }, rest };
}
