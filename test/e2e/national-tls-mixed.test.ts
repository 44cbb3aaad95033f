// Routes with and without `tls` on one listener: what clients get on each, before and after edits.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { route, together } from './resources.ts';
import { Certificates, post, TlcpClient } from './tlcp-client.ts';

const FIELDS = { fields: [{ name: 'a', pattern: '^[0-9]{4}$' }] };
const at = (value: string): object => ({ match: { path: { value } }, validation: FIELDS });
const SECURE = route('secure', { ...at('/secure'), tls: { cipherSuites: ['ECC-SM4-GCM-SM3'] } });
const OPEN = route('open', at('/open'));
const PATHS = ['/secure', '/open', '/nobody'];

let module: TlcpModule;
let certificates: Certificates;
let harness: Harness;
before(async () => {
  module = await TlcpModule.load();
  certificates = await Certificates.make();
  harness = await Harness.start({ routes: together(SECURE, OPEN), tlcp: certificates.identity });
});
after(() => harness?.stop());

/** All that a client in clear gets for a request. */
function inClear(path: string): Promise<Buffer> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    const socket = connect(harness.stack.listen.port, '127.0.0.1', () => socket.write(post(path, '{"a":"1234"}')));
    socket.on('data', (data: Buffer) => chunks.push(data));
    socket.on('error', () => {});
    socket.on('close', () => done(Buffer.concat(chunks)));
  });
}

async function overTlcp(path: string, body: string): Promise<number> {
  const client = await TlcpClient.ready(module, { port: harness.stack.listen.port, trust: certificates.authority });
  const { status } = await client.ask(post(path, body));
  client.destroy();
  return status;
}

const inClearStatus = async (path: string, body: string): Promise<number> =>
  (await send(harness.url, { path, body })).status;

describe('one route with tls makes the whole listener speak it', () => {
  test('in clear no path gets more than an alert, and nothing reaches the upstream', async () => {
    const { begun } = harness.upstream;
    for (const path of PATHS) assert.deepEqual([...(await inClear(path))], [21, 1, 1, 0, 2, 2, 10], path);
    assert.equal(harness.upstream.begun, begun);
  });

  test('over national TLS each path has its own policy', async () => {
    const statuses: number[] = [];
    for (const path of PATHS) statuses.push(await overTlcp(path, '{"a":"1234"}'), await overTlcp(path, '{"a":"x"}'));
    assert.deepEqual(statuses, [200, 422, 200, 422, 200, 200]);
  });

  test('without the route that asks, clients in clear are served, by the policy that is left', async () => {
    assert.equal((await harness.edit(OPEN)).event, 'applied');
    await harness.poll(async () =>
      inClearStatus('/open', '{"a":"1234"}').then(
        (status) => status === 200,
        () => false,
      ),
    );
    assert.equal(await inClearStatus('/open', '{"a":"x"}'), 422);
    assert.equal((await harness.edit(together(SECURE, OPEN))).event, 'applied');
    await harness.poll(async () => (await inClear('/open')).length === 7);
    assert.equal(await overTlcp('/open', '{"a":"x"}'), 422);
  });
});
