// Changes that a route makes to a listener that it shares: what one client may take of it, for all; how paths are read,
// for the requests that the route may concern.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { CLIENT_STREAM_WINDOW_BYTES, MAX_CONCURRENT_STREAMS } from '../../envoy/limits.ts';
import { JSON_TYPE, send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { OperatedMesh } from './operated-mesh.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const REQUEST_TIMEOUT_S = 4;
const MIB = 1024 * 1024;
const STREAMS = 500;
const BODY_BYTES = MIB / 4;
/** Of a connection: what the streams hold that it may have at a time, and as much besides. */
const MOST_BYTES = 2 * MAX_CONCURRENT_STREAMS * BODY_BYTES;
const PAYING = route('paying', {
  match: { hosts: ['pay.bank.cn'], path: { type: 'PathPrefix', value: '/pay' } },
  validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] },
});

describe('a listener that a route shares', () => {
  let stack: OperatedMesh;
  const at = (host: string, path: string, body = '{"account":"12"}'): ReturnType<typeof send> =>
    send(stack.url, { body, path, headers: { ...JSON_TYPE, host } });

  before(
    async () => {
      stack = await OperatedMesh.start(undefined, {
        operator: { flags: ['--request-timeout', `${REQUEST_TIMEOUT_S}s`] },
      });
      await stack.apply(PAYING);
      await stack.condition('paying', 'Programmed', 'True');
    },
    { timeout: SET_UP_MS },
  );
  after(() => stack?.stop());

  it('reads the paths of the route in one way, and leaves those of other hosts as they are', async () => {
    assert.equal((await at('pay.bank.cn', '/pay/x')).status, 422);
    assert.equal((await at('pay.bank.cn', '//pay//x')).status, 422);
    const unclear = await at('pay.bank.cn', '/pay%2Fx');
    assert.equal(unclear.status, 400);
    assert.match(unclear.body.toString(), /FIM-RT-0040/);
    for (const path of ['/a%2Fb', '/x//y', '/pay%2Fx', '//pay']) {
      assert.equal((await at('files.bank.cn', path)).status, 200, path);
      assert.equal(stack.upstream.arrived.at(-1)?.path, path);
    }
  });

  it('ends an upload that goes on for ever, whatever its pace', async () => {
    const address = new URL(stack.url);
    const text = await new Promise<string>((done) => {
      const socket = connect(Number(address.port), address.hostname);
      socket.write(
        'POST /pay HTTP/1.1\r\nhost: pay.bank.cn\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{',
      );
      const drip = setInterval(() => socket.write('\n'), 200);
      let got = '';
      socket
        .setEncoding('utf8')
        // Bytes that drip in after the answer meet a closed connection.
        .on('error', () => undefined)
        .on('data', (piece: string) => {
          got += piece;
          clearInterval(drip);
          socket.end();
        })
        .on('close', () => {
          clearInterval(drip);
          done(got);
        });
    });
    assert.match(text, /^HTTP\/1\.1 408 /);
    assert.equal((await at('pay.bank.cn', '/pay', '{"account":"1234"}')).status, 200);
  });

  it('takes of one connection no more than its streams may hold', async (t) => {
    const session = connectHttp2(stack.url).on('error', () => undefined);
    await new Promise((done) => session.once('remoteSettings', done));
    assert.equal(session.remoteSettings.maxConcurrentStreams, MAX_CONCURRENT_STREAMS);
    assert.equal(session.remoteSettings.initialWindowSize, CLIENT_STREAM_WINDOW_BYTES);
    const allocated = async (): Promise<number> =>
      (await stack.gateway.stats('^server.memory_allocated$')).get('server.memory_allocated') ?? NaN;
    const before = await allocated();
    const answers = hold(session);
    let most = before;
    const watch = until('the streams have ended', async () => {
      most = Math.max(most, await allocated());
      return session.destroyed || session.closed;
    });
    await answers;
    session.destroy();
    await watch;
    t.diagnostic(`${STREAMS} streams: ${((most - before) / MIB).toFixed(1)} MiB more than before`);
    assert.ok(most - before > BODY_BYTES, 'bodies are held');
    assert.ok(most - before < MOST_BYTES, `${most - before} bytes`);
    assert.equal((await at('pay.bank.cn', '/pay', '{"account":"1234"}')).status, 200);
  });
});

/** Bodies that never end, on as many streams; settles when each has been answered or ended. */
async function hold(session: ClientHttp2Session): Promise<void> {
  const one = (): Promise<void> =>
    new Promise((done) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/pay',
        ':authority': 'pay.bank.cn',
        'content-type': 'application/json',
      });
      for (const event of ['error', 'close', 'response']) stream.once(event, () => done());
      stream.write(`{"memo":"${'x'.repeat(BODY_BYTES)}`);
    });
  await Promise.all(Array.from({ length: STREAMS }, one));
}
