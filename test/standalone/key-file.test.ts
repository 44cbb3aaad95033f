// Reading the bytes of a key file: what may have a key written down is refused until it is said how.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfFile } from '../../envoy/standalone/key-material.ts';
import type { FileEncoding } from '../../envoy/standalone/key-material.ts';

// 33 bytes, of which base64 needs no padding and both of whose alphabets' own characters occur.
const KEY = Buffer.from(`fbff${'3e'.repeat(31)}`, 'hex');
const SHORT = KEY.subarray(0, 32);
const hex = SHORT.toString('hex');
const pairs = hex.match(/../g)!;
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');

const WRITTEN: [string, string | Buffer, FileEncoding, Buffer][] = [
  ['base64url', KEY.toString('base64url'), 'base64', KEY],
  ['base64 without padding', SHORT.toString('base64').replace('=', ''), 'base64', SHORT],
  ['base64', SHORT.toString('base64'), 'base64', SHORT],
  ['base64 in quotes', `"${SHORT.toString('base64')}"`, 'base64', SHORT],
  ['base64 behind a byte order mark', `\ufeff${SHORT.toString('base64')}`, 'base64', SHORT],
  ['base64 as UTF-16', utf16(SHORT.toString('base64')), 'base64', SHORT],
  ['base64 as UTF-16, most significant byte first', utf16(SHORT.toString('base64')).swap16(), 'base64', SHORT],
  ['hex', hex, 'hex', SHORT],
  ['hex with 0x', `0x${hex}`, 'hex', SHORT],
  ['hex with colons', pairs.join(':').toUpperCase(), 'hex', SHORT],
  ['hex with hyphens', pairs.join('-'), 'hex', SHORT],
  ['hex with blanks', pairs.join(' '), 'hex', SHORT],
  ['hex in quotes', `'${hex}'`, 'hex', SHORT],
  ['hex as C has it', pairs.map((pair) => `0x${pair}`).join(', '), 'hex', SHORT],
];

for (const [about, text, encoding, key] of WRITTEN)
  test(`${about} is a key when it is said so, and refused else`, () => {
    const file = Buffer.from(text as string);
    assert.deepEqual(bytesOfFile('HMAC-SM3', file, encoding), key);
    assert.deepEqual(bytesOfFile('HMAC-SM3', file, 'raw'), file);
    const readings = new RegExp(
      `FIM-KMS-0005.*raw \\(${file.length} bytes\\).*${encoding} \\(${key.length} bytes\\).*--encoding`,
    );
    assert.throws(
      () => bytesOfFile('HMAC-SM3', file, undefined),
      (error: Error & { code: string }) => readings.test(`${error.code} ${error.message}`),
    );
  });

test('what can be read in one way is the key', () => {
  for (const text of ['a passphrase, said over the telephone', 'sixteen bytes, so', 'p@ssw0rd!p@ssw0rd!p@ssw0rd!'])
    assert.equal(bytesOfFile('HMAC-SM3', Buffer.from(text), undefined).toString(), text);
  assert.deepEqual(bytesOfFile('HMAC-SM3', KEY, undefined), KEY);
  // Base64 of no length that the algorithm has.
  assert.equal(bytesOfFile('SM4', Buffer.from('sixteenletters16'), undefined).length, 16);
  const beyondAscii = Buffer.from([0xef, 0xbb, 0xbf, ...SHORT]);
  assert.deepEqual(bytesOfFile('HMAC-SM3', beyondAscii, undefined), beyondAscii);
});

test('what is not of the encoding is refused', () => {
  for (const [text, encoding] of [
    ['0x0', 'hex'],
    ['0x', 'hex'],
    ['ab::cd', 'hex'],
    ['', 'hex'],
    ['', 'base64'],
    ['=', 'base64'],
    ['AAAAA', 'base64'],
    ['AA AA, AA', 'base64'],
  ] as const)
    assert.throws(() => bytesOfFile('HMAC-SM3', Buffer.from(text), encoding), /is not/, `${text} ${encoding}`);
});
