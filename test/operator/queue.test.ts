import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_NAMESPACE_QUEUE_KEYS, MAX_QUEUE_KEYS, NAMESPACE_WORKERS, QUEUE_WORKERS } from '../../istio/limits.ts';
import { FairGate, Ledger } from '../../istio/operator/fairness.ts';
import { WorkQueue } from '../../istio/operator/queue.ts';
import { until } from './until.ts';

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));

describe('the work queue', () => {
  it('does a key once however often it was added, and again if it was added while in hand', async () => {
    const done: string[] = [];
    const gate = Promise.withResolvers<void>();
    const queue = new WorkQueue({
      workers: 1,
      work: async (key) => {
        done.push(key);
        if (done.length === 1) await gate.promise;
        return undefined;
      },
    });
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
    const queue = new WorkQueue({
      workers: 4,
      work: async () => {
        most = Math.max(most, ++running);
        await new Promise((resume) => setImmediate(resume));
        running--;
        times++;
        return undefined;
      },
    });
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
      workers: 1,
      random: () => 0.5,
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
    const queue = new WorkQueue({
      workers: 1,
      random: () => 0.5,
      work: async () => {
        if (fail) throw new Error('no');
        return undefined;
      },
      onFailure: (_, __, retryMs) => retries.push(retryMs),
    });
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
    const queue = new WorkQueue({ workers: 1, work: async () => undefined, namespaceOf });
    for (let index = 0; index < MAX_NAMESPACE_QUEUE_KEYS + 7; index++) queue.add(`greedy/k${index}`);
    assert.deepEqual([queue.depth, queue.dropped], [MAX_NAMESPACE_QUEUE_KEYS, 7]);
    for (let index = MAX_NAMESPACE_QUEUE_KEYS; index < MAX_QUEUE_KEYS + 5; index++)
      queue.add(`n${index % 100}/k${index}`);
    assert.deepEqual([queue.depth, queue.dropped], [MAX_QUEUE_KEYS, 12]);
    await queue.stop();
  });

  it('finishes what is in hand when it stops, and nothing else', async () => {
    const done: string[] = [];
    const gate = Promise.withResolvers<void>();
    const queue = new WorkQueue({
      workers: 1,
      work: async (key) => {
        await gate.promise;
        done.push(key);
        return undefined;
      },
    });
    queue.start();
    queue.add('a');
    queue.add('b');
    await new Promise((resume) => setImmediate(resume));
    const stopped = queue.stop();
    gate.resolve();
    await stopped;
    assert.deepEqual(done, ['a']);
  });

  it('gives namespaces turns: the one with little to do does not wait for the backlog of the other', async () => {
    const done: string[] = [];
    const queue = new WorkQueue({
      workers: 1,
      namespaceOf,
      work: async (key) => {
        done.push(key);
        return undefined;
      },
    });
    for (let index = 0; index < 50; index++) queue.add(`greedy/${index}`);
    for (let index = 0; index < 3; index++) queue.add(`small/${index}`);
    queue.start();
    await until('all', () => done.length === 53);
    await queue.stop();
    assert.ok(
      Math.max(...['small/0', 'small/1', 'small/2'].map((key) => done.indexOf(key))) < 8,
      done.slice(0, 12).join(' '),
    );
  });

  it('lets the one that has computed long wait for the one that has not', async () => {
    const ledger = new Ledger();
    const done: string[] = [];
    const queue = new WorkQueue({
      workers: 1,
      namespaceOf,
      ledger,
      work: async (key) => {
        done.push(key);
        if (key.startsWith('greedy')) ledger.charge('greedy', 1000);
        return undefined;
      },
    });
    for (let index = 0; index < 5; index++) queue.add(`greedy/${index}`);
    for (let index = 0; index < 20; index++) queue.add(`small/${index}`);
    queue.start();
    await until('all', () => done.length === 25);
    await queue.stop();
    assert.ok(done.slice(0, 21).filter((key) => key.startsWith('greedy')).length <= 1, done.join(' '));
  });

  it('never has all workers busy with one namespace, whatever its work waits for', async () => {
    const gate = Promise.withResolvers<void>();
    const begun: string[] = [];
    const queue = new WorkQueue({
      workers: QUEUE_WORKERS,
      namespaceOf,
      work: async (key) => {
        begun.push(key);
        if (key.startsWith('stuck')) await gate.promise;
        return undefined;
      },
    });
    queue.start();
    for (let index = 0; index < 50; index++) queue.add(`stuck/${index}`);
    queue.add('small/1');
    await until('the other', () => begun.includes('small/1'));
    assert.equal(begun.length, NAMESPACE_WORKERS + 1);
    gate.resolve();
    await queue.stop();
  });
});

describe('the gate for long computing', () => {
  it('runs one at a time, the namespace first that has had least', async () => {
    let computedMs = 0;
    const gate = new FairGate(new Ledger(() => computedMs));
    const order: string[] = [];
    const spin = (name: string, ms: number) => (): void => {
      order.push(name);
      computedMs += ms;
    };
    const all = ['greedy', 'greedy', 'greedy', 'greedy'].map((name) => gate.run(name, spin(name, 20)));
    all.push(gate.run('small', spin('small', 1)), gate.run('small', spin('small', 1)));
    await Promise.all(all);
    assert.deepEqual(order, ['greedy', 'small', 'small', 'greedy', 'greedy', 'greedy']);
    assert.equal(await gate.run('other', () => 7), 7);
    await assert.rejects(
      gate.run('other', () => {
        throw new Error('no');
      }),
      /no/,
    );
    assert.equal(await gate.run('other', () => 8), 8);
  });
});
