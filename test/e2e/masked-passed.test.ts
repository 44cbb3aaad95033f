// Messages that masking cannot read, on a real Envoy: WebSocket, gRPC and multipart are refused before anybody carries them out,
// or go on as they are where a route says so in words.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as dial, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { route, together } from './resources.ts';

const CARD = '6222021234567894';
const MASKED = '622202******7894';
const fields = [
  { name: 'cardNo', kind: 'BankCard', direction: 'Both' },
  { header: 'x-card', kind: 'BankCard', direction: 'Both' },
];
const at = (name: string, spec: object): string =>
  route(name, { match: { path: { type: 'Prefix', value: `/${name}` } }, ...spec });
const ROUTES = together(
  at('refused', { masking: { fields } }),
  at('answers', { masking: { fields: [{ name: 'cardNo', kind: 'BankCard' }] } }),
  at('passed', { masking: { fields, pass: ['WebSocket', 'Grpc', 'Multipart'] } }),
  at('multipart', { masking: { fields, pass: ['Multipart'] } }),
);

let harness: Harness;
let calls: Harness;
let session: ClientHttp2Session;
before(async () => {
  harness = await Harness.start({ routes: ROUTES });
  calls = await Harness.start({ routes: ROUTES, http2Upstream: true });
  session = connect(calls.url);
});
after(async () => {
  session?.destroy();
  await calls?.stop();
  await harness?.stop();
});

/** Reads from a socket until the text has come, or the socket has ended. */
async function readUntil(socket: Socket, text: string): Promise<string> {
  let seen = '';
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    seen += (piece as Buffer).toString('latin1');
    if (seen.includes(text)) break;
  }
  return seen;
}

/** Asks for a WebSocket, and sends `frame` once it is there. Returns what came, up to the echo of the frame. */
async function webSocket(path: string, frame: string): Promise<string> {
  const socket = dial(harness.stack.listen.port, '127.0.0.1');
  try {
    const key = Buffer.from('0123456789abcdef').toString('base64');
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-card: ${CARD}\r\n` +
        `sec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`,
    );
    const head = await readUntil(socket, '\r\n\r\n');
    if (!head.startsWith('HTTP/1.1 101')) return head;
    socket.write(frame);
    return head + (await readUntil(socket, frame));
  } finally {
    socket.destroy();
  }
}

test('a WebSocket goes on where the route says so, with its headers masked, and nowhere else', async () => {
  const asked: IncomingMessage[] = [];
  const listener = (request: IncomingMessage, socket: Socket): void => {
    asked.push(request);
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  };
  harness.upstream.server.on('upgrade', listener);
  const frame = `frame with ${CARD}`;
  const seen = await webSocket('/passed', frame);
  assert.match(seen, /^HTTP\/1\.1 101/);
  assert.ok(seen.endsWith(frame), seen);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]!.headers['x-card'], MASKED);
  for (const path of ['/refused', '/answers', '/multipart'])
    assert.match(await webSocket(path, frame), /^HTTP\/1\.1 4/);
  assert.equal(asked.length, 1, 'refused before the upstream has heard of it');
  harness.upstream.server.off('upgrade', listener);
});

test('an answer to a WebSocket that grants none is masked like any other', async () => {
  harness.upstream.answer = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(`{"cardNo":"${CARD}"}`);
  harness.upstream.server.removeAllListeners('upgrade');
  const seen = await webSocket('/passed', '');
  assert.match(seen, /^HTTP\/1\.1 200/);
  assert.ok(!seen.includes(CARD));
});

interface Called {
  headers: IncomingHttpHeaders;
  body: string;
  trailers: IncomingHttpHeaders;
}

/** Calls by gRPC. The upstream answers with what it got, and a trailer. */
async function call(path: string): Promise<Called> {
  calls.upstream.answer = ({ body }, response) => {
    response.writeHead(200, { 'content-type': 'application/grpc+proto', 'x-card': CARD });
    response.addTrailers({ 'grpc-status': '0', 'x-note': 'end' });
    response.end(body);
  };
  return new Promise((done, failed) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc+proto',
      te: 'trailers',
      'x-card': CARD,
    });
    const called: Called = { headers: {}, body: '', trailers: {} };
    stream.on('response', (headers) => (called.headers = headers));
    stream.on('trailers', (trailers) => (called.trailers = trailers));
    stream.setEncoding('latin1').on('data', (text: string) => (called.body += text));
    stream.on('end', () => done(called));
    stream.on('error', failed);
    stream.end(`\0\0\0\0\x10${CARD}`);
  });
}

test('gRPC goes on with its trailers where the route says so; else it is refused before it is carried out', async () => {
  const passed = await call('/passed/pay');
  assert.equal(passed.headers[':status'], 200);
  assert.equal(passed.body, `\0\0\0\0\x10${CARD}`);
  assert.equal(passed.trailers['grpc-status'], '0');
  assert.equal(passed.trailers['x-note'], 'end');
  assert.equal(passed.headers['x-card'], MASKED);
  const arrived = calls.upstream.arrived.at(-1)!;
  assert.equal(arrived.headers['x-card'], MASKED);
  const { length } = calls.upstream.arrived;
  for (const path of ['/refused', '/answers', '/multipart']) {
    const refused = await call(path);
    assert.match(String(refused.headers['grpc-status']), /^[1-9]/);
    assert.match(decodeURIComponent(String(refused.headers['grpc-message'])), /FIM-RT-0004/);
    assert.ok(!refused.body.includes(CARD));
  }
  assert.equal(calls.upstream.arrived.length, length, 'nobody has carried them out');
});

test('multipart goes on in both directions where the route says so, and JSON beside it is masked', async () => {
  const body = `--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n${CARD}\r\n--b--\r\n`;
  const type = { 'content-type': 'Multipart/form-data; boundary=b' };
  harness.upstream.answer = (_, response) => response.writeHead(200, type).end(body);
  for (const path of ['/passed', '/multipart']) {
    const { status, body: got } = await send(harness.url, { path, headers: type, body });
    assert.equal(status, 200);
    assert.equal(got.toString(), body);
    assert.equal(harness.upstream.arrived.at(-1)!.body.toString(), body);
  }
  const { length } = harness.upstream.arrived;
  const refused = await send(harness.url, { path: '/refused', headers: type, body });
  assert.equal(refused.status, 415);
  assert.match(refused.body.toString(), /FIM-MASK-0001/);
  assert.equal(harness.upstream.arrived.length, length);
  const answer = await send(harness.url, { path: '/answers', headers: type, body });
  assert.equal(answer.status, 502);
  assert.match(answer.body.toString(), /FIM-MASK-0003/);
  const json = { 'content-type': 'application/json' };
  harness.upstream.answer = (_, response) => response.writeHead(200, json).end(`{"cardNo":"${CARD}"}`);
  const masked = await send(harness.url, { path: '/passed', headers: json, body: `{"cardNo":"${CARD}"}` });
  assert.equal(masked.body.toString(), `{"cardNo":"${MASKED}"}`);
  assert.equal(harness.upstream.arrived.at(-1)!.body.toString(), `{"cardNo":"${MASKED}"}`);
});
