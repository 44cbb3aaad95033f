// npm run bench crypto [-- --json FILE] [--seconds S] [--only NAME,…] [--own]: this library beside its peers, in one
// run.
//
// Every subject's output is compared with OpenSSL's before it is timed. All subjects take turns on each row, so that a
// busy moment of the machine hits all of them, and the best slice counts. Peers that cannot be had are named with the
// reason.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measureInEnvoy } from './envoy.ts';
import { fimSubject } from './fim.ts';
import { nodeCryptoSubject } from './node-crypto.ts';
import { expectedDigest, OPERATIONS, type Operation } from './operations.ts';
import { CACHE, PEERS } from './peers.ts';
import { benchSm2, sm2Table } from './sm2.ts';
import type { Subject } from './subject.ts';

/** Turns that each subject gets on a row. */
const TURNS = 8;

interface Row {
  operation: string;
  size: number;
  unit: Operation['unit'];
  /** Rates by subject's name. Missing if the subject lacks the operation. */
  rates: Record<string, number>;
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'string' },
      seconds: { type: 'string', default: '0.8' },
      only: { type: 'string' },
      own: { type: 'boolean', default: false },
    },
  });
  const missing: string[] = [];
  const subjects = [fimSubject('relaxed'), fimSubject('strict'), nodeCryptoSubject()];
  for (const peer of values.own ? [] : PEERS) {
    try {
      subjects.push(...(await peer.open(CACHE)));
    } catch (error) {
      missing.push(`${peer.name}: ${(error as Error).message}`);
    }
  }
  const wanted = values.only?.split(',');
  const rows: Row[] = [];
  for (const operation of OPERATIONS.filter(({ name }) => !wanted || wanted.includes(name))) {
    for (const size of operation.sizes)
      rows.push(await measureRow(operation, size, subjects, Number(values.seconds) * 1000));
  }
  subjects.forEach((subject) => subject.close());
  const names = subjects.map((subject) => subject.name);
  try {
    names.splice(2, 0, await addEnvoy(rows));
  } catch (error) {
    missing.push(`FIM in Envoy: ${(error as Error).message}`);
  }
  print(rows, names, missing);
  const sm2 = !wanted || wanted.includes('sm2') ? benchSm2(!values.own) : undefined;
  if (sm2) console.log(`\n${sm2Table(sm2)}`);
  if (values.json)
    writeFileSync(
      values.json,
      `${JSON.stringify({ node: process.version, v8: process.versions.v8, missing, rows, sm2 }, null, 2)}\n`,
    );
}

async function measureRow(operation: Operation, size: number, subjects: Subject[], milliseconds: number): Promise<Row> {
  const able = subjects.filter((subject) => subject.offers(operation.name));
  const expected = expectedDigest(operation.name, size);
  for (const subject of able) {
    const digest = await subject.digest(operation.name, size);
    if (expected !== undefined && digest !== expected)
      throw new Error(`${subject.name} gives a wrong result for ${operation.name}, ${size} bytes`);
  }
  const rates: Record<string, number> = {};
  for (let turn = 0; turn < TURNS; turn++) {
    for (const subject of able) {
      const perSecond = await subject.rate(operation.name, size, milliseconds / TURNS);
      const rate = operation.unit === 'MB/s' ? (perSecond * size) / 1e6 : perSecond;
      rates[subject.name] = Math.max(rates[subject.name] ?? 0, rate);
    }
  }
  return { operation: operation.name, size, unit: operation.unit, rates };
}

/** Adds the figures of the plugin inside Envoy, which are taken in one run by themselves; returns the column's name. */
async function addEnvoy(rows: Row[]): Promise<string> {
  const { name, rates } = await measureInEnvoy();
  for (const row of rows) {
    const perSecond = rates.get(`${row.operation} ${row.size}`);
    if (perSecond !== undefined) row.rates[name] = row.unit === 'MB/s' ? (perSecond * row.size) / 1e6 : perSecond;
  }
  return name;
}

/** A table with, for each peer, its rate and how many times faster this library is in its first build. */
function print(rows: Row[], names: string[], missing: string[]): void {
  const own = names[0];
  const figure = (rate: number) => (rate >= 1000 ? Math.round(rate).toLocaleString('en') : rate.toPrecision(3));
  const cells = rows.map(({ operation, size, unit, rates }) => [
    `${operation} ${size || ''}`.trim(),
    unit,
    ...names.map((name) =>
      name in rates
        ? `${figure(rates[name])}${name === own ? '' : ` (${(rates[own] / rates[name]).toFixed(2)}x)`}`
        : '-',
    ),
  ]);
  const table = [['operation, bytes', 'unit', ...names], ...cells];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  console.log(
    [line(table[0]), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...table.slice(1).map(line)].join(
      '\n',
    ),
  );
  console.log(`\n(n x): ${own} is n times as fast. Node ${process.version}, V8 ${process.versions.v8}.`);
  for (const reason of missing) console.log(`not measured: ${reason}`);
}
