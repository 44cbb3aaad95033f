// Who records say did it: a claim that Envoy's JWT filter verified, the client's certificate over national and ordinary
// TLS, a header; and text that would break a line, a cell or a terminal.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomInt, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { AUDIT_CLUSTER, type PluginConfig } from '../../envoy/route/index.ts';
import { EnvoyAdmin } from '../../envoy/standalone/envoy-admin.ts';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import { auditCluster } from '../../envoy/xds/audit-cluster.ts';
import { filterSlots, pluginResource, routeResource } from '../../envoy/xds/index.ts';
import type { EnvoyObject } from '../../envoy/xds/index.ts';
import { buildModules } from '../../scripts/build.ts';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { makeAuthority, makeCertificate, type Certificate } from './certificates.ts';
import { type AuditLine, CollectorDouble } from './collector-double.ts';
import { Harness } from './harness.ts';
import { RecordingUpstream } from './recording-upstream.ts';
import { route } from './resources.ts';
import { Certificates, get, TlcpClient } from './tlcp-client.ts';
import { bootstrapAt } from './wicked/swap.ts';

const DEADLINE_MS = 60_000;

/** The record of the request with this transaction id. */
async function recordOf(collector: CollectorDouble, transaction: string): Promise<AuditLine> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const line = collector.lines.find((one) => one['txn_id'] === transaction);
    if (line !== undefined) return line;
    assert.ok(Date.now() < deadline, `no record of ${transaction}`);
    await pause(20);
  }
}

describe('a subject by a claim', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const folder = mkdtempSync(join(tmpdir(), 'fim-audit-claims-'));
  let collector: CollectorDouble;
  let upstream: RecordingUpstream;
  let envoy: ChildProcess;
  let url: string;

  const stages = (name: string): object => ({
    audit: { cluster: AUDIT_CLUSTER, path: '/', subject: { from: 'Claim', name }, transactionHeader: 'x-txn' },
  });
  const CONFIG = {
    version: '1.0',
    generation: 1,
    routes: [
      { name: 'number', match: { path: { value: '/number' } }, stages: stages('client_number') },
      { name: 'sub', match: { path: { value: '/' } }, stages: stages('sub') },
    ],
  } as unknown as PluginConfig;
  const tokenOf = (claims: object, key = privateKey): string => {
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${encode({ alg: 'ES256', kid: 'one' })}.${encode({ iss: 'bank', ...claims })}`;
    return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  const jwtFilter = (): EnvoyObject => ({
    name: 'envoy.filters.http.jwt_authn',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication',
      providers: {
        bank: {
          issuer: 'bank',
          local_jwks: {
            inline_string: JSON.stringify({
              keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'one' }],
            }),
          },
          payload_in_metadata: 'payload',
        },
      },
      rules: [
        {
          match: { prefix: '/' },
          requires: { requires_any: { requirements: [{ provider_name: 'bank' }, { allow_missing: {} }] } },
        },
      ],
    },
  });

  before(async () => {
    [collector, upstream] = await Promise.all([CollectorDouble.start(), RecordingUpstream.start()]);
    const [built] = await buildModules(['fim']);
    const plain = bootstrapAt(folder, upstream.url) as { static_resources: { clusters: EnvoyObject[] } };
    plain.static_resources.clusters.push(auditCluster({ url: collector.url }));
    const bootstrap = JSON.parse(JSON.stringify(plain), (name, value: unknown) =>
      name === 'http_filters' && JSON.stringify(value).includes('filters.http.router')
        ? [jwtFilter(), ...(value as EnvoyObject[])]
        : value,
    ) as EnvoyObject;
    writeFileSync(join(folder, 'routes.json'), JSON.stringify(routeResource(CONFIG)));
    writeFileSync(
      join(folder, 'fim.json'),
      JSON.stringify(pluginResource(filterSlots('fused')[0]!, built!.path, CONFIG)),
    );
    writeFileSync(join(folder, 'envoy.json'), JSON.stringify(bootstrap));
    const address = join(folder, 'address');
    const options = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'off'];
    const binary = await envoyBinary();
    envoy = spawn(binary, ['-c', join(folder, 'envoy.json'), '--admin-address-path', address, ...options], {
      stdio: 'ignore',
    });
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      assert.ok(Date.now() < deadline, 'Envoy is not ready in time');
      await pause(50);
      try {
        const admin = new EnvoyAdmin(new URL(`http://${readFileSync(address, 'utf8').trim()}`));
        url = `http://127.0.0.1:${await admin.listenerPort()}`;
        if ((await fetch(`${url}/ready`)).status === 200) break;
      } catch {
        // not yet
      }
    }
  });
  after(async () => {
    envoy?.kill('SIGKILL');
    await Promise.all([collector?.stop(), upstream?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const subjectOf = async (path: string, transaction: string, token?: string): Promise<unknown[]> => {
    const headers = { 'x-txn': transaction, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const response = await fetch(`${url}${path}`, { headers });
    await response.arrayBuffer();
    if (response.status !== 200) return [response.status];
    const line = await recordOf(collector, transaction);
    return [line['subject_id'], line['subject_from']];
  };

  it('is that of a verified token alone', async () => {
    const { privateKey: foreign } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    assert.deepEqual(await subjectOf('/', 'c1', tokenOf({ sub: 'teller-17', name: 'Li Lei' })), ['teller-17', 'claim']);
    assert.deepEqual(await subjectOf('/number', 'c2', tokenOf({ client_number: 7 })), ['7', 'claim']);
    assert.deepEqual(await subjectOf('/', 'c3', tokenOf({ azp: 'x' })), [undefined, undefined]);
    assert.deepEqual(await subjectOf('/', 'c4'), [undefined, undefined]);
    assert.deepEqual(await subjectOf('/', 'c5', tokenOf({ sub: 'eve' }, foreign)), [401]);
    assert.deepEqual(await subjectOf('/', 'c6', tokenOf({ sub: 'a\n"}\u0085\u202ebc' })), ['a?"}?????bc', 'claim']);
    assert.equal(collector.bodies.join('').includes('Li Lei'), false);
  });
});

describe('a subject by a certificate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fim-audit-tls-'));
  const authority = makeAuthority('Bank Root');
  const server = makeCertificate(authority, 'gateway');
  const teller = makeCertificate(authority, 'teller');
  const tls = { cipherSuites: ['ECDHE-SM4-SM3'], alsoTls: { trust: authority.certificate } };
  const audit = { subject: { certificate: true }, transaction: { header: 'x-txn' } };
  let collector: CollectorDouble;
  let module: TlcpModule;
  let certificates: Certificates;
  let harness: Harness;

  before(async () => {
    mkdirSync(join(folder, 'tls'));
    const [certFile, keyFile] = [join(folder, 'tls', 'server.pem'), join(folder, 'tls', 'server.key')];
    writeFileSync(certFile, server.certificate);
    writeFileSync(keyFile, server.key);
    collector = await CollectorDouble.start();
    module = await TlcpModule.load();
    certificates = await Certificates.make();
    harness = await Harness.start({
      routes: route('both', { tls, audit }),
      tlcp: certificates.identity,
      tlsIdentity: { certFile, keyFile },
      audit: { url: collector.url },
    });
  });
  after(async () => {
    await harness?.stop();
    await collector?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const askTls = (client: Certificate, headers: Record<string, string>): Promise<number> =>
    new Promise((done, failed) => {
      const sent = request(
        {
          port: harness.stack.listen.port,
          host: '127.0.0.1',
          method: 'POST',
          ca: authority.certificate,
          cert: client.certificate,
          key: client.key,
          agent: false,
          headers,
        },
        (response) => response.resume().on('end', () => done(response.statusCode!)),
      );
      sent.on('error', failed);
      sent.end('{}');
    });

  it('is that of the verified certificate, over national and ordinary TLS, whatever a header says', async () => {
    const client = await TlcpClient.ready(module, {
      port: harness.stack.listen.port,
      trust: certificates.authority,
      identity: certificates.client,
    });
    const lie = { 'x-fim-client-subject': 'CN=root', 'x-txn': 'national' };
    assert.equal((await client.ask(get('/', lie))).status, 200);
    client.destroy();
    const national = await recordOf(collector, 'national');
    assert.deepEqual([national['subject_id'], national['subject_from']], ['CN=FIM development client', 'certificate']);
    assert.equal(await askTls(teller, { 'x-fim-client-subject': 'CN=root', 'x-txn': 'ordinary' }), 200);
    const ordinary = await recordOf(collector, 'ordinary');
    assert.match(String(ordinary['subject_id']), /CN=teller/);
    assert.equal(ordinary['subject_from'], 'certificate');
  });
});

describe('hostile text', () => {
  let harness: Harness;
  let collector: CollectorDouble;
  before(async () => {
    collector = await CollectorDouble.start();
    harness = await Harness.start({
      routes: route('hostile', {
        audit: {
          subject: { header: { name: 'x-user', vouchedBy: 'the edge' } },
          transaction: { header: 'x-txn' },
          data: [
            { as: 'kept', header: 'x-data', mask: { kind: 'Generic', method: 'KeepRange', from: 1, to: 256 } },
            { as: 'query', parameter: 'q', mask: { kind: 'Generic', method: 'KeepRange', from: 1, to: 256 } },
          ],
        },
      }),
      audit: { url: collector.url },
    });
  });
  after(async () => {
    await harness?.stop();
    await collector?.stop();
  });

  const PIECES = [
    '"',
    '\\',
    '\\u0000',
    '",\u0022kind":"x',
    '=cmd()',
    '\u001b',
    '\t',
    '\u0085',
    '\u009b31m',
    '\u2028',
    '\u202e',
    '\u2066',
    '\ufeff',
    '李',
    '𠀀',
    'é',
  ];
  /** Text of pieces and of bytes that are no UTF-8, without those that end a header. */
  const hostile = (): Buffer =>
    Buffer.concat(
      Array.from({ length: randomInt(1, 40) }, () =>
        randomInt(3) === 0 ? Buffer.from([randomInt(0x21, 0x100)]) : Buffer.from(PIECES[randomInt(PIECES.length)]!),
      ),
    ).filter((byte) => byte === 9 || (byte >= 0x20 && byte !== 0x7f)) as Buffer;
  const escaped = (text: Buffer): string => [...text].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const ask = (n: number, doubled: boolean): Promise<void> =>
    new Promise((done, failed) => {
      const socket = connect(harness.stack.listen.port, '127.0.0.1');
      const head = `GET /${n}?q=${escaped(Buffer.concat([hostile(), Buffer.from([0, 10, 13, 27, 127])]))}&z HTTP/1.1\r\n`;
      const field = (name: string): Buffer =>
        Buffer.concat([Buffer.from(`${name}: x`), hostile(), Buffer.from('x\r\n')]);
      socket.write(
        Buffer.concat([
          Buffer.from(`${head}host: a\r\nconnection: close\r\nx-txn: t${n}\r\n`),
          field('x-user'),
          ...(doubled ? [field('x-user')] : []),
          field('x-data'),
          field('traceparent'),
          Buffer.from('\r\n'),
        ]),
      );
      socket
        .on('error', failed)
        .on('close', () => done())
        .resume();
    });

  it('breaks no line, no schema and no terminal, and of two headers none is the subject', async () => {
    const count = Number(process.env['FIM_TEST_AUDIT_TEXTS'] ?? 200);
    for (let n = 0; n < count; n++) await ask(n, n % 10 === 0);
    await recordOf(collector, `t${count - 1}`);
    await harness.poll(() => Promise.resolve(collector.lines.length >= count));
    const check = new Ajv2020({ strict: false }).compile(
      JSON.parse(readFileSync('services/audit/record.schema.json', 'utf8')) as object,
    );
    for (const line of collector.lines) assert.ok(check(line), JSON.stringify([check.errors, line]));
    // eslint-disable-next-line no-control-regex
    const obeyed = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd]/;
    for (const body of collector.bodies) assert.equal(obeyed.exec(body), null);
    for (const { kind } of collector.lines) assert.equal(kind, 'message');
    const lines = collector.lines.map((line) => [line['txn_id'], line['subject_id']] as [string, string | undefined]);
    for (const [transaction, subject] of lines)
      assert.equal(subject === undefined, Number(transaction.slice(1)) % 10 === 0, transaction);
    for (const line of collector.lines)
      for (const text of Object.values(line['data_masked'] as Record<string, string>)) assert.notEqual(text, '');
  });
});
