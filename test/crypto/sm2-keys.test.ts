// SM2 keys in files: what OpenSSL writes is read, what is written OpenSSL reads, and nothing malformed or of another
// curve passes.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { Sm2 } from './sm2-harness.ts';
import { G, N, bytes32, pointText, times } from './sm2-reference.ts';

const sm2 = new Sm2();

/** SEC 1 and SPKI by OpenSSL 3.5, which is in Node 26. */
function pairOfOpenssl(curve = 'SM2'): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: curve });
}

function der(key: KeyObject, type: 'sec1' | 'pkcs8' | 'spki'): Buffer {
  return key.export({ type, format: 'der' } as { type: 'spki'; format: 'der' });
}

function pem(key: KeyObject, type: 'sec1' | 'pkcs8' | 'spki'): string {
  return key.export({ type, format: 'pem' } as { type: 'spki'; format: 'pem' });
}

/** The scalar within SEC 1: behind SEQUENCE, version and the header of its octet string. */
function scalarOf(key: KeyObject): string {
  return der(key, 'sec1').subarray(7, 39).toString('hex');
}

function assertPrivate(handle: number | undefined, scalar: string): void {
  assert.ok(handle);
  assert.equal(sm2.privateBytes(handle).toString('hex'), scalar);
}

test('keys of OpenSSL: PKCS#8, SEC 1 and SPKI, as DER and PEM', () => {
  for (let i = 0; i < 20; i++) {
    const { privateKey, publicKey } = pairOfOpenssl();
    const scalar = scalarOf(privateKey);
    for (const type of ['pkcs8', 'sec1'] as const) {
      assertPrivate(sm2.privateFromDer(der(privateKey, type)), scalar);
      assertPrivate(sm2.privateFromPem(Buffer.from(pem(privateKey, type))), scalar);
    }
    const spki = der(publicKey, 'spki');
    for (const handle of [sm2.publicFromDer(spki), sm2.publicFromPem(Buffer.from(pem(publicKey, 'spki')))]) {
      assert.ok(handle);
      assert.deepEqual(sm2.publicBytes(handle), spki.subarray(-65));
    }
  }
});

test('OpenSSL reads what is written', () => {
  const key = sm2.generate()!;
  const point = sm2.publicOf(key);
  const privateKey = createPrivateKey({ key: sm2.privateDer(key), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey({ key: sm2.publicDer(point), format: 'der', type: 'spki' });
  assert.deepEqual(der(privateKey, 'pkcs8'), sm2.privateDer(key));
  assert.deepEqual(der(createPublicKey(privateKey), 'spki'), sm2.publicDer(point));
  assert.deepEqual(der(publicKey, 'spki'), sm2.publicDer(point));
});

/** Tag, length below 128 or of one byte, content. */
function element(tag: number, ...parts: (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)));
  return Buffer.concat([
    Buffer.from(content.length < 128 ? [tag, content.length] : [tag, 0x81, content.length]),
    content,
  ]);
}

const EC = '06072a8648ce3d0201';
const CURVE = '06082a811ccf5501822d';
const P256 = '06082a8648ce3d030107';
const SECRET = 0x1234567890abcdefn;
const SCALAR = element(4, bytes32(SECRET));
const POINT = Buffer.from(`04${pointText(times(SECRET, G))}`, 'hex');
const OTHER = Buffer.from(`04${pointText(times(SECRET + 1n, G))}`, 'hex');
const bits = (point: Buffer, unused = '00'): Buffer => element(3, unused, point);
const algorithm = element(0x30, EC, CURVE);
const sec1 = (...more: Buffer[]): Buffer => element(0x30, '020101', SCALAR, ...more);

test('variants of private keys that are allowed', () => {
  const scalar = bytes32(SECRET).toString('hex');
  const compressed = Buffer.concat([Buffer.from([2 + (POINT[64]! & 1)]), POINT.subarray(1, 33)]);
  for (const inner of [
    sec1(),
    sec1(element(0xa0, CURVE)),
    sec1(element(0xa1, bits(POINT))),
    sec1(element(0xa0, CURVE), element(0xa1, bits(compressed))),
  ]) {
    assertPrivate(sm2.privateFromDer(element(0x30, '020100', algorithm, element(4, inner))), scalar);
    assertPrivate(
      sm2.privateFromDer(element(0x30, '020100', algorithm, element(4, inner), element(0xa0, '3000'))),
      scalar,
    );
  }
  assertPrivate(sm2.privateFromDer(sec1(element(0xa0, CURVE))), scalar);
  assertPrivate(
    sm2.privateFromDer(
      element(0x30, '020101', algorithm, element(4, sec1()), element(0xa0, '3000'), element(0x81, '00', POINT)),
    ),
    scalar,
  );
  for (const cut of [1, 4])
    assertPrivate(
      sm2.privateFromDer(element(0x30, '020101', element(4, bytes32(SECRET).subarray(cut)), element(0xa0, CURVE))),
      scalar,
    );
  assertPrivate(
    sm2.privateFromDer(element(0x30, '020101', element(4, '00', bytes32(SECRET)), element(0xa0, CURVE))),
    scalar,
  );
});

test('malformed private keys, other curves and mismatched public keys are refused', () => {
  const bad: Record<string, Buffer> = {
    'SEC 1 without a curve': sec1(),
    'SEC 1 of P-256': sec1(element(0xa0, P256)),
    'PKCS#8 of P-256': element(0x30, '020100', element(0x30, EC, P256), element(4, sec1())),
    'PKCS#8 of RSA': element(0x30, '020100', element(0x30, '06092a864886f70d010101', '0500'), element(4, sec1())),
    'curve inside of P-256': element(0x30, '020100', algorithm, element(4, sec1(element(0xa0, P256)))),
    'public key of another': sec1(element(0xa0, CURVE), element(0xa1, bits(OTHER))),
    'public key off the curve': sec1(
      element(0xa0, CURVE),
      element(0xa1, bits(Buffer.concat([POINT.subarray(0, 64), Buffer.from([POINT[64]! ^ 1])]))),
    ),
    'unused bits': sec1(element(0xa0, CURVE), element(0xa1, bits(POINT, '01'))),
    'version 2 of SEC 1': element(0x30, '020102', SCALAR, element(0xa0, CURVE)),
    'version 2 of PKCS#8': element(0x30, '020102', algorithm, element(4, sec1())),
    'scalar of 27 bytes': element(0x30, '020101', element(4, bytes32(SECRET).subarray(5)), element(0xa0, CURVE)),
    'scalar of 33 bytes': element(0x30, '020101', element(4, '01', bytes32(SECRET)), element(0xa0, CURVE)),
    'scalar of 34 bytes': element(0x30, '020101', element(4, '0000', bytes32(SECRET)), element(0xa0, CURVE)),
    'public key in version 0': element(0x30, '020100', algorithm, element(4, sec1()), element(0x81, '00', POINT)),
    'public key of another, outside': element(
      0x30,
      '020101',
      algorithm,
      element(4, sec1()),
      element(0x81, '00', OTHER),
    ),
    'constructed public key outside': element(
      0x30,
      '020101',
      algorithm,
      element(4, sec1()),
      element(0xa1, bits(POINT)),
    ),
    'scalar zero': element(0x30, '020101', element(4, bytes32(0n)), element(0xa0, CURVE)),
    'scalar n - 1': element(0x30, '020101', element(4, bytes32(N - 1n)), element(0xa0, CURVE)),
    'scalar n': element(0x30, '020101', element(4, bytes32(N)), element(0xa0, CURVE)),
    'something behind': Buffer.concat([sec1(element(0xa0, CURVE)), Buffer.from([0])]),
    'something behind, inside': sec1(element(0xa0, CURVE), Buffer.from('0500', 'hex')),
    'something behind, in PKCS#8': element(0x30, '020100', algorithm, element(4, sec1()), '0500'),
    'something behind the inner key': element(0x30, '020100', algorithm, element(4, sec1(), '0500')),
    empty: Buffer.alloc(0),
  };
  for (const [what, bytes] of Object.entries(bad)) assert.equal(sm2.privateFromDer(bytes), undefined, what);
  const good = sec1(element(0xa0, CURVE), element(0xa1, bits(POINT)));
  for (let length = 0; length < good.length; length++)
    assert.equal(sm2.privateFromDer(good.subarray(0, length)), undefined, `cut to ${length}`);
  assert.equal(sm2.privateFromDer(der(pairOfOpenssl('prime256v1').privateKey, 'pkcs8')), undefined);
  assert.equal(sm2.publicFromDer(der(pairOfOpenssl('prime256v1').publicKey, 'spki')), undefined);
});

test('malformed public keys are refused', () => {
  const good = element(0x30, algorithm, bits(POINT));
  assert.ok(sm2.publicFromDer(good));
  const bad: Record<string, Buffer> = {
    'bare coordinates': element(0x30, algorithm, bits(POINT.subarray(1))),
    'hybrid point': element(
      0x30,
      algorithm,
      bits(Buffer.concat([Buffer.from([6 + (POINT[64]! & 1)]), POINT.subarray(1)])),
    ),
    'unused bits': element(0x30, algorithm, bits(POINT, '04')),
    'no bits': element(0x30, algorithm, element(3)),
    infinity: element(0x30, algorithm, element(3, '0000')),
    'octet string': element(0x30, algorithm, element(4, '00', POINT)),
    'parameters missing': element(0x30, element(0x30, EC), bits(POINT)),
    'parameters twice': element(0x30, element(0x30, EC, CURVE, CURVE), bits(POINT)),
    'something behind': Buffer.concat([good, Buffer.from([0])]),
  };
  for (const [what, bytes] of Object.entries(bad)) assert.equal(sm2.publicFromDer(bytes), undefined, what);
  for (let length = 0; length < good.length; length++)
    assert.equal(sm2.publicFromDer(good.subarray(0, length)), undefined);
});

test('PEM: text around, other blocks before, CRLF, long and short lines', () => {
  const { privateKey, publicKey } = pairOfOpenssl();
  const scalar = scalarOf(privateKey);
  const p8 = pem(privateKey, 'pkcs8');
  const body = der(privateKey, 'pkcs8').toString('base64');
  const parameters = '-----BEGIN SM2 PARAMETERS-----\nBggqgRzPVQGCLQ==\n-----END SM2 PARAMETERS-----\n';
  const accepted = [
    `subject: a key\n${p8}trailing text\n`,
    parameters + p8,
    pem(publicKey, 'spki') + p8,
    p8.replaceAll('\n', '\r\n'),
    p8.trimEnd(),
    `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\n${body.replaceAll(/(.{7})/g, '$1\n')}\n-----END PRIVATE KEY-----`,
    parameters + pem(privateKey, 'sec1'),
    pem(privateKey, 'sec1').replaceAll('EC PRIVATE', 'SM2 PRIVATE'),
    ` ${p8}`,
    `\n\n\t\r\n${p8}`,
    `\ufeff${p8}`,
    'x'.repeat(6000) + `\n${p8}`,
  ];
  for (const text of accepted) assertPrivate(sm2.privateFromPem(Buffer.from(text)), scalar);
  const refused = [
    '',
    '-----BEGIN PRIVATE KEY-----',
    p8.replace('-----END PRIVATE KEY-----', ''),
    p8.replace('END PRIVATE KEY', 'END PUBLIC KEY'),
    p8.replaceAll('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'),
    `x${p8}`,
    p8 + p8,
    p8.replace('MIGH', 'MIG*'),
    p8.replace('MIGH', 'MIG'),
    '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n',
    pem(privateKey, 'sec1').replace('KEY-----\n', 'KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n'),
    pem(publicKey, 'spki'),
    'x'.repeat(9000) + p8,
  ];
  for (const text of refused)
    assert.equal(sm2.privateFromPem(Buffer.from(text)), undefined, JSON.stringify(text.slice(0, 100)));
  assert.equal(sm2.publicFromPem(Buffer.from(p8)), undefined);
});
