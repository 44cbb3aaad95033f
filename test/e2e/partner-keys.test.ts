// SM2 keys in a real Envoy, from a KMS that gives them as partners' libraries wrote them: what is signed verifies
// elsewhere, what was signed elsewhere verifies here, and a private key is no public one.
import assert from 'node:assert/strict';
import { createECDH } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sign, verify } from '../protection/signing.ts';
import { Harness } from './harness.ts';
import { problemOf, send } from './http-client.ts';
import { route, together } from './resources.ts';

interface PartnerKey {
  name: string;
  writer: string;
  algorithm: 'SM2-PRIVATE' | 'SM2-PUBLIC';
  text?: string;
  base64?: string;
  scalar?: string;
  point?: string;
  refused?: string;
}

const BODY = '{"amount":"100.00"}';
const { keys } = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/keys/sm2.json'), 'utf8')) as {
  keys: PartnerKey[];
};
const chosen = (writer: string, name: string): PartnerKey =>
  keys.find((key) => key.writer.startsWith(writer) && key.name === name)!;
const PRIVATE = [
  chosen('OpenSSL 3.0', "PKCS#8 PEM with SM2's own algorithm identifier"),
  chosen('OpenSSL 3.0', 'PKCS#12 as PEM: bag attributes, certificate, key'),
  chosen('tjfoc', 'PKCS#8 DER, scalar of 31 bytes'),
  chosen('BouncyCastle', 'PKCS#8 DER, curve written out'),
  chosen('BouncyCastle', 'OneAsymmetricKey DER with attributes and public key'),
  chosen('GmSSL 3', 'scalar, bare'),
  chosen('OpenSSL 3.5', 'SEC 1 DER'),
];
const PUBLIC = [
  chosen('OpenSSL 3.0', 'certificate DER'),
  chosen('OpenSSL 3.0', "SPKI PEM with SM2's own algorithm identifier"),
  chosen('GmSSL 3', 'x ‖ y, bare'),
  chosen('BouncyCastle', 'SPKI DER, compressed'),
];
const REFUSED = chosen('OpenSSL 3.0', 'PKCS#8 PEM where the public key is wanted');
const GIVEN = [...PRIVATE, ...PUBLIC, REFUSED];

/** The scalar of the private key that a public one belongs to, where another of the vectors has it. */
function scalarOf({ point }: PartnerKey): Buffer {
  const found = keys
    .map(({ scalar }) => Buffer.from(scalar ?? '', 'hex'))
    .find((scalar) => {
      if (scalar.length === 0) return false;
      const half = createECDH('SM2');
      half.setPrivateKey(scalar);
      return half.getPublicKey('hex') === point;
    });
  assert.ok(found, `no private key of ${String(point)}`);
  return found;
}

let harness: Harness;
before(async () => {
  const routes = GIVEN.map(({ algorithm }, index) => {
    const isPrivate = algorithm === 'SM2-PRIVATE';
    return route(`key-${index}`, {
      match: { path: { value: `/${index}` } },
      signature: {
        algorithm: 'SM2',
        covers: 'Body',
        keyId: `kms://partner/${index}`,
        request: isPrivate ? 'Sign' : 'Verify',
        response: 'None',
      },
    });
  });
  harness = await Harness.start({
    routes: together(...routes),
    withKms: ({ register }) => {
      const good = { 'SM2-PRIVATE': PRIVATE[0]!, 'SM2-PUBLIC': PUBLIC[1]! };
      for (const [index, { algorithm }] of GIVEN.entries())
        register.create(`partner/${index}`, algorithm, { material: Buffer.from(good[algorithm].text!) });
      register.material = ({ path }) => {
        const { text, base64 } = GIVEN[Number(path.slice('partner/'.length))]!;
        return text === undefined
          ? Buffer.from(base64!, 'base64')
          : Buffer.from(text.slice(text.indexOf('-----BEGIN')));
      };
    },
  });
});
after(() => harness?.stop());

for (const [index, { writer, name, scalar }] of PRIVATE.entries()) {
  test(`signs with a key of ${writer}: ${name}`, async () => {
    const reply = await send(harness.url, { path: `/${index}`, body: BODY });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.ok(
      verify(
        { algorithm: 'SM2', key: Buffer.from(scalar!, 'hex') },
        Buffer.from(BODY),
        String(harness.upstream.arrived.at(-1)!.headers['x-fim-signature']),
      ),
    );
  });
}

for (const [at, key] of PUBLIC.entries()) {
  test(`verifies with a key of ${key.writer}: ${key.name}`, async () => {
    const path = `/${PRIVATE.length + at}`;
    const signature = sign({ algorithm: 'SM2', key: scalarOf(key) }, Buffer.from(BODY));
    const good = await send(harness.url, {
      path,
      body: BODY,
      headers: { 'content-type': 'application/json', 'x-fim-signature': signature },
    });
    assert.equal(good.status, 200, good.body.toString());
    const bad = await send(harness.url, {
      path,
      body: `${BODY} `,
      headers: { 'content-type': 'application/json', 'x-fim-signature': signature },
    });
    assert.equal(bad.status, 401);
  });
}

test('a private key under SM2-PUBLIC is unreadable, at the start and for a message', async () => {
  const path = `/${GIVEN.length - 1}`;
  const warned = harness.events.flatMap((event) => (event.event === 'warning' ? [[event.code, event.key]] : []));
  assert.deepEqual(warned, [['FIM-KMS-0003', `kms://partner${path}`]]);
  const reply = await send(harness.url, {
    path,
    body: BODY,
    headers: {
      'content-type': 'application/json',
      'x-fim-signature': sign(
        { algorithm: 'SM2', key: scalarOf({ ...REFUSED, point: chosen('OpenSSL 3.0', 'certificate PEM').point! }) },
        Buffer.from(BODY),
      ),
    },
  });
  assert.deepEqual([reply.status, problemOf(reply).code], [503, 'FIM-KMS-0003']);
});
