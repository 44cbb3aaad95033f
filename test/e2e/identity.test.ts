// A request has one identity: any request that a server might take for a protected one is judged or refused. Tries more
// than a thousand spellings on servers that decode paths; test/peers tries frameworks.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { connect, constants } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startServer } from './child-server.ts';
import { Harness } from './harness.ts';
import { problemOf, send, sendRaw } from './http-client.ts';
import { plainUpstream } from './plain-upstream.ts';
import { ask, compare, PROTECTING_ROUTES, speltRequests, tableRow } from './request-spellings.ts';
import { route, together } from './resources.ts';

/** Step through the escapes here. test/peers tries all. */
const EVERY_NTH_ESCAPE = 7;
const GOOD = JSON.stringify({ transCode: '01200101' });

describe('servers behind FIM', () => {
  const node = plainUpstream();
  let harness: Harness;
  before(async () => {
    node.listen(0, '127.0.0.1');
    await once(node, 'listening');
    harness = await Harness.start({
      routes: PROTECTING_ROUTES,
      upstream: new URL(`http://127.0.0.1:${(node.address() as AddressInfo).port}`),
    });
  });
  after(async () => {
    await harness?.stop();
    node.close().closeAllConnections();
  });

  test('Node runs no protected code for a bad message, however the request is spelt', async (t) => {
    const result = await compare(harness, (node.address() as AddressInfo).port, speltRequests(EVERY_NTH_ESCAPE));
    t.diagnostic(tableRow('Node', result));
    assert.deepEqual(result.passed, []);
    assert.ok(result.judged > 100, 'most of what it runs is judged');
  });

  test('over HTTP/2 too, where methods have a case and there are two hosts', async () => {
    const session = connect(harness.url);
    const asked = (headers: Record<string, string>): Promise<IncomingHttpHeaders> =>
      new Promise((done, failed) => {
        const stream = session.request({ ':method': 'POST', ':path': '/v1/pay', ...headers }, { endStream: true });
        stream.on('response', done).on('error', failed).resume();
      });
    for (const method of ['post', 'Post', 'pOST']) {
      const reply = await asked({ ':method': method });
      assert.equal(reply[constants.HTTP2_HEADER_STATUS], 400, method);
      assert.equal(reply['x-executed'], undefined);
    }
    assert.equal(
      (await asked({ ':path': '/v1/vault?transCode=99', ':authority': 'pay.bank.test', host: 'x' }))['x-executed'],
      undefined,
    );
    assert.equal(
      (await asked({ ':path': '/v1/vault?transCode=99', ':authority': 'x', host: 'pay.bank.test' }))['x-executed'],
      undefined,
    );
    assert.equal(
      (await asked({ ':path': '/v1/vault?transCode=99', ':authority': 'x,pay.bank.test' }))[
        constants.HTTP2_HEADER_STATUS
      ],
      400,
    );
    assert.equal(
      (await asked({ ':path': '/v1/vault?transCode=01200101', ':authority': 'pay.bank.test', host: 'x' }))[
        'x-executed'
      ],
      'vault',
      'what :authority says counts for both',
    );
    session.destroy();
  });

  test('Python runs no protected code for a bad message, however the request is spelt', async (t) => {
    const python = await startServer('python3', [join(import.meta.dirname, 'plain-upstream.py')]);
    t.after(() => python.stop());
    const behind = await Harness.start({
      routes: PROTECTING_ROUTES,
      upstream: new URL(`http://127.0.0.1:${python.port}`),
    });
    t.after(() => behind.stop());
    const result = await compare(behind, python.port, speltRequests(EVERY_NTH_ESCAPE));
    t.diagnostic(tableRow('Python', result));
    assert.deepEqual(result.passed, []);
    assert.ok(result.judged > 100, 'most of what it runs is judged');
  });
});

describe('a request', () => {
  let harness: Harness;
  before(
    async () =>
      (harness = await Harness.start({
        routes: together(
          PROTECTING_ROUTES,
          route('tilde', {
            match: { path: { value: '/%7etilde/%e8%b5%84' } },
            validation: { fields: [{ name: 'transCode' }] },
          }),
        ),
      })),
  );
  after(() => harness.stop());

  async function arrivedPath(path: string, body = GOOD): Promise<string> {
    const reply = await send(harness.url, { path, body });
    assert.equal(reply.status, 200, `${path}: ${reply.body}`);
    return harness.upstream.arrived.at(-1)!.path;
  }

  test('goes on under the path that was judged, its query untouched', async () => {
    assert.equal(await arrivedPath('/v1/accounts%3atransfer?a=%3a&b=c;d%zz'), '/v1/accounts:transfer?a=%3a&b=c;d%zz');
    assert.equal(
      await arrivedPath('/%e6%94%af%e4%bb%98/%E8%BD%AC%e8%b4%a6?transCode=01200101'),
      '/%E6%94%AF%E4%BB%98/%E8%BD%AC%E8%B4%A6?transCode=01200101',
    );
    assert.equal(await arrivedPath('/v1/fund/a%3Bb%20c%2c?transCode=01200101'), '/v1/fund/a;b%20c,?transCode=01200101');
    assert.equal(
      await arrivedPath('/~tilde/%e8%b5%84/x'),
      '/~tilde/%E8%B5%84/x',
      'a route is loaded in canonical form',
    );
  });

  test('that no route concerns is left as it is', async () => {
    for (const path of ['/other%3ax', '/other/%e4', '/other/%zz', '/V2/x;a', '/other?a=%zz'])
      assert.equal(await arrivedPath(path), path);
  });

  test('is refused with a code where servers would not agree', async () => {
    const { begun } = harness.upstream;
    const code = async (path: string, headers: Record<string, string> = {}): Promise<string> =>
      problemOf(
        await send(harness.url, { path, headers: { 'content-type': 'application/json', ...headers }, body: GOOD }),
      ).code;
    assert.equal(await code('/v1/fund/%zz'), 'FIM-RT-0040');
    assert.equal(await code('/v1/fund/a%0ab'), 'FIM-RT-0040');
    assert.equal(
      await code('/elsewhere', { 'X-HTTP-Method-Override': 'GET', 'X-Original-URL': '/v1/pay' }),
      'FIM-RT-0045',
    );
    for (const name of ['SCRIPT_NAME', 'script-name', 'X-Script-Name', 'X-Forwarded-Prefix'])
      for (const prefix of ['/front', '/front/'])
        assert.equal(await code('/front/v1/pay', { [name]: prefix }), 'FIM-RT-0045', `${name}: ${prefix}`);
    const raw = async (path: string, ...headers: string[]): Promise<string | undefined> =>
      (await ask(harness.stack.listen.port, { method: 'POST', path, headers })).code;
    for (const host of ['x,y', 'u@pay.bank.test', 'pay.bank.test:0', 'pay.bank.test..', 'pay%2ebank.test', ''])
      assert.equal(await raw('/v1/vault', `host: ${host}`), 'FIM-RT-0043', host);
    assert.equal(await raw('/v1/role', 'host: x', 'x-role: admin', 'x-role: user'), 'FIM-RT-0044');
    assert.match(
      await sendRaw(
        harness.stack.listen.port,
        'POST /v1/vault HTTP/1.1\r\nhost: x\r\nhost: pay.bank.test\r\ncontent-length: 0\r\n\r\n',
        (text) => text.includes('}\n'),
      ),
      /^HTTP\/1\.1 400 [\s\S]*FIM-RT-0043/,
    );
    assert.equal(harness.upstream.begun, begun);
  });
});
