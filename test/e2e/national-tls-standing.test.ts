// Connections that were let in before an edit of what is asked of clients, and how connections end, on a stock Envoy.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { Harness } from './harness.ts';
import { route } from './resources.ts';
import { Certificates, get, TlcpClient, type ClientOptions } from './tlcp-client.ts';

const CLOSED = 'the other side closed';
const UPGRADE = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n';

let module: TlcpModule;
let certificates: Certificates;
let stranger: Certificates;
let upstream: Server;
let harness: Harness;

/** Terms of today: whose clients are let in, by suites that ask each for a certificate. */
const terms = (trust: string): string => route('kept', { tls: { cipherSuites: ['ECDHE-SM4-GCM-SM3'], trust } });

async function edit(trust: string): Promise<void> {
  assert.equal((await harness.edit(terms(trust))).event, 'applied');
}

function client(more: Partial<ClientOptions> = {}): Promise<TlcpClient> {
  return TlcpClient.ready(module, {
    port: harness.stack.listen.port,
    trust: certificates.authority,
    identity: certificates.client,
    takesTickets: true,
    ...more,
  });
}

before(async () => {
  module = await TlcpModule.load();
  [certificates, stranger] = [await Certificates.make(), await Certificates.make()];
  upstream = createServer((request, response) => {
    if (request.url === '/empty') response.writeHead(204).end();
    else if (request.url === '/chunked') {
      response.write('first');
      setImmediate(() => response.end('last'));
    } else response.setHeader('content-length', 4).end('here');
  });
  upstream.on('upgrade', (_request, socket) => {
    socket.on('error', () => {});
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${UPGRADE}\r\n`);
    socket.on('data', (data: Buffer) => socket.write(data));
  });
  await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done));
  harness = await Harness.start({
    routes: terms(certificates.authority),
    tlcp: certificates.identity,
    upstream: new URL(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`),
  });
});

after(async () => {
  await harness.stop();
  upstream.closeAllConnections();
  upstream.close();
});

describe('an edit of trust', () => {
  test('ends kept connections that it does not let in, tunnels too, and no others', async () => {
    const kept = await client();
    const tunnel = await client();
    assert.equal((await kept.ask(get('/'))).status, 200);
    await tunnel.write(`GET /feed HTTP/1.1\r\nhost: bank.test\r\n${UPGRADE}\r\n`);
    await tunnel.until(() => tunnel.plain.includes('101 Switching'));
    await tunnel.write('ping');
    await tunnel.until(() => tunnel.plain.includes('ping'));

    await edit(certificates.authority + stranger.authority);
    assert.equal((await kept.ask(get('/'))).status, 200, 'one more authority changes nothing for it');
    const resumed = await client({ session: kept.connection.keepSession() });
    assert.equal(resumed.connection.isResumed, false, 'what was verified under another trust is verified again');
    const session = resumed.connection.keepSession();

    await edit(stranger.authority);
    for (const one of [kept, resumed]) {
      const answer = await one.ask(get('/'));
      assert.equal(answer.status, 421);
      assert.match(answer.body, /FIM-RT-0056/);
      await one.until(() => one.ended);
      assert.equal(one.connection.ending.reason, CLOSED);
    }
    await tunnel.write('more');
    await tunnel.until(() => tunnel.ended);
    assert.ok(!tunnel.plain.includes('more'));
    await assert.rejects(client({ session }), /unknown_ca|bad_certificate/);
    await harness.poll(
      async () =>
        (await harness.stack.envoy.admin.stats('connections.outdated')).get(
          'wasmcustom.fim.tlcp.connections.outdated',
        ) === 3,
    );
    await edit(certificates.authority);
  });
});

describe('an answer behind which the proxy closes', () => {
  for (const [path, body] of [
    ['/', 'here'],
    ['/empty', ''],
    ['/chunked', 'last'],
  ] as const)
    test(`${path} is followed by close_notify`, async () => {
      const one = await client();
      assert.equal((await one.ask(get('/'))).status, 200);
      assert.ok(one.connection.isOpen);
      await one.write(get(path, { connection: 'close' }));
      await one.until(() => one.ended);
      assert.ok(one.plain.includes(body));
      assert.equal(one.connection.ending.reason, CLOSED);
      assert.equal(one.connection.ending.inOrder, true);
    });

  test('of the proxy itself, too', async () => {
    const one = await client();
    await one.write(get('/%', { connection: 'close' }));
    await one.until(() => one.ended);
    assert.match(one.plain.toString(), /^HTTP\/1.1 400 /);
    assert.equal(one.connection.ending.reason, CLOSED);
  });
});
