// Protection never switches off: edits beside streams that do not end, with one worker, past every number at which
// something could be full.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Harness, KEY_ID } from './harness.ts';
import { send } from './http-client.ts';
import { route, together } from './resources.ts';

/** Edits; a heavier run sets more. */
const EDITS = Number(process.env.FIM_TEST_EDITS ?? 300);
/** Retired roots of one VM that may have streams (as in the modules), and what comes between two looks. */
const MAX_STREAMS_LEFT = 64 + 40;
const MIB = 1024 * 1024;
const MAX_GROWTH_BYTES = 48 * MIB;

let harness: Harness;
const sockets: Socket[] = [];
before(async () => (harness = await Harness.start({ routes: policy(0), concurrency: 1 })));
after(async () => {
  for (const socket of sockets) socket.destroy();
  await harness.stop();
});

function policy(n: number): string {
  return together(
    route('judged', {
      match: { path: { value: '/judged' } },
      validation: { fields: [{ name: 'transCode', pattern: `^${n % 10}` }] },
    }),
    route('sealed', { match: { path: { value: '/sealed' } }, encryption: { keyId: KEY_ID, request: 'Encrypt' } }),
  );
}

/** A POST that no route concerns and that does not end. Its headers have reached the upstream. */
async function openStream(n: number): Promise<Socket> {
  const socket = connect({ port: harness.stack.listen.port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.write(`POST /slow/${n} HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n{`);
  sockets.push(socket);
  return socket;
}

async function assertJudges(n: number): Promise<void> {
  const [good, bad] = [`${n % 10}`, `${(n + 1) % 10}`].map((transCode) => JSON.stringify({ transCode })) as [
    string,
    string,
  ];
  const before = harness.upstream.arrived.length;
  assert.equal((await send(harness.url, { path: '/judged', body: good })).status, 200, `edit ${n}`);
  assert.equal((await send(harness.url, { path: '/sealed', body: 'plain-text' })).status, 200, `edit ${n}`);
  const refused = await send(harness.url, { path: '/judged', body: bad });
  assert.ok(refused.status === 400 || refused.status === 422, `edit ${n}: ${refused.status}`);
  const arrived = harness.upstream.arrived.slice(before).map(({ path, body }) => `${path} ${body}`);
  assert.equal(arrived.filter((text) => text.startsWith('/judged')).length, 1, `edit ${n}`);
  assert.ok(!arrived.some((text) => text.includes('plain-text')), `edit ${n}`);
}

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${harness.stack.envoy.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024;
}

test(`${EDITS} edits, each beside one more stream that does not end: every one is applied and judged by, memory and streams stay flat`, async (t) => {
  let resident = 0;
  for (let n = 1; n <= EDITS; n++) {
    await openStream(n);
    const event = await harness.edit(policy(n));
    assert.equal(event.event, 'applied', `edit ${n}: ${JSON.stringify(event)}`);
    if (n % 25 === 0 || n > EDITS - 3) await assertJudges(n);
    if (n === Math.floor(EDITS / 3)) resident = await residentBytes();
  }
  // A machine gives its counters to the proxy at its next tick.
  let stats = new Map<string, number>();
  await harness.poll(async () => {
    stats = await harness.stack.envoy.admin.stats('fim.stream.drained|fim.config.lost|downstream_rq_active');
    return (stats.get('wasmcustom.fim.stream.drained') ?? 0) >= EDITS - MAX_STREAMS_LEFT;
  });
  const left = sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length;
  const grown = (await residentBytes()) - resident;
  t.diagnostic(
    `${left} of ${EDITS} streams live; ${stats.get('wasmcustom.fim.stream.drained')} ended; resident memory ${(resident / MIB).toFixed(0)} MiB after a third, then ${(grown / MIB).toFixed(1)} MiB more`,
  );
  assert.ok(left <= MAX_STREAMS_LEFT, `${left} streams`);
  assert.equal(stats.get('wasmcustom.fim.config.lost') ?? 0, 0);
  assert.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more`);
  for (const socket of sockets) socket.destroy();
  await harness.activeRequests(0);
  await assertJudges(EDITS);
  assert.equal((await harness.edit(policy(EDITS + 1))).event, 'applied');
  await assertJudges(EDITS + 1);
});
