// npm run bench -- chain [--instructions] [--stages] [--rounds N] [--json FILE]: what a request through one worker of a
// stock Envoy costs, by what stands before the router.
//
// Time: the subjects take turns in short rounds, so that what else the machine does meets all of them, and each is
// compared with the bare proxy of the same round. Instructions: one subject after another under valgrind; the figures do
// not depend on what else the machine does, and leave out the kernel.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import { countInstructions, requireValgrind } from './instructions.ts';
import { runLoad } from './load.ts';
import { ALL_SECTIONS, KEY_ID, checkArrived, httpRequest, payload } from './message.ts';
import { print, summarise } from './report.ts';
import type { Figures } from './report.ts';
import { bare, fim, rust } from './targets.ts';
import type { Subject, Surroundings, Target } from './targets.ts';
import { startQuietUpstream } from './upstream.ts';
import type { QuietUpstream } from './upstream.ts';

const ROUNDS = 15;
const WARMING_ROUNDS = 3;
const CONNECTIONS = 64;
/** Requests of one subject in one round, by size of body. */
const REQUESTS = new Map([
  [1024, 4000],
  [16_384, 2000],
]);
/** Requests under valgrind: until V8 has compiled what is hot, before the count, and counted. */
const WARMING_REQUESTS = 2000;
const SETTLING_REQUESTS = 200;
const COUNTED_REQUESTS = 500;

const FUSED = 'FIM, fused';
const EMPTY = 'empty filter, Rust';
const RUST = 'chain, Rust';
const NO_ROUTE = 'FIM, no matching route';

const SUBJECTS: readonly Subject[] = [
  bare,
  rust(EMPTY, 'empty', []),
  fim(NO_ROUTE, 'fused', ALL_SECTIONS, '/elsewhere'),
  fim(FUSED, 'fused', ALL_SECTIONS),
  rust(RUST, 'chain', ALL_SECTIONS),
];

const STAGES: readonly Subject[] = [
  fim('FIM, a filter each', 'chain', ALL_SECTIONS),
  ...ALL_SECTIONS.map((section) => fim(`FIM, ${section}`, 'fused', [section])),
];

interface Running {
  subject: Subject;
  target: Target;
}

/** Sends one request and checks what the upstream gets of it. */
async function check({ subject, target }: Running, body: Buffer, upstream: QuietUpstream, key: string): Promise<void> {
  await runLoad({ port: target.port, request: httpRequest(body), connections: 1, requests: 1 });
  try {
    checkArrived(upstream.lastBody(), body, subject.sections, Buffer.from(key, 'base64'));
  } catch (error) {
    throw new Error(`${subject.name}: the upstream got another message`, { cause: error });
  }
}

/** Processor microseconds a request, by subject and round. */
async function measure(all: readonly Running[], request: Buffer, requests: number, rounds: number) {
  const micros = new Map<string, number[]>(all.map(({ subject }) => [subject.name, []]));
  for (let round = -WARMING_ROUNDS; round < rounds; round++) {
    for (const { subject, target } of all) {
      const before = target.processorNanos();
      const load = await runLoad({ port: target.port, request, connections: CONNECTIONS, requests });
      const spent = (target.processorNanos() - before) / 1000 / requests;
      assert.deepEqual([...load.statuses], [[200, requests]], `${subject.name}: every answer must be 200`);
      if (round >= 0) micros.get(subject.name)!.push(spent);
    }
  }
  return micros;
}

const COMPARED = { bare: bare.name, empty: EMPTY, noRoute: NO_ROUTE, ours: FUSED, theirs: RUST };

async function timeAll(subjects: readonly Subject[], around: Surroundings, upstream: QuietUpstream, rounds: number) {
  const running: Running[] = [];
  const figures: Figures[] = [];
  try {
    for (const subject of subjects) running.push({ subject, target: await subject.start(around) });
    for (const [bytes, requests] of REQUESTS) {
      const body = payload(bytes);
      for (const one of running) await check(one, body, upstream, around.key);
      const micros = await measure(running, httpRequest(body), requests, rounds);
      figures.push(summarise({ unit: 'processor µs', bytes, requests }, micros, COMPARED));
      print(figures.at(-1)!);
    }
  } finally {
    await Promise.all(running.map(({ target }) => target.stop()));
  }
  return figures;
}

async function countAll(subjects: readonly Subject[], around: Surroundings, upstream: QuietUpstream) {
  const counts = new Map([...REQUESTS.keys()].map((bytes) => [bytes, new Map<string, number[]>()]));
  for (const subject of subjects) {
    console.error(`counting: ${subject.name} …`);
    const target = await subject.start(around);
    try {
      for (const [bytes, ofBytes] of counts) {
        const body = payload(bytes);
        await check({ subject, target }, body, upstream, around.key);
        const send = (requests: number): Promise<unknown> =>
          runLoad({ port: target.port, request: httpRequest(body), connections: 1, requests });
        await send(WARMING_REQUESTS);
        const instructions = await countInstructions(
          target.pid,
          target.folder,
          () => send(SETTLING_REQUESTS),
          () => send(COUNTED_REQUESTS),
        );
        const each = instructions / 1000 / COUNTED_REQUESTS;
        console.error(`counted: ${subject.name}, ${bytes} bytes: ${each.toFixed(1)} thousand`);
        ofBytes.set(subject.name, [each]);
      }
    } finally {
      await target.stop();
    }
  }
  return [...counts].map(([bytes, ofBytes]) => {
    const figures = summarise({ unit: 'thousand instructions', bytes, requests: COUNTED_REQUESTS }, ofBytes, COMPARED);
    print(figures);
    return figures;
  });
}

async function keyOf(kms: URL): Promise<string> {
  const answer = (await (await fetch(new URL('/v1/secret/data/bench/key', kms))).json()) as {
    data: { data: { material: string } };
  };
  return answer.data.data.material;
}

/** Runs the bench and prints its tables. `--stages`: a filter for each stage, and each alone, too. `--json FILE` keeps the figures. */
export async function main(args: readonly string[]): Promise<void> {
  const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const counts = args.includes('--instructions');
  const subjects = [...SUBJECTS, ...(args.includes('--stages') ? STAGES : [])];
  if (counts) await requireValgrind();
  const kms = new DevelopmentKms();
  const kmsUrl = await kms.start();
  kms.createKey(KEY_ID);
  const upstream = await startQuietUpstream();
  try {
    const around: Surroundings = {
      upstream: new URL(`http://127.0.0.1:${upstream.port}`),
      kms: kmsUrl,
      key: await keyOf(kmsUrl),
      counts,
    };
    const figures = counts
      ? await countAll(subjects, around, upstream)
      : await timeAll(subjects, around, upstream, Number(option('--rounds') ?? ROUNDS));
    const out = option('--json');
    if (out !== undefined) await writeFile(out, `${JSON.stringify({ bench: 'chain', figures }, null, 2)}\n`);
  } finally {
    await upstream.stop();
    await kms.stop();
  }
}
