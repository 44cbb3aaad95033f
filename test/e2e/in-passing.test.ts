// Validation in passing on a real Envoy, HTTP/1.1: large bodies in constant memory, and what both sides see of one that
// is cut off.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Harness } from './harness.ts';
import { JSON_TYPE, problemOf, send, sendRaw } from './http-client.ts';
import type { Reply } from './http-client.ts';
import { route, together } from './resources.ts';

const MIB = 1024 * 1024;
/** Memory that all requests of a run may add to the proxy: its buffers, not their bodies. */
const GROWTH_MIB = 64;
const LARGE_MIB = 96;
const FIELDS = [
  { path: '$.items[*].n', type: 'integer' },
  { name: 'transCode', pattern: '^01[0-9]{6}$' },
];
const REQUESTS = route('requests', { validation: { mode: 'Stream', fields: FIELDS } });
const RESPONSES = route('responses', {
  match: { path: { value: '/responses' } },
  validation: { mode: 'Stream', response: true, fields: [{ name: 'a', type: 'integer' }] },
});
const GZIP = route('gzip', {
  match: { path: { value: '/gzip' } },
  body: { compressed: 'Decompress' },
  validation: { mode: 'Stream', fields: FIELDS },
});

let harness: Harness;
before(async () => (harness = await Harness.start({ routes: together(REQUESTS, RESPONSES, GZIP) })));
after(() => harness.stop());

/** A message whose field `transCode` comes last. */
function message(items: number, transCode: string): Buffer {
  return Buffer.from(
    `{"items":[${'{"n":12345678,"text":"abcdefghijklmnopqrstuvwxyz"},'.repeat(items)}{"n":0}],"transCode":"${transCode}"}`,
  );
}

const resident = (): number => {
  const status = readFileSync(`/proc/${harness.stack.envoy.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) / 1024;
};

test('a large message passes in memory that does not grow with it', async (t) => {
  let arrivedBytes = 0;
  harness.upstream.onBegin = (incoming: IncomingMessage) =>
    void incoming.on('data', (piece: Buffer) => (arrivedBytes += piece.length));
  const piece = Buffer.from('{"n":12345678,"text":"abcdefghijklmnopqrstuvwxyz"},'.repeat(2_000));
  await send(harness.url, { body: message(1000, '01000001') });
  const beforeMib = resident();
  arrivedBytes = 0;
  const outgoing = request(harness.url, { method: 'POST', headers: JSON_TYPE });
  const status = new Promise<number>(
    (done, failed) => void outgoing.on('response', (reply) => done(reply.resume().statusCode!)).on('error', failed),
  );
  const write = (bytes: Buffer | string): Promise<void> =>
    new Promise((done) => void outgoing.write(bytes, () => done()));
  await write('{"items":[');
  let sent = 0;
  let mostMib = 0;
  while (sent < LARGE_MIB * MIB) {
    await write(piece);
    sent += piece.length;
    mostMib = Math.max(mostMib, resident());
  }
  outgoing.end('{"n":0}],"transCode":"01000001"}');
  assert.equal(await status, 200);
  assert.ok(arrivedBytes > sent);
  t.diagnostic(`${LARGE_MIB} MiB: from ${beforeMib.toFixed(0)} to at most ${mostMib.toFixed(0)} MiB`);
  assert.ok(mostMib - beforeMib < GROWTH_MIB, `${mostMib - beforeMib} MiB more`);
  harness.upstream.onBegin = () => {};
});

test('a mistake at the end: the client gets the reason, the upstream never the end', async () => {
  let begun = (): void => {};
  const beginning = new Promise<void>((done) => (begun = done));
  const broken = new Promise<boolean>((done) => {
    harness.upstream.onBegin = (incoming: IncomingMessage) => {
      begun();
      incoming.on('close', () => done(incoming.complete));
    };
  });
  const { length } = harness.upstream.arrived;
  const outgoing = request(harness.url, { method: 'POST', headers: JSON_TYPE });
  const answer = new Promise<Reply>((done, failed) => {
    outgoing.on('error', failed).on('response', (incoming) => {
      const pieces: Buffer[] = [];
      incoming
        .on('data', (piece: Buffer) => pieces.push(piece))
        .on('end', () =>
          done({ status: incoming.statusCode!, headers: incoming.headers, body: Buffer.concat(pieces) }),
        );
    });
  });
  outgoing.write(message(1_000, '01000001').subarray(0, 40_000));
  await beginning;
  outgoing.write('}}}');
  const reply = await answer;
  assert.equal(reply.status, 422);
  const problem = problemOf(reply);
  assert.equal(problem.code, 'FIM-PBOC-0001');
  assert.equal(problem.errors?.length, 1);
  assert.equal(await broken, false);
  assert.equal(harness.upstream.arrived.length, length, 'nothing whole has arrived');
  harness.upstream.onBegin = () => {};
});

test('a response with a mistake behind its beginning never ends well for the client', async () => {
  const parts = ['{"b":"', 'x'.repeat(100_000), '","a":"no number"}'];
  harness.upstream.answer = (_request, response: ServerResponse) => {
    response.writeHead(200, { ...JSON_TYPE });
    for (const part of parts) response.write(part);
    response.end();
  };
  const chunked = await sendRaw(
    harness.stack.listen.port,
    'GET /responses HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
  );
  assert.doesNotMatch(chunked, /\r\n0\r\n\r\n$/, 'the last chunk would say that all is well');
  assert.doesNotMatch(chunked, /no number/);
  harness.upstream.answer = (_request, response: ServerResponse) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': String(parts.join('').length) });
    for (const part of parts) response.write(part);
    response.end();
  };
  const declared = await sendRaw(
    harness.stack.listen.port,
    'GET /responses HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
  );
  if (declared.startsWith('HTTP/1.1 200')) assert.ok(declared.length < parts.join('').length);
  assert.doesNotMatch(declared, /no number/);
  harness.upstream.answer = (_request, response) => response.writeHead(200, JSON_TYPE).end('{"a":1}');
  const good = await sendRaw(
    harness.stack.listen.port,
    'GET /responses HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
  );
  assert.match(good, /\{"a":1\}/);
});

test('compressed bodies are held, opened and checked whole where others pass in pieces', async () => {
  const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' };
  for (let i = 0; i < 3; i++)
    assert.equal(
      (await send(harness.url, { path: '/gzip', headers, body: gzipSync(message(10, '01000001')) })).status,
      200,
    );
  const passed = await send(harness.url, { path: '/gzip', headers, body: gzipSync(message(100, '01000001')) });
  assert.equal(passed.status, 200, passed.body.toString());
  assert.equal(harness.upstream.arrived.at(-1)!.body.length, message(100, '01000001').length);
  const { begun } = harness.upstream;
  const reply = await send(harness.url, { path: '/gzip', headers, body: gzipSync(message(100, '99')) });
  const cut = await send(harness.url, {
    path: '/gzip',
    headers,
    body: gzipSync(message(100, '01000001')).subarray(0, -1),
  });
  assert.deepEqual([cut.status, problemOf(cut).code], [422, 'FIM-RT-0052']);
  assert.equal(harness.upstream.begun, begun);
  assert.equal(reply.status, 422);
  assert.deepEqual(
    problemOf(reply).errors?.map(({ code, path }) => [code, path]),
    [['FIM-PBOC-0007', '/transCode']],
  );
});
