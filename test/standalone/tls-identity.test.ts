// The certificate of ordinary TLS: mistakes are told before a proxy starts.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readTlsIdentity } from '../../scripts/fim/options.ts';
import { developmentCertificates } from '../../scripts/fim/tlcp-certs.ts';
import { makeAuthority, makeCertificate } from '../e2e/certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'fim-tls-identity-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('--tls-cert and --tls-key', () => {
  const authority = makeAuthority('root');
  const [one, other] = [makeCertificate(authority, 'one'), makeCertificate(authority, 'other')];
  const tlsCert = write('one.pem', one.certificate);
  const tlsKey = write('one.key', one.key);

  test('that belong together are taken', () => {
    assert.deepEqual(readTlsIdentity({ tlsCert, tlsKey, tlcp: true }), { certFile: tlsCert, keyFile: tlsKey });
    assert.equal(readTlsIdentity({ tlcp: true }), undefined);
  });

  test('are refused with what is wrong', async () => {
    const national = await developmentCertificates(['localhost'], 1);
    const cases: [Parameters<typeof readTlsIdentity>[0], RegExp][] = [
      [{ tlsCert, tlcp: true }, /FIM-UP-0020.*go together/],
      [{ tlsKey, tlcp: true }, /FIM-UP-0020.*go together/],
      [{ tlsCert, tlsKey, tlcp: false }, /FIM-UP-0020.*--no-tlcp/],
      [{ tlsCert, tlsKey: write('other.key', other.key), tlcp: true }, /FIM-UP-0036.*is not the key of/],
      [{ tlsCert: join(folder, 'absent'), tlsKey, tlcp: true }, /FIM-UP-0036.*ENOENT/],
      [{ tlsCert: tlsKey, tlsKey, tlcp: true }, /FIM-UP-0036.*no PEM/],
      [{ tlsCert, tlsKey: tlsCert, tlcp: true }, /FIM-UP-0036.*no PEM/],
      [{ tlsCert: write('sm2.pem', national['server-sign.pem']!), tlsKey, tlcp: true }, /FIM-UP-0036.*SM2/],
    ];
    for (const [flags, said] of cases) {
      assert.throws(
        () => readTlsIdentity(flags),
        (error: Error) => said.test(error.message) && !error.message.includes('BEGIN'),
      );
    }
  });
});
