// The operator's own look-ups at the key service over TLS: whom it believes, what it shows, what it says when either
// fails.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { KeyDirectory, type KeyServiceAccess } from '../../istio/operator/key-directory.ts';
import { makeAuthority, makeCertificate, type Certificate } from '../e2e/certificates.ts';
import { KmsServer, mutualTls } from '../kms/kms-server.ts';
import { ABSENT, DENIED, FAILING, REDIRECTED } from '../kms/replies.ts';
import { TestKms } from '../kms/test-kms.ts';

const HERE = 'kms://prod/fund';

interface Service {
  url: URL;
  kms: TestKms;
  /** Files with what a client may have, by name. */
  file: (name: string, text: string) => string;
}

async function start(t: TestContext, server: Certificate, clients: Certificate): Promise<Service> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fim-look-ups-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const kms = new TestKms();
  kms.keys.set('prod/fund', {});
  const running = await KmsServer.start(kms, mutualTls(server, clients));
  t.after(() => running.stop());
  return {
    url: running.url,
    kms,
    file: (name, text) => {
      writeFileSync(path.join(folder, name), text, { mode: 0o600 });
      return path.join(folder, name);
    },
  };
}

async function looksUp(
  url: URL,
  access: Partial<KeyServiceAccess>,
  ...keyIds: string[]
): Promise<(string | undefined)[]> {
  const directory = new KeyDirectory({
    url,
    cluster: undefined,
    metadataPrefix: '/v1/secret/metadata/',
    tokenFile: undefined,
    check: true,
    onChange: () => undefined,
    ...access,
  });
  await directory.look('bank', keyIds);
  return keyIds.map((keyId) => directory.problem(keyId)?.reason);
}

describe('look-ups over TLS', () => {
  it('show a client certificate and a namespace to a service of an authority that was named', async (t) => {
    const authority = makeAuthority('bank');
    const service = await start(t, makeCertificate(authority, 'kms'), authority);
    const own = makeCertificate(authority, 'fim-operator');
    const access = {
      caFile: service.file('ca.pem', authority.certificate),
      certFile: service.file('tls.crt', own.certificate),
      keyFile: service.file('tls.key', own.key),
      vaultNamespace: 'bank/prod',
    };
    assert.deepEqual(await looksUp(service.url, access, HERE, 'kms://prod/gone'), [undefined, 'KeyNotFound']);
    const [first] = service.kms.asked;
    assert.deepEqual(
      [first?.path, first?.subject, first?.header('x-vault-namespace')],
      ['/v1/secret/metadata/prod/fund', 'fim-operator', 'bank/prod'],
    );
    // Files are read at each look: a certificate that has been changed is the one that is shown.
    const next = makeCertificate(authority, 'fim-operator-2');
    service.file('tls.crt', next.certificate);
    service.file('tls.key', next.key);
    assert.deepEqual(await looksUp(service.url, access, HERE), [undefined]);
    assert.equal(service.kms.asked.at(-1)?.subject, 'fim-operator-2');
  });

  it('say that nothing is known where the service is of another authority, and ask it nothing', async (t) => {
    const [authority, stranger] = [makeAuthority('bank'), makeAuthority('stranger')];
    const service = await start(t, makeCertificate(stranger, 'kms'), authority);
    const own = makeCertificate(authority, 'fim-operator');
    const access = {
      caFile: service.file('ca.pem', authority.certificate),
      certFile: service.file('tls.crt', own.certificate),
      keyFile: service.file('tls.key', own.key),
    };
    assert.deepEqual(await looksUp(service.url, access, HERE), ['KmsUnreachable']);
    // Nor is one of the system's authorities, which is what counts without a file.
    const { caFile: _, ...withoutAuthority } = access;
    assert.deepEqual(await looksUp(service.url, withoutAuthority, HERE), ['KmsUnreachable']);
    assert.deepEqual(service.kms.asked, []);
  });

  it('say that nothing is known where the service refuses the certificate, none is shown, or a file is not there', async (t) => {
    const [authority, stranger] = [makeAuthority('bank'), makeAuthority('stranger')];
    const service = await start(t, makeCertificate(authority, 'kms'), authority);
    const other = makeCertificate(stranger, 'fim-operator');
    const caFile = service.file('ca.pem', authority.certificate);
    const certFile = service.file('tls.crt', other.certificate);
    const cases: Partial<KeyServiceAccess>[] = [
      { caFile },
      { caFile, certFile, keyFile: service.file('tls.key', other.key) },
      { caFile, certFile, keyFile: path.join(path.dirname(caFile), 'gone.key') },
    ];
    for (const access of cases) assert.deepEqual(await looksUp(service.url, access, HERE), ['KmsUnreachable']);
    assert.deepEqual(service.kms.asked, []);
  });
});

describe('look-ups at a service that misbehaves', () => {
  for (const [about, fault, reason] of [
    ['denies', DENIED, 'KmsDenied'],
    ['has no such key', ABSENT, 'KeyNotFound'],
    ['fails', FAILING, 'KmsUnreachable'],
    ['sends elsewhere', REDIRECTED, 'KmsUnreachable'],
    ['hangs up', 'reset', 'KmsUnreachable'],
    // Its status is the word about the key; the rest is not waited for.
    ['drips its answer', 'dripping', undefined],
  ] as const) {
    it(`which ${about}`, async (t) => {
      const kms = new TestKms();
      kms.fault = fault;
      const running = await KmsServer.start(kms);
      t.after(() => running.stop());
      assert.deepEqual(await looksUp(running.url, {}, HERE), [reason]);
      assert.deepEqual(kms.paths(), ['/v1/secret/metadata/prod/fund']);
    });
  }

  it('which never answers', async (t) => {
    const kms = new TestKms();
    kms.fault = 'silent';
    const running = await KmsServer.start(kms);
    t.after(() => running.stop());
    assert.deepEqual(await looksUp(running.url, {}, HERE), ['KmsUnreachable']);
  });
});
