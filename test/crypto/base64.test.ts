// Base64 against Node's, and its strictness against the grammar of RFC 4648.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BUILDS, Library, reproducible } from './harness.ts';

const GRAMMAR = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const isStrict = (text: string) => GRAMMAR.test(text) && Buffer.from(text, 'base64').toString('base64') === text;

for (const build of BUILDS) {
  describe(`base64, ${build} SIMD`, () => {
    const library = Library.load(build);
    const { call, input, output } = library;

    test('every length, both ways, and nothing beyond the end is written', () => {
      for (let length = 0; length <= 1100; length++) {
        const data = reproducible('base64', length);
        const text = data.toString('base64');
        library.write(output, Buffer.alloc(2000, 0x7e));
        assert.equal(call.encodeBase64(library.write(input, data), length, output), text.length);
        assert.equal(library.read(output, text.length + 1).toString('latin1'), `${text}~`);
        library.write(output, Buffer.alloc(2000, 0x7e));
        assert.equal(call.decodeBase64(library.write(input, Buffer.from(text)), text.length, output), length);
        assert.deepEqual(
          library.read(output, call.base64DecodedBound(text.length) + 1),
          Buffer.concat([data, Buffer.alloc(call.base64DecodedBound(text.length) + 1 - length, 0x7e)]),
        );
      }
    });

    test('decoding may overwrite its input', () => {
      for (const length of [0, 5, 16, 100, 1000]) {
        const data = reproducible('in place', length);
        const text = Buffer.from(data.toString('base64'));
        assert.equal(call.decodeBase64(library.write(input, text), text.length, input), length);
        assert.deepEqual(library.read(input, length), data);
      }
    });

    test('every byte in every place of short and long texts is accepted or refused as the grammar says', () => {
      for (const length of [1, 2, 3, 4, 11, 12, 13, 24, 25, 26, 36]) {
        const text = Buffer.from(reproducible('strict', length).toString('base64'));
        for (let place = 0; place < text.length; place++) {
          const changed = Buffer.from(text);
          for (let byte = 0; byte < 256; byte++) {
            changed[place] = byte;
            const decoded = call.decodeBase64(library.write(input, changed), changed.length, output);
            assert.equal(decoded >= 0, isStrict(changed.toString('latin1')), `${changed.toString('latin1')}`);
          }
        }
      }
    });

    test('truncated texts are refused', () => {
      const text = Buffer.from(reproducible('cut', 50).toString('base64'));
      for (let length = 0; length < text.length; length++) {
        assert.equal(
          call.decodeBase64(library.write(input, text), length, output) >= 0,
          isStrict(text.toString('latin1', 0, length)),
          `${length}`,
        );
      }
    });
  });
}
