// Envoy's own replies are problem documents with a code, in two languages, without any value of a message. FIM's
// replies stay unchanged.
import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ERRORS } from '../../envoy/route/index.ts';
import type { ErrorCode } from '../../envoy/route/index.ts';
import { Harness } from './harness.ts';
import { send, sendRaw } from './http-client.ts';
import { route } from './resources.ts';

/** Stands in paths, hosts, headers and bodies; no answer may hold it. */
const SECRET = '6222021234567894';
const ROUTE = route('judged', {
  match: { path: { value: '/pay' } },
  validation: { fields: [{ name: 'transCode', pattern: '^01' }] },
});

let harness: Harness;
/** Proxy with a closed upstream port. */
let alone: Harness;
before(async () => {
  const closed = createServer();
  await new Promise<void>((done) => closed.listen(0, '127.0.0.1', done));
  const { port } = closed.address() as AddressInfo;
  await new Promise((done) => closed.close(done));
  harness = await Harness.start({ routes: ROUTE });
  alone = await Harness.start({ routes: ROUTE, upstream: new URL(`http://127.0.0.1:${port}`) });
});
after(async () => {
  await harness?.stop();
  await alone?.stop();
});

/** The answer, as text of HTTP/1.1, is a problem document with the code and nothing of the message. */
function assertCoded(text: string, status: number, code: ErrorCode): void {
  assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
  assert.match(text, /\r\ncontent-type: application\/problem\+json\r\n/);
  const document: unknown = JSON.parse(Buffer.from(text.slice(text.indexOf('\r\n\r\n')), 'latin1').toString('utf8'));
  const { title, titleZh } = ERRORS[code];
  assert.deepEqual(document, { type: `urn:fim:error:${code}`, title, titleZh, status, code });
  assert.ok(!text.includes(SECRET));
}

const whole = (text: string): boolean => text.endsWith('}\n');
const ask = (head: string, { stack }: Harness = harness, body = ''): Promise<string> =>
  sendRaw(stack.listen.port, `${head.replaceAll('\n', '\r\n')}\r\n\r\n${body}`, whole);

describe('the request', () => {
  for (const [name, head, status, code] of [
    ['an escaped slash in the path', `GET /${SECRET}%2f HTTP/1.1\nhost: x`, 400, 'FIM-RT-0028'],
    ['no host', `GET /${SECRET} HTTP/1.1`, 400, 'FIM-RT-0028'],
    ['no HTTP', `${SECRET} ${SECRET}`, 400, 'FIM-RT-0028'],
    ['two lengths', `POST /${SECRET} HTTP/1.1\nhost: x\ncontent-length: 1\ncontent-length: 2`, 400, 'FIM-RT-0028'],
    ['too large headers', `GET / HTTP/1.1\nhost: x\nx-large: ${SECRET.repeat(4500)}`, 431, 'FIM-RT-0025'],
    ['too many headers', `GET / HTTP/1.1\nhost: x${`\nx-many: ${SECRET}`.repeat(200)}`, 431, 'FIM-RT-0025'],
  ] as const) {
    test(name, async () => {
      const { begun } = harness.upstream;
      assertCoded(await ask(head), status, code);
      assert.equal(harness.upstream.begun, begun);
    });
  }
});

describe('the upstream', () => {
  test('is not there', async () =>
    assertCoded(await ask(`GET /${SECRET} HTTP/1.1\nhost: x`, alone), 503, 'FIM-RT-0021'));

  test('breaks off', async () => {
    harness.upstream.onBegin = (incoming) => void incoming.socket.destroy();
    assertCoded(await ask(`GET /${SECRET} HTTP/1.1\nhost: x`), 503, 'FIM-RT-0022');
    harness.upstream.onBegin = () => {};
  });

  test('answers with an error of its own, which stays its own', async () => {
    for (const status of [400, 404, 408, 413, 500, 503, 504]) {
      harness.upstream.answer = (_request, response) =>
        response.writeHead(status, { 'content-type': 'text/plain' }).end('the upstream says no');
      const reply = await send(harness.url, { path: '/free', body: SECRET });
      assert.deepEqual(
        [reply.status, reply.headers['content-type'], reply.body.toString()],
        [status, 'text/plain', 'the upstream says no'],
      );
    }
    harness.upstream.answer = (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
  });
});

test('what FIM answers is left as it is', async () => {
  const reply = await send(harness.url, { path: '/pay', body: `{"transCode":"${SECRET}"}` });
  assert.equal(reply.headers['content-type'], 'application/problem+json');
  const document = JSON.parse(reply.body.toString()) as {
    code: string;
    status: number;
    route: string;
    errors: unknown[];
  };
  assert.deepEqual(
    [document.code, document.status, document.route, document.errors.length],
    ['FIM-PBOC-0001', reply.status, 'default/judged', 1],
  );
});

test('HTTP/2: the same documents, HEAD without one, gRPC in its own way', async () => {
  const session = connectHttp2(alone.url);
  const of = (headers: Record<string, string>): Promise<{ status: number; type: string; grpc: string; body: string }> =>
    new Promise((done, failed) => {
      const stream = session.request({ ':path': '/free', ...headers });
      let body = '';
      let head: Record<string, unknown> = {};
      stream
        .on('response', (got) => (head = got))
        .setEncoding('utf8')
        .on('data', (text: string) => (body += text));
      stream
        .on('end', () =>
          done({
            status: Number(head[':status']),
            type: String(head['content-type']),
            grpc: String(head['grpc-status']),
            body,
          }),
        )
        .on('error', failed)
        .end();
    });
  try {
    const reply = await of({});
    assert.deepEqual(
      [reply.status, reply.type, JSON.parse(reply.body).code],
      [503, 'application/problem+json', 'FIM-RT-0021'],
    );
    const head = await of({ ':method': 'HEAD' });
    assert.deepEqual([head.status, head.body], [503, '']);
    const grpc = await of({ ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' });
    assert.deepEqual([grpc.status, grpc.grpc, grpc.body], [200, '14', '']);
  } finally {
    session.destroy();
  }
});
