// SM2 side by side: operations a second, best of rounds that alternate between the contenders, results checked before
// they are timed.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sm2 as javascript } from 'sm-crypto-v2';
import { CACHE } from './peers.ts';
import { LAYOUTS, Sm2 } from '../../test/crypto/sm2-harness.ts';

/** One line of the table; `perSecond` is undefined where the contender lacks the operation. */
export interface Sm2Figure {
  contender: string;
  perSecond: Partial<Record<Operation, number>>;
}

const OPERATIONS = ['sign', 'verify', 'verify, key seen before', 'encrypt 32 B', 'decrypt 32 B', 'key pair'] as const;
type Operation = (typeof OPERATIONS)[number];
type Runs = Partial<Record<Operation, () => unknown>>;

const ROUNDS = 60;
const ROUND_MS = 4;
const TEXT = randomBytes(32);
const MESSAGE = randomBytes(32);
const ID = Buffer.alloc(0); // the only user id that node:crypto can sign with

/** The module of this project; Node's V8 is that of Envoy 1.40. */
function ours(): Runs {
  const sm2 = new Sm2();
  const { wasm } = sm2;
  const key = sm2.generate()!;
  const point = sm2.publicOf(key);
  const at = wasm.allocate(1024);
  const put = (offset: number, bytes: Uint8Array): number => {
    new Uint8Array(wasm.memory.buffer).set(bytes, at + offset);
    return at + offset;
  };
  const message = put(0, MESSAGE);
  const text = put(64, TEXT);
  const layout = LAYOUTS.indexOf('C1C3C2');
  assert.equal(wasm.sign(key, at, 0, message, 32, at + 128), 1);
  assert.ok(sm2.verify(point, MESSAGE, Buffer.from(new Uint8Array(wasm.memory.buffer, at + 128, 64)), ID));
  const signature = at + 128;
  const length = wasm.encrypt(point, layout, text, 32, at + 256);
  assert.equal(wasm.decrypt(key, layout, at + 256, length, at + 512), 32);
  const fresh = freshKeys(sm2.publicBytes(point), Buffer.from(new Uint8Array(wasm.memory.buffer, signature, 64)));
  return {
    sign: () => wasm.sign(key, at, 0, message, 32, at + 192),
    'encrypt 32 B': () => wasm.encrypt(point, layout, text, 32, at + 640),
    'decrypt 32 B': () => wasm.decrypt(key, layout, at + 256, length, at + 512),
    ...fresh,
  };
}

/**
 * Operations that make a key each time: reading the public key is part of a verification by a key that was not seen
 * before.
 */
function freshKeys(publicKey: Buffer, signature: Buffer): Runs {
  const { wasm } = new Sm2();
  const at = wasm.allocate(256);
  const memory = new Uint8Array(wasm.memory.buffer);
  memory.set(publicKey, at);
  memory.set(MESSAGE, at + 80);
  memory.set(signature, at + 128);
  return {
    verify: () => {
      const key = wasm.publicFromBytes(at, 65);
      assert.equal(wasm.verify(key, at, 0, at + 80, 32, at + 128), 1);
      if (key > 1000) wasm.forget();
    },
    'key pair': () => {
      if (wasm.generate() > 1000) wasm.forget();
    },
  };
}

/** The same module; one key that verifies again and again. */
function oursPrepared(): Runs {
  const sm2 = new Sm2();
  const key = sm2.generate()!;
  const point = sm2.publicOf(key);
  const at = sm2.wasm.allocate(256);
  new Uint8Array(sm2.wasm.memory.buffer).set(MESSAGE, at);
  assert.equal(sm2.wasm.sign(key, at, 0, at, 32, at + 64), 1);
  return { 'verify, key seen before': () => assert.equal(sm2.wasm.verify(point, at, 0, at, 32, at + 64), 1) };
}

/** OpenSSL inside Node, through node:crypto. */
function openssl(): Runs {
  const sm2 = new Sm2();
  const key = sm2.generate()!;
  const privateKey = createPrivateKey({ key: sm2.privateDer(key), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey({ key: sm2.publicDer(sm2.publicOf(key)), format: 'der', type: 'spki' });
  const signature = sign('sm3', MESSAGE, privateKey);
  assert.ok(verify('sm3', MESSAGE, publicKey, signature));
  return { sign: () => sign('sm3', MESSAGE, privateKey), verify: () => verify('sm3', MESSAGE, publicKey, signature) };
}

/** sm-crypto-v2 with everything that it can prepare. */
function smCrypto(): Runs {
  const { privateKey, publicKey } = javascript.generateKeyPairHex();
  const point = javascript.precomputePublicKey(publicKey);
  const options = { hash: true, publicKey };
  const signature = javascript.doSignature(MESSAGE, privateKey, options);
  assert.ok(javascript.doVerifySignature(MESSAGE, signature, point, options));
  const ciphertext = javascript.doEncrypt(TEXT, publicKey, 1);
  assert.deepEqual(Buffer.from(javascript.doDecrypt(ciphertext, privateKey, 1, { output: 'array' })), TEXT);
  return {
    sign: () => javascript.doSignature(MESSAGE, privateKey, options),
    verify: () => javascript.doVerifySignature(MESSAGE, signature, publicKey, options),
    'verify, key seen before': () => javascript.doVerifySignature(MESSAGE, signature, point, options),
    'encrypt 32 B': () => javascript.doEncrypt(TEXT, publicKey, 1),
    'decrypt 32 B': () => javascript.doDecrypt(ciphertext, privateKey, 1, { output: 'array' }),
    'key pair': () => javascript.generateKeyPairHex(),
  };
}

/** emmansun/gmsm, built with Go from the module proxy; it times itself, between our rounds. */
function gmsm(): (() => Partial<Record<Operation, number>>) | string {
  if (spawnSync('go', ['version']).status !== 0) return 'no go';
  const source = join(import.meta.dirname, 'sm2-gmsm');
  const version = createHash('sha256')
    .update(readFileSync(join(source, 'main.go')))
    .digest('hex')
    .slice(0, 12);
  const folder = join(CACHE, `sm2-gmsm-${version}`);
  const binary = join(folder, 'bench');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    cpSync(source, folder, { recursive: true });
    const build = spawnSync(
      'sh',
      [
        '-c',
        'test -f go.mod || go mod init bench; go get github.com/emmansun/gmsm@v0.15.5 && go mod tidy && go build -o bench .',
      ],
      { cwd: folder, encoding: 'utf8' },
    );
    if (build.status !== 0) return `not built: ${build.stderr.trim().split('\n').at(-1)}`;
  }
  return () => JSON.parse(execFileSync(binary, { encoding: 'utf8' })) as Partial<Record<Operation, number>>;
}

/** Operations a second in one round. */
function round(run: () => unknown): number {
  let count = 0;
  const start = performance.now();
  let taken = 0;
  while (taken < ROUND_MS) {
    run();
    count++;
    taken = performance.now() - start;
  }
  return (count / taken) * 1000;
}

function keepBest(figure: Sm2Figure, operation: Operation, perSecond: number): void {
  figure.perSecond[operation] = Math.max(figure.perSecond[operation] ?? 0, perSecond);
}

/** Runs all contenders, or only this project's; `missing` names those that could not be had, and why. */
export function benchSm2(peers = true): { figures: Sm2Figure[]; missing: string[] } {
  const contenders: Record<string, Runs> = { 'FIM (wasm)': { ...ours(), ...oursPrepared() } };
  if (peers)
    Object.assign(contenders, {
      [`OpenSSL ${process.versions.openssl} (native)`]: openssl(),
      'sm-crypto-v2 (js)': smCrypto(),
    });
  const figures = Object.keys(contenders).map((contender): Sm2Figure => ({ contender, perSecond: {} }));
  const native = peers ? gmsm() : 'not asked for';
  const missing: string[] = [];
  const nativeFigure: Sm2Figure = { contender: 'emmansun/gmsm (native)', perSecond: {} };
  if (typeof native === 'string') missing.push(`emmansun/gmsm: ${native}`);
  else figures.push(nativeFigure);
  for (let i = 0; i < ROUNDS; i++) {
    for (const [at, runs] of Object.values(contenders).entries()) {
      for (const operation of OPERATIONS) {
        const run = runs[operation];
        if (run) keepBest(figures[at]!, operation, round(run));
      }
    }
    if (typeof native === 'string' || i % 20 !== 0) continue;
    for (const [operation, perSecond] of Object.entries(native()))
      keepBest(nativeFigure, operation as Operation, perSecond);
  }
  return { figures, missing };
}

/** The table, with the ratio of our figure to each peer's. */
export function sm2Table({ figures, missing }: ReturnType<typeof benchSm2>): string {
  const own = figures[0]!.perSecond;
  const lines = [['operations a second', ...OPERATIONS]];
  for (const { contender, perSecond } of figures) {
    lines.push([
      contender,
      ...OPERATIONS.map((operation) => {
        const value = perSecond[operation];
        if (value === undefined) return '';
        const reference = own[operation];
        const ratio = perSecond === own || reference === undefined ? '' : ` (${(reference / value).toFixed(1)}x)`;
        return `${Math.round(value).toLocaleString('en')}${ratio}`;
      }),
    ]);
  }
  const text = lines.map((line) => `| ${line.join(' | ')} |`);
  text.splice(1, 0, `|${'---|'.repeat(OPERATIONS.length + 1)}`);
  return [...text, ...missing.map((what) => `missing: ${what}`)].join('\n');
}

if (import.meta.main) console.log(sm2Table(benchSm2()));
