// Limits through a real Envoy with two workers, as the resource declares them.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Harness } from './harness.ts';

const ROUTE = `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: limits}
spec:
  match: {path: {type: Prefix, value: /}}
  rateLimit:
    legacyHeaders: true
    headers: Always
    limits:
`;

const routes = (path: string, name: string, limits: string, more = ''): string =>
  ROUTE.replace('name: limits', `name: ${name}`)
    .replace('type: Prefix, value: /', `type: Exact, value: ${path}`)
    .concat(limits, more);

const JSON_HEADERS = { 'content-type': 'application/json' };

describe('limits of one Envoy', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({
      routes: [
        routes(
          '/several',
          'several',
          '      - {name: all, requests: 3, period: 1h}\n      - {name: client, requests: 1, period: 1h, key: [{header: x-client-id}]}\n',
        ),
        routes('/window', 'window', '      - {name: window, algorithm: SlidingWindow, requests: 40, period: 1h}\n'),
        routes('/flight', 'flight', '      - {name: flight, algorithm: Concurrency, requests: 2}\n'),
        routes(
          '/refund',
          'refund',
          '      - {name: refund, requests: 2, period: 1h, refund: true}\n',
          '  validation: {fields: [{name: n}]}\n',
        ),
        routes(
          '/keys',
          'keys',
          '      - {name: keys, requests: 1, period: 1h, key: [{method: true}, {query: m}, {cookie: sid}, {clientAddress: {trustedHops: 1}}]}\n',
        ),
        routes(
          '/cost',
          'cost',
          '      - {name: cost, requests: 10, period: 1h, key: [{path: {segments: 1}}], cost: {field: $.amount, bands: [{from: 100, cost: 9}]}}\n',
        ),
        routes('/rows', 'rows', '      - {name: rows, requests: 10, period: 1h, cost: {responseHeader: x-rows}}\n'),
        routes(
          '/account',
          'account',
          '      - {name: account, requests: 1, period: 1h, key: [{field: $.payer.account}]}\n',
        ),
        routes(
          '/office',
          'office',
          '      - name: office\n        requests: 1\n        period: 1h\n        key: [{clientAddress: {trustedHops: 1, groups: [{name: office, cidrs: [198.51.100.0/24, "2001:db8:1::/48"]}]}}]\n        overrides: [{key: [office], requests: 3}]\n',
        ),
        routes('/shut', 'shut', '      - {name: shut, requests: 0, period: 1h}\n'),
        routes('/tried', 'tried', '      - {name: tried, requests: 1, period: 1h, observe: true}\n'),
      ].join('---\n'),
    });
  });
  after(() => harness?.stop());

  const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${harness.url}${path}`, init);
  const status = async (path: string, init: RequestInit = {}): Promise<number> => {
    const response = await get(path, init);
    await response.arrayBuffer();
    return response.status;
  };

  it('asks several limits as one, and says in each answer what is left', async () => {
    const first = await get('/several', { headers: { 'x-client-id': 'a' } });
    assert.equal(first.status, 200);
    assert.equal(first.headers.get('ratelimit'), '"all";r=2;t=1200, "client";r=0;t=3600');
    assert.equal(first.headers.get('ratelimit-policy'), '"all";q=3;w=3600, "client";q=1;w=3600');
    assert.equal(first.headers.get('x-ratelimit-remaining'), '0');
    for (let i = 0; i < 5; i++) assert.equal(await status('/several', { headers: { 'x-client-id': 'a' } }), 429);
    assert.equal(await status('/several', { headers: { 'x-client-id': 'b' } }), 200);
    assert.equal(await status('/several', { headers: { 'x-client-id': 'c' } }), 200);
    const last = await get('/several', { headers: { 'x-client-id': 'd' } });
    assert.equal(last.status, 429);
    assert.match(last.headers.get('ratelimit') ?? '', /^"all";r=0;t=\d+$/);
    assert.match(last.headers.get('retry-after') ?? '', /^1[12]\d\d$/);
    assert.equal(((await last.json()) as { code: string }).code, 'FIM-LIM-0001');
  });

  it('a window admits its number over both workers, whoever comes at once', async () => {
    const answers = await Promise.all(Array.from({ length: 120 }, () => status('/window')));
    assert.equal(answers.filter((answer) => answer === 200).length, 40);
    assert.equal(answers.filter((answer) => answer === 429).length, 80);
  });

  it('requests in flight come back when a client goes away, and when an answer ends', async () => {
    const held: (() => void)[] = [];
    harness.upstream.answer = (_, response) => void held.push(() => response.end('done'));
    const abort = new AbortController();
    const gone = get('/flight', { signal: abort.signal }).catch(() => 'gone');
    const kept = get('/flight');
    await harness.poll(async () => held.length === 2);
    assert.equal(await status('/flight'), 429);
    abort.abort();
    assert.equal(await gone, 'gone');
    let third: Promise<Response> | undefined;
    await harness.poll(async () => {
      const asked = get('/flight');
      const first = await Promise.race([asked, harness.poll(async () => held.length === 3).then(() => null)]);
      if (first === null) third = asked;
      else await first.arrayBuffer();
      return third !== undefined;
    });
    for (const end of held) end();
    assert.equal((await kept).status, 200);
    assert.equal((await third!).status, 200);
    delete (harness.upstream as Partial<typeof harness.upstream>).answer;
    harness.upstream.answer = (_, response) => void response.writeHead(200).end('{}');
    await harness.poll(async () => (await status('/flight')) === 200);
  });

  it('what validation refuses gives its tokens back', async () => {
    for (let i = 0; i < 6; i++)
      assert.equal(await status('/refund', { method: 'POST', headers: JSON_HEADERS, body: '{}' }), 422);
    const good = { method: 'POST', headers: JSON_HEADERS, body: '{"n":"1"}' };
    assert.deepEqual(
      [await status('/refund', good), await status('/refund', good), await status('/refund', good)],
      [200, 200, 429],
    );
  });

  it('a key of several parts', async () => {
    const cookie = { cookie: 'a=b; sid=1', 'x-forwarded-for': '198.51.100.1' };
    assert.equal(await status('/keys?m=a%20b', { headers: cookie }), 200);
    assert.equal(await status('/keys?m=a+b', { headers: { ...cookie, cookie: 'sid=1' } }), 429);
    assert.equal(
      await status('/keys?m=a+b', { headers: { ...cookie, 'x-forwarded-for': '7.7.7.7, 198.51.100.1' } }),
      429,
      'what the client adds in front does not count',
    );
    assert.equal(await status('/keys?m=a+b', { headers: { ...cookie, cookie: 'sid=2' } }), 200);
    assert.equal(await status('/keys?m=b', { headers: cookie }), 200);
    assert.equal(await status('/keys?m=b', { method: 'DELETE', headers: cookie }), 200);
    assert.equal(await status('/keys?m=b', { headers: { ...cookie, 'x-forwarded-for': '198.51.100.2' } }), 200);
  });

  it('a field of the body, however its value is spelt', async () => {
    const pay = (account: string): Promise<number> =>
      status('/account', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"payer":{"account":${account}}}`,
      });
    assert.equal(await pay('"6222"'), 200);
    assert.equal(await pay('"\\u0036222"'), 429);
    assert.equal(await pay('6222.0'), 429);
    assert.equal(await pay('"6223"'), 200);
  });

  it('networks with a name are one key, with numbers of their own', async () => {
    const from = (address: string): Promise<number> => status('/office', { headers: { 'x-forwarded-for': address } });
    for (const address of ['198.51.100.1', '198.51.100.2', '2001:db8:1:7::1']) assert.equal(await from(address), 200);
    assert.equal(await from('2001:db8:1:8::1'), 429);
    assert.equal(await from('203.0.113.9'), 200);
    assert.equal(await from('203.0.113.9'), 429);
  });

  it('costs by an amount, and by what the answer says', async () => {
    const pay = (amount: string): RequestInit => ({
      method: 'POST',
      headers: JSON_HEADERS,
      body: `{"amount":${amount}}`,
    });
    assert.deepEqual(
      [
        await status('/cost', pay('"100.00"')),
        await status('/cost', pay('1e2')),
        await status('/cost', pay('99')),
        await status('/cost', pay('1')),
      ],
      [200, 429, 200, 429],
    );
    harness.upstream.answer = (_, response) => void response.writeHead(200, { 'x-rows': '10' }).end('{}');
    assert.deepEqual([await status('/rows'), await status('/rows')], [200, 429]);
    harness.upstream.answer = (_, response) => void response.writeHead(200).end('{}');
  });

  it('0 refuses all without a time; a limit that observes refuses nothing', async () => {
    const shut = await get('/shut');
    assert.equal(shut.status, 429);
    assert.equal(shut.headers.get('retry-after'), null);
    for (let i = 0; i < 3; i++) assert.equal(await status('/tried'), 200);
    const names = [
      'limit=tried,outcome=admitted',
      'limit=tried,outcome=observed',
      'limit=tried,outcome=refused',
      'limit=window,outcome=admitted',
      'limit=window,outcome=refused',
    ];
    await harness.poll(async () => {
      const stats = await harness.stack.envoy.admin.stats(String.raw`^wasmcustom\.fim\.limit\..*requests_total$`);
      const counts = names.map((name) => stats.get(`wasmcustom.fim.limit.requests_total{${name}}`));
      return JSON.stringify(counts) === JSON.stringify([1, 2, 0, 40, 80]);
    });
  });

  it('an edit keeps what was used', async () => {
    const edited = await harness.edit(
      routes('/window', 'window', '      - {name: window, algorithm: SlidingWindow, requests: 41, period: 1h}\n'),
    );
    assert.equal(edited.event, 'applied');
    assert.deepEqual([await status('/window'), await status('/window')], [200, 429]);
  });
});
