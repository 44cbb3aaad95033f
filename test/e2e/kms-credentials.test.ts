// Envoy proves to the KMS who it is: a token, a namespace, a client certificate. The plugin's call-outs pass there too,
// and none of it is in a dump.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startStack } from '../../envoy/standalone/stack.ts';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import { loadPolicy } from '../../envoy/standalone/policy-loader.ts';
import { KmsServer, mutualTls } from '../kms/kms-server.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { makeAuthority, makeCertificate } from './certificates.ts';
import { Harness, KEY_ID } from './harness.ts';
import { send } from './http-client.ts';
import { CONTRACT } from './resources.ts';
import { findSecrets } from './secret-search.ts';

const BODY = '{"transCode":"01200101"}';
const FIRST = 's.First-Token-0001';
const SECOND = 's.Second-Token-0002';

for (const header of ['X-Vault-Token', 'Authorization'] as const) {
  test(`a token from a file, as ${header}: keys come, another token is taken when the file is replaced, and no dump shows either`, async (t) => {
    const harness = await Harness.start({
      routes: CONTRACT,
      token: FIRST,
      kmsCredentials: { tokenHeader: header },
      kms: { refreshMs: 100 },
    });
    t.after(() => harness.stop());
    await harness.keysFetched();
    assert.equal((await send(harness.url, { body: BODY })).status, 200);
    const stat = async (name: string): Promise<number> =>
      (await harness.stack.envoy.admin.stats(`^wasmcustom.fim.key.${name}$`)).get(`wasmcustom.fim.key.${name}`) ?? 0;
    const denied = await stat('fetch_denied');

    harness.token = SECOND;
    // Cached keys stay in use, while the KMS refuses the old token.
    await harness.poll(async () => {
      assert.equal((await send(harness.url, { body: BODY })).status, 200);
      return (await stat('fetch_denied')) > denied;
    });
    await harness.writeToken(SECOND);
    const version = harness.kms.rotate(KEY_ID);
    await harness.poll(async () => {
      assert.equal((await send(harness.url, { body: BODY })).status, 200);
      return harness.upstream.arrived.at(-1)!.body.toString().includes(`#${version}"`);
    });
    const dumps = await Promise.all(
      ['/config_dump?include_eds', '/stats', '/clusters', '/certs'].map(async (name) => ({
        name,
        bytes: Buffer.from(await harness.stack.envoy.admin.get(name)),
      })),
    );
    assert.ok(dumps[0]!.bytes.includes('credential_injector'));
    assert.deepEqual(
      findSecrets(
        dumps,
        [FIRST, SECOND].map((token) => ({ name: 'token', bytes: Buffer.from(token) })),
      ),
      [],
    );
  });
}

test('a client certificate, authorities of its own and a namespace', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fim-mtls-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const authority = makeAuthority('test authority');
  const server = makeCertificate(authority, 'kms');
  const client = makeCertificate(authority, 'envoy');
  const files = {
    caFile: join(folder, 'ca.pem'),
    certFile: join(folder, 'cert.pem'),
    keyFile: join(folder, 'key.pem'),
  };
  await Promise.all([
    writeFile(files.caFile, authority.certificate),
    writeFile(files.certFile, client.certificate),
    writeFile(files.keyFile, client.key, { mode: 0o600 }),
  ]);

  const kms = new TestKms({ 1: stored('SM4', Buffer.alloc(16, 9)) });
  const running = await KmsServer.start(kms, mutualTls(server, authority));
  t.after(() => running.stop());

  const harness = await Harness.start({ routes: CONTRACT });
  t.after(() => harness.stop());
  const warnings: string[] = [];
  const start = async (kmsCredentials: object): ReturnType<typeof startStack> =>
    startStack({
      envoy: await envoyBinary(),
      listen: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      upstream: harness.upstream.url,
      kms: running.url,
      kmsCredentials,
      concurrency: 1,
      layout: 'fused',
      moduleFolder: harness.moduleFolder,
      load: () => loadPolicy([harness.routeFile], 'fused', { kms: { holdMs: 500 } }),
      watched: null,
      onEvent: (event) => event.event === 'warning' && warnings.push(event.code),
    });
  const stack = (await start({ ...files, namespace: 'bank/prod' }))!;
  t.after(() => stack.stop());
  assert.equal((await send(`http://127.0.0.1:${stack.listen.port}`, { body: BODY })).status, 200);
  assert.deepEqual(warnings, []);
  const asked = kms.asked.find(({ path }) => path.startsWith('/v1/secret/'));
  assert.equal(asked?.subject, 'envoy');
  assert.equal(asked.header('x-vault-namespace'), 'bank/prod');
  const dump = Buffer.from(await stack.envoy.admin.get('/config_dump'));
  assert.deepEqual(
    findSecrets(
      [{ name: 'dump', bytes: dump }],
      [{ name: 'client key', bytes: Buffer.from(client.key.split('\n')[1]!) }],
    ),
    [],
  );

  const without = (await start({ caFile: files.caFile }))!;
  t.after(() => without.stop());
  assert.equal(
    (await send(`http://127.0.0.1:${without.listen.port}`, { body: BODY })).status,
    503,
    'without a certificate there is no key',
  );
  assert.deepEqual(warnings, ['FIM-UP-0017']);
});
