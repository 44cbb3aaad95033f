// Tokens of large buckets that workers take ahead, on a simulated clock.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { SharedData } from '../../envoy/host/index.ts';
import { caseCount, compileModule } from './guest.ts';
import { ADMITTED, START, TOKEN_BUCKET, Worker } from './limits-worker.ts';

let module: WebAssembly.Module;
before(async () => {
  module = new WebAssembly.Module(await compileModule('test/fuzz/limits'));
});

describe('tokens taken ahead', () => {
  const BURST = 20_000;
  const PER_MS = 10;

  /** Two limits of many tokens. */
  function worker(shared: SharedData): Worker {
    const made = new Worker(module, shared);
    assert.ok(made.exports.open());
    made.exports.define(0, TOKEN_BUCKET, PER_MS * 1000, 1000, BURST);
    made.exports.define(1, TOKEN_BUCKET, BURST, 3_600_000, BURST);
    made.exports.lease(0);
    made.exports.lease(1);
    return made;
  }

  it('let in what the limit has from any moment on, and all but one in a hundred of it', (t) => {
    const rounds = caseCount(3);
    let reads = 0;
    let asked = 0;
    for (let round = 0; round < rounds; round++) {
      const shared = new SharedData();
      const workers = Array.from({ length: 4 }, () => worker(shared));
      for (const one of workers) one.beforeOperation = () => void reads++;
      let state = (round + 1) * 2_654_435_761;
      const random = (below: number): number => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return (state >>> 8) % below;
      };
      const admitted: { at: number; count: number }[] = [];
      let now = 0;
      // Bursts of one worker, pauses in which a part or the whole of the bucket comes back, and a flood at the end.
      for (let step = 0; step < 400; step++) {
        const flood = step >= 300;
        now += flood ? 10 : random(20) === 0 ? random(4000) : random(12);
        const one = workers[random(4)]!;
        const many = flood ? 400 : 1 + random(300);
        let count = 0;
        for (let i = 0; i < many; i++) if (one.ask([7n], START + BigInt(now) * 1_000_000n) === ADMITTED) count++;
        asked += many;
        admitted.push({ at: now, count });
      }
      for (let from = 0; from < admitted.length; from++) {
        let sum = 0;
        for (let to = from; to < admitted.length; to++) {
          sum += admitted[to]!.count;
          const most = BURST + (admitted[to]!.at - admitted[from]!.at) * PER_MS;
          assert.ok(sum <= most, `round ${round}: ${sum} of ${most} in steps ${from} to ${to}`);
        }
      }
      // In the flood all that comes back is let in, and at its end nothing is left but what workers hold.
      const flooded = admitted.slice(300).reduce((sum, { count }) => sum + count, 0);
      assert.ok(flooded >= 1000 * PER_MS * 0.99 - BURST * 0.01, `${flooded} in the flood`);
    }
    t.diagnostic(`${asked} requests took ${reads} operations on the shared data`);
    assert.ok(reads < asked, 'some were let in without a look at the shared data');
  });

  it('are given back to where they came from, and are none under other terms', () => {
    const shared = new SharedData();
    const [one, two] = [worker(shared), worker(shared)];
    const ask = (who: Worker): number => who.ask([1n, 2n], START);
    for (let i = 0; i < 50; i++) {
      assert.equal(ask(one), ADMITTED);
      one.exports.giveBackAll(0, 2, START);
      assert.equal(ask(two), ADMITTED);
    }
    let left = 0;
    while (ask(one) === ADMITTED) left++;
    while (ask(two) === ADMITTED) left++;
    assert.ok(left <= BURST - 50 && left >= BURST * 0.99 - 50, `${left} left`);
  });

  it('are none under other terms', () => {
    const one = worker(new SharedData());
    let looks = 0;
    one.beforeOperation = () => void looks++;
    const ask = (): number => {
      looks = 0;
      assert.equal(one.ask([1n], START), ADMITTED);
      return looks;
    };
    for (let i = 0; i < 3; i++) ask();
    assert.equal(ask(), 0, 'one that was taken ahead');
    one.exports.define(0, TOKEN_BUCKET, PER_MS * 500, 1000, BURST);
    one.exports.lease(0);
    assert.ok(ask() > 0);
  });
});
