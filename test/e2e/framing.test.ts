// Forms in which bodies arrive: in pieces, with and without a length, truncated, over HTTP/2, compressed, as streams.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect, constants } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { openProtected } from '../../envoy/standalone/open-protected.ts';
import { Harness, KEY_ID } from './harness.ts';
import type { Reply } from './http-client.ts';
import { JSON_TYPE, problemOf, send, sendRaw } from './http-client.ts';
import { CONTRACT, route, together } from './resources.ts';

const GOOD = Buffer.from('{"transCode":"01200101","memo":"季度赎回"}');
const STREAMING_PATH = '/stream';
/** No stage of it needs a body: what streams may stream. */
const STREAMING = route('streaming', {
  match: { path: { value: STREAMING_PATH } },
  rateLimit: { requests: 1000, period: '1s' },
});
const COMPRESSED = route('compressed', {
  match: { path: { value: '/gzip' } },
  body: { compressed: 'Decompress', maxBytes: 65536 },
  validation: { fields: [{ name: 'transCode', pattern: '^01[0-9]{6}$' }] },
});
const LARGE = route('large', {
  match: { path: { value: '/large' } },
  body: { maxBytes: 16777216 },
  validation: { fields: [{ name: 'transCode' }] },
  encryption: { keyId: KEY_ID, request: 'Encrypt' },
});
const ANSWERS = route('answers', {
  match: { path: { value: '/answers' } },
  body: { maxBytes: 16777216 },
  masking: { fields: [{ name: 'cardNo', kind: 'BankCard' }] },
});

let harness: Harness;
before(
  async () => (harness = await Harness.start({ routes: together(CONTRACT, STREAMING, COMPRESSED, LARGE, ANSWERS) })),
);
after(() => harness.stop());

function arrivedPlain(): Promise<Buffer> {
  return openProtected(harness.upstream.arrived.at(-1)!.body.toString(), harness.stack.kmsUrl);
}

describe('HTTP/1.1', () => {
  test('a body cut anywhere is the same body', async () => {
    const agent = new Agent({ keepAlive: true });
    for (let cut = 1; cut < GOOD.length; cut++) {
      const reply = await send(harness.url, { body: [GOOD.subarray(0, cut), GOOD.subarray(cut)], agent });
      assert.equal(reply.status, 200, `cut at ${cut}: ${reply.body}`);
      assert.deepEqual(await arrivedPlain(), GOOD);
    }
    const bytes = Array.from(GOOD, (byte) => Buffer.from([byte]));
    assert.equal((await send(harness.url, { body: bytes, agent })).status, 200);
    assert.deepEqual(await arrivedPlain(), GOOD);
    agent.destroy();
  });

  test('two lengths that differ, and a length that is no number, are refused', async () => {
    const { bytesReceived } = harness.upstream;
    for (const lengths of [
      'content-length: 5\r\ncontent-length: 6',
      'content-length: 5, 6',
      'content-length: -1',
      'content-length: 0x5',
      'content-length: 5\r\ntransfer-encoding: chunked',
    ]) {
      const text = await sendRaw(
        harness.stack.listen.port,
        `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${lengths}\r\n\r\n{"a":`,
        (got) => got.includes('\r\n\r\n'),
      );
      assert.match(text, /^HTTP\/1\.1 400 /, lengths);
    }
    assert.equal(harness.upstream.bytesReceived, bytesReceived);
  });

  test('without a length and without chunks there is no body: refused', async () => {
    const text = await sendRaw(
      harness.stack.listen.port,
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\r\n`,
      (got) => got.endsWith('}\n'),
    );
    assert.match(text, /^HTTP\/1\.1 422 [\s\S]*FIM-PBOC-0004/);
  });

  test('trailers do not end the body early or slip past the verdict', async () => {
    const { begun } = harness.upstream;
    const bad = '{"transCode":"99"}';
    const chunked = (body: string): string =>
      `POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\nx-sum: 1\r\n\r\n`;
    const ended = (text: string): boolean => text.endsWith('}\n') || text.endsWith('0\r\n\r\n');
    assert.match(await sendRaw(harness.stack.listen.port, chunked(bad), ended), /^HTTP\/1\.1 422 /);
    assert.equal(harness.upstream.begun, begun);
    assert.match(
      await sendRaw(harness.stack.listen.port, chunked('{"transCode":"01200101"}'), ended),
      /^HTTP\/1\.1 200 /,
    );
    assert.equal((await arrivedPlain()).toString(), '{"transCode":"01200101"}');
  });

  test('a client that goes away in mid-body leaves nothing behind', async () => {
    const { bytesReceived } = harness.upstream;
    for (let i = 0; i < 20; i++) {
      const outgoing = request(harness.url, {
        method: 'POST',
        headers: { ...JSON_TYPE, 'content-length': '1000' },
        agent: new Agent(),
      });
      const gone = new Promise((done) => outgoing.on('error', done).on('close', done));
      await new Promise<void>((done) => outgoing.write('{"transCode":"01200101",', () => done()));
      outgoing.destroy();
      await gone;
    }
    await harness.activeRequests(0);
    assert.equal(harness.upstream.bytesReceived, bytesReceived);
    assert.equal((await send(harness.url, { body: GOOD })).status, 200);
  });

  test('10 MiB are held, checked and encrypted', async () => {
    const body = Buffer.from(JSON.stringify({ transCode: '01200101', memo: '赎'.repeat((10 * 1024 * 1024) / 3) }));
    const reply = await send(harness.url, { path: '/large', body });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.ok((await arrivedPlain()).equals(body));
    const { begun } = harness.upstream;
    assert.equal(
      (await send(harness.url, { path: '/large', body: Buffer.concat([body, Buffer.from('}')]) })).status,
      422,
    );
    assert.equal(harness.upstream.begun, begun);
  });

  test('the largest body that a route may allow has room for its envelope; one byte more is refused', async () => {
    const frame = JSON.stringify({ transCode: '01200101', memo: '' }).length;
    const body = Buffer.from(JSON.stringify({ transCode: '01200101', memo: 'x'.repeat(16 * 1024 * 1024 - frame) }));
    const reply = await send(harness.url, { path: '/large', body });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.ok((await arrivedPlain()).equals(body));
    const refused = await send(harness.url, { path: '/large', body: Buffer.concat([body, Buffer.from(' ')]) });
    assert.equal(refused.status, 413);
    assert.equal(problemOf(refused).code, 'FIM-RT-0002');
  });

  test('10 MiB of response are held and masked', async () => {
    const body = JSON.stringify({ memo: '赎'.repeat((10 * 1024 * 1024) / 3), cardNo: '6222021234567894' });
    harness.upstream.answer = (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    const reply = await send(harness.url, { method: 'GET', path: '/answers', headers: {} });
    harness.upstream.answer = (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
    assert.equal(reply.status, 200);
    assert.ok(
      reply.body.toString() === body.replace('6222021234567894', '622202******7894'),
      'only the card number has changed',
    );
  });

  test('a compressed body is refused, or decompressed where the route says so', async () => {
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' };
    const { begun } = harness.upstream;
    const refused = await send(harness.url, { headers, body: gzipSync(GOOD) });
    assert.equal(refused.status, 415);
    assert.equal(problemOf(refused).code, 'FIM-RT-0003');
    assert.equal(
      (await send(harness.url, { path: '/gzip', headers, body: gzipSync('{"transCode":"99"}') })).status,
      422,
    );
    assert.equal(harness.upstream.begun, begun);
    assert.equal((await send(harness.url, { path: '/gzip', headers, body: gzipSync(GOOD) })).status, 200);
    const arrived = harness.upstream.arrived.at(-1)!;
    assert.deepEqual(arrived.body, GOOD);
    assert.equal(arrived.headers['content-encoding'], undefined);
    const large = await send(harness.url, {
      path: '/gzip',
      headers,
      body: gzipSync(JSON.stringify({ transCode: '01200101', memo: randomBytes(50_000).toString('hex') })),
    });
    assert.equal(large.status, 413, 'the limit counts what comes out');
    const bomb = await send(harness.url, {
      path: '/gzip',
      headers,
      body: gzipSync(JSON.stringify({ transCode: '01200101', memo: 'x'.repeat(50_000_000) })),
    });
    assert.equal(bomb.status, 413);
    assert.equal(problemOf(bomb).code, 'FIM-RT-0051');
  });

  test('deflate is opened, with its header or without; another coding is refused, and the answer names those that are not', async () => {
    const { begun } = harness.upstream;
    const ask = (encoding: string, body: Buffer, path = '/gzip'): Promise<Reply> =>
      send(harness.url, { path, headers: { ...JSON_TYPE, 'content-encoding': encoding }, body });
    for (const [encoding, body] of [
      ['br', brotliCompressSync(GOOD)],
      ['zstd', Buffer.from(GOOD)],
      ['gzip, gzip', gzipSync(gzipSync(GOOD))],
    ] as const) {
      const reply = await ask(encoding, body);
      assert.deepEqual(
        [reply.status, problemOf(reply).code, reply.headers['accept-encoding']],
        [415, 'FIM-RT-0050', 'gzip, deflate'],
        encoding,
      );
      const closed = await ask(encoding, body, '/');
      assert.deepEqual(
        [closed.status, problemOf(closed).code, closed.headers['accept-encoding']],
        [415, 'FIM-RT-0003', 'identity'],
        encoding,
      );
    }
    assert.equal((await ask('deflate', deflateSync('{"transCode":"99"}'))).status, 422);
    assert.equal(harness.upstream.begun, begun);
    for (const body of [deflateSync(GOOD), deflateRawSync(GOOD)]) {
      assert.equal((await ask('deflate', body)).status, 200);
      assert.deepEqual(harness.upstream.arrived.at(-1)!.body, GOOD);
    }
  });

  test('a compressed message that is broken is not passed on in part', async () => {
    const { begun } = harness.upstream;
    const packed = gzipSync(JSON.stringify({ transCode: '01200101', memo: randomBytes(9_000).toString('hex') }));
    const broken = Buffer.from(packed);
    const half = Math.floor(packed.length / 2);
    broken.fill(0xff, half);
    for (const [body, code] of [
      [packed.subarray(0, half), /^FIM-RT-0052$/],
      [broken, /^FIM-RT-005[235]$/],
      [Buffer.from('not gzip'), /^FIM-RT-0055$/],
    ] as const) {
      const reply = await send(harness.url, {
        path: '/gzip',
        headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
        body,
      });
      assert.equal(reply.status, 422, reply.body.toString());
      assert.match(problemOf(reply).code, code);
    }
    assert.equal(harness.upstream.begun, begun);
  });
});

describe('streams', () => {
  test('server-sent events are passed on as they come, or refused where the body must be seen', async () => {
    harness.upstream.onBegin = (incoming, response) => {
      if (incoming.url?.endsWith('/events'))
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    };
    const received = await new Promise<string>((done, failed) => {
      const outgoing = request(harness.url, { path: `${STREAMING_PATH}/events`, agent: new Agent() }, (incoming) => {
        incoming.once('data', (chunk: Buffer) => {
          outgoing.destroy();
          done(chunk.toString());
        });
      });
      outgoing.on('error', failed).end();
    });
    assert.equal(received, 'data: 1\n\n', 'before the end of the stream');
    const refused = await send(harness.url, { method: 'GET', path: '/answers/events', headers: {} });
    assert.equal(refused.status, 502);
    assert.equal(problemOf(refused).code, 'FIM-RT-0005');
    harness.upstream.onBegin = () => {};
  });

  test('WebSockets pass on a route without body stages only', async () => {
    harness.upstream.server.once('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
      socket.on('data', (data: Buffer) => socket.end(Buffer.from(data).reverse()));
    });
    const upgrade = (path: string): string =>
      `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\nabc`;
    assert.match(
      await sendRaw(harness.stack.listen.port, upgrade(STREAMING_PATH), (text) => text.endsWith('cba')),
      /^HTTP\/1\.1 101 /,
    );
    const { begun } = harness.upstream;
    assert.match(
      await sendRaw(harness.stack.listen.port, upgrade('/fund'), (text) => text.includes('FIM-RT-0004')),
      /^HTTP\/1\.1 415 /,
    );
    assert.equal(harness.upstream.begun, begun);
  });
});

describe('HTTP/2', () => {
  let h2: Harness;
  let session: ClientHttp2Session;
  before(async () => {
    h2 = await Harness.start({ routes: together(CONTRACT, STREAMING), http2Upstream: true });
    session = connect(h2.url);
  });
  after(async () => {
    session.destroy();
    await h2.stop();
  });

  interface H2Reply {
    status: number;
    body: string;
    trailers: IncomingHttpHeaders;
  }

  async function post(
    headers: Record<string, string>,
    pieces: readonly Buffer[],
    trailers?: Record<string, string>,
  ): Promise<H2Reply> {
    return new Promise((done, failed) => {
      const stream = session.request(
        { ':method': 'POST', ':path': '/', ...headers },
        { waitForTrailers: trailers !== undefined },
      );
      const reply: H2Reply = { status: 0, body: '', trailers: {} };
      stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
      stream.on('response', (got) => (reply.status = Number(got[constants.HTTP2_HEADER_STATUS])));
      stream.on('trailers', (got) => (reply.trailers = got));
      stream.setEncoding('utf8').on('data', (text: string) => (reply.body += text));
      stream.on('end', () => done(reply));
      stream.on('error', failed);
      for (const piece of pieces) stream.write(piece);
      stream.end();
    });
  }

  test('bodies with trailers, in pieces, are judged whole', async () => {
    for (const trailers of [undefined, { 'x-sum': '1' }]) {
      const { begun } = h2.upstream;
      const refused = await post(JSON_TYPE, [Buffer.from('{"transCode":'), Buffer.from('"99"}')], trailers);
      assert.equal(refused.status, 422);
      assert.equal(h2.upstream.begun, begun);
      const accepted = await post(JSON_TYPE, [GOOD.subarray(0, 9), GOOD.subarray(9)], trailers);
      assert.equal(accepted.status, 200, accepted.body);
      const arrived = h2.upstream.arrived.at(-1)!;
      assert.deepEqual(await openProtected(arrived.body.toString(), h2.stack.kmsUrl), GOOD);
      assert.deepEqual({ ...arrived.trailers }, {}, 'they might hold what the body hides');
    }
  });

  test('a length that the body does not keep resets the stream', async () => {
    const { begun } = h2.upstream;
    await assert.rejects(post({ ...JSON_TYPE, 'content-length': '5' }, [GOOD]));
    assert.equal(h2.upstream.begun, begun);
  });

  test('gRPC passes on a route without body stages only', async () => {
    h2.upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/grpc', trailer: 'grpc-status' });
      response.addTrailers({ 'grpc-status': '0' });
      response.end(Buffer.from([0, 0, 0, 0, 0]));
    };
    const frame = Buffer.from([0, 0, 0, 0, 2, 8, 1]);
    const passed = await post(
      { ':path': `${STREAMING_PATH}/Echo`, 'content-type': 'application/grpc', te: 'trailers' },
      [frame],
    );
    assert.equal(passed.status, 200);
    assert.equal(passed.trailers['grpc-status'], '0');
    assert.deepEqual(h2.upstream.arrived.at(-1)!.body, frame);
    const { begun } = h2.upstream;
    const refused = await post({ 'content-type': 'application/grpc', te: 'trailers' }, [frame]);
    assert.notEqual(refused.trailers['grpc-status'] ?? 'refused', '0');
    assert.equal(h2.upstream.begun, begun);
  });
});
