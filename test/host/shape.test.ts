// Requests that wait for a limit, in one and two workers on the virtual clock.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { createVm, Exchange, SharedData, VirtualClock } from '../../envoy/host/index.ts';
import type { ExchangeOptions, LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import { builtModules } from './modules.ts';

let limiter: LoadedModule;
before(async () => {
  limiter = (await builtModules(['rate-limiter'])).get('rate-limiter')!;
});

interface Worker {
  vm: Vm;
  root: RootContext;
}

const SHAPE = { maxWaitMs: 1000, queue: 5 };
const TEN_A_SECOND = { name: 'even', id: 'even', requests: 10, periodMs: 1000, burst: 1, shape: SHAPE };

function configuration(limits: object[], route: object = {}, section: object = {}): string {
  const stages = { rateLimiter: { id: 'shape', limits, ...section } };
  return JSON.stringify({ version: '1.0', generation: 1, routes: [{ name: 'one', stages, ...route }] });
}

/** Workers of one process. */
function workers(count: number, text: string): Worker[] {
  const shared = { sharedData: new SharedData(), clock: new VirtualClock() };
  return Array.from({ length: count }, () => {
    const vm = createVm(limiter, shared);
    const { root, accepted, logs } = vm.configure(text);
    assert.ok(accepted, JSON.stringify(logs));
    return { vm, root };
  });
}

const send = ({ root }: Worker, options: Partial<ExchangeOptions> = {}): Exchange =>
  new Exchange(root, { request: {}, ...options });

const tookMs = (exchange: Exchange): number => {
  const { client, tookMs: ms } = exchange.settle();
  assert.equal(client.status, 200);
  return ms;
};

describe('requests that wait', () => {
  it('go on evenly spaced in the order in which they came, whichever worker they came to', () => {
    const [one, two] = workers(2, configuration([TEN_A_SECOND])) as [Worker, Worker];
    const started = [one, one, two, one, two, one, two, one].map((worker) => send(worker));
    const refused = started.splice(6).map((exchange) => exchange.settle());
    assert.deepEqual(
      refused.map(({ client, tookMs: ms }) => [client.status, client.headers?.get('retry-after'), ms]),
      [
        [429, '1', 0],
        [429, '1', 0],
      ],
    );
    assert.deepEqual(started.map(tookMs), [0, 100, 200, 300, 400, 500]);
    assert.equal(one.vm.counted('fim.limit.requests_total{limit=even,outcome=waited}'), 3);
    assert.equal(two.vm.counted('fim.limit.requests_total{limit=even,outcome=waited}'), 2);
    for (const { vm } of [one, two]) assert.equal(vm.liveContexts, 1);
  });

  for (const perSecond of [10, 37, 50])
    it(`are spaced evenly to 5 % when thirty times ${perSecond} a second want in on two workers`, () => {
      const limit = { ...TEN_A_SECOND, requests: perSecond, shape: { maxWaitMs: 1000, queue: 8 } };
      const both = workers(2, configuration([limit])) as [Worker, Worker];
      const { clock } = both[0].vm;
      const times: number[] = [];
      const upstream = (): object => {
        times.push(clock.nowMs);
        return {};
      };
      const seconds = 2;
      const wanted = 30 * perSecond * seconds;
      for (let i = 0; i < wanted; i++) {
        send(both[i % 2]!, { upstream });
        clock.advance(1000 / (30 * perSecond));
      }
      assert.ok(times.length >= perSecond * seconds, `${times.length} went on`);
      const spaces = times.slice(1).map((at, index) => at - times[index]!);
      const even = 1000 / perSecond;
      for (const space of spaces) assert.ok(Math.abs(space - even) < even * 0.05, `${space} ms for ${even} ms`);
    });

  it('are refused when they would wait too long, though there were room', () => {
    const [one] = workers(1, configuration([{ ...TEN_A_SECOND, shape: { maxWaitMs: 250, queue: 100 } }])) as [Worker];
    const started = Array.from({ length: 4 }, () => send(one));
    assert.equal(started.pop()!.settle().client.status, 429);
    assert.deepEqual(started.map(tookMs), [0, 100, 200]);
  });

  it('move up when a client leaves, and the last place is given back', () => {
    const [one] = workers(1, configuration([TEN_A_SECOND])) as [Worker];
    const started = Array.from({ length: 6 }, () => send(one));
    assert.equal(send(one).settle().client.status, 429);
    started[2]!.stream.abort();
    const late = send(one);
    assert.equal(send(one).settle().client.status, 429, 'one place was free');
    assert.deepEqual(
      [0, 1, 3, 4, 5].map((at) => tookMs(started[at]!)),
      [0, 100, 200, 300, 400],
    );
    assert.equal(tookMs(late), 500);
    assert.equal(one.vm.counted('fim.limit.requests_total{limit=even,outcome=left}'), 1);
    assert.equal(one.vm.liveContexts, 1);
  });

  it('are let in at no other time when a client of another worker leaves', () => {
    const [one, two] = workers(2, configuration([TEN_A_SECOND])) as [Worker, Worker];
    const first = send(one);
    const leaves = send(one);
    const stays = send(two);
    leaves.stream.abort();
    const next = send(one);
    assert.deepEqual([first, stays, next].map(tookMs), [0, 200, 300]);
  });

  it('are answered when the policy is edited, also when it has no limit any more', () => {
    const [one] = workers(1, configuration([TEN_A_SECOND])) as [Worker];
    const started = Array.from({ length: 4 }, () => send(one));
    const edited = one.vm.configure(configuration([{ ...TEN_A_SECOND, shape: undefined, requests: 20 }]));
    assert.ok(edited.accepted);
    assert.deepEqual(started.map(tookMs), [0, 100, 200, 300]);
    one.vm.clock.advance(100);
    tookMs(send({ vm: one.vm, root: edited.root }));
  });

  it('keep their body in the proxy, whatever its size, and take part in limits by the body', () => {
    const body = JSON.stringify({ n: 1, text: 'x'.repeat(3_000_000) });
    const headers = { 'content-type': 'application/json' };
    const [one] = workers(1, configuration([TEN_A_SECOND])) as [Worker];
    tookMs(send(one));
    const upload = send(one, { request: { body, headers, chunks: [1000, 500_000] } }).settle();
    assert.equal(upload.client.status, 200);
    assert.equal(upload.upstream.body.length, body.length);
    assert.equal(upload.tookMs, 100);

    const byField = { ...TEN_A_SECOND, key: [{ source: 'Field', field: '$.n' }] };
    const [other] = workers(1, configuration([byField], { body: { maxBytes: 10_000 } })) as [Worker];
    const small = (n: number): Partial<ExchangeOptions> => ({ request: { body: `{"n":${n}}`, headers } });
    const started = [1, 2, 1, 1].map((n) => send(other, small(n)));
    assert.deepEqual(started.map(tookMs), [0, 0, 100, 200]);
  });

  it('wait for the slowest of several limits, which all have their token', () => {
    const slow = { ...TEN_A_SECOND, name: 'slow', id: 'slow', requests: 2 };
    const [one] = workers(1, configuration([TEN_A_SECOND, slow])) as [Worker];
    const started = [send(one), send(one), send(one)];
    assert.equal(send(one).settle().client.status, 429, 'no room with the slow one');
    assert.deepEqual(started.map(tookMs), [0, 500, 1000]);
  });

  it('do not wait for a limit that observes, nor on a route that does', () => {
    const [one] = workers(1, configuration([{ ...TEN_A_SECOND, observe: true }])) as [Worker];
    assert.deepEqual([send(one), send(one), send(one)].map(tookMs), [0, 0, 0]);
    const [two] = workers(1, configuration([TEN_A_SECOND], { observe: true })) as [Worker];
    assert.deepEqual([send(two), send(two), send(two)].map(tookMs), [0, 0, 0]);
  });

  it('find no room: refused with the status that was asked for, or left without an answer', () => {
    const full = { ...TEN_A_SECOND, shape: { maxWaitMs: 1, queue: 1 } };
    const [one] = workers(1, configuration([full], {}, { status: 503 })) as [Worker];
    tookMs(send(one));
    const refused = send(one).settle();
    assert.equal(refused.client.status, 503);
    assert.match(refused.client.body.toString(), /"status":503,"code":"FIM-LIM-0001"/);
    const [two] = workers(1, configuration([{ ...full, shape: { ...full.shape, overflow: 'Drop' } }])) as [Worker];
    tookMs(send(two));
    const dropped = send(two).settle();
    assert.deepEqual([dropped.ended, dropped.client.headers, dropped.upstream.sawNothing], [true, null, true]);
    assert.equal(two.vm.liveContexts, 1);
  });

  it('are bounded in each worker; those that leave at once leave nothing', () => {
    const wide = { ...TEN_A_SECOND, requests: 1000, shape: { maxWaitMs: 30_000, queue: 10_000 } };
    const [one] = workers(1, configuration([wide])) as [Worker];
    const started = Array.from({ length: 4097 }, () => send(one));
    assert.equal(send(one).settle().client.status, 429, '4,096 wait');
    const pages = one.vm.memoryPages;
    for (const exchange of started) exchange.stream.abort();
    assert.equal(one.vm.liveContexts, 1);
    assert.equal(tookMs(send(one)), 1, 'their places are free');
    assert.ok(one.vm.memoryPages <= pages + 1);
  });
});
