// One client cannot take the proxy's memory: what streams hold until their verdict has a total for each connection and
// for each worker.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:http2';
import { after, before, test } from 'node:test';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { route } from './resources.ts';

const MIB = 1024 * 1024;
/** As in filters/limits.ts. */
const MAX_CONNECTION_MIB = 64;
const MAX_HELD_MIB = 256;
/** Envoy's own share: buffers of connections, and what the allocator keeps. */
const OVERHEAD_MIB = 120;
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
 * Opens streams on a connection of their own, each with a body that has not ended, and counts what they were answered.
 */
function flood(statuses: Map<number, number>): void {
  // With less memory for what it has yet to send, the client itself would break off streams that are answered.
  const session = connect(harness.url, { maxSessionMemory: CLIENT_MEMORY_MB });
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

async function stat(name: string): Promise<number> {
  return (await harness.stack.envoy.admin.stats(name)).get(`wasmcustom.${name}`) ?? 0;
}

const held = async (): Promise<number> => (await stat('fim.held.taken_bytes')) - (await stat('fim.held.given_bytes'));

test('streams that hold their bodies are refused beyond a total for their connection, then for the worker; memory stays bounded; afterwards all is given back', async (t) => {
  const before = await residentMib();
  const statuses = new Map<number, number>();
  flood(statuses);
  await harness.poll(
    async () => (await stat('fim.refused.FIM-RT-0031')) > 0 && (await held()) >= (MAX_CONNECTION_MIB - 2) * 1e6,
  );
  assert.ok((await held()) <= MAX_CONNECTION_MIB * MIB);
  for (let i = 0; i < 5; i++) flood(statuses);
  await harness.poll(
    async () => (await stat('fim.refused.FIM-RT-0030')) > 0 && (await held()) >= (MAX_HELD_MIB - 4) * 1e6,
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
  assert.equal((await send(harness.url, { body: GOOD })).status, 200);
});
