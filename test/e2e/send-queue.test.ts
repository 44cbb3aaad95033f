// Queues and budgets of routes through a real Envoy: how many requests are under way, who waits, and who is refused.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Harness, KEY_ID } from './harness.ts';

const FULL = '503 FIM-RES-0011';
const LATE = '503 FIM-RES-0012';
const OVER = '504 FIM-RES-0013';

const route = (name: string, spec: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
  ${spec}
`;

const SEALED = `encryption: {keyId: "${KEY_ID}", request: Encrypt}`;
const ROUTES = [
  route('patient', 'resilience: {queue: {inFlight: 2, max: 3, maxWait: 60s}}'),
  route('oldest', 'resilience: {queue: {inFlight: 1, max: 1, maxWait: 60s, drop: Oldest}}'),
  route('hasty', 'resilience: {queue: {inFlight: 1, max: 5, maxWait: 100ms}}'),
  route('bounded', 'resilience: {queue: {inFlight: 1, max: 5, maxWait: 60s}, deadline: {total: 60s, perHop: 1ms}}'),
  route('none', 'resilience: {queue: {inFlight: 1, max: 0}}'),
  route('seen', 'enforcement: Observe\n  resilience: {queue: {inFlight: 1, max: 5, maxWait: 60s}}'),
  route('sealed', `${SEALED}\n  resilience: {queue: {inFlight: 1, max: 5, maxWait: 60s}}`),
  route('keys', `${SEALED}\n  resilience: {budgets: [{stage: keys, budget: 200ms}]}`),
  route('stage', `${SEALED}\n  resilience: {budgets: [{stage: encryption, budget: 200ms}]}`),
  route('ample', `${SEALED}\n  resilience: {budgets: [{stage: keys, budget: 50s}]}`),
  route('timed', `${SEALED}\n  enforcement: Observe\n  resilience: {budgets: [{stage: keys, budget: 1ms}]}`),
  route('upstream', 'resilience: {budgets: [{stage: upstream, budget: 200ms}]}'),
];

describe('queues and budgets of a route', () => {
  let harness: Harness;
  /** Answers that the upstream has not given. */
  const held: (() => void)[] = [];
  /** Answers that the KMS has not given. */
  const keys: (() => void)[] = [];

  before(async () => {
    harness = await Harness.start({
      routes: ROUTES.join('---\n'),
      concurrency: 1,
      kms: { holdMs: 30_000, timeoutMs: 60_000 },
      withKms: (kms) => (kms.delay = () => new Promise((done) => keys.push(done))),
    });
  });
  after(() => harness?.stop());
  beforeEach(() => {
    held.length = 0;
    harness.upstream.arrived.length = 0;
    harness.upstream.answer = (_, response) => void held.push(() => response.writeHead(200).end('{}'));
  });

  const read = async (asked: Promise<Response>): Promise<string> => {
    const answer = await asked;
    const text = await answer.text();
    return answer.status < 400 ? String(answer.status) : `${answer.status} ${/FIM-\w+-\d+/.exec(text)?.[0] ?? ''}`;
  };
  const get = (path: string, options: RequestInit = {}): Promise<string> =>
    read(fetch(`${harness.url}${path}`, { signal: AbortSignal.timeout(60_000), ...options }));
  const arrives = (count: number): Promise<void> => harness.poll(async () => harness.upstream.arrived.length === count);
  const counter = async (name: string): Promise<number> =>
    (await harness.stack.envoy.admin.stats(name)).get(`wasmcustom.fim.queue.${name}`) ?? 0;
  /** Requests that have had to wait, in all tests. */
  let waits = 0;
  const waiting = (more: number): Promise<void> => {
    waits += more;
    return harness.poll(async () => (await counter('waited')) === waits);
  };
  /** Sends requests one after the other, each when the one before is under way or waits. */
  async function line(path: string, count: number, underWay: number): Promise<Promise<string>[]> {
    const before = harness.upstream.arrived.length;
    const asked: Promise<string>[] = [];
    for (let i = 1; i <= count; i++) {
      asked.push(get(`${path}/${i}`));
      await (i <= underWay ? arrives(before + i) : waiting(1));
    }
    return asked;
  }
  const paths = (): string[] => harness.upstream.arrived.map(({ path }) => path);

  const post = (path: string, body = '{"amount":"1"}'): Promise<string> =>
    get(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

  it('refuses a request whose keys take too long, and sends nothing', async () => {
    harness.upstream.answer = (_, response) => void response.writeHead(200).end('{}');
    assert.equal(await post('/keys'), OVER);
    assert.equal(await post('/stage'), OVER);
    assert.equal(harness.upstream.begun, 0);
    const patient = post('/ample');
    const observed = post('/timed');
    await harness.poll(async () => keys.length > 0);
    harness.kms.delay = () => Promise.resolve();
    for (const answer of keys) answer();
    assert.deepEqual([await patient, await observed], ['200', '200']);
    assert.equal(await post('/keys'), '200');
  });

  it('sends as many as may be under way, the others in their order, and refuses who finds no room', async () => {
    const asked = await line('/patient', 5, 2);
    assert.equal(await get('/patient/6'), FULL);
    assert.deepEqual(paths(), ['/patient/1', '/patient/2']);
    for (let sent = 3; sent <= 5; sent++) {
      held.shift()!();
      await arrives(sent);
    }
    assert.deepEqual(
      paths(),
      [1, 2, 3, 4, 5].map((i) => `/patient/${i}`),
    );
    for (const end of held) end();
    assert.deepEqual(await Promise.all(asked), Array(5).fill('200'));
    // All room is free again.
    const again = await line('/patient/again', 2, 2);
    for (const end of held.slice(-2)) end();
    assert.deepEqual(await Promise.all(again), ['200', '200']);
  });

  it('says when to come again', async () => {
    const asked = get('/none');
    await arrives(1);
    const answer = await fetch(`${harness.url}/none`);
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    await answer.text();
    held[0]!();
    assert.equal(await asked, '200');
  });

  it('lets the one that has waited longest make room', async () => {
    const asked = await line('/oldest', 2, 1);
    const last = get('/oldest/3');
    assert.equal(await asked[1], FULL);
    await waiting(1);
    held[0]!();
    await arrives(2);
    assert.deepEqual(paths(), ['/oldest/1', '/oldest/3']);
    held[1]!();
    assert.deepEqual([await asked[0], await last], ['200', '200']);
  });

  it('gives up who has waited too long, by the route or by the deadline of the request', async () => {
    for (const [path, headers] of [
      ['/hasty', {}],
      ['/bounded', { 'x-fim-deadline': '100' }],
    ] as const) {
      const first = get(`${path}/1`);
      await harness.poll(async () => paths().includes(`${path}/1`));
      assert.equal(await get(`${path}/2`, { headers }), LATE);
      await waiting(1);
      held.pop()!();
      assert.equal(await first, '200');
    }
    assert.equal(harness.upstream.arrived.length, 2);
  });

  it('forgets clients that go, in the line and under way', async () => {
    const leaves = new AbortController();
    const ends = new AbortController();
    const one = get('/patient/1', { signal: ends.signal }).catch(() => 'gone');
    const two = get('/patient/2');
    await arrives(2);
    const three = get('/patient/3', { signal: leaves.signal }).catch(() => 'gone');
    await waiting(1);
    const four = get('/patient/4');
    await waiting(1);
    leaves.abort();
    assert.equal(await three, 'gone');
    ends.abort();
    assert.equal(await one, 'gone');
    await arrives(3);
    assert.deepEqual(paths().sort(), ['/patient/1', '/patient/2', '/patient/4']);
    for (const end of held) end();
    assert.deepEqual([await two, await four], ['200', '200']);
  });

  it('holds the encrypted body of a request that waits, and sends it whole', async () => {
    const body = `{"amount":"${'7'.repeat(100_000)}"}`;
    const send = (): Promise<string> => post('/sealed', body);
    const first = send();
    await arrives(1);
    const second = send();
    await waiting(1);
    held[0]!();
    await arrives(2);
    held[1]!();
    assert.deepEqual([await first, await second], ['200', '200']);
    const [one, two] = harness.upstream.arrived.map((request) => request.body);
    assert.equal(one!.length, two!.length);
    assert.ok(!two!.includes('7'.repeat(40)) && !two!.equals(one!));
  });

  it('only counts where the route observes', async () => {
    const refused = await counter('refused');
    const asked = [get('/seen/1'), get('/seen/2')];
    await arrives(2);
    for (const end of held) end();
    assert.deepEqual(await Promise.all(asked), ['200', '200']);
    await harness.poll(async () => (await counter('refused')) === refused + 1);
  });

  it('ends a request whose upstream takes longer than its budget', async () => {
    assert.equal(await get('/upstream'), '504 FIM-RT-0023');
    harness.upstream.answer = (_, response) => void response.writeHead(200).end('{}');
    assert.equal(await get('/upstream'), '200');
  });
});
