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

/** The C driver, as a program or as a shared object. */
function libcryptoDriver(cache: string, shared: boolean): string {
  const flags = shared ? ['-shared', '-fPIC'] : [];
  const name = `libcrypto-driver${shared ? '-shared' : ''}`;
  return built(cache, name, ['libcrypto.c'], (path) =>
    runTool('cc', ['-O2', ...flags, '-o', path, join(SOURCES, 'libcrypto.c'), '-ldl']),
  );
}

/** OpenSSL of the system, called from C. */
export const opensslPeer: Peer = {
  name: 'OpenSSL of the system, native',
  async open(cache) {
    const version = runTool('openssl', ['version']).split(' ')[1];
    return [await driverSubject(`OpenSSL ${version}, native`, libcryptoDriver(cache, false), ['libcrypto.so.3'])];
  },
};

/** A Python environment with Tongsuo's wheel. */
function pythonEnvironment(cache: string): string {
  const folder = join(cache, 'python-1');
  if (!existsSync(join(folder, 'ready'))) {
    runTool('python3', ['-m', 'venv', folder]);
    runTool(join(folder, 'bin/pip'), [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      'tongsuopy-crayon==1.0.2b6',
      'cffi',
    ]);
    runTool('touch', [join(folder, 'ready')]);
  }
  return folder;
}

/** Runs the shared driver inside Python: the wheel's object needs Python's own symbols. */
const IN_PYTHON =
  'import ctypes, sys; a = (ctypes.c_char_p * 3)(b"", sys.argv[2].encode(), b"by-name"); ctypes.CDLL(sys.argv[1]).main(3, a)';

/** Tongsuo: the wheel's shared object exports libcrypto. */
export const tongsuoPeer: Peer = {
  name: 'Tongsuo, native (PyPI tongsuopy-crayon)',
  async open(cache) {
    const folder = pythonEnvironment(cache);
    const library = runTool('find', [folder, '-name', '_tongsuo*.so']).split('\n')[0];
    if (!library) throw new Error('the wheel has no shared object');
    return [
      await driverSubject('Tongsuo, native', join(folder, 'bin/python'), [
        '-c',
        IN_PYTHON,
        libcryptoDriver(cache, true),
        library,
      ]),
    ];
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

const RUST_SOURCES = ['rust/manifest.toml', 'rust/main.rs'];
const WASI_TARGET = 'wasm32-wasip1';

function cargoBuild(path: string, target: string[], result: string): void {
  const work = `${path}.src`;
  runTool('mkdir', ['-p', `${work}/src`]);
  runTool('cp', [join(SOURCES, 'rust/manifest.toml'), `${work}/Cargo.toml`]);
  runTool('cp', [join(SOURCES, 'rust/main.rs'), `${work}/src/main.rs`]);
  runTool('cargo', ['build', '--release', '--quiet', ...target], { cwd: work });
  runTool('cp', [join(work, 'target', result), path]);
}

/** RustCrypto, native. */
export const rustPeer: Peer = {
  name: 'RustCrypto, native (cargo)',
  async open(cache) {
    const path = built(cache, 'rustcrypto-driver', RUST_SOURCES, (target) =>
      cargoBuild(target, [], 'release/rustcrypto-driver'),
    );
    return [await driverSubject('RustCrypto, native', path, [])];
  },
};

/** RustCrypto compiled to WebAssembly, on the same V8. Needs the toolchain's WASI target. */
export const rustWasmPeer: Peer = {
  name: 'RustCrypto in wasm (cargo)',
  async open(cache) {
    const path = built(cache, 'rustcrypto-wasm', RUST_SOURCES, (target) => {
      const libraries = runTool('rustc', ['--print', 'target-libdir', '--target', WASI_TARGET]);
      if (!existsSync(libraries))
        throw new Error(`the toolchain has no ${WASI_TARGET} target (rustup target add ${WASI_TARGET})`);
      cargoBuild(target, ['--target', WASI_TARGET], `${WASI_TARGET}/release/rustcrypto-driver.wasm`);
    });
    return [
      await driverSubject('RustCrypto in wasm', process.execPath, [
        '--no-warnings',
        join(SOURCES, 'rust/run-wasi.mjs'),
        path,
      ]),
    ];
  },
};
