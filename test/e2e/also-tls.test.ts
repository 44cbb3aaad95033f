// One port for national and ordinary TLS: who gets in by which, who the client is, edits, and a renewal under load.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { makeAuthority, makeCertificate, type Authority, type Certificate } from './certificates.ts';
import { Harness } from './harness.ts';
import { route } from './resources.ts';
import { Certificates, get, post, TlcpClient } from './tlcp-client.ts';

const GOOD = '{"transCode":"01200101"}';
const FIELDS = { fields: [{ name: 'transCode', pattern: '^01[0-9]{6}$' }] };
const REQUESTS_OF_A_RENEWAL = 60;

let module: TlcpModule;
let certificates: Certificates;
let authority: Authority;
let server: Certificate;
let teller: Certificate;
let stranger: Certificate;
let harness: Harness;
const folder = mkdtempSync(join(tmpdir(), 'fim-also-tls-'));
const certFile = join(folder, 'tls', 'server.pem');
const keyFile = join(folder, 'tls', 'server.key');

/** Writes the server's certificate as an agent renews it: by rename. */
function give({ certificate, key }: Certificate): void {
  for (const [file, text] of [
    [certFile, certificate],
    [keyFile, key],
  ] as const) {
    writeFileSync(`${file}~`, text);
    renameSync(`${file}~`, file);
  }
}

interface Answer {
  status: number;
  body: string;
  fingerprint: string;
}

/** A request over ordinary TLS. Rejects if the handshake does, at any time. */
function ask(path: string, client?: Certificate, headers: Record<string, string> = {}, agent?: Agent): Promise<Answer> {
  return new Promise((done, failed) => {
    const sent = request(
      {
        port: harness.stack.listen.port,
        host: '127.0.0.1',
        path,
        method: 'POST',
        ca: authority.certificate,
        ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
        headers: { 'content-type': 'application/json', ...headers },
        agent: agent ?? new Agent({ keepAlive: false, maxCachedSessions: 0 }),
      },
      (response) => {
        const { fingerprint256 } = (response.socket as import('node:tls').TLSSocket).getPeerCertificate();
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          done({
            status: response.statusCode!,
            body: Buffer.concat(chunks).toString(),
            fingerprint: fingerprint256,
          }),
        );
      },
    );
    sent.on('error', failed);
    sent.end(GOOD);
  });
}

/** Answer that a client in clear gets. */
function inClear(): Promise<Buffer> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    const socket = connect(harness.stack.listen.port, '127.0.0.1', () => socket.write(post('/', GOOD)));
    socket.on('data', (data: Buffer) => chunks.push(data));
    socket.on('error', () => {});
    socket.on('close', () => done(Buffer.concat(chunks)));
  });
}

/** Time in which the first request over a connection certainly comes, milliseconds. */
const SHORT_LIFE_MS = 20_000;

const claims = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(harness.upstream.arrived.at(-1)!.headers)
      .filter(([name]) => /^x.fim.client/.test(name))
      .map(([name, value]) => [name, String(value)]),
  );
const routes = (more: object, name = 'both'): string =>
  route(name, { tls: { cipherSuites: ['ECDHE-SM4-SM3'], ...more }, validation: FIELDS });
const required = (): object => ({ alsoTls: { trust: authority.certificate } });

before(async () => {
  mkdirSync(join(folder, 'tls'));
  module = await TlcpModule.load();
  certificates = await Certificates.make();
  authority = makeAuthority('Bank Root');
  server = makeCertificate(authority, 'gateway');
  teller = makeCertificate(authority, 'teller');
  stranger = makeCertificate(makeAuthority('Bank Root'), 'teller');
  give(server);
  harness = await Harness.start({
    routes: routes(required()),
    tlcp: certificates.identity,
    tlsIdentity: { certFile, keyFile },
    logsAccess: true,
  });
});
after(async () => {
  await harness?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const national = (): Promise<TlcpClient> =>
  TlcpClient.ready(module, {
    port: harness.stack.listen.port,
    trust: certificates.authority,
    identity: certificates.client,
  });

describe('the contract suite with ordinary TLS beside it', () => {
  test('both are served on one port, by the same policy, each with its client', async () => {
    const client = await national();
    assert.equal((await client.ask(post('/', GOOD))).status, 200);
    assert.equal(claims()['x-fim-client-subject'], 'CN=FIM development client');
    assert.equal((await client.ask(post('/', '{"transCode":"x"}'))).status, 422);
    client.destroy();
    const answer = await ask('/', teller, { 'x-fim-client-subject': 'CN=root', x_fim_client_serial: '1' });
    assert.equal(answer.status, 200, answer.body);
    const known = new X509Certificate(teller.certificate);
    const said = claims();
    assert.deepEqual(
      [said['x-fim-client-subject'], said['x-fim-client-serial'], said['x-fim-client-fingerprint']],
      ['CN=teller', known.serialNumber.toLowerCase(), known.fingerprint256.replaceAll(':', '').toLowerCase()],
    );
    assert.equal(Date.parse(said['x-fim-client-not-after']!), known.validToDate.getTime());
    assert.equal(Date.parse(said['x-fim-client-not-before']!), known.validFromDate.getTime());
    assert.equal(Object.keys(said).length, 5);
    assert.equal(harness.upstream.arrived.at(-1)!.headers['x-forwarded-proto'], 'https');
    const applied = harness.events.find((event) => event.event === 'applied')!;
    assert.equal(applied.tlcp?.alsoTls, 'Required');
  });

  test('HTTP/2 is served to who asks for it', async () => {
    const session = connectHttp2(`https://127.0.0.1:${harness.stack.listen.port}`, {
      ca: authority.certificate,
      cert: teller.certificate,
      key: teller.key,
    });
    const stream = session.request({ ':method': 'POST', ':path': '/', 'content-type': 'application/json' });
    const status = await new Promise<unknown>((done, failed) => {
      session.on('error', failed);
      stream.on('error', failed);
      stream.on('response', (headers) => done(headers[':status']));
      stream.end('{"transCode":"x"}');
    });
    assert.equal(status, 422);
    session.close();
  });

  test('no certificate, one of another authority of the same name, and plain text get nothing to the upstream', async () => {
    const { begun } = harness.upstream;
    await assert.rejects(ask('/'), /certificate required|ECONNRESET|socket hang up|EPIPE/i);
    await assert.rejects(ask('/', stranger), /unknown ca|ECONNRESET|socket hang up|EPIPE|alert/i);
    assert.deepEqual([...(await inClear())], [21, 1, 1, 0, 2, 2, 10], 'the alert unexpected_message');
    assert.equal(harness.upstream.begun, begun);
  });

  test('a certificate is renewed under load, over kept and new connections, without a failed request', async () => {
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const client = await national();
    const second = makeCertificate(authority, 'gateway');
    const renewed = new X509Certificate(second.certificate).fingerprint256;
    let asked = 0;
    let isRenewed = false;
    const failures: unknown[] = [];
    const work = async (agent?: Agent): Promise<void> => {
      while (!isRenewed || asked < REQUESTS_OF_A_RENEWAL) {
        const answer = await ask('/', teller, {}, agent).catch((error: unknown) => error);
        asked++;
        if ((answer as Answer).status !== 200) return void failures.push(answer);
        isRenewed ||= (answer as Answer).fingerprint === renewed;
      }
    };
    const over = async (): Promise<void> => {
      while (!isRenewed && failures.length === 0) assert.equal((await client.ask(post('/', GOOD))).status, 200);
    };
    const working = [work(), work(), work(kept), over()];
    await harness.poll(async () => asked > 20);
    give(second);
    await Promise.all(working);
    assert.deepEqual(failures, []);
    assert.ok(isRenewed);
    assert.equal(client.over, false);
    kept.destroy();
    client.destroy();
  });

  test('a certificate and a key that do not belong together replace nothing, which is told', async () => {
    const from = harness.events.length;
    const good = (await ask('/', teller)).fingerprint;
    const refusals = async (): Promise<number> =>
      [...(await harness.stack.envoy.admin.stats(String.raw`sds\.fim-tls\.(update_rejected|key_rotation_failed)$`))]
        .map(([, value]) => value)
        .reduce((sum, value) => sum + value, 0);
    const before = await refusals();
    give({ certificate: makeCertificate(authority, 'other').certificate, key: server.key });
    await harness.poll(async () => (await refusals()) > before || (await ask('/', teller)).fingerprint !== good);
    assert.equal((await ask('/', teller)).fingerprint, good);
    const told = (kind: string): Promise<unknown> =>
      harness.waitFor(() =>
        harness.events
          .slice(from)
          .find((event) => event.event === kind && (event.event !== 'warning' || event.code === 'FIM-UP-0037')),
      );
    await told('warning');
    give(server);
    await told('recovered');
    const wanted = new X509Certificate(server.certificate).fingerprint256;
    await harness.poll(async () => (await ask('/', teller)).fingerprint === wanted);
  });
});

test('a certificate that ends is not served any more over a connection that is open', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 });
  const short = makeCertificate(authority, 'teller', SHORT_LIFE_MS);
  assert.equal((await ask('/', short, {}, agent)).status, 200);
  const { begun } = harness.upstream;
  let last = await ask('/', short, {}, agent);
  await harness.poll(async () => (last = await ask('/', short, {}, agent)).status !== 200);
  assert.equal(last.status, 421);
  assert.equal((JSON.parse(last.body) as { code: string }).code, 'FIM-RT-0056');
  assert.ok(harness.upstream.begun > begun, 'it was served until then');
  await assert.rejects(ask('/', short), 'a new connection');
  assert.equal((await ask('/', teller)).status, 200, 'others are');
  agent.destroy();
});

describe('edits of a listener that runs', () => {
  test('what ordinary TLS demands is edited, and kept connections of national TLS stay', async () => {
    const client = await national();
    const relaxed = route('both', {
      tls: {
        cipherSuites: ['ECC-SM4-SM3'],
        clientAuth: 'Optional',
        alsoTls: { clientAuth: 'Optional', trust: authority.certificate },
      },
      rateLimit: { requests: 2, period: '1h', key: { clientCertificate: true } },
    });
    const applied = await harness.edit(relaxed);
    assert.equal(applied.event, 'applied', JSON.stringify(applied));
    // Workers take a listener a moment after Envoy has; the first that gets in is the first of the bucket.
    await harness.poll(async () => (await ask('/').catch(() => undefined))?.status === 200);
    assert.deepEqual([(await ask('/')).status, (await ask('/')).status], [200, 429]);
    assert.deepEqual(claims(), {});
    assert.deepEqual(
      [(await ask('/', teller)).status, (await ask('/', teller)).status, (await ask('/', teller)).status],
      [200, 200, 429],
      'a bucket of its own',
    );
    await assert.rejects(ask('/', stranger));
    assert.equal((await client.ask(get('/x'))).status, 200);
    client.destroy();
  });

  test('a kept connection is not served under trust that does not let it in, and is under more trust', async () => {
    let kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const other = makeAuthority('Other Root').certificate;
    const trusting = (trust: string): Promise<unknown> => harness.edit(routes({ alsoTls: { trust } }));
    await trusting(authority.certificate);
    // A worker that has not taken the listener yet lets it in under the terms before.
    await harness.poll(async () => {
      if ((await ask('/', teller, {}, kept).catch(() => undefined))?.status === 200) return true;
      kept.destroy();
      kept = new Agent({ keepAlive: true, maxSockets: 1 });
      return false;
    });
    await trusting(`${authority.certificate}${other}`);
    assert.equal((await ask('/', teller, {}, kept)).status, 200);
    await trusting(other);
    // The connection is as old as before: a new one would not come about.
    await harness.poll(async () => {
      const answer = await ask('/', teller, {}, kept).catch((error: Error) => error.message);
      if (typeof answer === 'string') return true;
      if (answer.status === 200) return false;
      assert.equal(answer.status, 421);
      assert.match(answer.body, /FIM-RT-0056/);
      return true;
    });
    const { begun } = harness.upstream;
    await ask('/', teller, {}, kept).catch(() => undefined);
    assert.equal(harness.upstream.begun, begun);
    kept.destroy();
  });

  test('taken away, clients of ordinary TLS are refused, and it is said that the certificate is unused', async () => {
    const applied = await harness.edit(routes({}));
    assert.equal(applied.event, 'applied', JSON.stringify(applied));
    if (applied.event === 'applied')
      assert.deepEqual(
        applied.notices.map(({ code }) => code),
        ['FIM-UP-0035'],
      );
    const isRefused = (): Promise<boolean> =>
      ask('/', teller).then(
        () => false,
        () => true,
      );
    await harness.poll(isRefused);
    const { begun } = harness.upstream;
    await assert.rejects(ask('/', teller));
    assert.equal(harness.upstream.begun, begun);
    const client = await national();
    assert.equal((await client.ask(post('/', GOOD))).status, 200);
    client.destroy();
    const back = await harness.edit(routes(required()));
    assert.equal(back.event, 'applied', JSON.stringify(back));
    await harness.poll(async () => !(await isRefused()));
    assert.equal((await ask('/', teller)).status, 200);
  });

  test('a way around, and trust that Envoy cannot go by, are refused, and what was in force stays', async () => {
    const codes = async (text: string): Promise<string[]> => {
      const verdict = await harness.edit(text);
      return verdict.event === 'rejected' ? verdict.errors.map(({ code, path }) => `${code} ${path}`) : ['applied'];
    };
    assert.deepEqual(await codes(routes({ alsoTls: { clientAuth: 'Optional', trust: authority.certificate } })), [
      'FIM-CFG-1076 $.spec.tls.alsoTls.clientAuth',
    ]);
    assert.deepEqual(await codes(routes({ alsoTls: { trust: certificates.authority } })), [
      'FIM-CFG-1077 $.spec.tls.alsoTls.trust',
    ]);
    assert.equal((await ask('/', teller)).status, 200);
    await assert.rejects(ask('/'));
  });
});
