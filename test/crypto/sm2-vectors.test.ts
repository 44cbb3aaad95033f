// SM2 against the examples of the standard.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Sm2, type Layout } from './sm2-harness.ts';

const FOLDER = new URL('../vectors/crypto/', import.meta.url);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

function vectorsOf<T>(name: string): T[] {
  const file = JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as { vectors: T[] };
  assert.ok(file.vectors.length > 0);
  return file.vectors;
}

interface SignatureVector {
  id: string;
  message: string;
  privateKey: string;
  publicKey: string;
  identity: string;
  digest: string;
  nonce: string;
  noncePoint: string;
  r: string;
  s: string;
}
interface EncryptionVector {
  message: string;
  privateKey: string;
  publicKey: string;
  nonce: string;
  c1: string;
  c2: string;
  c3: string;
}

/** DER by the book: tag, length, content. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length =
    content.length < 128
      ? [content.length]
      : content.length < 256
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function integer(number: Buffer): Buffer {
  const start = number.findIndex((byte) => byte !== 0);
  const short = number.subarray(start);
  return short[0]! >= 0x80 ? der(2, Buffer.from([0]), short) : der(2, short);
}

const sm2 = new Sm2();

for (const vector of vectorsOf<SignatureVector>('gbt-32918.5-2017-annex-a-sm2-signature.json')) {
  test(`signature of "${vector.message}"`, () => {
    const id = Buffer.from(vector.id);
    const message = Buffer.from(vector.message);
    const key = sm2.privateFromBytes(hex(vector.privateKey));
    assert.ok(key);
    const point = sm2.publicOf(key);
    assert.equal(sm2.publicBytes(point).toString('hex'), vector.publicKey);
    assert.equal(sm2.identity(point, id)?.toString('hex'), vector.identity);
    assert.equal(sm2.digest(point, message, id)?.toString('hex'), vector.digest);
    assert.equal(`04${sm2.generatorTimes(BigInt(`0x${vector.nonce}`))}`, vector.noncePoint);
    const signature = sm2.signWithNonce(key, hex(vector.digest), hex(vector.nonce));
    assert.equal(signature?.toString('hex'), vector.r + vector.s);
    assert.ok(sm2.verify(point, message, hex(vector.r + vector.s), id));
    const encoded = der(0x30, integer(hex(vector.r)), integer(hex(vector.s)));
    assert.deepEqual(sm2.toDer(hex(vector.r + vector.s)), encoded);
    assert.deepEqual(sm2.fromDer(encoded), hex(vector.r + vector.s));
  });
}

for (const vector of vectorsOf<EncryptionVector>('gbt-32918.5-2017-annex-c-sm2-encryption.json')) {
  const [c1, c2, c3] = [hex(vector.c1), hex(vector.c2), hex(vector.c3)];
  const bare = c1.subarray(1);
  // GM/T 0009-2012, 7.2 for the first; the others as the parts are joined.
  const layouts: Record<Layout, Buffer> = {
    'ASN.1': der(0x30, integer(bare.subarray(0, 32)), integer(bare.subarray(32)), der(4, c3), der(4, c2)),
    C1C3C2: Buffer.concat([c1, c3, c2]),
    C1C2C3: Buffer.concat([c1, c2, c3]),
    'C1C3C2 bare': Buffer.concat([bare, c3, c2]),
    'C1C2C3 bare': Buffer.concat([bare, c2, c3]),
  };
  for (const [layout, ciphertext] of Object.entries(layouts) as [Layout, Buffer][]) {
    test(`encryption of "${vector.message}" as ${layout}`, () => {
      const key = sm2.privateFromBytes(hex(vector.privateKey));
      const point = sm2.publicFromBytes(hex(vector.publicKey));
      assert.ok(key && point);
      const text = Buffer.from(vector.message);
      assert.equal(
        sm2.encryptWithNonce(point, layout, hex(vector.nonce), text)?.toString('hex'),
        ciphertext.toString('hex'),
      );
      assert.deepEqual(sm2.decrypt(key, layout, ciphertext), text);
      assert.ok(sm2.wasm.ciphertextBound(Object.keys(layouts).indexOf(layout), text.length) >= ciphertext.length);
    });
  }
}

/** Address of the self test's private key in the module. Wrong bytes there must make it fail. */
function addressOf(instance: Sm2, bytes: Buffer): number {
  return Buffer.from(instance.wasm.memory.buffer).indexOf(bytes);
}

test('the self test passes, and fails if anything it compares is changed', (t) => {
  const start = performance.now();
  assert.equal(new Sm2().wasm.sm2SelfTest(), 1);
  t.diagnostic(`first run with a fresh module ${(performance.now() - start).toFixed(1)} ms`);
  const [signature] = vectorsOf<SignatureVector>('gbt-32918.5-2017-annex-a-sm2-signature.json');
  const [encryption] = vectorsOf<EncryptionVector>('gbt-32918.5-2017-annex-c-sm2-encryption.json');
  const parts = [
    signature!.privateKey,
    signature!.nonce,
    signature!.r,
    signature!.s,
    encryption!.c1.slice(2),
    encryption!.c2,
    encryption!.c3,
  ];
  for (const part of [...parts.map(hex), Buffer.from('message digest'), Buffer.from('encryption standard')]) {
    const instance = new Sm2();
    const at = addressOf(instance, part);
    assert.ok(at > 0);
    new Uint8Array(instance.wasm.memory.buffer)[at]! ^= 1;
    assert.equal(instance.wasm.sm2SelfTest(), 0, part.toString('hex'));
  }
});
