// The limits on schedules of a simulated clock, and their shared table under workers that interleave and under keys
// that cycle.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { SharedData } from '../../envoy/host/index.ts';
import { caseCount, compileModule } from './guest.ts';
import { ADMITTED, SECOND, SHARE, START, TOKEN_BUCKET, Worker } from './limits-worker.ts';

const SLIDING_WINDOW = 1;
const CONCURRENCY = 2;
/** Ends a call from within the host. */
const PAUSE = new Error('pause');

let module: WebAssembly.Module;
before(async () => {
  module = new WebAssembly.Module(await compileModule('test/fuzz/limits'));
});

function started(shared = new SharedData()): Worker {
  const worker = new Worker(module, shared);
  assert.ok(worker.exports.open());
  return worker;
}

describe('schedules of a simulated clock', () => {
  for (const [name, window, shaped] of [
    ['token bucket', 0, 0],
    ['sliding window', 1, 0],
    ['token bucket for which requests wait, in their order', 0, 1],
  ] as const)
    it(`${name}: never more than the limit from any moment on, and whoever waits as told is let in`, (t) => {
      const { exports } = started();
      exports.define(0, TOKEN_BUCKET, 1, 1, 1);
      exports.define(1, SLIDING_WINDOW, 1, 1, 1);
      const cases = caseCount(5000);
      for (let seed = 0; seed < cases; seed++)
        assert.equal(exports.simulate(BigInt(seed), window, shaped), 0, `${name}, schedule ${seed}`);
      t.diagnostic(`${cases} schedules of 256 arrivals`);
    });
});

/** Steps that a worker still has to do, and the answers of the shared data that it has got. */
class Script {
  readonly results: readonly unknown[];
  private readonly requests: readonly (readonly bigint[])[];

  constructor(requests: readonly (readonly bigint[])[], results: readonly unknown[] = []) {
    this.requests = requests;
    this.results = results;
  }

  /**
   * One operation on the shared data more. What was done before is answered as it was then, up to the operation at
   * which the worker pauses.
   */
  step(shared: SharedData): { script: Script; answers: number[] | null } {
    const replayed = new ReplayedData(shared, this.results);
    const worker = new Worker(module, replayed);
    try {
      assert.ok(worker.exports.open());
      define(worker);
      const answers = this.requests.map((keys) => worker.ask(keys, START));
      return { script: new Script(this.requests, replayed.results), answers };
    } catch (error) {
      if (error !== PAUSE) throw error;
      return { script: new Script(this.requests, replayed.results), answers: null };
    }
  }
}

class ReplayedData extends SharedData {
  readonly results: unknown[];
  private at = 0;
  private readonly shared: SharedData;
  private readonly known: number;

  constructor(shared: SharedData, results: readonly unknown[]) {
    super();
    this.shared = shared;
    this.results = [...results];
    this.known = results.length;
  }

  override get(vmId: string, key: string): ReturnType<SharedData['get']> {
    return this.once(() => this.shared.get(vmId, key)) as ReturnType<SharedData['get']>;
  }

  override set(vmId: string, key: string, value: Buffer, cas: number): boolean {
    return this.once(() => this.shared.set(vmId, key, value, cas)) as boolean;
  }

  private once(operate: () => unknown): unknown {
    const at = this.at++;
    if (at > this.known) throw PAUSE;
    if (at === this.known) this.results.push(operate());
    return this.results[at];
  }
}

/** Shared data that can be copied. Its entries are never changed in place. */
class CopiedData extends SharedData {
  private entries = new Map<string, { value: Buffer; cas: number }>();
  private last = 0;

  override get(_: string, key: string): ReturnType<SharedData['get']> {
    return this.entries.get(key);
  }

  override set(_: string, key: string, value: Buffer, cas: number): boolean {
    const present = this.entries.get(key);
    if (present !== undefined && cas !== 0 && cas !== present.cas) return false;
    this.entries.set(key, { value: Buffer.from(value), cas: ++this.last });
    return true;
  }

  copy(): CopiedData {
    const copied = new CopiedData();
    copied.entries = new Map(this.entries);
    copied.last = this.last;
    return copied;
  }

  get fingerprint(): string {
    return JSON.stringify([...this.entries].map(([key, { value, cas }]) => [key, value.toString('base64'), cas]));
  }
}

/** A bucket of two tokens for all, and a window of one for each key. */
function define(worker: Worker): void {
  worker.exports.define(0, TOKEN_BUCKET, 2, 3_600_000, 2);
  worker.exports.define(1, SLIDING_WINDOW, 1, 3_600_000, 1);
}

interface State {
  shared: CopiedData;
  scripts: readonly [Script, Script];
  answers: readonly [number[] | null, number[] | null];
}

describe('two workers', () => {
  it('in every interleaving let in no more than the limits have, and lose nothing', (t) => {
    const shared = new CopiedData();
    const warm = started(shared);
    define(warm);
    assert.equal(warm.ask([0n, 9n], START), ADMITTED);
    warm.exports.giveBackAll(0, 2, START);
    const seen = new Set<string>();
    let ends = 0;
    const open: State[] = [
      {
        shared,
        scripts: [
          new Script([
            [0n, 1n],
            [0n, 2n],
          ]),
          new Script([[0n, 1n]]),
        ],
        answers: [null, null],
      },
    ];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      const fingerprint = JSON.stringify([
        state.shared.fingerprint,
        state.answers,
        state.scripts.map(({ results }) => results),
      ]);
      if (seen.has(fingerprint)) continue;
      seen.add(fingerprint);
      const [one, two] = state.answers;
      if (one !== null && two !== null) {
        ends++;
        judge(state.shared, [...one, ...two]);
        continue;
      }
      for (const worker of [0, 1] as const) {
        if (state.answers[worker] !== null) continue;
        const next = state.shared.copy();
        const { script, answers } = state.scripts[worker].step(next);
        open.push({
          shared: next,
          scripts: worker === 0 ? [script, state.scripts[1]] : [state.scripts[0], script],
          answers: worker === 0 ? [answers, two] : [one, answers],
        });
      }
    }
    t.diagnostic(`${seen.size} states, ${ends} ends`);
    assert.ok(ends > 10, `${ends} ends`);
  });

  function judge(shared: CopiedData, answers: number[]): void {
    const admitted = answers.filter((answer) => answer === ADMITTED).length;
    // Two tokens, and keys 1, 2 and 1. A request that is refused holds a token of all for as long as it is asked.
    assert.ok(admitted === 1 || admitted === 2, JSON.stringify(answers));
    const after = started(shared);
    define(after);
    const left = [3n, 4n, 5n].filter((key) => after.ask([0n, key], START) === ADMITTED).length;
    assert.equal(left + admitted, 2, `${JSON.stringify(answers)}, and ${left} afterwards`);
  }
});

describe('keys that cycle', () => {
  const FLOOD = 3_000_000 / SHARE;

  it('clear no debt, take nothing from keys that are held, and open no second bucket', { timeout: 600_000 }, (t) => {
    const shared = new SharedData();
    const worker = started(shared);
    worker.exports.define(0, TOKEN_BUCKET, 2, 3_600_000, 2);
    const held = Array.from({ length: 1000 }, (_, i) => BigInt(i));
    for (const key of held) assert.equal(worker.ask([key], START), ADMITTED);
    const indebted = 5000n;
    for (let i = 0; i < 2; i++) assert.equal(worker.ask([indebted], START), ADMITTED);
    const flooded = worker.exports.askMany(0, 1_000_000n, FLOOD, START);
    assert.ok(flooded < 0.9 * FLOOD, `${flooded} of ${FLOOD}: the table is full`);
    assert.notEqual(worker.ask([indebted], START), ADMITTED, 'a debt is not cleared');
    for (const key of held) assert.equal(worker.ask([key], START), ADMITTED, `key ${key} has its second token`);
    for (const key of held) assert.notEqual(worker.ask([key], START), ADMITTED, `key ${key} has no third token`);
    t.diagnostic(`${flooded} of ${FLOOD} keys had a bucket; ${Math.round(shared.bytes('') / 1024)} KiB of values`);
  });

  it('who was let in by the spare bucket gets none of his own before that is forgotten', () => {
    const worker = started();
    worker.exports.define(0, TOKEN_BUCKET, 2, 3_600_000, 2);
    worker.exports.askMany(0, 0n, FLOOD, START);
    // The spare bucket has a token again, and is shared by one more; then there is room in all lines.
    const half = START + 1900n * SECOND;
    let shared = 0;
    for (let key = 10_000_000n; shared === 0 && key < 10_100_000n; key++) {
      if (worker.ask([key], half) !== ADMITTED || !worker.exports.isSpare(0)) continue;
      shared++;
      const later = half + 1750n * SECOND;
      const more = Array.from({ length: 4 }, () => worker.ask([key], later)).filter((answer) => answer === ADMITTED);
      assert.ok(more.length <= 1, `${more.length} more tokens within half a period, the spare bucket's`);
    }
    assert.equal(shared, 1, 'one key had the spare bucket');
  });

  it(
    'as many as a million at the whole table: hardly one is refused, in the stated memory',
    { timeout: 600_000 },
    (t) => {
      const shared = new SharedData();
      const worker = started(shared);
      worker.exports.define(0, TOKEN_BUCKET, 2, 3_600_000, 2);
      const keys = Math.floor(1_000_000 / SHARE);
      const refused = keys - worker.exports.askMany(0, 0n, keys, START);
      const each = shared.bytes('') / keys;
      t.diagnostic(`${refused} of ${keys} refused, ${Math.round(each)} bytes a key`);
      assert.ok(refused <= keys / 1000, `${refused} refused`);
      assert.ok(each < 40, `${each} bytes a key`);
    },
  );

  it('of one limit leave room for those of another', () => {
    const worker = started();
    worker.exports.define(0, TOKEN_BUCKET, 1, 86_400_000, 1);
    worker.exports.define(1, TOKEN_BUCKET, 10, 1000, 10);
    worker.exports.askMany(0, 0n, FLOOD, START);
    const keys = 1000;
    assert.equal(worker.exports.askMany(1, 0n, keys, START), keys);
  });
});

describe('requests in flight', () => {
  it('come back once, and not to a lease that is over', () => {
    const worker = started();
    worker.exports.define(0, CONCURRENCY, 2, 60_000, 0);
    assert.equal(worker.ask([1n], START), ADMITTED);
    assert.equal(worker.ask([1n], START), ADMITTED);
    assert.notEqual(worker.ask([1n], START), ADMITTED);
    assert.equal(worker.ask([2n], START), ADMITTED);
    worker.exports.giveBackAll(0, 1, START);
    assert.equal(worker.exports.isTaken(0), 0);
    worker.exports.giveBackAll(0, 1, START);
    assert.equal(worker.ask([2n], START), ADMITTED);
    assert.equal(worker.ask([2n], START), ADMITTED);
    assert.notEqual(worker.ask([2n], START), ADMITTED);
    assert.notEqual(worker.ask([1n], START + 59n * SECOND), ADMITTED, 'within the lease');
    assert.equal(worker.ask([1n], START + 120n * SECOND), ADMITTED, 'two leases later');
  });
});
