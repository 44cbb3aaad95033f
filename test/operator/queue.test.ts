import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_QUEUE_KEYS } from '../../istio/limits.ts';
import { WorkQueue } from '../../istio/operator/queue.ts';
import { until } from './until.ts';

describe('the work queue', () => {
  it('does a key once however often it was added, and again if it was added while in hand', async () => {
    const done: string[] = [];
    const gate = Promise.withResolvers<void>();
    const queue = new WorkQueue({ workers: 1, work: async (key) => {
      done.push(key);
      if (done.length === 1) await gate.promise;
      return undefined;
    } });
    for (let index = 0; index < 5; index++) queue.add('a');
    queue.start();
    await until('the first', () => done.length === 1);
    for (let index = 0; index < 5; index++) queue.add('a');
    gate.resolve();
    await until('the second', () => done.length === 2);
    await queue.stop();
    assert.deepEqual(done, ['a', 'a']);
  });

  it('never works on one key twice at a time', async () => {
    let running = 0;
    let most = 0;
    let times = 0;
    const queue = new WorkQueue({ workers: 4, work: async () => {
      most = Math.max(most, ++running);
      await new Promise((resume) => setImmediate(resume));
      running--;
      times++;
      return undefined;
    } });
    queue.start();
    for (let round = 1; round <= 20; round++) {
      queue.add('a');
      await until('a round', () => times >= round);
    }
    await queue.stop();
    assert.equal(most, 1);
  });

  it('lets a key that fails wait longer each time, and the others pass', async () => {
    const retries: number[] = [];
    const done: string[] = [];
    const queue = new WorkQueue({
      workers: 1, random: () => 0.5,
      work: async (key) => {
        if (key === 'poison') throw new Error('no');
        done.push(key);
        return undefined;
      },
      onFailure: (_, __, retryMs) => retries.push(retryMs),
    });
    queue.start();
    queue.add('poison');
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await until('three tries', () => retries.length === 3);
    await queue.stop();
    assert.deepEqual(done, ['a', 'b', 'c']);
    assert.deepEqual(retries, [250, 500, 1000]);
    assert.equal(queue.failing, 1);
  });

  it('begins anew with a short pause after a success', async () => {
    const retries: number[] = [];
    let fail = true;
    const queue = new WorkQueue({ workers: 1, random: () => 0.5, work: async () => {
      if (fail) throw new Error('no');
      return undefined;
    }, onFailure: (_, __, retryMs) => retries.push(retryMs) });
    queue.start();
    queue.add('a');
    await until('two tries', () => retries.length === 2);
    fail = false;
    queue.add('a');
    await until('a success', () => queue.failing === 0);
    fail = true;
    queue.add('a');
    await until('a third failure', () => retries.length === 3);
    await queue.stop();
    assert.equal(retries[2], 250);
  });

  it('is bounded', async () => {
    const queue = new WorkQueue({ workers: 1, work: async () => undefined });
    for (let index = 0; index < MAX_QUEUE_KEYS + 7; index++) queue.add(`k${index}`);
    assert.equal(queue.depth, MAX_QUEUE_KEYS);
    assert.equal(queue.dropped, 7);
    await queue.stop();
  });

  it('finishes what is in hand when it stops, and nothing else', async () => {
    const done: string[] = [];
    const gate = Promise.withResolvers<void>();
    const queue = new WorkQueue({ workers: 1, work: async (key) => {
      await gate.promise;
      done.push(key);
      return undefined;
    } });
    queue.start();
    queue.add('a');
    queue.add('b');
    await new Promise((resume) => setImmediate(resume));
    const stopped = queue.stop();
    gate.resolve();
    await stopped;
    assert.deepEqual(done, ['a']);
  });
});
