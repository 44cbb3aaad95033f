// OpenSSL as Node offers it: native code, with the cost of a call from JavaScript.
import { createCipheriv, createDecipheriv, hash, type CipherGCM } from 'node:crypto';
import { cbcCiphertext, GCM_IV, IV, KEY, message } from './operations.ts';
import { localSubject, type Runner, type Subject } from './subject.ts';

export function nodeCryptoSubject(): Subject {
  const key = KEY.subarray(0, 16);
  const of = (run: () => Buffer): Runner => ({ run, output: run });
  const gcm = (name: string, secret: Buffer) => (size: number) => {
    const data = message(size);
    return of(() => {
      const cipher = createCipheriv(name, secret, GCM_IV) as CipherGCM;
      const ciphertext = cipher.update(data);
      cipher.final();
      return Buffer.concat([ciphertext, cipher.getAuthTag()]);
    });
  };
  const digest = (name: string) => (size: number) => {
    const data = message(size);
    return of(() => hash(name, data, 'buffer'));
  };
  return localSubject(`OpenSSL ${process.versions.openssl} by node:crypto`, {
    'sm4-ctr': (size) => {
      const data = message(size);
      return of(() => createCipheriv('sm4-ctr', key, IV).update(data));
    },
    'sm4-cbc-encrypt': (size) => {
      const data = message(size);
      return of(() => createCipheriv('sm4-cbc', key, IV).setAutoPadding(false).update(data));
    },
    'sm4-cbc-decrypt': (size) => {
      const data = cbcCiphertext(size);
      return of(() => createDecipheriv('sm4-cbc', key, IV).setAutoPadding(false).update(data));
    },
    'sm4-gcm': gcm('sm4-gcm', key),
    'aes-256-gcm': gcm('aes-256-gcm', KEY),
    sm3: digest('sm3'),
    sha256: digest('sha256'),
  });
}
