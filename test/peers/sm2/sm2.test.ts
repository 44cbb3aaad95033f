// SM2 against Tongsuo, GmSSL and BouncyCastle: keys, signatures and ciphertexts both ways, random inputs, changed
// inputs refused by both.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_ID, Sm2, type Layout } from '../../crypto/sm2-harness.ts';
import { type Keys, Oracle, bouncyCastle, pythonWithPeers } from './oracles.ts';

const ROUNDS = 400;
const SET_UP_MS = 300_000;
const sm2 = new Sm2();

interface Pair extends Keys {
  key: number;
  point: number;
}

function newPair(): Pair {
  const key = sm2.generate()!;
  const point = sm2.publicOf(key);
  return { key, point, secret: sm2.privateBytes(key).toString('hex'), public: sm2.publicBytes(point).toString('hex') };
}

function changed(bytes: Buffer, from = 0): Buffer {
  const copy = Buffer.from(bytes);
  copy[randomInt(from, copy.length)]! ^= 1 << randomInt(8);
  return copy;
}

for (const [name, script, maxText, anyId] of [
  ['Tongsuo', 'tongsuo-oracle.py', 1000, true],
  ['GmSSL', 'gmssl-oracle.py', 255, false],
] as const) {
  describe(`SM2 with ${name}`, () => {
    let oracle: Oracle;
    before(
      () => {
        oracle = new Oracle(pythonWithPeers(), [join(import.meta.dirname, script)]);
      },
      { timeout: SET_UP_MS },
    );
    after(() => oracle.end());

    it('signatures, both ways', async () => {
      for (let i = 0; i < ROUNDS; i++) {
        const pair = newPair();
        const keys = { secret: pair.secret, public: pair.public };
        const message = randomBytes(randomInt(1, 1000));
        const id = anyId && i % 2 === 1 ? randomBytes(randomInt(1, 60)) : DEFAULT_ID;
        const question = { ...keys, message: message.toString('hex'), id: id.toString('hex') };
        const theirs = Buffer.from(String(await oracle.askJson({ op: 'sign', ...question })), 'hex');
        const read = sm2.fromDer(theirs);
        assert.ok(read && sm2.verify(pair.point, message, read, id), theirs.toString('hex'));
        const ours = sm2.sign(pair.key, message, id)!;
        assert.equal(
          await oracle.askJson({ op: 'verify', ...question, signature: sm2.toDer(ours).toString('hex') }),
          true,
        );
        const bad = changed(ours);
        assert.ok(!sm2.verify(pair.point, message, bad, id));
        assert.notEqual(
          await oracle.askJson({ op: 'verify', ...question, signature: sm2.toDer(bad).toString('hex') }),
          true,
        );
      }
    });

    it('ciphertexts in ASN.1, both ways', async () => {
      for (let i = 0; i < ROUNDS; i++) {
        const pair = newPair();
        const keys = { secret: pair.secret, public: pair.public };
        const text = randomBytes(randomInt(2, maxText + 1));
        const theirs = Buffer.from(
          String(await oracle.askJson({ op: 'encrypt', ...keys, text: text.toString('hex') })),
          'hex',
        );
        assert.deepEqual(sm2.decrypt(pair.key, 'ASN.1', theirs), text, theirs.toString('hex'));
        const ours = sm2.encrypt(pair.point, 'ASN.1', text)!;
        assert.equal(
          await oracle.askJson({ op: 'decrypt', ...keys, ciphertext: ours.toString('hex') }),
          text.toString('hex'),
        );
        const bad = changed(ours);
        assert.equal(sm2.decrypt(pair.key, 'ASN.1', bad), undefined);
      }
    });
  });
}

describe('SM2 key exchange with Tongsuo', () => {
  let oracle: Oracle;
  before(
    () => {
      oracle = new Oracle(pythonWithPeers(), [join(import.meta.dirname, 'tongsuo-oracle.py')]);
    },
    { timeout: SET_UP_MS },
  );
  after(() => oracle.end());

  it('the same key in both roles', async () => {
    for (let i = 0; i < ROUNDS / 4; i++) {
      const [own, ephemeral, peer, peerEphemeral] = [newPair(), newPair(), newPair(), newPair()];
      const [ownId, peerId] = [randomBytes(randomInt(1, 40)), randomBytes(randomInt(1, 40))];
      const isInitiator = i % 2 === 0;
      const length = randomInt(1, 100);
      const ours = sm2.agree(
        isInitiator,
        [own.key, ephemeral.key],
        [peer.point, peerEphemeral.point],
        [sm2.identity(own.point, ownId)!, sm2.identity(peer.point, peerId)!],
        length,
      );
      const theirs = await oracle.askJson({
        op: 'agree',
        initiator: isInitiator,
        length,
        ownId: ownId.toString('hex'),
        peerId: peerId.toString('hex'),
        secret: own.secret,
        public: own.public,
        ephemeralSecret: ephemeral.secret,
        ephemeral: ephemeral.public,
        peer: peer.public,
        peerEphemeral: peerEphemeral.public,
      });
      assert.equal(ours?.key.toString('hex'), theirs);
    }
  });
});

describe('SM2 with BouncyCastle', () => {
  let oracle: Oracle;
  before(
    () => {
      oracle = new Oracle('java', ['-cp', bouncyCastle(), join(import.meta.dirname, 'bouncy-castle-oracle.java')]);
    },
    { timeout: SET_UP_MS },
  );
  after(() => oracle.end());

  it('signatures, both ways', async () => {
    for (let i = 0; i < ROUNDS; i++) {
      const pair = newPair();
      const message = randomBytes(randomInt(1, 1000));
      const id = randomBytes(randomInt(1, 60));
      const theirs = Buffer.from((await oracle.askFields('sign', pair, id, message))!, 'hex');
      const read = sm2.fromDer(theirs);
      assert.ok(read && sm2.verify(pair.point, message, read, id), theirs.toString('hex'));
      const ours = sm2.sign(pair.key, message, id)!;
      assert.equal(await oracle.askFields('verify', pair, id, message, sm2.toDer(ours)), 'true');
      assert.notEqual(await oracle.askFields('verify', pair, id, message, sm2.toDer(changed(ours))), 'true');
    }
  });

  it('ciphertexts as C1C3C2 and C1C2C3, both ways, and refusals agree', async () => {
    const none = Buffer.alloc(0);
    for (let i = 0; i < ROUNDS; i++) {
      const pair = newPair();
      const [layout, suffix]: [Layout, string] = i % 2 === 0 ? ['C1C3C2', ''] : ['C1C2C3', '123'];
      const text = randomBytes(randomInt(2, 1000));
      const theirs = Buffer.from((await oracle.askFields(`encrypt${suffix}`, pair, none, text))!, 'hex');
      assert.deepEqual(sm2.decrypt(pair.key, layout, theirs), text);
      const ours = sm2.encrypt(pair.point, layout, text)!;
      assert.equal(await oracle.askFields(`decrypt${suffix}`, pair, none, ours), text.toString('hex'));
      // BouncyCastle takes a point whose first byte is 06 or 07, the hybrid form, for the same as one with 04.
      const bad = changed(ours, 1);
      assert.equal(sm2.decrypt(pair.key, layout, bad), undefined);
      assert.equal(await oracle.askFields(`decrypt${suffix}`, pair, none, bad), undefined);
    }
  });
});
