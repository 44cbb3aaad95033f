// Compressed bodies against Node's zlib, which is native code.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { compileGuest, type GuestExports } from '../../test/fuzz/guest.ts';
import { message, SIZES } from './documents.ts';
import { print, speeds } from './measure.ts';

interface CompressionExports extends GuestExports {
  open(coding: number, length: number, maxBytes: number): number;
  openMany(coding: number, length: number, maxBytes: number, times: number): number;
  outputPointer(): number;
  outputLength(): number;
}

const GZIP = 1;
const DEFLATE = 2;
const LIMIT_BYTES = 16 * 1024 * 1024;

/** Speeds by what comes out. */
export async function benchCompression(): Promise<Record<string, Record<string, number>>> {
  const guest = await compileGuest<CompressionExports>('test/fuzz/compression');
  const results: Record<string, Record<string, number>> = {};
  const texts = SIZES.map((size): [string, Buffer] => [`JSON`, Buffer.from(message(size, true, false))]);
  for (const [kind, plain] of [...texts, ['random', randomBytes(65536)], ['one byte', Buffer.alloc(65536)]] as const) {
    for (const [coding, name, packed, native] of [
      [GZIP, 'gzip', gzipSync(plain), gunzipSync],
      [DEFLATE, 'deflate', deflateSync(plain), inflateSync],
    ] as const) {
      const length = guest.put(packed);
      assert.equal(guest.exports.open(coding, length, LIMIT_BYTES), 0);
      const opened = Buffer.from(
        guest.exports.memory.buffer,
        guest.exports.outputPointer() >>> 0,
        guest.exports.outputLength(),
      );
      assert.ok(opened.equals(plain) && native(packed).equals(plain));
      const title = `${name}, ${kind}, ${packed.length} to ${plain.length} bytes`;
      results[title] = speeds(
        [
          ['inflate', (times) => void guest.exports.openMany(coding, length, LIMIT_BYTES, times)],
          [
            'zlib',
            (times) => {
              for (let i = 0; i < times; i++) native(packed);
            },
          ],
        ],
        plain.length,
      );
      print(title, results[title]);
    }
  }
  return results;
}
