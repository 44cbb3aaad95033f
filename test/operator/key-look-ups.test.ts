// The operator's own look-ups at the key service over TLS: whom it believes, what it shows, what it says when either
// fails.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, it, type TestContext } from 'node:test';
import { KeyDirectory, type KeyServiceAccess } from '../../istio/operator/key-directory.ts';
import { makeAuthority, makeCertificate, type Certificate } from '../e2e/certificates.ts';

const HERE = 'kms://prod/fund';

interface Service {
  url: URL;
  /** Files with what a client may have, by name. */
  file: (name: string, text: string) => string;
  /** What was asked, by whom. */
  asked: { path: string; subject: string | undefined; namespace: string | undefined }[];
}

async function start(t: TestContext, server: Certificate, clients: Certificate): Promise<Service> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fim-look-ups-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const asked: Service['asked'] = [];
  const kms = createServer(
    {
      key: server.key,
      cert: server.certificate,
      ca: clients.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      asked.push({
        path: request.url ?? '',
        subject: (request.socket as TLSSocket).getPeerCertificate().subject.CN as string | undefined,
        namespace: request.headers['x-vault-namespace'] as string | undefined,
      });
      response.writeHead(request.url === '/v1/secret/metadata/prod/fund' ? 200 : 404).end('{}');
    },
  );
  await new Promise<void>((done) => kms.listen(0, '127.0.0.1', done));
  t.after(() => kms.close());
  return {
    url: new URL(`https://127.0.0.1:${(kms.address() as AddressInfo).port}`),
    asked,
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
    assert.deepEqual(service.asked[0], {
      path: '/v1/secret/metadata/prod/fund',
      subject: 'fim-operator',
      namespace: 'bank/prod',
    });
    // Files are read at each look: a certificate that has been changed is the one that is shown.
    const next = makeCertificate(authority, 'fim-operator-2');
    service.file('tls.crt', next.certificate);
    service.file('tls.key', next.key);
    assert.deepEqual(await looksUp(service.url, access, HERE), [undefined]);
    assert.equal(service.asked.at(-1)?.subject, 'fim-operator-2');
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
    assert.deepEqual(service.asked, []);
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
    assert.deepEqual(service.asked, []);
  });
});
