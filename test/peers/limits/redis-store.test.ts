// The counts in a real Redis: atomic over two services, and what becomes of them while it is stopped, full or gone.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readTerms, type Question } from '../../../services/limits/question.ts';
import { RedisStore } from '../../../services/limits/redis-store.ts';
import { StoreFailure } from '../../../services/limits/store.ts';
import { until } from '../../operator/until.ts';
import { Redis } from './redis.ts';

const SET_UP_MS = 600_000;
/** On a loaded machine a good Redis may take longer than a proxy waits. */
const ANSWER_MS = 10_000;

let redis: Redis;
let stores: RedisStore[] = [];

const question = (bucket: string, terms: string, cost = 1): Question => ({
  limit: bucket,
  terms: readTerms(terms),
  bucket: `test:${bucket}`,
  cost,
});

/** How many of `count` questions, in turn to both services, are admitted. */
async function admitted(count: number, ask: Question): Promise<number> {
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => stores[index % 2]!.take([ask])));
  return answers.filter(([decision]) => decision!.allowed).length;
}

describe('counts in Redis', () => {
  before(
    async () => {
      redis = await Redis.start();
      for (let i = 0; i < 2; i++) stores.push(await RedisStore.open({ url: redis.url, answerMs: ANSWER_MS }));
    },
    { timeout: SET_UP_MS },
  );
  after(async () => {
    for (const store of stores) await store.close();
    await redis?.stop();
  });

  it('two services admit together what a bucket and a window have', async () => {
    assert.equal(await admitted(200, question('bucket', 'TokenBucket;q=37;p=3600000')), 37);
    assert.equal(await admitted(200, question('window', 'SlidingWindow;q=41;p=3600000')), 41);
  });

  it('tells what is left and how long to wait', async () => {
    const ask = question('told', 'TokenBucket;q=10;p=3600000', 4);
    const [first] = await stores[0]!.take([ask]);
    assert.deepEqual([first!.allowed, first!.remaining], [true, 6]);
    await stores[1]!.take([ask]);
    const [third] = await stores[0]!.take([ask]);
    assert.deepEqual([third!.allowed, third!.remaining], [false, 2]);
    assert.ok(third!.waitUs > 600_000_000 && third!.waitUs <= 720_000_000, `${third!.waitUs}`);
    const [never] = await stores[0]!.take([question('told', 'TokenBucket;q=10;p=3600000', 11)]);
    assert.deepEqual([never!.allowed, never!.waitUs], [false, 0]);
  });

  it('takes from all that is asked together or from none', async () => {
    const wide = question('wide', 'TokenBucket;q=100;p=3600000');
    const narrow = question('narrow', 'SlidingWindow;q=1;p=3600000');
    assert.deepEqual(
      (await stores[0]!.take([wide, narrow])).map(({ allowed }) => allowed),
      [true, true],
    );
    for (let i = 0; i < 5; i++)
      assert.deepEqual(
        (await stores[1]!.take([wide, narrow])).map(({ allowed }) => allowed),
        [true, false],
      );
    const [left] = await stores[0]!.take([wide]);
    assert.equal(left!.remaining, 98);
  });

  it('tokens come back as time goes on, and keys expire', async () => {
    const ask = question('fast', 'TokenBucket;q=5;p=1000');
    assert.ok((await admitted(20, ask)) >= 5);
    await until('its key has expired', async () => (await redis.command('EXISTS', ask.bucket)) === 0);
    assert.ok((await admitted(5, ask)) === 5);
  });

  it('a Redis that is full refuses at once, and is asked again when it has room', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    await assert.rejects(stores[0]!.take([question('full', 'TokenBucket;q=5;p=1000')]), (error: unknown) => {
      assert.ok(error instanceof StoreFailure);
      return error.reason === 'full';
    });
    assert.equal(stores[0]!.healthy, false);
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await until('the first is healthy', () => stores[0]!.healthy);
  });

  it('a primary that became a replica is none that counts', async () => {
    await redis.command('REPLICAOF', '127.0.0.1', '1');
    await assert.rejects(stores[1]!.take([question('replica', 'TokenBucket;q=5;p=1000')]));
    await redis.command('REPLICAOF', 'NO', 'ONE');
    await until('the second is healthy', () => stores[1]!.healthy);
    assert.equal((await stores[1]!.take([question('replica', 'TokenBucket;q=5;p=1000')]))[0]!.allowed, true);
  });

  it('a Redis that is stopped is not waited for, and comes back', async (t) => {
    const store = await RedisStore.open({ url: redis.url });
    t.after(() => store.close());
    redis.pause();
    t.after(() => redis.resume());
    const reasons = new Set<string>();
    await until('it is not healthy', async () => {
      await store
        .take([question('stopped', 'TokenBucket;q=5;p=1000')])
        .catch((error: unknown) => reasons.add((error as StoreFailure).reason));
      return !store.healthy;
    });
    assert.ok(reasons.has('slow') || reasons.has('down'), [...reasons].join());
    redis.resume();
    const since = performance.now();
    await until('it is healthy', () => store.healthy);
    t.diagnostic(`back ${Math.round(performance.now() - since)} ms after it went on`);
  });
});
