// Whether certificates of clients were revoked, on a stock Envoy: lists of a file that changes, a responder (OpenSSL) that
// is asked through a cluster, and what is declared for when neither says.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { Harness } from './harness.ts';
import { OcspResponder } from './ocsp-responder.ts';
import { route } from './resources.ts';
import { Certificates, get, TlcpClient } from './tlcp-client.ts';

const OPENED = 'opened';

let module: TlcpModule;
let certificates: Certificates;
let stranger: Certificates;
let responder: OcspResponder;
before(async () => {
  module = await TlcpModule.load();
  [certificates, stranger] = [await Certificates.make(), await Certificates.make()];
  responder = new OcspResponder(
    { pem: certificates.authority, key: certificates.files['ca.key']! },
    { pem: stranger.authority, key: stranger.files['ca.key']! },
  );
  await responder.start();
});

const serialOf = (name: string): Buffer =>
  Buffer.from(new X509Certificate(certificates.files[name]!).serialNumber, 'hex');
const serials = (): Buffer[] => [serialOf('client-sign.pem'), serialOf('client-encrypt.pem')];

/** The alert that ends a client's handshake, or OPENED when a request went through. */
async function outcome(harness: Harness, session = 0): Promise<{ how: string; resumed: boolean; session: number }> {
  const client = await TlcpClient.open(module, {
    port: harness.stack.listen.port,
    trust: certificates.authority,
    identity: certificates.client,
    takesTickets: true,
    session,
  });
  await client.until(() => client.connection.isOpen || client.over);
  if (client.connection.isOpen) {
    const { status } = await client.ask(get('/'));
    const kept = client.connection.keepSession();
    const resumed = client.connection.isResumed;
    await client.close();
    return { how: status === 200 ? OPENED : String(status), resumed, session: kept };
  }
  const { alert, side } = client.connection.ending;
  client.destroy();
  assert.equal(side, 'the other side');
  return { how: alert!, resumed: false, session: 0 };
}

async function count(harness: Harness, name: string): Promise<number> {
  const stat = `wasmcustom.fim.tlcp.revocation.${name}`;
  return (await harness.stack.envoy.admin.stats(`^${stat}$`)).get(stat) ?? 0;
}

after(() => responder.stop());

function asking(revocationFallback: string, more: object = {}): string {
  return route('asking', {
    tls: { cipherSuites: ['ECDHE-SM4-GCM-SM3'], ocsp: { timeout: '4s' }, revocationFallback, ...more },
  });
}

describe('lists of a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fim-lists-'));
  const file = join(folder, 'ca.crl');
  const save = async (content: Buffer): Promise<void> => {
    await writeFile(`${file}~`, content);
    await rename(`${file}~`, file);
  };
  const listed = (more: object = {}): string =>
    route('listed', { tls: { cipherSuites: ['ECDHE-SM4-GCM-SM3'], crl: { file }, ...more } });
  let harness: Harness;
  before(async () => {
    responder.know(serials(), []);
    await save(await responder.list());
    harness = await Harness.start({ routes: listed(), tlcp: certificates.identity });
  });
  after(async () => {
    await harness.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('are read anew when the file changes, PEM or DER, and end resumption, too', async () => {
    const first = await outcome(harness);
    assert.deepEqual([first.how, first.resumed], [OPENED, false]);
    assert.deepEqual((await outcome(harness, first.session)).resumed, true);
    const from = harness.events.length;
    responder.know([serials()[1]!], [serials()[0]!]);
    const pem = (await responder.list()).toString();
    await save(Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64'));
    assert.equal((await harness.verdict(from)).event, 'applied');
    assert.equal((await outcome(harness)).how, 'certificate_revoked');
    assert.equal((await outcome(harness, first.session)).how, 'certificate_revoked', 'not resumed');
    await harness.poll(async () => (await count(harness, 'revoked')) >= 2);
  });

  test('that are none are refused at their place, and what was in force stays', async () => {
    const from = harness.events.length;
    await save(Buffer.from('-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n'));
    const verdict = await harness.verdict(from);
    assert.equal(verdict.event, 'rejected');
    const [error] = verdict.event === 'rejected' ? verdict.errors : [];
    assert.deepEqual([error?.code, error?.path, error?.line], ['FIM-CFG-0028', '$.spec.tls.crl', 1]);
    assert.equal((await outcome(harness)).how, 'certificate_revoked');
    const missing = await harness.edit(listed({ crl: { file: '/nowhere/ca.crl' } }));
    assert.deepEqual(missing.event === 'rejected' && missing.errors.map(({ code, path }) => [code, path]), [
      ['FIM-CFG-1075', '$.spec.tls.crl.file'],
    ]);
  });

  test('of another authority say nothing: the fallback decides, and is told', async () => {
    const other = new OcspResponder(
      { pem: stranger.authority, key: stranger.files['ca.key']! },
      { pem: stranger.authority, key: stranger.files['ca.key']! },
    );
    other.know(serials(), []);
    const inline = (await other.list()).toString();
    await other.stop();
    assert.equal((await harness.edit(listed({ crl: { inline } }))).event, 'applied');
    assert.equal((await outcome(harness)).how, 'certificate_unknown');
    const lax = await harness.edit(listed({ crl: { inline }, revocationFallback: 'Accept' }));
    assert.equal(lax.event, 'applied');
    assert.equal((await outcome(harness)).how, OPENED);
    await harness.poll(async () => (await count(harness, 'accepted')) >= 2);
    await harness.waitFor(() =>
      harness.events.find((event) => event.event === 'warning' && event.code === 'FIM-UP-0034'),
    );
  });
});

describe('a responder that is asked', () => {
  let harness: Harness;
  before(async () => {
    responder.know(serials(), []);
    // One worker: what was asked is kept in each.
    harness = await Harness.start({
      routes: asking('Refuse'),
      tlcp: certificates.identity,
      ocsp: responder.url,
      concurrency: 1,
    });
  });
  after(() => harness.stop());

  for (const mood of ['dead', 'slow', 'bad', 'error', 'cut'] as const) {
    test(`${mood}: the fallback decides, each in its way`, async () => {
      if (mood === 'dead') await responder.die();
      else responder.mood = mood;
      const before = await count(harness, 'refused');
      assert.equal((await outcome(harness)).how, 'certificate_unknown');
      await harness.poll(async () => (await count(harness, 'refused')) > before);
      if (mood === 'dead') await responder.start();
      responder.mood = 'well';
    });
  }

  test('accepts nobody by LastGood of whom nothing was ever heard', async () => {
    await harness.edit(asking('LastGood'));
    responder.mood = 'error';
    assert.equal((await outcome(harness)).how, 'certificate_unknown');
    await harness.edit(asking('Accept'));
    assert.equal((await outcome(harness)).how, OPENED);
    await harness.poll(async () => (await count(harness, 'accepted')) === 2);
    responder.mood = 'well';
  });

  test('is asked once for each of the pair, and its answers are kept over edits', async () => {
    await harness.edit(asking('Refuse', { ocsp: { timeout: '4s', nonce: 'Required' } }));
    const { asked } = responder;
    // Those at the same time wait for one answer, and later ones have what is kept.
    const first = await Promise.all(Array.from({ length: 8 }, () => outcome(harness)));
    for (const { how } of first) assert.equal(how, OPENED);
    assert.equal(responder.asked - asked, 2);
    await harness.edit(asking('Refuse'));
    assert.equal((await outcome(harness)).how, OPENED);
    await harness.edit(asking('LastGood'));
    assert.equal((await outcome(harness)).how, OPENED);
    assert.equal(responder.asked - asked, 2);
  });

  test('a handshake that waits for an answer goes on with it, beside others', async () => {
    // Answers hold for a minute; with a list that says nothing of anybody they would not be asked for again.
    const all = await Promise.all(Array.from({ length: 8 }, () => outcome(harness)));
    assert.deepEqual(
      all.map(({ how }) => how),
      Array.from({ length: 8 }, () => OPENED),
    );
  });
});

describe('a certificate that a responder calls revoked', () => {
  let harness: Harness;
  before(async () => {
    responder.know([serials()[0]!], [serials()[1]!]);
    harness = await Harness.start({
      routes: asking('Accept'),
      tlcp: certificates.identity,
      ocsp: responder.url,
      concurrency: 1,
    });
  });
  after(() => harness.stop());

  test('is refused, also later, when nobody answers and the fallback accepts', async () => {
    assert.equal((await outcome(harness)).how, 'certificate_revoked');
    responder.mood = 'error';
    assert.equal((await outcome(harness)).how, 'certificate_revoked');
    responder.mood = 'well';
  });

  test('is not resumed by a session from before', async () => {
    await harness.edit(route('asking', { tls: { cipherSuites: ['ECDHE-SM4-GCM-SM3'] } }));
    const before = await outcome(harness);
    assert.equal(before.how, OPENED);
    await harness.edit(asking('Accept'));
    assert.equal((await outcome(harness, before.session)).how, 'certificate_revoked');
  });
});

test('a route that asks a responder is refused where none is named', async () => {
  const harness = await Harness.start({ routes: route('a', {}), tlcp: certificates.identity });
  const verdict = await harness.edit(asking('Refuse'));
  await harness.stop();
  assert.deepEqual(verdict.event === 'rejected' && verdict.errors.map(({ code, path }) => [code, path]), [
    ['FIM-UP-0033', '$.spec.tls.ocsp'],
  ]);
});
