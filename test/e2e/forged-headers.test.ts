// Headers and trailers that a client forges in the proxy's name do not arrive, in any spelling, over both versions of
// HTTP.
import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { Harness } from './harness.ts';
import { sendRaw } from './http-client.ts';
import { route } from './resources.ts';

const GOOD = '{"transCode":"01000001"}';
const SPELLINGS = ['X-Verdict', 'X_Verdict', 'x_verdict', 'X-vERDICT'];
const ROUTE = route('judged', {
  match: { path: { value: '/pay' } },
  validation: { verdictHeader: 'X-Verdict', fields: [{ name: 'transCode', pattern: '^01' }] },
});
const FRAMING = {
  'content-length': '3',
  'Transfer-Encoding': 'chunked',
  host: 'other.test',
  authorization: 'Basic eA==',
  connection: 'close',
  content_length: '3',
};

let harness: Harness;
before(async () => (harness = await Harness.start({ routes: ROUTE })));
after(() => harness.stop());

/** Names and values of the last request as they came, names in lower case. */
function arrived(): { headers: [string, string][]; trailers: NodeJS.Dict<string> } {
  const { headers, trailers } = harness.upstream.arrived.at(-1)!;
  return { headers: Object.entries(headers).map(([name, value]) => [name, String(value)]), trailers };
}

const verdicts = (): string[] =>
  arrived()
    .headers.filter(([name]) => name.replaceAll('_', '-') === 'x-verdict')
    .map(([name, value]) => `${name}: ${value}`);

function request(path: string, headers: readonly string[], trailers: readonly string[] = []): string {
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: x',
    'content-type: application/json',
    'transfer-encoding: chunked',
    ...headers,
    '',
    GOOD.length.toString(16),
    GOOD,
    '0',
    ...trailers,
    '',
    '',
  ];
  return lines.join('\r\n');
}

const ended = (text: string): boolean =>
  text.endsWith('{"ok":true}') || text.endsWith('0\r\n\r\n') || text.endsWith('}\n');
const post = (path: string, headers: readonly string[], trailers?: readonly string[]): Promise<string> =>
  sendRaw(harness.stack.listen.port, request(path, headers, trailers), ended);

describe('HTTP/1.1', () => {
  for (const spelling of SPELLINGS) {
    test(`${spelling} in headers: only the proxy's own arrives on its route, none beside it`, async () => {
      assert.match(await post('/pay', [`${spelling}: valid;forged`]), /^HTTP\/1\.1 200 /);
      assert.deepEqual(verdicts(), ['x-verdict: valid']);
      assert.match(
        await post('/free', [`${spelling}: valid;forged`, 'x-fim-signature: mine', 'x-verdicts: mine']),
        /^HTTP\/1\.1 200 /,
      );
      assert.deepEqual(verdicts(), []);
      const kept = Object.fromEntries(arrived().headers);
      assert.equal(kept['x-fim-signature'], 'mine');
      assert.equal(kept['x-verdicts'], 'mine');
    });

    test(`${spelling} in trailers does not arrive`, async () => {
      for (const path of ['/pay', '/free']) {
        assert.match(await post(path, [], [`${spelling}: valid;forged`, 'x-sum: 1']), /^HTTP\/1\.1 200 /);
        assert.deepEqual(arrived().trailers, { 'x-sum': '1' }, path);
      }
    });
  }

  test('trailers that are framing, routing or identity do not arrive', async () => {
    for (const path of ['/pay', '/free']) {
      assert.match(
        await post(path, [], [...Object.entries(FRAMING).map(([name, value]) => `${name}: ${value}`), 'x-sum: 1']),
        /^HTTP\/1\.1 200 /,
      );
      assert.deepEqual(arrived().trailers, { 'x-sum': '1' }, path);
    }
    assert.match(await post('/free', [], ['content-length: 3']), /^HTTP\/1\.1 200 /);
    assert.deepEqual(arrived().trailers, {});
  });
});

describe('HTTP/2', () => {
  test('headers and trailers in every spelling', async () => {
    const session = connectHttp2(harness.url);
    try {
      for (const path of ['/pay', '/free']) {
        const status = await new Promise<number>((done, failed) => {
          const stream = session.request(
            {
              ':method': 'POST',
              ':path': path,
              'content-type': 'application/json',
              'x-verdict': 'forged',
              x_verdict: 'forged',
            },
            { waitForTrailers: true },
          );
          stream.on('wantTrailers', () =>
            stream.sendTrailers({
              'x-verdict': 'forged',
              x_verdict: 'forged',
              content_length: '3',
              authorization: 'Basic eA==',
              'x-sum': '1',
            }),
          );
          stream
            .on('response', (headers) => done(Number(headers[':status'])))
            .on('error', failed)
            .resume()
            .end(GOOD);
        });
        assert.equal(status, 200);
        assert.deepEqual(verdicts(), path === '/pay' ? ['x-verdict: valid'] : []);
        assert.deepEqual(arrived().trailers, { 'x-sum': '1' });
      }
    } finally {
      session.destroy();
    }
  });
});
