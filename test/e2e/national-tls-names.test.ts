// Several pairs of certificates on one listener: each client gets the one that is for the name that it wants.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { developmentCertificates } from '../../scripts/fim/tlcp-certs.ts';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { Harness } from './harness.ts';
import { route } from './resources.ts';
import { Certificates, get, TlcpClient } from './tlcp-client.ts';

const NAMES = ['one.test', 'two.test'] as const;

let module: TlcpModule;
let harness: Harness;
const made = new Map<string, Record<string, string>>();
before(async () => {
  module = await TlcpModule.load();
  for (const name of [...NAMES, 'keyless.test']) made.set(name, await developmentCertificates([name], 30));
  const certificates = [...made.keys()].map((name) => {
    const files = made.get(name)!;
    return {
      sign: { chain: files['server-sign.pem'], keyId: `kms://${name}/sign` },
      encrypt: { chain: files['server-encrypt.pem'], keyId: `kms://${name}/encrypt` },
    };
  });
  const own = await Certificates.make();
  harness = await Harness.start({
    routes: route('named', {
      tls: {
        cipherSuites: ['ECC-SM4-GCM-SM3'],
        clientAuth: 'Optional',
        trust: NAMES.map((name) => made.get(name)!['ca.pem']).join(''),
        certificates,
        minimumValidity: '24h',
      },
    }),
    tlcp: own.identity,
    withKms: (kms) => {
      for (const name of NAMES)
        for (const use of ['sign', 'encrypt'])
          kms.keepKey(`kms://${name}/${use}`, 'SM2-PRIVATE', Buffer.from(made.get(name)![`server-${use}.key`]!));
    },
  });
});
after(() => harness.stop());

async function connect(host: string, ca: string, client?: string, session = 0): Promise<TlcpClient> {
  return TlcpClient.ready(module, {
    port: harness.stack.listen.port,
    host,
    trust: made.get(ca)!['ca.pem']!,
    takesTickets: true,
    session,
    ...(client === undefined ? {} : { identity: made.get(client)!['client.pem']! }),
  });
}

test('a client gets the pair of the name that it wants, and resumes under that name', async () => {
  for (const name of NAMES) {
    const client = await connect(name, name);
    assert.equal((await client.ask(get('/'))).status, 200);
    const session = client.connection.keepSession();
    await client.close();
    const again = await connect(name, name, undefined, session);
    assert.equal(again.connection.isResumed, true);
    assert.equal((await again.ask(get('/'))).status, 200);
    await again.close();
  }
});

test('for another name there is the first pair, which such a client does not take', async () => {
  await assert.rejects(connect('three.test', 'one.test'), /no handshake/);
  await assert.rejects(connect('two.test', 'one.test'), /no handshake/);
});

test('clients of each of the authorities in `trust` are known', async () => {
  for (const name of NAMES) {
    const client = await connect('one.test', 'one.test', name);
    assert.equal((await client.ask(get('/'))).status, 200);
    const serial = new X509Certificate(made.get(name)!['client-sign.pem']!).serialNumber.toLowerCase();
    const said = String(harness.upstream.arrived.at(-1)!.headers['x-fim-client-serial']);
    assert.equal(said.replace(/^0+/, ''), serial.replace(/^0+/, ''));
    client.destroy();
  }
});

test('a pair without keys ends the handshakes for its name alone', async () => {
  const client = await TlcpClient.open(module, {
    port: harness.stack.listen.port,
    host: 'keyless.test',
    trust: made.get('keyless.test')!['ca.pem']!,
  });
  await client.until(() => client.over);
  assert.equal(client.connection.ending.alert, 'internal_error');
  client.destroy();
});
