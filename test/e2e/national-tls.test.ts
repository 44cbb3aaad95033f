// Routes that ask for national TLS, on a stock Envoy: handshakes of every kind, what is refused, who the client is.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { readFileSync } from 'node:fs';
import { TlcpModule, type SuiteName } from '../../scripts/fim/tlcp-module.ts';
import { Harness, KEY_ID } from './harness.ts';
import { CONTRACT, route } from './resources.ts';
import { Certificates, type ClientOptions, get, post, TlcpClient } from './tlcp-client.ts';

const ALL = ['ECDHE-SM4-GCM-SM3', 'ECC-SM4-GCM-SM3', 'ECDHE-SM4-SM3', 'ECC-SM4-SM3'];
const SUITES: SuiteName[] = ['ECDHE_SM4_GCM_SM3', 'ECC_SM4_GCM_SM3', 'ECDHE_SM4_CBC_SM3', 'ECC_SM4_CBC_SM3'];
const GOOD = '{"transCode":"01200101","amount":"100.00"}';

let module: TlcpModule;
let certificates: Certificates;
let foreign: Certificates;
before(async () => {
  module = await TlcpModule.load();
  [certificates, foreign] = [await Certificates.make(), await Certificates.make()];
});

/** A client that trusts the authority and has its certificates, unless told. */
function optionsOf(harness: Harness, more: Partial<ClientOptions> = {}): ClientOptions {
  return {
    port: harness.stack.listen.port,
    trust: certificates.authority,
    identity: certificates.client,
    takesTickets: true,
    ...more,
  };
}

async function counters(harness: Harness): Promise<Map<string, number>> {
  return harness.stack.envoy.admin.stats(String.raw`^wasmcustom\.fim\.tlcp\.`);
}

describe('the contract resource', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({ routes: CONTRACT, tlcp: certificates.identity, logsAccess: true });
  });
  after(() => harness.stop());

  test('is programmed, and nothing is warned of', () => {
    const applied = harness.events.find((event) => event.event === 'applied')!;
    assert.deepEqual(applied.notices, []);
    assert.ok(applied.conditions.some(({ type, status }) => type === 'Programmed' && status === 'True'));
    assert.deepEqual(applied.tlcp, {
      suites: ['ECDHE-SM4-SM3'],
      clientCertificates: true,
      developmentFolder: '/development',
    });
  });

  test('is served over ECDHE_SM4_CBC_SM3: validated, encrypted, with the name of the client', async () => {
    const client = await TlcpClient.ready(module, optionsOf(harness));
    assert.equal(client.connection.suite, 'ECDHE_SM4_CBC_SM3');
    assert.equal(client.connection.protocol, 'http/1.1');
    assert.equal((await client.ask(post('/fund', GOOD))).status, 200);
    const arrived = harness.upstream.arrived.at(-1)!;
    assert.equal((JSON.parse(arrived.body.toString()) as { kid: string }).kid, `${KEY_ID}#1`);
    assert.equal(arrived.headers['x-fim-client-subject'], 'CN=FIM development client');
    assert.match(String(arrived.headers['x-fim-client-serial']), /^[0-9a-f]{32}$/);
    assert.equal(arrived.headers['x-fim-client-fingerprint'], fingerprint(certificates.files['client-sign.pem']!));
    const ends = String(arrived.headers['x-fim-client-not-after']);
    assert.ok(Math.abs(Date.parse(ends) - Date.now() - 30 * 86_400_000) < 86_400_000, ends);
    assert.ok(Date.parse(String(arrived.headers['x-fim-client-not-before'])) < Date.now());
    const refused = await client.ask(post('/fund', '{"transCode":"99"}'));
    assert.equal(refused.status, 422);
    assert.equal((await client.ask(get('/status'))).status, 200, 'the connection is kept');
    await client.close();
  });

  test('what a client says of itself is removed, in any spelling', async () => {
    const client = await TlcpClient.ready(module, optionsOf(harness));
    const claims = {
      'x-fim-client-subject': 'CN=root',
      x_fim_client_serial: '1',
      'X-Fim_Client-Fingerprint': 'ff',
    };
    assert.equal((await client.ask(get('/status', claims))).status, 200);
    const { headers } = harness.upstream.arrived.at(-1)!;
    const values = Object.entries(headers).filter(([name]) => name.replaceAll('_', '-').startsWith('x-fim-client-'));
    assert.equal(values.length, 5);
    assert.ok(
      values.every(([, value]) => !['CN=root', '1', 'ff'].includes(String(value))),
      JSON.stringify(values),
    );
    client.destroy();
  });

  test('the log has the requests of clients alone, with the fingerprint', async () => {
    await harness.poll(async () => readFileSync(harness.accessLog, 'utf8').includes('"status":422'));
    const lines = readFileSync(harness.accessLog, 'utf8').trim().split('\n');
    for (const line of lines) {
      const said = JSON.parse(line) as { client: string; details: string };
      assert.notEqual(said.details, 'FIM-TLCP');
      assert.equal(said.client, fingerprint(certificates.files['client-sign.pem']!));
    }
  });

  test('plain HTTP and other TLS get no byte to the upstream', async () => {
    const { begun } = harness.upstream;
    const { port } = harness.stack.listen;
    const answer = await new Promise<Buffer>((done) => {
      const chunks: Buffer[] = [];
      const socket = connect(port, '127.0.0.1', () => socket.write(post('/fund', GOOD)));
      socket.on('data', (data: Buffer) => chunks.push(data));
      socket.on('error', () => {});
      socket.on('close', () => done(Buffer.concat(chunks)));
    });
    assert.deepEqual([...answer], [21, 1, 1, 0, 2, 2, 10], 'the alert unexpected_message');
    await new Promise<void>((done) => {
      const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
      socket.on('error', () => {});
      socket.on('close', () => done());
    });
    assert.equal(harness.upstream.begun, begun);
  });

  test('a client without certificates, or without the suite, is told by an alert', async () => {
    const without = await TlcpClient.open(
      module,
      optionsOf(harness, { identity: undefined, suites: ['ECC_SM4_CBC_SM3'] }),
    );
    await without.until(() => without.over);
    assert.deepEqual(
      [without.connection.ending.alert, without.connection.ending.side],
      ['handshake_failure', 'the other side'],
    );
    await without.until(() => without.ended);
    assert.ok(without.ended, 'the proxy closes after its alert');
  });

  test('a client of HTTP/2 alone is told by an alert; one that has HTTP/1.1 beside it gets that', async () => {
    const alone = await TlcpClient.open(module, optionsOf(harness, { protocols: ['h2'] }));
    await alone.until(() => alone.ended);
    const { alert, side } = alone.connection.ending;
    assert.deepEqual([alert, side], ['no_application_protocol', 'the other side']);
    const both = await TlcpClient.ready(module, optionsOf(harness, { protocols: ['h2', 'http/1.1'] }));
    assert.equal(both.connection.protocol, 'http/1.1');
    assert.equal((await both.ask(post('/', GOOD))).status, 200);
    await both.close();
  });
});

describe('every suite', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({
      routes: route('any', { tls: { cipherSuites: ALL, clientAuth: 'Optional' } }),
      tlcp: certificates.identity,
    });
  });
  after(() => harness.stop());

  for (const suite of SUITES) {
    for (const segment of [Infinity, 7, 1]) {
      test(`${suite}, ${segment === Infinity ? 'whole flights' : `${segment}-byte segments`}: full and resumed`, async () => {
        let session = 0;
        for (const resumed of [false, true, true]) {
          const client = await TlcpClient.ready(module, optionsOf(harness, { suites: [suite], segment, session }));
          assert.equal(client.connection.suite, suite);
          assert.equal(client.connection.isResumed, resumed);
          const answer = await client.ask(post('/echo', GOOD));
          assert.equal(answer.status, 200);
          assert.ok(answer.body.includes('{"ok":true}'), answer.body);
          const arrived = harness.upstream.arrived.at(-1)!;
          assert.equal(arrived.body.toString(), GOOD);
          assert.equal(arrived.headers['x-fim-client-subject'], 'CN=FIM development client', 'also resumed');
          session = client.connection.keepSession();
          assert.ok(client.connection.hasTicket(session));
          await client.close();
        }
      });
    }
  }

  test('a certificate is optional with ECC: no certificate, no name', async () => {
    const client = await TlcpClient.ready(
      module,
      optionsOf(harness, { identity: undefined, suites: ['ECC_SM4_GCM_SM3'] }),
    );
    assert.equal((await client.ask(get('/', { 'x-fim-client-subject': 'CN=root' }))).status, 200);
    const names = Object.keys(harness.upstream.arrived.at(-1)!.headers);
    assert.deepEqual(
      names.filter((name) => name.startsWith('x-fim-client')),
      [],
    );
    await client.close();
  });

  test('a certificate of another authority of the same name is refused by bad_certificate', async () => {
    for (const suite of SUITES) {
      const client = await TlcpClient.open(module, optionsOf(harness, { identity: foreign.client, suites: [suite] }));
      await client.until(() => client.over);
      assert.deepEqual(
        [client.connection.ending.alert, client.connection.ending.side],
        ['bad_certificate', 'the other side'],
        suite,
      );
      client.destroy();
    }
  });

  test('requests one after another in one write are answered in order', async () => {
    const client = await TlcpClient.ready(module, optionsOf(harness));
    let number = 0;
    harness.upstream.answer = (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`<${number++}>`);
    await client.write(Array.from({ length: 20 }, (_, i) => get(`/${i}`)).join(''));
    await client.until(() => client.plain.includes('<19>'));
    const order = [...client.plain.toString().matchAll(/<(\d+)>/g)].map(([, i]) => Number(i));
    assert.deepEqual(
      order,
      Array.from({ length: 20 }, (_, i) => i),
    );
    harness.upstream.answer = (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
    await client.close();
  });

  test('a forged record ends the connection by bad_record_mac, and what it holds goes nowhere', async () => {
    const { begun } = harness.upstream;
    const client = await TlcpClient.ready(module, optionsOf(harness, { suites: ['ECC_SM4_GCM_SM3'] }));
    client.raw(Buffer.concat([Buffer.from([23, 1, 1, 0, 64]), Buffer.alloc(64, 7)]));
    await client.until(() => client.over);
    assert.deepEqual(
      [client.connection.ending.alert, client.connection.ending.side],
      ['bad_record_mac', 'the other side'],
    );
    await client.until(() => client.ended);
    assert.equal(harness.upstream.begun, begun);
  });

  test('handshakes, connections and their ends are counted', async () => {
    // A machine gives its counters to the proxy at its next tick, so they are asked for until they are there.
    await harness.poll(async () => {
      const now = await counters(harness);
      const ends = (suite: string, end: string): number =>
        now.get(`wasmcustom.fim.tlcp.handshakes_total{suite=${suite},result=${end}}`) ?? 0;
      return (
        now.get('wasmcustom.fim.tlcp.connections.opened') === now.get('wasmcustom.fim.tlcp.connections.closed') &&
        now.get('wasmcustom.fim.tlcp.connections.cut') === 1 &&
        now.get('wasmcustom.fim.tlcp.connections.live') === 0 &&
        SUITES.every((suite) => ends(suite, 'full') >= 3 && ends(suite, 'resumed') >= 6 && ends(suite, 'failed') >= 1)
      );
    });
  });
});

/** SM3 of a certificate. */
function fingerprint(pem: string): string {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----/g, ''), 'base64');
  return createHash('sm3').update(der).digest('hex');
}
