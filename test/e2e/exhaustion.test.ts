// A greedy client: buffered bodies that never end, bytes that trickle. The proxy's memory stays within a bound, and
// others are served.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { MAX_CONCURRENT_STREAMS } from '../../envoy/limits.ts';
import { Harness } from './harness.ts';
import { send, sendRaw } from './http-client.ts';
import { route } from './resources.ts';

const MIB = 1024 * 1024;
const GOOD = '{"transCode":"01000001"}';
const ROUTE = route('judged', {
  body: { maxBytes: 16 * MIB },
  validation: { fields: [{ name: 'transCode', pattern: '^01' }] },
});

function residentMib({ stack }: Harness): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${stack.envoy.pid}/status`, 'utf8'))![1]) / 1024;
}

describe('held bodies that never end', () => {
  const HEAP_MIB = 256;
  /**
   * Memory of the modules' VMs, threads and code besides the heap (about 100), and the overshoot of the heap between
   * two readings a second apart, which is larger on faster machines. The clients offer 1,536.
   */
  const BESIDES_MIB = 512;
  const CONNECTIONS = 8;
  let harness: Harness;
  before(async () => (harness = await Harness.start({ routes: ROUTE, maxHeapBytes: HEAP_MIB * MIB })));
  after(() => harness.stop());

  /**
   * Opens `streams` on a connection and sends `bytes` of a body on each; what becomes of them is the proxy's business.
   */
  async function hold(session: ClientHttp2Session, streams: number, bytes: number): Promise<void> {
    const piece = Buffer.alloc(MIB / 4, 'x');
    const one = async (): Promise<void> => {
      const stream = session.request({ ':method': 'POST', ':path': '/', 'content-type': 'application/json' });
      const gone = new Promise<void>(
        (done) =>
          void stream
            .once('error', () => done())
            .once('close', () => done())
            .once('response', () => done()),
      );
      stream.write('{"memo":"');
      for (let sent = 0; sent < bytes && !stream.destroyed && !stream.closed; sent += piece.length) {
        await Promise.race([
          new Promise<void>((done) => void stream.write(piece, () => done())),
          gone,
          pause(2_000, undefined, { ref: false }),
        ]);
      }
    };
    await Promise.all(Array.from({ length: streams }, one));
  }

  test('memory stays within the bound; others are served afterwards', async (t) => {
    assert.equal((await send(harness.url, { body: GOOD })).status, 200);
    const before = residentMib(harness);
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, residentMib(harness))), 20);
    const sessions = Array.from({ length: CONNECTIONS }, () => connectHttp2(harness.url).on('error', () => {}));
    try {
      await Promise.all(sessions.map((session) => hold(session, MAX_CONCURRENT_STREAMS / 2, MIB)));
      await Promise.all(sessions.map(async (session) => session.destroyed || hold(session, 8, 16 * MIB)));
    } finally {
      clearInterval(watch);
      for (const session of sessions) session.destroy();
    }
    await harness.activeRequests(0);
    await harness.poll(async () => (await send(harness.url, { body: GOOD })).status === 200);
    const ended = (await harness.stack.envoy.admin.stats('reset_high_memory_stream.count$')).get(
      'envoy.overload_actions.reset_high_memory_stream.count',
    );
    t.diagnostic(
      `heap ${HEAP_MIB} MiB, ${CONNECTIONS} connections: from ${before.toFixed(0)} to at most ${most.toFixed(0)} MiB; ${ended} streams ended`,
    );
    assert.ok(most < HEAP_MIB + BESIDES_MIB, `${most} MiB`);
  });
});

describe('bytes that drip', () => {
  const REQUEST_TIMEOUT_MS = 1_500;
  let harness: Harness;
  before(async () => (harness = await Harness.start({ routes: ROUTE, requestTimeoutMs: REQUEST_TIMEOUT_MS })));
  after(() => harness.stop());

  test('a body that goes on for ever ends with 408 and a code, and nothing is sent', async () => {
    const { begun } = harness.upstream;
    const started = performance.now();
    const text = await new Promise<string>((done, failed) => {
      const socket = connect(harness.stack.listen.port, '127.0.0.1');
      socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{');
      const drip = setInterval(() => socket.write('\n'), 200);
      let got = '';
      socket
        .setEncoding('utf8')
        .on('error', failed)
        .on('data', (piece: string) => {
          got += piece;
          if (!got.endsWith('}\n')) return;
          socket.destroy();
          done(got);
        });
      socket.on('close', () => clearInterval(drip));
    });
    assert.match(text, /^HTTP\/1\.1 408 [\s\S]*"code":"FIM-RT-0024"/);
    assert.ok(performance.now() - started < 20 * REQUEST_TIMEOUT_MS);
    assert.equal(harness.upstream.begun, begun);
  });

  test('headers that never end do, too', async () => {
    const text = await sendRaw(harness.stack.listen.port, 'POST / HTTP/1.1\r\nhost: x\r\n', (got) =>
      got.endsWith('}\n'),
    );
    assert.match(text, /^HTTP\/1\.1 408 [\s\S]*"code":"FIM-RT-0024"/);
  });
});
