// One client cannot exhaust the proxy's memory: bytes buffered for a verdict have a total for each connection and each
// worker.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';
import { connect as connectPlain } from 'node:net';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { route } from './resources.ts';

const MIB = 1024 * 1024;
/** As in filters/limits.ts. */
const MAX_CONNECTION_MIB = 64;
const MAX_ADDRESS_MIB = 128;
const MAX_HELD_MIB = 256;
/** Envoy's own share: buffers of connections, and what the allocator keeps. */
const OVERHEAD_MIB = 120;
/** Memory that may stay allocated after a burst: the tables of its connections. */
const LEFT_MIB = 32;
const STREAMS = 100;
const CLIENT_MEMORY_MB = 512;
const PIECE = Buffer.alloc(1000 * 1000, 'x');
const GOOD = JSON.stringify({ transCode: '01' });

let harness: Harness;
const sessions: ClientHttp2Session[] = [];
before(
  async () =>
    (harness = await Harness.start({
      routes: route('judged', {
        body: { maxBytes: 2 * MIB },
        validation: { fields: [{ name: 'transCode', pattern: '^01' }] },
      }),
      concurrency: 1,
    })),
);
after(async () => {
  for (const session of sessions) session.destroy();
  await harness.stop();
});

async function residentMib(): Promise<number> {
  const status = await readFile(`/proc/${harness.stack.envoy.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
}

/**
 * Opens streams on a connection of their own, from an address of loopback's, each with a body that has not ended, and
 * counts what they were answered.
 */
function flood(statuses: Map<number, number>, localAddress: string): void {
  const session = connect(harness.url, {
    // With less memory for unsent data the client itself would reset answered streams.
    maxSessionMemory: CLIENT_MEMORY_MB,
    createConnection: () => connectPlain({ host: '127.0.0.1', port: harness.stack.listen.port, localAddress }),
  });
  session.on('error', () => {});
  sessions.push(session);
  for (let i = 0; i < STREAMS; i++) {
    const stream = session.request({ ':method': 'POST', ':path': '/', 'content-type': 'application/json' });
    stream.on('error', () => {});
    stream.on('response', (headers) =>
      statuses.set(Number(headers[':status']), (statuses.get(Number(headers[':status'])) ?? 0) + 1),
    );
    stream.resume();
    stream.write(PIECE);
  }
}

/** Bytes that Envoy has allocated and not freed, MiB. */
async function allocatedMib(): Promise<number> {
  const { allocated } = JSON.parse(await harness.stack.envoy.admin.get('/memory')) as { allocated: string };
  return Number(allocated) / MIB;
}

async function stat(name: string): Promise<number> {
  return (await harness.stack.envoy.admin.stats('^wasmcustom')).get(`wasmcustom.${name}`) ?? 0;
}

const held = async (): Promise<number> => (await stat('fim.held.taken_bytes')) - (await stat('fim.held.given_bytes'));

test('streams that hold their bodies are refused beyond a total for their connection, then for the worker; memory stays bounded; afterwards all is given back', async (t) => {
  const before = await residentMib();
  const allocated = await allocatedMib();
  const statuses = new Map<number, number>();
  flood(statuses, '127.0.0.1');
  await harness.poll(
    async () =>
      (await stat('fim.refused_total{code=FIM-RT-0031}')) > 0 && (await held()) >= (MAX_CONNECTION_MIB - 2) * 1e6,
  );
  assert.ok((await held()) <= MAX_CONNECTION_MIB * MIB);
  for (let i = 0; i < 5; i++) flood(statuses, `127.0.0.${2 + i}`);
  await harness.poll(
    async () => (await stat('fim.refused_total{code=FIM-RT-0030}')) > 0 && (await held()) >= (MAX_HELD_MIB - 4) * 1e6,
  );
  assert.ok((await held()) <= MAX_HELD_MIB * MIB);
  await harness.poll(async () => statuses.size > 0);
  const peak = await residentMib();
  t.diagnostic(
    `${6 * STREAMS} streams of 1 MB over 6 connections: ${JSON.stringify([...statuses])}; held ${((await held()) / MIB).toFixed(0)} MiB; resident ${before.toFixed(0)}, then ${peak.toFixed(0)} MiB`,
  );
  assert.deepEqual([...statuses.keys()], [503]);
  assert.ok(peak - before < MAX_HELD_MIB + OVERHEAD_MIB, `${peak - before} MiB more`);
  for (const session of sessions) session.destroy();
  await harness.poll(async () => (await held()) === 0);
  await harness.poll(async () => (await allocatedMib()) < allocated + LEFT_MIB);
  assert.equal((await send(harness.url, { body: GOOD })).status, 200);
});

const from = (localAddress: string): Agent => new Agent({ localAddress });

/**
 * An HTTP/1.1 upload from an address of loopback's that has sent `bytes` of a body of 2 MiB and stops there;
 * `claimed`: what it says its address is.
 */
function upload(localAddress: string, bytes: number, claimed: string): { socket: Socket; answer: () => string } {
  const socket = connectPlain({ host: '127.0.0.1', port: harness.stack.listen.port, localAddress });
  let answer = '';
  socket.on('error', () => {});
  socket.on('data', (piece) => (answer += piece.toString()));
  socket.write(
    `POST / HTTP/1.1\r\nhost: a\r\nx-forwarded-for: ${claimed}\r\ncontent-type: application/json\r\ncontent-length: ${2 * MIB}\r\n\r\n`,
  );
  socket.write(Buffer.alloc(bytes, ' '));
  return { socket, answer: () => answer };
}

for (const [about, uploads, bytes] of [
  ['large bodies', 200, 1.5 * MIB],
  ['bodies too small to be looked at each', 4000, 60 * 1024],
] as const) {
  test(`one address that holds all it may, over many HTTP/1 connections with ${about}, leaves room to another`, async (t) => {
    const opened = Array.from({ length: uploads }, (_, i) => upload('127.0.0.20', bytes, `198.51.100.${i % 256}`));
    t.after(() => opened.forEach(({ socket }) => socket.destroy()));
    const before = await stat('fim.refused_total{code=FIM-RT-0032}');
    await harness.poll(async () => (await stat('fim.refused_total{code=FIM-RT-0032}')) > before);
    await harness.poll(async () => (await held()) > (MAX_ADDRESS_MIB - 4) * MIB);
    // Bytes that came before bodies were looked at each do not count for the address.
    assert.ok((await held()) <= (MAX_ADDRESS_MIB + 32) * MIB, `${(await held()) / MIB} MiB`);
    const large = `{"transCode":"01","x":"${'x'.repeat(MIB)}"}`;
    for (const body of [GOOD, large])
      assert.equal((await send(harness.url, { body, agent: from('127.0.0.21') })).status, 200);
    opened.forEach(({ socket }) => socket.destroy());
    await harness.poll(async () => (await held()) === 0);
    assert.equal((await send(harness.url, { body: large, agent: from('127.0.0.20') })).status, 200);
  });
}
