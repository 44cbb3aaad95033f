// Peers from npm: sm-crypto-v2 and noble. Installed into the cache folder, not into the project.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cbcCiphertext, GCM_IV, IV, KEY, message } from './operations.ts';
import { runTool, type Peer } from './peer.ts';
import { localSubject, type Subject } from './subject.ts';

const PACKAGES = { 'sm-crypto-v2': '1.15.1', '@noble/ciphers': '2.4.0', '@noble/hashes': '2.4.0' };

export const javascriptPeers: Peer = {
  name: 'sm-crypto-v2, noble (npm)',
  async open(cache) {
    const folder = join(cache, 'npm-1');
    if (!existsSync(join(folder, 'node_modules/@noble/hashes'))) {
      mkdirSync(folder, { recursive: true });
      const specs = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`);
      runTool('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...specs]);
    }
    const load = (path: string) => import(pathToFileURL(join(folder, 'node_modules', path)).href);
    return [
      smCrypto(await load('sm-crypto-v2/dist/index.mjs')),
      noble(await load('@noble/ciphers/aes.js'), await load('@noble/hashes/sha2.js')),
    ];
  },
};

function smCrypto(module: any): Subject {
  const { sm3, sm4 } = module.default ?? module;
  const key = KEY.toString('hex').slice(0, 32);
  const bytes = (value: ArrayLike<number>) => Uint8Array.from(value);
  const cipher = (mode: string, decrypt: boolean) => (size: number) => {
    const data = decrypt ? cbcCiphertext(size) : message(size);
    const iv = (mode === 'gcm' ? GCM_IV : IV).toString('hex');
    const options = { mode, iv, padding: 'none', output: 'array', outputTag: mode === 'gcm' };
    const run = () => (decrypt ? sm4.decrypt(data, key, options) : sm4.encrypt(data, key, options));
    return {
      run,
      output: () => {
        const result = run();
        if (mode !== 'gcm') return bytes(result);
        return Buffer.concat([
          bytes(result.output),
          typeof result.tag === 'string' ? Buffer.from(result.tag, 'hex') : bytes(result.tag),
        ]);
      },
    };
  };
  return localSubject('sm-crypto-v2', {
    'sm4-cbc-encrypt': cipher('cbc', false),
    'sm4-cbc-decrypt': cipher('cbc', true),
    'sm4-gcm': cipher('gcm', false),
    sm3: (size) => {
      const data = message(size);
      return { run: () => sm3(data), output: () => Buffer.from(sm3(data), 'hex') };
    },
  });
}

function noble(ciphers: any, hashes: any): Subject {
  return localSubject('noble', {
    'aes-256-gcm': (size) => {
      const data = message(size);
      const run = () => ciphers.gcm(KEY, GCM_IV).encrypt(data);
      return { run, output: run };
    },
    sha256: (size) => {
      const data = message(size);
      return { run: () => hashes.sha256(data), output: () => hashes.sha256(data) };
    },
  });
}
