// Speeds of several subjects, taken in turns.
import { computingMs } from '../../test/fuzz/guest.ts';

/** Something to time: does its work `times` times. */
export type Subject = [name: string, run: (times: number) => void];

/** Rounds of which the best counts. */
export const ROUNDS = 5;
/** One round of one subject lasts about this long, ms. */
const ROUND_MS = 150;

/** Best speed of each subject, MB/s, for `bytes` bytes a time. */
export function speeds(subjects: readonly Subject[], bytes: number): Record<string, number> {
  const best = new Map<string, number>();
  const times = new Map<string, number>();
  for (const [name, run] of subjects) {
    let count = 1;
    for (;;) {
      const took = computingMs(() => run(count));
      if (took > ROUND_MS / 4) {
        times.set(name, Math.max(1, Math.round((count * ROUND_MS) / took)));
        break;
      }
      count *= 2;
    }
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of subjects) {
      const count = times.get(name) ?? 1;
      const speed = (bytes * count) / computingMs(() => run(count)) / 1000;
      best.set(name, Math.max(best.get(name) ?? 0, speed));
    }
  }
  return Object.fromEntries(best);
}

/** Prints a row of speeds, MB/s. */
export function print(title: string, row: Record<string, number>): void {
  const cells = Object.entries(row).map(([name, speed]) => `${name} ${speed.toFixed(speed < 10 ? 1 : 0)}`);
  console.log(`${title.padEnd(34)} ${cells.join('   ')}`);
}
