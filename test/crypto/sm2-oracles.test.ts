// SM2 against two implementations that share nothing with it, both ways, on random inputs: sm-crypto-v2 (JavaScript)
// and OpenSSL 3.5 (node:crypto, which knows SM2 signatures under an empty user id only). FIM_SM2_ROUNDS multiplies the
// numbers.
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, randomBytes, randomInt, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import { sm2 as peer } from 'sm-crypto-v2';
import { DEFAULT_ID, Sm2, type Layout } from './sm2-harness.ts';

const ROUNDS = Number(process.env.FIM_SM2_ROUNDS ?? 1);
const sm2 = new Sm2();

interface Pair {
  key: number;
  point: number;
  secretHex: string;
  publicHex: string;
}

function newPair(): Pair {
  const key = sm2.generate()!;
  const point = sm2.publicOf(key);
  return {
    key,
    point,
    secretHex: sm2.privateBytes(key).toString('hex'),
    publicHex: sm2.publicBytes(point).toString('hex'),
  };
}

test('keys: sm-crypto-v2 derives the same public keys', () => {
  for (let i = 0; i < 200 * ROUNDS; i++) {
    const pair = newPair();
    assert.equal(peer.getPublicKeyFromPrivateKey(pair.secretHex), pair.publicHex);
    assert.equal(peer.compressPublicKeyHex(pair.publicHex), sm2.publicCompressed(pair.point).toString('hex'));
  }
});

test('signatures: sm-crypto-v2 verifies ours', () => {
  let pair = newPair();
  for (let i = 0; i < 250 * ROUNDS; i++) {
    if (i % 20 === 0) pair = newPair();
    const message = randomBytes(randomInt(600));
    const id = i % 2 === 0 ? DEFAULT_ID : Buffer.from(randomBytes(randomInt(1, 20)).toString('hex'));
    const raw = sm2.sign(pair.key, message, id)!;
    const der = i % 3 === 0;
    const text = (der ? sm2.toDer(raw) : raw).toString('hex');
    assert.ok(peer.doVerifySignature(message, text, pair.publicHex, { hash: true, der, userId: id.toString() }));
  }
});

test('signatures: ours verifies those of sm-crypto-v2, and none that was changed', () => {
  let pair = newPair();
  for (let i = 0; i < 1200 * ROUNDS; i++) {
    if (i % 20 === 0) pair = newPair();
    const message = randomBytes(randomInt(600));
    const der = i % 3 === 0;
    const id = i % 2 === 0 ? DEFAULT_ID : Buffer.from(randomBytes(randomInt(1, 20)).toString('hex'));
    const bytes = Buffer.from(
      peer.doSignature(message, pair.secretHex, { hash: true, der, userId: id.toString() }),
      'hex',
    );
    const raw = der ? sm2.fromDer(bytes) : bytes;
    assert.ok(raw && sm2.verify(pair.point, message, raw, id));
    raw[randomInt(64)]! ^= 1 << randomInt(8);
    assert.ok(!sm2.verify(pair.point, message, raw, id));
  }
});

/** sm-crypto-v2's ciphertexts lack the 0x04 unless it is ASN.1; `mode` 1 is C1C3C2, 0 is C1C2C3. */
const PEER_LAYOUTS: [Layout, number, boolean][] = [
  ['ASN.1', 1, true],
  ['C1C3C2 bare', 1, false],
  ['C1C2C3 bare', 0, false],
];

test('encryption: both ways with sm-crypto-v2', () => {
  let pair = newPair();
  for (let i = 0; i < 300 * ROUNDS; i++) {
    if (i % 20 === 0) pair = newPair();
    const [layout, mode, asn1] = PEER_LAYOUTS[i % 3]!;
    const text = randomBytes(randomInt(2, 400));
    const theirs = Buffer.from(peer.doEncrypt(text, pair.publicHex, mode, { asn1 }), 'hex');
    assert.deepEqual(sm2.decrypt(pair.key, layout, theirs), text, `${layout}: ${theirs.toString('hex')}`);
    if (i % 3 !== 0) {
      const marked: Layout = mode === 1 ? 'C1C3C2' : 'C1C2C3';
      assert.deepEqual(sm2.decrypt(pair.key, marked, Buffer.concat([Buffer.from([4]), theirs])), text);
    }
    const ours = sm2.encrypt(pair.point, layout, text)!;
    assert.deepEqual(
      Buffer.from(peer.doDecrypt(ours.toString('hex'), pair.secretHex, mode, { asn1, output: 'array' })),
      text,
    );
  }
});

test('signatures: both ways with OpenSSL', () => {
  const empty = Buffer.alloc(0);
  for (let i = 0; i < 1000 * ROUNDS; i++) {
    const pair = newPair();
    const message = randomBytes(randomInt(600));
    const privateKey = createPrivateKey({ key: sm2.privateDer(pair.key), format: 'der', type: 'pkcs8' });
    const publicKey = createPublicKey({ key: sm2.publicDer(pair.point), format: 'der', type: 'spki' });
    const theirs = sm2.fromDer(sign('sm3', message, privateKey));
    assert.ok(theirs && sm2.verify(pair.point, message, theirs, empty));
    const ours = sm2.sign(pair.key, message, empty)!;
    assert.ok(verify('sm3', message, publicKey, sm2.toDer(ours)));
    ours[randomInt(64)]! ^= 1 << randomInt(8);
    assert.equal(sm2.verify(pair.point, message, ours, empty), verify('sm3', message, publicKey, sm2.toDer(ours)));
  }
});
