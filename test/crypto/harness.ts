// The symmetric library as the tests and benchmarks drive it: the module compiled once for each state of its sources,
// functions on Buffers.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { compiled } from '../../scripts/compile.ts';

const ENTRY = 'test/crypto/payment.module.ts';
const BUFFER_BYTES = 1 << 17;

export type Build = 'strict' | 'relaxed';
export const BUILDS: Build[] = ['strict', 'relaxed'];
export type HashName = 'sm3' | 'sha256';
const KINDS: Record<HashName, number> = { sm3: 0, sha256: 1 };

type Exports = Record<string, (...args: number[]) => number> & { memory: WebAssembly.Memory; _initialize(): void };

/** Path of the module, compiled if its sources changed since it last was. `strict`: without relaxed SIMD. */
export async function buildModule(build: Build, entry = ENTRY): Promise<string> {
  const features = build === 'relaxed' ? 'simd,relaxed-simd' : 'simd';
  return (await compiled({ entry, config: 'test/crypto/asconfig.json', options: ['--enable', features] })).path;
}

const [strict, relaxed] = await Promise.all(
  BUILDS.map(async (build) => new Uint8Array(readFileSync(await buildModule(build)))),
);
/** The compiled library, by build. */
export const LIBRARIES: Record<Build, Uint8Array<ArrayBuffer>> = { strict: strict!, relaxed: relaxed! };

/** A tag and what it vouches for. */
export interface Sealed {
  ciphertext: Buffer;
  tag: Buffer;
}

/** One instance of the module. Buffers go in and come out; each call copies. */
export class Library {
  readonly call: Exports;
  /** Addresses of scratch memory: input, output and small arguments. */
  readonly input: number;
  readonly output: number;
  private readonly arguments: number[];

  constructor(module: WebAssembly.Module, imports: WebAssembly.Imports = {}) {
    const env = {
      abort: () => {
        throw new Error('abort');
      },
    };
    this.call = new WebAssembly.Instance(module, { env, ...imports }).exports as Exports;
    this.call._initialize();
    this.input = this.call.allocate(BUFFER_BYTES);
    this.output = this.call.allocate(BUFFER_BYTES);
    this.arguments = [0, 1, 2, 3].map(() => this.call.allocate(4096));
  }

  static load(build: Build): Library {
    return new Library(new WebAssembly.Module(LIBRARIES[build]));
  }

  write(address: number, data: Uint8Array): number {
    new Uint8Array(this.call.memory.buffer).set(data, address);
    return address;
  }

  read(address: number, length: number): Buffer {
    return Buffer.from(new Uint8Array(this.call.memory.buffer).slice(address, address + length));
  }

  /** Copies a small argument (up to 4096 bytes) into slot 0 … 3. */
  argument(slot: number, data: Uint8Array): number {
    return this.write(this.arguments[slot], data);
  }

  ecb(key: Uint8Array, data: Uint8Array, decrypt = false): Buffer {
    this.call.sm4SetKey(this.argument(0, key), Number(decrypt));
    this.write(this.input, data);
    this.call.sm4Blocks(this.input, this.output, data.length / 16);
    return this.read(this.output, data.length);
  }

  /** CTR of one message; `chunks`: lengths of the pieces it is given in. */
  ctr(key: Uint8Array, block: Uint8Array, data: Uint8Array, chunks = [data.length]): Buffer {
    this.call.ctrSetKey(this.argument(0, key));
    this.call.ctrBegin(this.argument(1, block));
    this.write(this.input, data);
    let at = 0;
    for (const length of chunks) {
      this.call.ctrUpdate(this.input + at, this.output + at, length);
      at += length;
    }
    return this.read(this.output, data.length);
  }

  cbcEncrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
    this.call.cbcSetKey(this.argument(0, key));
    this.write(this.input, data);
    const length = this.call.cbcEncrypt(this.argument(1, iv), this.input, data.length, this.input);
    return this.read(this.input, length);
  }

  /** Null if the padding is wrong. */
  cbcDecrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer | null {
    this.call.cbcSetKey(this.argument(0, key));
    this.write(this.input, data);
    const length = this.call.cbcDecrypt(this.argument(1, iv), this.input, data.length, this.input);
    return length < 0 ? null : this.read(this.input, length);
  }

  /** CBC in pieces. Null if the padding is wrong. */
  cbcPieces(key: Uint8Array, iv: Uint8Array, data: Uint8Array, chunks: number[], decrypt: boolean): Buffer | null {
    this.call.cbcSetKey(this.argument(0, key));
    this.call.cbcBegin(this.argument(1, iv), Number(decrypt));
    this.write(this.input, data);
    let [at, written] = [0, 0];
    for (const length of chunks) {
      written += this.call.cbcUpdate(this.input + at, length, this.output + written);
      at += length;
    }
    const last = this.call.cbcFinal(this.output + written);
    return last < 0 ? null : this.read(this.output, written + last);
  }

  /** In place. `cipher` by key length: 'sm4' or 'aes'. */
  gcmEncrypt(cipher: 'sm4' | 'aes', key: Uint8Array, iv: Uint8Array, aad: Uint8Array, data: Uint8Array): Sealed {
    this.setGcmKey(cipher, key);
    this.write(this.input, data);
    const tag = this.argument(3, new Uint8Array(16));
    this.call[`${cipher}GcmEncrypt`](
      this.argument(1, iv),
      iv.length,
      this.argument(2, aad),
      aad.length,
      this.input,
      this.input,
      data.length,
      tag,
    );
    return { ciphertext: this.read(this.input, data.length), tag: this.read(tag, 16) };
  }

  /** Null if the tag is wrong; then the output is checked to be untouched. */
  gcmDecrypt(cipher: 'sm4' | 'aes', key: Uint8Array, iv: Uint8Array, aad: Uint8Array, sealed: Sealed): Buffer | null {
    this.setGcmKey(cipher, key);
    const length = sealed.ciphertext.length;
    this.write(this.input, sealed.ciphertext);
    this.write(this.output, new Uint8Array(length).fill(0xa5));
    const tag = this.argument(3, sealed.tag);
    const call = this.call[`${cipher}GcmDecrypt`];
    const genuine = call(
      this.argument(1, iv),
      iv.length,
      this.argument(2, aad),
      aad.length,
      this.input,
      this.output,
      length,
      tag,
    );
    if (genuine) return this.read(this.output, length);
    if (!this.read(this.output, length).every((byte) => byte === 0xa5))
      throw new Error('output of a refused message was touched');
    return null;
  }

  private setGcmKey(cipher: 'sm4' | 'aes', key: Uint8Array): void {
    const at = this.argument(0, key);
    if (cipher === 'sm4') this.call.sm4GcmSetKey(at);
    else this.call.aesGcmSetKey(at, key.length);
  }

  /** `chunks`: lengths of the pieces the message is given in. */
  hash(name: HashName, data: Uint8Array, chunks = [data.length]): Buffer {
    this.write(this.input, data);
    this.call.hashReset(KINDS[name]);
    let at = 0;
    for (const length of chunks) {
      this.call.hashUpdate(KINDS[name], this.input + at, length);
      at += length;
    }
    this.call.hashDigest(KINDS[name], this.output);
    return this.read(this.output, 32);
  }

  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Buffer {
    this.call.hmacSetKey(KINDS[name], this.argument(0, key), key.length);
    this.call.hmacUpdate(KINDS[name], this.write(this.input, data), data.length);
    this.call.hmacDigest(KINDS[name], this.output);
    return this.read(this.output, 32);
  }

  /** HKDF, both steps; null if too much is asked for. */
  hkdf(name: HashName, input: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Buffer | null {
    const key = this.argument(3, new Uint8Array(32));
    this.call.extract(KINDS[name], this.argument(0, salt), salt.length, this.argument(1, input), input.length, key);
    const done = this.call.expand(KINDS[name], key, 32, this.argument(2, info), info.length, this.output, length);
    return done ? this.read(this.output, length) : null;
  }

  kdf(secret: Uint8Array, length: number): Buffer {
    this.call.kdf(this.argument(0, secret), secret.length, this.output, length);
    return this.read(this.output, length);
  }
}

/**
 * Ways to cut `length` bytes into pieces: every cut in two up to 260 bytes (all positions in a block, batch and bulk
 * run of every cipher), beyond that the cuts near both ends and near block limits; and some into many.
 */
export function splits(length: number): number[][] {
  const near = (at: number) => at <= 17 || at >= length - 17 || (at + 1) % 64 <= 2;
  const all: number[][] = [];
  for (let first = 0; first <= length; first++) if (length <= 260 || near(first)) all.push([first, length - first]);
  for (const piece of [1, 7, 16, 17, 64, 255]) all.push(evenly(length, piece));
  return all;
}

/** `length` bytes in pieces of `piece`, the last one shorter. */
export function evenly(length: number, piece: number): number[] {
  return Array.from({ length: Math.ceil(length / piece) }, (_, i) => Math.min(piece, length - i * piece));
}

/** Bytes that look random and are the same in every run. */
export function reproducible(seed: string, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 32 < length; i++) parts.push(createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(parts).subarray(0, length);
}

export const unhex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** The cases of a vector file. */
export function vectors<Case>(name: string): Case[] {
  return (JSON.parse(readFileSync(new URL(`../vectors/crypto/${name}`, import.meta.url), 'utf8')) as { cases: Case[] })
    .cases;
}
