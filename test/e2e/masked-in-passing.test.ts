// Bodies masked as they pass, on a real Envoy: large ones in memory that does not grow with them, and those that cannot be
// masked to their end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Harness } from './harness.ts';
import { JSON_TYPE, send, sendRaw } from './http-client.ts';
import { route, together } from './resources.ts';

const MIB = 1024 * 1024;
/** 1024 by hand: `FIM_TEST_MASKED_MIB=1024`. */
const LARGE_MIB = Number(process.env['FIM_TEST_MASKED_MIB'] ?? '32');
/** Memory that a message may add to the proxy: its buffers, not the body. */
const GROWTH_MIB = 64;
const MASKING = {
  stream: true,
  fields: [{ name: 'pan', kind: 'BankCard', direction: 'Both' }],
  detect: [{ kind: 'Phone' }, { kind: 'IdCard' }],
};
const RECORD =
  '{"pan":"6222021234567894","remark":"call 13800138000 today","amount":12345.67,"id":"a6bf360dca06950a41fc725fa3583d7c"}';
const MASKED =
  '{"pan":"622202******7894","remark":"call 138****8000 today","amount":12345.67,"id":"a6bf360dca06950a41fc725fa3583d7c"}';

let harness: Harness;
before(async () => {
  harness = await Harness.start({
    routes: together(
      route('passing', { masking: MASKING }),
      route('lines', {
        match: { path: { value: '/lines' } },
        masking: {
          stream: true,
          fields: [
            { name: 'pan', kind: 'BankCard' },
            { name: 'id', method: 'KeepFirstLast', keepLast: 4 },
            { name: 'retry', method: 'Full' },
          ],
          detect: [{ kind: 'Phone' }],
          reveal: [{ header: 'x-role', setBy: 'the gateway of the intranet', values: ['clerk'], kinds: ['Phone'] }],
        },
      }),
      route('opened', {
        match: { path: { value: '/opened' } },
        body: { compressed: 'Decompress' },
        masking: MASKING,
      }),
    ),
  });
});
after(() => harness.stop());

const resident = (): number => {
  const status = readFileSync(`/proc/${harness.stack.envoy.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
};

function answerWith(write: (response: ServerResponse) => unknown): void {
  harness.upstream.answer = (_request, response) => void write(response);
}

test('a large response is masked to its end in memory that does not grow with it', async (t) => {
  const piece = Buffer.from(`${RECORD},`.repeat(300));
  const expected = `${MASKED},`.repeat(300);
  const pieces = Math.ceil((LARGE_MIB * MIB) / piece.length);
  answerWith(async (response) => {
    response.writeHead(200, JSON_TYPE).write('[');
    for (let i = 0; i < pieces; i++) if (!response.write(piece)) await once(response, 'drain');
    response.end('0]');
  });
  const beforeMib = resident();
  let mostMib = 0;
  let right = 0;
  const [incoming] = (await once(get(harness.url), 'response')) as [IncomingMessage];
  assert.equal(incoming.statusCode, 200);
  let seen = '';
  for await (const part of incoming) {
    seen += (part as Buffer).toString('latin1');
    if (right === 0) seen = seen.replace(/^\[/, '');
    for (; seen.startsWith(expected); seen = seen.slice(expected.length)) right++;
    assert.ok(seen.length < 8 * MIB, `${right} pieces, then something else: ${seen.slice(0, 300)}`);
    mostMib = Math.max(mostMib, resident());
  }
  assert.equal(seen, '0]');
  assert.equal(right, pieces);
  t.diagnostic(`${LARGE_MIB} MiB: from ${beforeMib.toFixed(0)} to at most ${mostMib.toFixed(0)} MiB`);
  assert.ok(mostMib - beforeMib < GROWTH_MIB, `${mostMib - beforeMib} MiB more`);
});

test('a request is masked on its way, over HTTP/1.1 with and without a length', async () => {
  const body = `[${`${RECORD},`.repeat(2000)}1]`;
  const { status } = await send(harness.url, { body });
  assert.equal(status, 200);
  const arrived = harness.upstream.arrived.at(-1)!.body.toString();
  assert.equal(arrived.length, body.length);
  assert.doesNotMatch(arrived, /6222021234567894/);
  assert.match(arrived, /^\[\{"pan":"622202\*{6}7894","remark":"call 13800138000 today"/);
});

test('a response with a mistake behind its beginning never ends well for the client, and shows nothing', async () => {
  const parts = [`[${`${RECORD},`.repeat(3000)}`, RECORD, '}', `,${RECORD}]`];
  for (const length of [{}, { 'content-length': String(parts.join('').length) }]) {
    answerWith((response) => {
      response.writeHead(200, { ...JSON_TYPE, ...length });
      for (const part of parts) response.write(part);
      response.end();
    });
    const raw = await sendRaw(harness.stack.listen.port, 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.doesNotMatch(raw, /\r\n0\r\n\r\n$/, 'the last chunk would say that all is well');
    assert.doesNotMatch(raw, /6222021234567894|13800138000/);
    assert.doesNotMatch(raw, /content-length: 3/i);
  }
  const stat = 'wasmcustom.fim.mask.refused';
  await harness.poll(async () => ((await harness.stack.envoy.admin.stats(`^${stat}$`)).get(stat) ?? 0) >= 2);
});

test('a type that is not masked is refused while nothing has gone', async () => {
  answerWith((response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('13800138000'));
  const reply = await send(harness.url, { method: 'GET' });
  assert.equal(reply.status, 502);
  assert.match(reply.body.toString(), /FIM-MASK-0003/);
});

test('compressed bodies are refused, or held and opened where the route says so', async () => {
  answerWith((response) =>
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(gzipSync(`[${RECORD}]`)),
  );
  const refused = await send(harness.url, { method: 'GET' });
  assert.equal(refused.status, 502);
  assert.match(refused.body.toString(), /FIM-RT-0005/);
  for (let i = 0; i < 2; i++) {
    const opened = await send(harness.url, { method: 'GET', path: '/opened' });
    assert.equal(opened.status, 200);
    assert.equal(opened.body.toString(), `[${MASKED}]`);
  }
});

test('server-sent events are masked one by one: each goes on before the next one comes', async () => {
  let stream: ServerResponse | undefined;
  const opened = new Promise<void>((done) => {
    answerWith((response) => {
      stream = response;
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      done();
    });
  });
  const answered = once(get(harness.url), 'response') as Promise<[IncomingMessage]>;
  await opened;
  stream!.write(`id: 0\ndata: ${RECORD}\n\n`);
  const [incoming] = await answered;
  assert.equal(incoming.statusCode, 200);
  assert.equal(incoming.headers['content-type'], 'text/event-stream');
  const parts = incoming.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
  let seen = '';
  for (let i = 0; i < 5; i++) {
    const event = `id: ${i}\ndata: ${MASKED}\n\n`;
    while (seen.length < event.length) {
      const part = await parts.next();
      assert.ok(part.done !== true);
      seen += part.value;
    }
    assert.equal(seen, event);
    seen = '';
    // In two pieces, so that the first has to wait for the second and not for a next event.
    const next = `id: ${i + 1}\ndata: ${RECORD}\n\n`;
    stream!.write(next.slice(0, 30));
    stream!.write(next.slice(30));
  }
  incoming.destroy();
  stream!.end();
});

test('lines of events that are no data are masked by name and by content, for those who may not see it', async () => {
  const text = `: of 13800138000\nid: 20261130-7788\nretry: 500\nevent: call 13800138000\ndata: {"pan":"6222021234567894"}\nother: 13800138000\n\n`;
  answerWith((response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text));
  const hidden = await send(harness.url, { method: 'GET', path: '/lines' });
  const lines = (event: string): string =>
    `:\nid: *********7788\nevent: ${event}\ndata: {"pan":"622202******7894"}\n\n`;
  assert.equal(hidden.body.toString(), lines('call 138****8000'));
  const shown = await send(harness.url, { method: 'GET', path: '/lines', headers: { 'x-role': 'clerk' } });
  assert.equal(shown.body.toString(), lines('call 13800138000'));
});

test('WebSocket, gRPC and multipart are refused with a code, and reach nobody in clear', async () => {
  const { length } = harness.upstream.arrived;
  const socket = await sendRaw(
    harness.stack.listen.port,
    'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
  );
  assert.match(socket, /^HTTP\/1.1 4/);
  const grpc = await send(harness.url, { headers: { 'content-type': 'application/grpc' }, body: 'x' });
  // Envoy answers clients of gRPC by its status.
  assert.match(String(grpc.headers['grpc-status']), /^[1-9]/);
  assert.match(decodeURIComponent(String(grpc.headers['grpc-message'])), /FIM-RT-0004/);
  const form = await send(harness.url, {
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n13800138000\r\n--b--\r\n',
  });
  assert.equal(form.status, 415);
  assert.match(form.body.toString(), /FIM-MASK-0001/);
  assert.equal(harness.upstream.arrived.length, length);
});
