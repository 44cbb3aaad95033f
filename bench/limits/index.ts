// Processor time of a limit at the proxy: FIM's, and Envoy's own local_ratelimit. Each subject is an Envoy with one worker;
// they take turns in rounds, and each is compared with the bare proxy of the same round.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { countInstructions, requireValgrind } from '../chain/instructions.ts';
import { runLoad } from '../chain/load.ts';
import { spread } from '../chain/spread.ts';
import type { Surroundings, Target } from '../chain/targets.ts';
import { startQuietUpstream } from '../chain/upstream.ts';
import { measureSpacing } from './spacing.ts';
import { measureStore } from './store.ts';
import { BARE, NATIVE, SUBJECTS, type Subject } from './subjects.ts';

const DEFAULT_ROUNDS = 15;
const REQUESTS = 1000;
const CONNECTIONS = 4;
/** Requests under valgrind: until V8 has compiled what is hot, before the count, and counted. */
const WARMING_REQUESTS = 2000;
const SETTLING_REQUESTS = 200;
const COUNTED_REQUESTS = 500;
const NANOS_PER_MICRO = 1000;
const request = (key: string): Buffer =>
  Buffer.from(`GET /limited HTTP/1.1\r\nhost: fim.bench\r\nx-client-id: ${key}\r\n\r\n`);

/** Each subject lets in as many as it may, and no more. */
async function check(subject: Subject, around: Surroundings): Promise<void> {
  if (subject.name === BARE) return;
  const target = await subject.start(around, 7);
  try {
    const { statuses } = await runLoad({ port: target.port, request: request('a'), connections: 1, requests: 10 });
    assert.deepEqual([...statuses], [[200, 7], [429, 3]], subject.name); // prettier-ignore
  } finally {
    await target.stop();
  }
}

/** Instructions of the worker for a request, outside the kernel: the same figure whatever else the machine does. */
async function countAll(around: Surroundings): Promise<void> {
  await requireValgrind();
  for (const subject of SUBJECTS) {
    const target = await subject.start({ ...around, counts: true }, 1_000_000_000);
    const send = (requests: number): Promise<unknown> =>
      runLoad({ port: target.port, request: request('a'), connections: 1, requests });
    try {
      await send(WARMING_REQUESTS);
      const instructions = await countInstructions(
        target.pid,
        target.folder,
        () => send(SETTLING_REQUESTS),
        () => send(COUNTED_REQUESTS),
      );
      console.log(
        `${subject.name.padEnd(28)} ${(instructions / 1000 / COUNTED_REQUESTS).toFixed(1)} thousand instructions`,
      );
    } finally {
      await target.stop();
    }
  }
}

export async function main(args: string[]): Promise<void> {
  if (args[0] === 'store') return measureStore(args);
  if (args[0] === 'spacing') return measureSpacing();
  const asked = args.indexOf('--rounds');
  const rounds = asked < 0 ? DEFAULT_ROUNDS : Number(args[asked + 1]);
  const upstream = await startQuietUpstream();
  const around: Surroundings = {
    upstream: new URL(`http://127.0.0.1:${upstream.port}`),
    kms: new URL('http://127.0.0.1:9'),
    key: '',
    counts: false,
  };
  const targets = new Map<string, Target>();
  const micros = new Map<string, number[]>(SUBJECTS.map(({ name }) => [name, []]));
  try {
    for (const subject of SUBJECTS) await check(subject, around);
    if (args.includes('--instructions')) {
      await countAll(around);
      return;
    }
    for (const subject of SUBJECTS) targets.set(subject.name, await subject.start(around, 1_000_000_000));
    for (let round = -1; round < rounds; round++)
      for (const [name, { port, processorNanos }] of targets) {
        const before = processorNanos();
        const { statuses } = await runLoad({
          port,
          request: request('a'),
          connections: CONNECTIONS,
          requests: REQUESTS,
        });
        assert.deepEqual([...statuses], [[200, REQUESTS]], name);
        // The first round fills caches.
        if (round >= 0) micros.get(name)!.push((processorNanos() - before) / REQUESTS / NANOS_PER_MICRO);
      }
  } finally {
    for (const target of targets.values()) await target.stop();
    await upstream.stop();
  }
  const byNative = micros.get(NATIVE)!;
  const figures = SUBJECTS.map(({ name }) => ({
    name,
    micros: spread(micros.get(name)!),
    byNative: spread(micros.get(name)!.map((value, at) => value / byNative[at]!)),
  }));
  console.log(`processor µs a request, ${rounds} rounds of ${REQUESTS} requests: median (quartiles), and by ${NATIVE}`);
  for (const { name, micros: own, byNative: ratio } of figures)
    console.log(
      `${name.padEnd(28)} ${own.median.toFixed(1)} (${own.lower.toFixed(1)} to ${own.upper.toFixed(1)})  ` +
        `${ratio.median.toFixed(2)} (${ratio.lower.toFixed(2)} to ${ratio.upper.toFixed(2)})`,
    );
  const at = args.indexOf('--json');
  if (at >= 0) await writeFile(args[at + 1]!, `${JSON.stringify(figures, null, 2)}\n`);
}
