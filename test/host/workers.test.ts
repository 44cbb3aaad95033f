// Workers run in parallel: whatever one does between two operations of another on shared data, limits hold.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createVm, exchange, Metrics, SharedData, VirtualClock, Vm } from '../../envoy/host/index.ts';
import type { HttpStream, LoadedModule, RootContext } from '../../envoy/host/index.ts';
import { builtModules } from './modules.ts';

let limiter: LoadedModule;
before(async () => {
  limiter = (await builtModules(['rate-limiter'])).get('rate-limiter')!;
});

/** Before the operation number `at`, something else happens, once. */
class InterruptedData extends SharedData {
  operations = 0;
  at = Infinity;
  interrupt: () => void = () => {};

  override get(vmId: string, key: string): ReturnType<SharedData['get']> {
    this.count();
    return super.get(vmId, key);
  }

  override set(vmId: string, key: string, value: Buffer, cas: number): boolean {
    this.count();
    return super.set(vmId, key, value, cas);
  }

  private count(): void {
    if (this.operations++ !== this.at) return;
    this.at = Infinity;
    this.interrupt();
  }
}

const BURST = 5;
const configuration = JSON.stringify({
  version: '1.0',
  routes: [
    {
      name: 'a',
      stages: {
        rateLimiter: {
          id: 'a',
          requests: 1,
          periodMs: 3_600_000,
          burst: BURST,
          key: { source: 'Header', header: 'x-client-id' },
        },
      },
    },
  ],
});

interface Workers {
  shared: InterruptedData;
  one: Vm;
  two: Vm;
}

function workers(): Workers {
  const shared = new InterruptedData();
  const options = { vmId: 'fim', sharedData: shared, clock: new VirtualClock(), metrics: new Metrics() };
  return { shared, one: createVm(limiter, options), two: createVm(limiter, options) };
}

const allowed = (roots: RootContext[], requests: number): number => {
  let count = 0;
  for (let i = 0; i < requests; i++)
    if (exchange(roots[i % roots.length]!, { request: { headers: { 'x-client-id': 'c' } } }).client.status === 200)
      count++;
  return count;
};

test('two workers that start at the same time share one table', () => {
  const probe = workers();
  probe.one.configure(configuration);
  const operations = probe.shared.operations;
  assert.ok(operations >= 3, 'the seed is looked for, made and read');
  for (let at = 0; at < operations; at++) {
    const { shared, one, two } = workers();
    let second: RootContext | undefined;
    shared.at = at;
    shared.interrupt = () => {
      second = two.configure(configuration).root;
    };
    const first = one.configure(configuration);
    assert.equal(first.accepted, true);
    assert.equal(allowed([first.root, second!], 20), BURST, `interrupted at ${at}`);
  }
});

test('a token is not given twice when a worker is interrupted between reading and writing', () => {
  for (let at = 0; at < 2; at++) {
    for (let used = 0; used < BURST; used++) {
      const { shared, one, two } = workers();
      const first = one.configure(configuration).root;
      const second = two.configure(configuration).root;
      const counts = [allowed([first], used)];
      shared.at = shared.operations + at;
      shared.interrupt = () => void counts.push(allowed([second], 1));
      counts.push(allowed([first], 1), allowed([first, second], 10));
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        BURST,
        `${used} used, interrupted before operation ${at}`,
      );
    }
  }
});

test('a new module of the same vm_id keeps the limits of the old one', () => {
  const shared = new SharedData();
  const clock = new VirtualClock();
  const old = createVm(limiter, { vmId: 'fim', sharedData: shared, clock });
  assert.equal(allowed([old.configure(configuration).root], 10), BURST);
  const fresh = createVm(limiter, { vmId: 'fim', sharedData: shared, clock });
  assert.equal(allowed([fresh.configure(configuration).root], 10), 0);
});

test('a line that two workers make at the same time is one', () => {
  for (let at = 0; at < 4; at++) {
    const { shared, one, two } = workers();
    const first = one.configure(configuration).root;
    const second = two.configure(configuration).root;
    let inBetween = 0;
    shared.at = shared.operations + at;
    shared.interrupt = () => void (inBetween = allowed([second], 1));
    assert.equal(allowed([first], 1) + inBetween + allowed([first, second], 10), BURST, `before operation ${at}`);
  }
});

test('requests in flight count until their streams end, by whatever worker they came, and a lost one for its lease', () => {
  const { one, two } = workers();
  const clock = one.clock;
  const limits = [{ name: 'f', id: 'a/f', algorithm: 'Concurrency', requests: 2, periodMs: 60_000 }];
  const routes = [{ name: 'a', stages: { rateLimiter: { id: 'a', limits } } }];
  const text = JSON.stringify({ version: '1.0', routes });
  const roots = [one.configure(text).root, two.configure(text).root];
  const open = (worker: number): HttpStream => {
    const stream = Vm.openStream([roots[worker]!]);
    stream.onRequestHeaders({ ':method': 'GET', ':path': '/', ':authority': 'a' }, true);
    return stream;
  };
  const refused = (stream: HttpStream): boolean => stream.client.headers?.get(':status') === '429';
  const first = open(0);
  const second = open(1);
  assert.deepEqual([refused(first), refused(second)], [false, false]);
  const third = open(0);
  assert.ok(refused(third));
  assert.ok(refused(open(1)), 'a refused stream gives nothing back');
  first.abort(); // the client went away before any answer
  const fourth = open(1);
  assert.ok(!refused(fourth));
  second.onResponseHeaders({ ':status': '200' }, true);
  const fifth = open(0);
  assert.ok(!refused(fifth));
  assert.ok(refused(open(0)));
  clock.advance(59_000);
  assert.ok(refused(open(0)));
  clock.advance(61_000);
  assert.ok(!refused(open(0)), 'the lease is over: a worker that crashed would have left them');
});

test('limits count monotonic time: a clock that is set back or forth changes nothing', () => {
  const clock = new VirtualClock();
  const { root } = createVm(limiter, { clock }).configure(configuration.replace('3600000', '1000'));
  assert.equal(allowed([root], 10), BURST);
  clock.stepRealtime(86_400_000);
  assert.equal(allowed([root], 10), 0);
  clock.stepRealtime(-2 * 86_400_000);
  clock.advance(2000);
  assert.equal(allowed([root], 10), 2);
});
