// This library on Node's V8, the one of Envoy 1.40. The message lies in linear memory already, as it does in a filter.
import { Library, type Build } from '../../test/crypto/harness.ts';
import { cbcCiphertext, GCM_IV, IV, KEY, message } from './operations.ts';
import { localSubject, type Runner, type Subject } from './subject.ts';

export function fimSubject(build: Build): Subject {
  const library = Library.load(build);
  const { call, input, output } = library;
  const key = library.argument(0, KEY);
  const iv = library.argument(1, IV);
  const tag = library.argument(3, Buffer.alloc(16));
  call.ctrSetKey(key);
  call.cbcSetKey(key);
  call.sm4GcmSetKey(key);
  call.aesGcmSetKey(key, 32);
  const on = (data: Buffer, run: () => unknown, length: () => number, suffix?: number): Runner => {
    const fill = () => library.write(input, data);
    fill();
    return {
      run,
      output: () => {
        fill();
        run();
        return Buffer.concat([
          library.read(output, length()),
          suffix === undefined ? Buffer.alloc(0) : library.read(suffix, 16),
        ]);
      },
    };
  };
  return localSubject(`FIM, ${build} SIMD`, {
    'sm4-ctr': (size) =>
      on(
        message(size),
        () => call.ctrMessage(iv, input, output, size),
        () => size,
      ),
    // Padding adds a block to what is done but not to what is counted.
    'sm4-cbc-encrypt': (size) =>
      on(
        message(size),
        () => call.cbcEncrypt(iv, input, size, output),
        () => size,
      ),
    'sm4-cbc-decrypt': (size) => {
      const padded = library.cbcEncrypt(KEY.subarray(0, 16), IV, message(size));
      if (!padded.subarray(0, size).equals(cbcCiphertext(size))) throw new Error('CBC disagrees with OpenSSL');
      return on(
        padded,
        () => call.cbcDecrypt(iv, input, size + 16, output),
        () => size,
      );
    },
    'sm4-gcm': (size) =>
      on(
        message(size),
        () => call.sm4GcmEncrypt(iv, GCM_IV.length, iv, 0, input, output, size, tag),
        () => size,
        tag,
      ),
    'aes-256-gcm': (size) =>
      on(
        message(size),
        () => call.aesGcmEncrypt(iv, GCM_IV.length, iv, 0, input, output, size, tag),
        () => size,
        tag,
      ),
    sm3: (size) =>
      on(
        message(size),
        () => call.hash(0, input, size, output),
        () => 32,
      ),
    sha256: (size) =>
      on(
        message(size),
        () => call.hash(1, input, size, output),
        () => 32,
      ),
    'sm4-gcm-key': () => ({ run: () => call.sm4GcmSetKey(key) }),
  });
}
