// From measured figures to the table that is printed.
import { spread } from './spread.ts';
import type { Spread } from './spread.ts';

/** Result of a measurement. */
interface Measured {
  unit: string;
  /** Of the body. */
  bytes: number;
  /** Of each subject in each round. */
  requests: number;
}

export interface Figures extends Measured {
  rounds: number;
  subjects: Record<string, { total: Spread; added: Spread }>;
  /** `added`: to the bare proxy. */
  comparisons: Record<string, Spread>;
}

/** Names of the subjects that are compared. */
interface Compared {
  bare: string;
  empty: string;
  noRoute: string;
  ours: string;
  theirs: string;
}

/** `values`: a figure for each round of each subject. Differences and ratios are taken within rounds. */
export function summarise(measured: Measured, values: ReadonlyMap<string, number[]>, compared: Compared): Figures {
  const of = (name: string): number[] => values.get(name)!;
  const over = (name: string, base: string): number[] => of(name).map((value, round) => value - of(base)[round]!);
  const ours = over(compared.ours, compared.bare);
  const theirs = over(compared.theirs, compared.bare);
  return {
    ...measured,
    rounds: of(compared.bare).length,
    subjects: Object.fromEntries(
      [...values].map(([name, list]) => [name, { total: spread(list), added: spread(over(name, compared.bare)) }]),
    ),
    comparisons: {
      [`${compared.noRoute}, over ${compared.empty}`]: spread(over(compared.noRoute, compared.empty)),
      [`added by ${compared.ours} ÷ added by ${compared.theirs}`]: spread(
        ours.map((value, round) => value / theirs[round]!),
      ),
    },
  };
}

function show({ lower, median, upper }: Spread, digits: number, rounds: number): string {
  const text = (value: number): string => value.toFixed(digits);
  return `${text(median).padStart(8)}${rounds > 1 ? `  (${text(lower)} to ${text(upper)})` : ''}`;
}

export function print({ unit, bytes, requests, rounds, subjects, comparisons }: Figures): void {
  console.log(`\nBodies of ${bytes} bytes: ${unit} of Envoy's worker a request.`);
  console.log(
    rounds > 1
      ? `${rounds} rounds of ${requests} requests: median (quartiles of the rounds).`
      : `${requests} requests.`,
  );
  for (const [name, { total, added }] of Object.entries(subjects))
    console.log(`  ${name.padEnd(26)} ${show(total, 1, rounds).padEnd(28)} added ${show(added, 1, rounds)}`);
  for (const [name, value] of Object.entries(comparisons))
    console.log(`  ${name.padEnd(55)} ${show(value, 2, rounds)}`);
}
