// The client's identity, where a policy or an upstream goes by it: limits by certificate, claims that nobody may make,
// the scheme that upstreams are told.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { Harness } from './harness.ts';
import { sendRaw } from './http-client.ts';
import { route, together } from './resources.ts';
import { Certificates, get, post, TlcpClient } from './tlcp-client.ts';

const TLS = { cipherSuites: ['ECC-SM4-GCM-SM3'], clientAuth: 'Optional' };
const LIMIT = route('limited', {
  match: { path: { value: '/limited' } },
  tls: TLS,
  rateLimit: { requests: 2, period: '1h', key: { clientCertificate: true } },
});
/** A message names values as the proxy names who the client is, and with them a limit's key. */
const EXTRACT = route('extracts', {
  match: { path: { value: '/extracts' } },
  tls: TLS,
  validation: {
    fields: [{ name: 'a' }],
    extract: [
      { name: 'client_fingerprint', path: '$.a' },
      { name: 'made_up', path: '$.b' },
    ],
  },
  rateLimit: { requests: 2, period: '1h', key: { clientCertificate: true } },
});

let module: TlcpModule;
let certificates: Certificates;
let harness: Harness;
before(async () => {
  module = await TlcpModule.load();
  certificates = await Certificates.make();
  harness = await Harness.start({
    routes: together(LIMIT, EXTRACT),
    tlcp: certificates.identity,
    logsAccess: true,
  });
});
after(() => harness.stop());

function connect(withCertificate: boolean): Promise<TlcpClient> {
  return TlcpClient.ready(module, {
    port: harness.stack.listen.port,
    trust: certificates.authority,
    ...(withCertificate ? { identity: certificates.client } : {}),
  });
}

describe('a limit by the certificate of the client', () => {
  test('counts over all connections of a certificate, and those without one apart', async () => {
    const [one, another, without] = [await connect(true), await connect(true), await connect(false)];
    assert.equal((await one.ask(get('/limited'))).status, 200);
    assert.equal((await another.ask(get('/limited'))).status, 200);
    assert.equal((await one.ask(get('/limited'))).status, 429);
    assert.equal((await another.ask(get('/limited'))).status, 429);
    const claims = { 'x-fim-client-fingerprint': 'ab'.repeat(32) };
    assert.equal((await without.ask(get('/limited', claims))).status, 200);
    assert.equal((await without.ask(get('/limited'))).status, 200);
    assert.equal((await without.ask(get('/limited', claims))).status, 429);
    for (const client of [one, another, without]) client.destroy();
  });

  test('goes by no value of a message, whatever it is called, nor does the log', async () => {
    const without = await connect(false);
    const answers: number[] = [];
    for (const a of ['x1', 'x2', 'x3'])
      answers.push((await without.ask(post('/extracts', JSON.stringify({ a, b: '1' })))).status);
    assert.deepEqual(answers, [200, 200, 429]);
    without.destroy();
    const logged = (): string[] =>
      readFileSync(harness.accessLog, 'utf8')
        .split('\n')
        .filter((line) => line.includes('"POST"'));
    await harness.poll(async () => logged().length === 3);
    for (const line of logged()) assert.equal((JSON.parse(line) as { client: unknown }).client, null);
  });
});

test('upstreams are told that requests came encrypted', async () => {
  const client = await connect(false);
  assert.equal((await client.ask(get('/limited-not', { 'x-forwarded-proto': 'http' }))).status, 200);
  assert.equal(harness.upstream.arrived.at(-1)!.headers['x-forwarded-proto'], 'https');
  client.destroy();
});

describe('without national TLS', () => {
  let plain: Harness | undefined;
  afterEach(() => plain?.stop());

  test('and without its module, what clients say of themselves does not arrive', async () => {
    plain = await Harness.start({ routes: route('plain', {}) });
    await noClaimArrives(plain);
  });

  test('what clients say of themselves does not arrive, in any spelling, nor in trailers', async () => {
    plain = await Harness.start({ routes: route('plain', {}), tlcp: certificates.identity });
    await noClaimArrives(plain);
  });

  async function noClaimArrives(proxy: Harness): Promise<void> {
    const answer = await sendRaw(
      proxy.stack.listen.port,
      [
        'POST / HTTP/1.1',
        'host: x',
        'content-type: application/json',
        'X-Fim-Client-Subject: CN=root',
        'x_fim_client_serial: 1',
        'x-fim_client-fingerprint: ff',
        'x-fim-other: 1',
        'transfer-encoding: chunked',
        '',
        '2',
        '{}',
        '0',
        'x-fim-client-subject: CN=root',
        '',
        '',
      ].join('\r\n'),
      (text) => text.endsWith('0\r\n\r\n'),
    );
    assert.match(answer, /^HTTP\/1\.1 200 /);
    const { headers, trailers } = proxy.upstream.arrived.at(-1)!;
    assert.deepEqual(
      Object.keys({ ...headers, ...trailers }).filter((name) => /^x.fim.client/.test(name)),
      [],
    );
    assert.equal(headers['x-fim-other'], '1');
    assert.equal(headers['x-forwarded-proto'], 'http');
  }
});
