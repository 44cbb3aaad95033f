// Base64url and hexadecimal against Node's, and their strictness against the grammars of RFC 4648.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BUILDS, Library, reproducible } from './harness.ts';

const isBase64Url = (text: string): boolean =>
  /^[A-Za-z0-9_-]*$/.test(text) && Buffer.from(text, 'base64url').toString('base64url') === text;
const isHex = (text: string): boolean => /^(?:[0-9a-fA-F]{2})*$/.test(text);

for (const build of BUILDS) {
  describe(`base64url and hex, ${build} SIMD`, () => {
    const library = Library.load(build);
    const { call, input, output } = library;

    test('every length, both ways, and nothing beyond the end is written', () => {
      for (let length = 0; length <= 1100; length++) {
        const data = reproducible('text', length);
        const text = data.toString('base64url');
        library.write(output, Buffer.alloc(2300, 0x7e));
        assert.equal(call.encodeBase64Url(library.write(input, data), length, output), text.length);
        assert.equal(call.base64UrlLength(length), text.length);
        assert.equal(library.read(output, text.length + 1).toString('latin1'), `${text}~`);
        library.write(output, Buffer.alloc(2300, 0x7e));
        assert.equal(call.decodeBase64Url(library.write(input, Buffer.from(text)), text.length, output), length);
        assert.equal(call.base64UrlBytes(text.length), length);
        assert.deepEqual(library.read(output, length + 1), Buffer.concat([data, Buffer.of(0x7e)]));
        const digits = data.toString('hex');
        library.write(output, Buffer.alloc(2300, 0x7e));
        call.encodeHex(library.write(input, data), length, output);
        assert.equal(library.read(output, digits.length + 1).toString('latin1'), `${digits}~`);
        for (const spelled of [digits, digits.toUpperCase()]) {
          library.write(output, Buffer.alloc(2300, 0x7e));
          assert.equal(call.decodeHex(library.write(input, Buffer.from(spelled)), spelled.length, output), length);
          assert.deepEqual(library.read(output, length + 1), Buffer.concat([data, Buffer.of(0x7e)]));
        }
      }
    });

    test('decoding may overwrite its input', () => {
      for (const length of [0, 5, 16, 100, 1000]) {
        const data = reproducible('in place', length);
        for (const [encoding, decode] of [
          ['base64url', call.decodeBase64Url],
          ['hex', call.decodeHex],
        ] as const) {
          const text = Buffer.from(data.toString(encoding));
          assert.equal(decode(library.write(input, text), text.length, input), length);
          assert.deepEqual(library.read(input, length), data);
        }
      }
    });

    test('every byte in every place is accepted or refused as the grammar says, and so is every length', () => {
      for (const length of [1, 2, 3, 11, 12, 13, 16, 17, 24, 33]) {
        const data = reproducible('strict', length);
        for (const [encoding, decode, valid] of [
          ['base64url', call.decodeBase64Url, isBase64Url],
          ['hex', call.decodeHex, isHex],
        ] as const) {
          const text = Buffer.from(data.toString(encoding));
          for (let cut = 0; cut <= text.length; cut++)
            assert.equal(
              decode(library.write(input, text), cut, output) >= 0,
              valid(text.toString('latin1', 0, cut)),
              `${encoding} ${cut}`,
            );
          for (let place = 0; place < text.length; place++) {
            const changed = Buffer.from(text);
            for (let byte = 0; byte < 256; byte++) {
              changed[place] = byte;
              assert.equal(
                decode(library.write(input, changed), changed.length, output) >= 0,
                valid(changed.toString('latin1')),
                `${encoding} ${changed.toString('latin1')}`,
              );
            }
          }
        }
      }
    });
  });
}
