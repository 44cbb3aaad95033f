// The two stores give the same answers: random schedules on one simulated clock, to the memory of the process and to the
// script in a real Redis.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, it } from 'node:test';
import { createClient } from '@redis/client';
import { MemoryStore } from '../../../services/limits/memory-store.ts';
import { UNITS, readTerms } from '../../../services/limits/question.ts';
import type { Question } from '../../../services/limits/question.ts';
import type { Decision } from '../../../services/limits/store.ts';
import { Redis } from './redis.ts';

const SCRIPT = new URL('../../../services/limits/take.lua', import.meta.url);
const SCHEDULES = Number(process.env.FIM_TEST_LIMIT_SCHEDULES ?? '60');
const STEPS = 100;
const SET_UP_MS = 300_000;

/** The script with the caller's clock, and with keys that the server's clock does not end. */
function simulated(): string {
  const text = readFileSync(SCRIPT, 'utf8');
  const own = text
    .replace("local clock = redis.call('TIME')\n", '')
    .replace(/local now = .*\n/, 'local now = tonumber(ARGV[#ARGV])\n')
    .replaceAll(') + 1)', ') + 100000000)');
  assert.doesNotMatch(own, /TIME/);
  return own;
}

/** xorshift, so that a failure can be repeated by its seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const TERMS = [
  'TokenBucket;q=1;p=86400000;b=3',
  'TokenBucket;q=10;p=1000;b=5',
  'TokenBucket;q=100000;p=1000;b=1',
  'TokenBucket;q=7;p=60000;b=0',
  'TokenBucket;q=0;p=1000;b=5',
  'SlidingWindow;q=5;p=1000',
  'SlidingWindow;q=3;p=86400000',
  'SlidingWindow;q=0;p=1000',
];

let redis: Redis;
let client: ReturnType<typeof createClient>;
before(
  async () => {
    redis = await Redis.start();
    client = createClient({ url: redis.url });
    await client.connect();
  },
  { timeout: SET_UP_MS },
);
after(async () => {
  client?.destroy();
  await redis?.stop();
});

async function askRedis(script: string, questions: readonly Question[], now: number): Promise<Decision[]> {
  const given = questions.flatMap(({ terms, cost }) =>
    terms.algorithm === 'TokenBucket'
      ? ['b', String(cost), String(terms.interval), String(terms.capacity)]
      : ['w', String(cost), String(terms.part), String(terms.requests)],
  );
  const keys = questions.map(({ bucket }) => bucket);
  const numbers = (await client.eval(script, { keys, arguments: [...given, String(now)] })) as number[];
  return questions.map((_, index) => {
    const [allowed, remaining = 0, waitUs = 0, moreUs = 0] = numbers.slice(index * 4);
    return { allowed: allowed === 1, remaining, waitUs, moreUs };
  });
}

it('the store in memory and the script in Redis answer alike', { timeout: SET_UP_MS }, async () => {
  const script = simulated();
  let admitted = 0;
  let refused = 0;
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const random = randomOf(seed);
    let now = (1_000_000 + random(1_000_000)) * 1_000_000 * UNITS;
    const memory = new MemoryStore(() => now);
    for (let step = 0; step < STEPS; step++) {
      // Mostly moments, now and then hours, so that parts of windows and whole periods pass.
      now += random(20) === 0 ? random(1_000_000) * 100_000 * UNITS : random(400_000) * UNITS;
      const questions = Array.from({ length: 1 + random(3) }, (): Question => {
        const at = random(TERMS.length);
        // An edit of a limit meets what its key has used.
        const text = random(25) === 0 ? TERMS[at]!.replace(/q=\d+/, `q=${1 + random(20)}`) : TERMS[at]!;
        const bucket = `${seed}:${at}:${random(2)}`;
        return { limit: `limit ${at}`, terms: readTerms(text), bucket, cost: 1 + random(3) };
      }).filter(({ bucket }, index, all) => all.findIndex((other) => other.bucket === bucket) === index);
      const [one, other] = [await memory.take(questions), await askRedis(script, questions, now)];
      assert.deepEqual(one, other, `seed ${seed}, step ${step}: ${JSON.stringify(questions)}`);
      if (one.every(({ allowed }) => allowed)) admitted++;
      else refused++;
    }
  }
  assert.ok(admitted > SCHEDULES * 10 && refused > SCHEDULES * 10, `${admitted} admitted, ${refused} refused`);
});
