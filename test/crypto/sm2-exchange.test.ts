// Key exchange: the example of the standard, both sides of random exchanges, and sm-crypto-v2 as the other side.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { sm2 as peer } from 'sm-crypto-v2';
import { Sm2 } from './sm2-harness.ts';
import { G, N, mod, pointText, times } from './sm2-reference.ts';

interface Side {
  privateKey: string;
  ephemeralPrivateKey: string;
}
interface Vector {
  id: string;
  initiator: Side;
  responder: Side;
  key: string;
  sA: string;
  sB: string;
}

const sm2 = new Sm2();

/** One side's keys by handle, its Z, and its public keys by handle. */
interface Party {
  own: readonly [number, number];
  open: readonly [number, number];
  identity: Buffer;
}

function party(secret: Buffer, ephemeral: Buffer, id: Buffer): Party {
  const own = [sm2.privateFromBytes(secret)!, sm2.privateFromBytes(ephemeral)!] as const;
  const open = [sm2.publicOf(own[0]), sm2.publicOf(own[1])] as const;
  return { own, open, identity: sm2.identity(open[0], id)! };
}

function exchange(a: Party, b: Party, length: number): [ReturnType<Sm2['agree']>, ReturnType<Sm2['agree']>] {
  return [
    sm2.agree(true, a.own, b.open, [a.identity, b.identity], length),
    sm2.agree(false, b.own, a.open, [b.identity, a.identity], length),
  ];
}

const file = new URL('../vectors/crypto/gbt-32918.5-2017-annex-b-sm2-exchange.json', import.meta.url);
for (const vector of (JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] }).vectors) {
  test('key exchange of the standard', () => {
    const hex = (text: string): Buffer => Buffer.from(text, 'hex');
    const [a, b] = [vector.initiator, vector.responder].map((side) =>
      party(hex(side.privateKey), hex(side.ephemeralPrivateKey), Buffer.from(vector.id)),
    );
    for (const side of exchange(a!, b!, vector.key.length / 2)) {
      assert.equal(side?.key.toString('hex'), vector.key);
      assert.equal(side?.responder.toString('hex'), vector.sB);
      assert.equal(side?.initiator.toString('hex'), vector.sA);
    }
  });
}

test('both sides agree, and with sm-crypto-v2; another identity or key gives another secret', () => {
  for (let i = 0; i < 60; i++) {
    const [a, b] = [0, 1].map(() =>
      party(
        sm2.privateBytes(sm2.generate()!),
        sm2.privateBytes(sm2.generate()!),
        Buffer.from(`side ${randomInt(1000)}`),
      ),
    );
    const length = randomInt(1, 100);
    const [first, second] = exchange(a!, b!, length);
    assert.ok(first && second);
    assert.deepEqual(first, second);
    const stranger = { ...b!, identity: randomBytes(32) };
    assert.notDeepEqual(
      sm2.agree(true, a!.own, b!.open, [a!.identity, stranger.identity], 32),
      sm2.agree(true, a!.own, b!.open, [a!.identity, b!.identity], 32),
    );
  }
  for (let i = 0; i < 40; i++) {
    const ids = [`a${randomInt(1000)}`, `b${randomInt(1000)}`] as const;
    const [a, b] = ids.map((id) =>
      party(sm2.privateBytes(sm2.generate()!), sm2.privateBytes(sm2.generate()!), Buffer.from(id)),
    );
    const pair = (handle: number, open: number) => ({
      privateKey: sm2.privateBytes(handle).toString('hex'),
      publicKey: sm2.publicBytes(open).toString('hex'),
    });
    const theirs = peer.calculateSharedKey(
      pair(a!.own[0], a!.open[0]),
      pair(a!.own[1], a!.open[1]),
      pair(b!.own[0], b!.open[0]).publicKey,
      pair(b!.own[1], b!.open[1]).publicKey,
      48,
      false,
      ids[0],
      ids[1],
    );
    for (const side of exchange(a!, b!, 48)) assert.deepEqual(side?.key, Buffer.from(theirs));
  }
});

test('values of the peer that lead to infinity are refused', () => {
  // P = -halfX(R) R for a chosen R.
  const r = 123456789n;
  const point = times(r, G)!;
  const half = (1n << 127n) | (point[0] & ((1n << 127n) - 1n));
  const secret = mod(-half * r, N);
  const own = party(sm2.privateBytes(sm2.generate()!), sm2.privateBytes(sm2.generate()!), Buffer.from('own'));
  const open = [
    sm2.publicFromBytes(Buffer.from(pointText(times(secret, G)), 'hex'))!,
    sm2.publicFromBytes(Buffer.from(pointText(point), 'hex'))!,
  ] as const;
  assert.equal(sm2.agree(true, own.own, open, [own.identity, own.identity], 16), undefined);
});
