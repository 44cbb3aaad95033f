// Payments under way while a channel is killed, falls silent, fails or comes and goes: none is lost that may be repeated,
// and none is made twice that may not.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Harness } from './harness.ts';
import type { Paid } from './payment-load.ts';
import { Ledger, PaymentLoad } from './payment-load.ts';

/** Requests in a second; 0: as many as twelve clients send one after the other. With 500 the bounds of time hold, too. */
const RATE = Number(process.env.FIM_TEST_FAILOVER_RATE ?? 0);
/** Time for a try. Short enough for a bound of time only where the machine is not loaded. */
const PER_TRY = RATE > 0 ? '400ms' : '3s';
const SWITCH_MS = 1000;
const PHASE = Math.max(120, RATE * 3);
/** Longer than a phase where it counts what comes after the switch. */
const HOLD_DOWN_MS = RATE > 0 ? 5000 : 1000;

const route = (name: string, spec: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
${spec}`;

describe('failover under load', () => {
  let harness: Harness;
  let main: Ledger;
  let backup: Ledger;

  before(async () => {
    main = await Ledger.open('main');
    backup = await Ledger.open('backup');
    const channels = (more: string): string => `  channels:
    - {name: main, url: "${main.door.url}", region: cn-shanghai${more}}
    - {name: backup, url: "${backup.door.url}", region: cn-beijing${more}, role: Backup}
`;
    const failover = (perTry: string): string =>
      `  failover: {perTry: ${perTry}, holdDown: ${HOLD_DOWN_MS}ms, idempotencyKey: {header: Idempotency-Key}}\n`;
    const check = ', healthCheck: {path: /health, interval: 200ms, timeout: 200ms, unhealthyAfter: 2, healthyAfter: 1}';
    harness = await Harness.start({
      region: 'cn-shanghai',
      routes: [
        route('pay', channels('') + failover('20s')),
        route('silent', `${channels('')}${failover(PER_TRY)}  resilience: {deadline: {total: 60s}}\n`),
        route('asked', channels(check)),
      ].join('---\n'),
    });
  });
  after(async () => {
    await harness?.stop();
    await Promise.all([main?.close(), backup?.close()]);
  });
  beforeEach(async () => {
    for (const { door } of [main, backup]) door.fault = {};
    for (const ledger of [main, backup]) ledger.answerWith(200);
    for (const path of ['/pay', '/silent'])
      await harness.poll(async () => (await ask(path)).headers.get('x-place') === 'main');
    for (const { upstream } of [main, backup]) upstream.arrived.length = 0;
  });

  const ask = (path: string): Promise<Response> =>
    fetch(`${harness.url}${path}`, { signal: AbortSignal.timeout(60_000) });
  const copies = (payment: string): [number, number] => [main.count(payment), backup.count(payment)];

  /** Loads a path, does harm when payments are under way, and goes on for a while. */
  async function loaded(path: string, harm: () => unknown, headers: Record<string, string> = {}): Promise<Loaded> {
    const load = new PaymentLoad(`${harness.url}${path}`, RATE, headers);
    await load.answered(PHASE / 2);
    const harmedMs = performance.now();
    await harm();
    await load.answered(PHASE);
    const paid = await load.stop();
    assert.ok(paid.some(({ sentMs, tookMs, place }) => sentMs + tookMs < harmedMs && place === 'main'));
    return { paid, harmedMs };
  }
  interface Loaded {
    paid: Paid[];
    harmedMs: number;
  }

  /** Asserts that which holds whatever happened. `allowed`: fates that payments without a key may have. */
  function check({ paid, harmedMs }: Loaded, allowed: RegExp, t: TestContext): void {
    for (const { kind, payment, status, code } of paid) {
      if (kind === 'Bare') {
        assert.match(`${status} ${code}`, allowed);
        const total = main.count(payment) + backup.count(payment);
        assert.ok(total <= 1, `${payment} was made ${total} times`);
        if (status === 200) assert.equal(total, 1);
      } else {
        assert.equal(status, 200, `${kind} ${payment}: ${status} ${code}`);
        for (const count of copies(payment)) assert.ok(count <= 1, `${payment} went twice to one place`);
      }
    }
    const late = paid.filter(({ sentMs, place }) => sentMs > harmedMs && place === 'backup');
    assert.ok(late.length > 0, 'nothing went to the backup');
    const switched = Math.min(...late.map(({ sentMs, tookMs }) => sentMs + tookMs)) - harmedMs;
    const failed = paid.filter(({ status }) => status !== 200).length;
    t.diagnostic(
      `${paid.length} payments, ${failed} without a key not made, the backup answers after ${Math.round(switched)} ms`,
    );
    if (RATE === 0) return;
    assert.ok(switched <= SWITCH_MS, `switched after ${switched} ms`);
    const settled = paid.filter(({ sentMs }) => sentMs > harmedMs + SWITCH_MS);
    for (const { status, tookMs } of settled) assert.ok(status === 200 && tookMs < SWITCH_MS, `${status} ${tookMs} ms`);
  }

  it('loses and doubles no payment when the channel is killed', async (t) => {
    try {
      const result = await loaded('/pay', () => main.door.kill());
      check(result, /^(200 |503 FIM-RT-0022)$/, t);
    } finally {
      await main.door.start();
    }
  });

  it('loses and doubles no payment when the channel falls silent', async (t) => {
    const result = await loaded('/silent', () => (main.door.fault = { blackhole: true }), { 'x-fim-deadline': '6000' });
    check(result, /^(200 |504 FIM-RT-0023)$/, t);
  });

  it('loses and doubles no payment when only answers are lost', async (t) => {
    const result = await loaded('/silent', () => (main.door.fault = { halfOpen: true }), { 'x-fim-deadline': '6000' });
    check(result, /^(200 |504 FIM-RT-0023)$/, t);
    const twice = result.paid.filter(({ payment }) => copies(payment).every((count) => count === 1));
    assert.ok(twice.length > 0, 'no answer was lost');
    assert.deepEqual([...new Set(twice.map(({ kind }) => kind))].sort(), ['Keyed', 'Query']);
  });

  it('loses and doubles no payment when the channel answers errors', async (t) => {
    const result = await loaded('/pay', () => main.answerWith(503));
    check(result, /^(200|503) $/, t);
  });

  it('loses and doubles no payment when answers are broken', async (t) => {
    const result = await loaded('/pay', () => (main.door.fault = { corrupt: true }));
    check(result, /^(200 |50[23] FIM-RT-00\d\d)$/, t);
  });

  it('waits for answers that are late or come slowly, and repeats none', async () => {
    for (const fault of [{ delayMs: 60 }, { bytesPerSecond: 4000 }]) {
      main.door.fault = fault;
      main.upstream.arrived.length = 0;
      const load = new PaymentLoad(`${harness.url}/pay`, 0);
      await load.answered(36);
      for (const { payment, status } of await load.stop()) {
        assert.equal(status, 200);
        assert.deepEqual(copies(payment), [1, 0]);
      }
    }
  });

  it('leaves a channel that comes and goes alone for the time of the hold-down', async (t) => {
    const heldDown = async (): Promise<number> => {
      const stat = 'cluster.channels/default/pay.outlier_detection.ejections_enforced_total';
      return (await harness.stack.envoy.admin.stats('ejections_enforced_total')).get(stat) ?? 0;
    };
    const heldBefore = await heldDown();
    const load = new PaymentLoad(`${harness.url}/pay`, 0);
    const begun = performance.now();
    let turns = 0;
    try {
      for (; turns < 6; turns++) {
        await main.door.kill();
        await load.answered(60);
        await main.door.start();
        await load.answered(60);
      }
    } finally {
      await load.stop();
    }
    for (const { kind, status } of load.paid) if (kind !== 'Bare') assert.equal(status, 200);
    const held = (await heldDown()) - heldBefore;
    const tookMs = performance.now() - begun;
    t.diagnostic(`${turns} turns in ${Math.round(tookMs)} ms, held down ${held} times`);
    assert.ok(held > 0, 'it never left');
    assert.ok(held <= 1 + tookMs / HOLD_DOWN_MS, `held down ${held} times in ${tookMs} ms`);
  });

  it('asks nobody where the channels of all regions are unwell', async () => {
    assert.equal((await ask('/asked')).status, 200);
    for (const ledger of [main, backup]) ledger.answerWith(500);
    await harness.poll(async () => (await (await ask('/asked')).text()).includes('FIM-RT-0021'));
    const requests = ({ upstream }: Ledger): number => upstream.arrived.filter(({ path }) => path !== '/health').length;
    const sent = requests(main) + requests(backup);
    for (let i = 0; i < 10; i++) {
      const answer = await ask('/asked');
      assert.equal(answer.status, 503);
      assert.equal(((await answer.json()) as { code: string }).code, 'FIM-RT-0021');
    }
    assert.equal(requests(main) + requests(backup), sent);
    backup.answerWith(200);
    await harness.poll(async () => (await ask('/asked')).headers.get('x-place') === 'backup');
    main.answerWith(200);
    await harness.poll(async () => (await ask('/asked')).headers.get('x-place') === 'main');
  });
});
