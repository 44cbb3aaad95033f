// Extras that real clients and proxies send with a message: upgrade offers, HTTP/1.0. They are judged like all others.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Harness } from './harness.ts';
import { sendRaw } from './http-client.ts';
import { route } from './resources.ts';
import { otherThan } from '../../envoy/xds/connection-hardening.ts';

const GOOD = '{"transCode":"01000001"}';
const BAD = '{"transCode":"99"}';
const ROUTE = route('judged', {
  match: { path: { value: '/pay' } },
  validation: { fields: [{ name: 'transCode', pattern: '^01' }] },
});

let harness: Harness;
before(async () => (harness = await Harness.start({ routes: ROUTE })));
after(() => harness.stop());

interface Asked {
  version?: string;
  path?: string;
  headers?: readonly string[];
  body?: string;
}

/** Sends one request and reads until the connection is closed or the answer is whole. */
function ask({ version = '1.1', path = '/pay', headers = [], body = GOOD }: Asked): Promise<string> {
  const text = [
    `POST ${path} HTTP/${version}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    ...headers,
    '',
    body,
  ].join('\r\n');
  return sendRaw(harness.stack.listen.port, text, (got) => /\{"ok":true\}(?:\r\n0\r\n\r\n)?$|\}\n$/.test(got));
}

describe('an offer to upgrade that nobody takes is as if it had not been made', () => {
  // The first is what Apache HttpClient for Java sends from 5.4 on, the second the JDK's own client, the others RFC
  // 9110's examples.
  for (const offer of ['TLS/1.2', 'h2c', 'HTTP/2.0, SHTTP/1.3, IRC/6.9, RTA/x11', 'tls/1.3', 'WebSocketX', 'web']) {
    test(offer, async () => {
      const headers = ['host: x', 'connection: Upgrade', `upgrade: ${offer}`];
      for (const path of ['/pay', '/free']) {
        const { length } = harness.upstream.arrived;
        assert.match(await ask({ path, headers }), /^HTTP\/1\.1 200 /, path);
        assert.equal(harness.upstream.arrived.length, length + 1);
        const arrived = harness.upstream.arrived.at(-1)!;
        assert.equal(arrived.headers.upgrade, undefined);
        assert.equal(arrived.body.toString(), GOOD);
      }
      const { begun } = harness.upstream;
      assert.match(await ask({ headers, body: BAD }), /^HTTP\/1\.1 4\d\d [\s\S]*FIM-PBOC-0001/);
      assert.equal(harness.upstream.begun, begun);
    });
  }

  test('the pattern takes every word but the one, in any case', () => {
    const pattern = otherThan('websocket')
      .replace(/^\(\?is:/, '')
      .replace(/\)$/, '');
    const takes = new RegExp(`^${pattern}$`, 'is');
    for (const word of ['websocket', 'WebSocket', 'WEBSOCKET']) assert.doesNotMatch(word, takes);
    for (const word of [
      '',
      'w',
      'websocke',
      'websockets',
      'xwebsocket',
      'wxbsocket',
      'websocket ',
      'TLS/1.2',
      'h2c',
      'websocket\n',
    ])
      assert.match(word, takes);
  });
});

describe('HTTP/1.0', () => {
  test('a message is judged and answered', async () => {
    for (const headers of [['host: x'], ['host: x', 'connection: keep-alive']]) {
      assert.match(await ask({ version: '1.0', headers }), /^HTTP\/1\.0 200 [\s\S]*\{"ok":true\}$/);
      const { begun } = harness.upstream;
      assert.match(await ask({ version: '1.0', headers, body: BAD }), /^HTTP\/1\.0 4\d\d [\s\S]*FIM-PBOC-0001/);
      assert.equal(harness.upstream.begun, begun);
    }
  });

  test('chunks, which that version does not have, are never one message here and another behind', async () => {
    const { begun } = harness.upstream;
    const text = `POST /pay HTTP/1.0\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${BAD.length.toString(16)}\r\n${BAD}\r\n0\r\n\r\n`;
    assert.match(
      await sendRaw(harness.stack.listen.port, text, (got) => got.includes('\r\n\r\n')),
      /^HTTP\/1\.\d 4\d\d /,
    );
    assert.equal(harness.upstream.begun, begun);
  });

  test('without a host, nobody guesses the route', async () => {
    const { begun } = harness.upstream;
    for (const path of ['/pay', '/free']) assert.match(await ask({ version: '1.0', path }), /^HTTP\/1\.0 400 /);
    assert.equal(harness.upstream.begun, begun);
  });
});
