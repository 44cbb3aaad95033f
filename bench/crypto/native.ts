// Native peers: their drivers are built here, in the cache folder.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { driverSubject, runTool, type Peer } from './peer.ts';

const SOURCES = join(import.meta.dirname, 'peers');
const hashOf = (...files: string[]) => {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(SOURCES, file)));
  return hash.digest('hex').slice(0, 12);
};

/** Builds `name` unless it was built from the same sources before. */
function built(cache: string, name: string, sources: string[], build: (path: string) => void): string {
  mkdirSync(cache, { recursive: true });
  const path = join(cache, `${name}-${hashOf(...sources)}`);
  if (!existsSync(path)) build(path);
  return path;
}

function libcryptoDriver(cache: string): string {
  return built(cache, 'libcrypto-driver', ['libcrypto.c'], (path) => runTool('cc', ['-O2', '-o', path, join(SOURCES, 'libcrypto.c'), '-ldl']));
}

/** OpenSSL of the system, called from C. */
export const opensslPeer: Peer = {
  name: 'OpenSSL of the system, native',
  async open(cache) {
    const version = runTool('openssl', ['version']).split(' ')[1];
    return [await driverSubject(`OpenSSL ${version}, native`, libcryptoDriver(cache), ['libcrypto.so.3'])];
  },
};

/** A Python environment with Tongsuo's wheel. */
function pythonEnvironment(cache: string): string {
  const folder = join(cache, 'python-1');
  if (!existsSync(join(folder, 'ready'))) {
    runTool('python3', ['-m', 'venv', folder]);
    runTool(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', 'tongsuopy-crayon==1.0.2b6', 'cffi']);
    runTool('touch', [join(folder, 'ready')]);
  }
  return folder;
}

/** Tongsuo: the wheel's shared object exports libcrypto. */
export const tongsuoPeer: Peer = {
  name: 'Tongsuo, native (PyPI tongsuopy-crayon)',
  async open(cache) {
    const folder = pythonEnvironment(cache);
    const library = runTool('find', [folder, '-name', '_tongsuo*.so']).split('\n')[0];
    if (!library) throw new Error('the wheel has no shared object');
    return [await driverSubject('Tongsuo, native', libcryptoDriver(cache), [library])];
  },
};

/** emmansun/gmsm: Go with assembly. */
export const gmsmPeer: Peer = {
  name: 'emmansun/gmsm, native (Go)',
  async open(cache) {
    const path = built(cache, 'gmsm-driver', ['gmsm/main.go', 'gmsm/go.mod'], (target) => {
      const work = `${target}.src`;
      runTool('cp', ['-r', join(SOURCES, 'gmsm'), work]);
      runTool('go', ['mod', 'tidy'], { cwd: work });
      runTool('go', ['build', '-o', target, '.'], { cwd: work });
    });
    return [await driverSubject('emmansun/gmsm, native', path, [])];
  },
};

/** RustCrypto, native, and in wasm where the toolchain has the target. */
export const rustPeer: Peer = {
  name: 'RustCrypto',
  async open(cache) {
    const sources = ['rust/Cargo.toml', 'rust/src/main.rs'];
    const native = built(cache, 'rustcrypto-driver', sources, (path) => {
      runTool('cargo', ['build', '--release', '--quiet', '--manifest-path', join(SOURCES, 'rust/Cargo.toml'), '--target-dir', `${path}.target`]);
      runTool('cp', [join(`${path}.target`, 'release/rustcrypto-driver'), path]);
    });
    return [await driverSubject('RustCrypto, native', native, [])];
  },
};
