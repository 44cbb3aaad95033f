// Signatures as DER: one encoding of each, and no other is read.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Sm2 } from './sm2-harness.ts';
import { bytes32 } from './sm2-reference.ts';

const sm2 = new Sm2();
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const R = '7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff01';
const S = 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff02';

test('short and long numbers are written minimally and read back', () => {
  const cases: [bigint, bigint, string][] = [
    [0n, 0n, '3006020100020100'],
    [1n, 127n, '300602010102017f'],
    [128n, 255n, '300802020080020200ff'],
    [256n, 32767n, '30080202010002027fff'],
  ];
  for (const [r, s, expected] of cases) {
    const raw = Buffer.concat([bytes32(r), bytes32(s)]);
    assert.equal(sm2.toDer(raw).toString('hex'), expected);
    assert.deepEqual(sm2.fromDer(hex(expected)), raw);
  }
  for (let i = 0; i < 2000; i++) {
    const raw = randomBytes(64);
    raw.fill(0, 0, i % 33);
    raw.fill(0, 32, 32 + ((i * 7) % 33));
    const der = sm2.toDer(raw);
    assert.ok(der.length >= 8 && der.length <= 72);
    assert.deepEqual(sm2.fromDer(der), raw);
  }
});

const GOOD = `3045 0220 ${R} 0221 00${S}`;
const MALLEABLE: Record<string, string> = {
  'long form of a short length': `308145 0220 ${R} 0221 00${S}`,
  'length of length with a zero': `30820045 0220 ${R} 0221 00${S}`,
  'indefinite length': `3080 0220 ${R} 0221 00${S} 0000`,
  'long form inside': `3046 028120 ${R} 0221 00${S}`,
  'a superfluous zero before r': `3046 0221 00${R} 0221 00${S}`,
  'two zeros before s': `3046 0220 ${R} 0222 0000${S}`,
  'negative s': `3044 0220 ${R} 0220 ${S}`,
  'empty r': `3025 0200 0221 00${S}`,
  'r as an octet string': `3045 0420 ${R} 0221 00${S}`,
  'a set': `3145 0220 ${R} 0221 00${S}`,
  'a primitive sequence': `1045 0220 ${R} 0221 00${S}`,
  'a third number': `3048 0220 ${R} 0221 00${S} 020101`,
  'one number': `3022 0220 ${R}`,
  'no number': '3000',
  'bytes behind': `3045 0220 ${R} 0221 00${S} 00`,
  'bytes behind, inside': `3046 0220 ${R} 0221 00${S} 00`,
  'a length beyond the end': `3046 0220 ${R} 0221 00${S}`,
  'a number beyond the sequence': `3045 0220 ${R} 0222 00${S}`,
  'a length of four bytes': `308400000045 0220 ${R} 0221 00${S}`,
  'a length of 2^31': `308480000000 0220 ${R} 0221 00${S}`,
  'a length of 127 bytes': `30ff 0220 ${R} 0221 00${S}`,
  'a number of 33 bytes': `3046 0221 01${R} 0221 00${S}`,
  'a high tag': `3f3045 0220 ${R} 0221 00${S}`,
  'a real': `3045 0920 ${R} 0221 00${S}`,
};

test('every other encoding is refused', () => {
  assert.equal(sm2.fromDer(hex(GOOD))?.toString('hex'), R + S);
  for (const [what, text] of Object.entries(MALLEABLE)) assert.equal(sm2.fromDer(hex(text)), undefined, what);
  const good = hex(GOOD);
  for (let length = 0; length < good.length; length++)
    assert.equal(sm2.fromDer(good.subarray(0, length)), undefined, `cut to ${length}`);
});

test('what is read is what would be written, whatever the bytes', () => {
  const good = hex(GOOD);
  for (let i = 0; i < good.length; i++) {
    for (let value = 0; value < 256; value++) {
      const changed = Buffer.from(good);
      changed[i] = value;
      const read = sm2.fromDer(changed);
      if (read) assert.deepEqual(sm2.toDer(read), changed);
    }
  }
});
