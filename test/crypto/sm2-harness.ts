// SM2 as the tests drive it: the module compiled once for each state of its sources, and its functions on Buffers.
import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { compiled } from '../../scripts/compile.ts';

const ENTRY = 'test/crypto/sm2.module.ts';

/** The default user id. */
export const DEFAULT_ID = Buffer.from('1234567812345678');

/** Layouts, in the order of `Sm2Layout`. */
export const LAYOUTS = ['ASN.1', 'C1C3C2', 'C1C2C3', 'C1C3C2 bare', 'C1C2C3 bare'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** Path of the test module, compiled if its sources changed since it last was. Always as the modules are shipped. */
export async function buildModule(): Promise<string> {
  return (await compiled({ entry: ENTRY, config: 'asconfig.json', options: ['--target', 'release'] })).path;
}

const MODULE = new Uint8Array(readFileSync(await buildModule()));

/** Exports of the module. */
export interface Sm2Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  allocate(bytes: number): number;
  forget(): void;
  sm2SelfTest(): number;
  randomBytes(out: number, length: number): number;
  generate(): number;
  privateFromBytes(bytes: number): number;
  privateFromDer(der: number, length: number): number;
  privateFromPem(text: number, length: number): number;
  privateToBytes(key: number, out: number): void;
  privateToDer(key: number, out: number): void;
  privateSecret(key: number): number;
  wipePrivate(key: number): void;
  publicOf(key: number): number;
  publicFromBytes(bytes: number, length: number): number;
  publicFromDer(der: number, length: number): number;
  publicFromPem(text: number, length: number): number;
  publicToDer(key: number, out: number): void;
  publicUncompressed(key: number, out: number): void;
  publicCompressed(key: number, out: number): void;
  identity(out: number, key: number, id: number, idLength: number): number;
  digestOf(out: number, key: number, id: number, idLength: number, message: number, length: number): number;
  sign(key: number, id: number, idLength: number, message: number, length: number, out: number): number;
  signDigest(key: number, hash: number, out: number): number;
  signWithNonce(key: number, hash: number, nonce: number, out: number): number;
  verify(key: number, id: number, idLength: number, message: number, length: number, rs: number): number;
  verifyDigest(key: number, hash: number, rs: number): number;
  signatureToDer(rs: number, out: number): number;
  signatureFromDer(der: number, length: number, rs: number): number;
  ciphertextBound(layout: number, length: number): number;
  encrypt(key: number, layout: number, input: number, length: number, out: number): number;
  encryptWithNonce(key: number, layout: number, nonce: number, input: number, length: number, out: number): number;
  decrypt(key: number, layout: number, input: number, length: number, out: number): number;
  agree(
    isInitiator: number,
    own: number,
    ephemeral: number,
    peer: number,
    peerEphemeral: number,
    identities: number,
    out: number,
    length: number,
    confirmations: number,
  ): number;
  fieldProduct(a: number, b: number, out: number): void;
  fieldInverse(a: number, out: number): void;
  fieldRoot(a: number, out: number): void;
  scalarQuotient(a: number, b: number, out: number): number;
  generatorTimes(k: number, out: number): number;
  pointTimes(k: number, key: number, out: number): number;
  sumOf(s: number, t: number, key: number, out: number): number;
  preparedSumOf(s: number, t: number, key: number, out: number): number;
}

const AREA_BYTES = 1 << 20;

/** One instance of the module. Arguments are copied in, results copied out; `undefined` or `false` is a refusal. */
export class Sm2 {
  readonly wasm: Sm2Exports;
  private readonly input: number;
  private readonly second: number;
  private readonly output: number;
  /** Implementation of `random_get`: fills the bytes and returns an errno. */
  random: (bytes: Uint8Array) => number = (bytes) => {
    randomFillSync(bytes);
    return 0;
  };

  constructor(module: WebAssembly.Module = new WebAssembly.Module(MODULE)) {
    const imports = {
      wasi_snapshot_preview1: {
        random_get: (to: number, length: number) => this.random(new Uint8Array(this.wasm.memory.buffer, to, length)),
      },
    };
    this.wasm = new WebAssembly.Instance(module, imports).exports as unknown as Sm2Exports;
    this.wasm._initialize();
    this.input = this.wasm.allocate(AREA_BYTES);
    this.second = this.wasm.allocate(AREA_BYTES);
    this.output = this.wasm.allocate(AREA_BYTES);
  }

  private put(at: number, bytes: Uint8Array): number {
    new Uint8Array(this.wasm.memory.buffer, at, bytes.length).set(bytes);
    return at;
  }

  /** Bytes of the output area. */
  take(length: number): Buffer {
    return Buffer.from(new Uint8Array(this.wasm.memory.buffer, this.output, length));
  }

  /** Zeros over the first bytes of the output area. */
  clear(length: number): void {
    this.put(this.output, new Uint8Array(length));
  }

  /** Zeros over everything that was passed in or out. */
  clearAreas(): void {
    for (const area of [this.input, this.second, this.output]) this.put(area, new Uint8Array(AREA_BYTES));
  }

  private key(handle: number): number | undefined {
    return handle === 0 ? undefined : handle;
  }

  generate(): number | undefined {
    return this.key(this.wasm.generate());
  }
  privateFromBytes(bytes: Uint8Array): number | undefined {
    return this.key(this.wasm.privateFromBytes(this.put(this.input, bytes)));
  }
  privateFromDer(der: Uint8Array): number | undefined {
    return this.key(this.wasm.privateFromDer(this.put(this.input, der), der.length));
  }
  privateFromPem(text: Uint8Array): number | undefined {
    return this.key(this.wasm.privateFromPem(this.put(this.input, text), text.length));
  }
  publicFromBytes(bytes: Uint8Array): number | undefined {
    return this.key(this.wasm.publicFromBytes(this.put(this.input, bytes), bytes.length));
  }
  publicFromDer(der: Uint8Array): number | undefined {
    return this.key(this.wasm.publicFromDer(this.put(this.input, der), der.length));
  }
  publicFromPem(text: Uint8Array): number | undefined {
    return this.key(this.wasm.publicFromPem(this.put(this.input, text), text.length));
  }
  publicOf(key: number): number {
    return this.wasm.publicOf(key);
  }

  privateBytes(key: number): Buffer {
    this.wasm.privateToBytes(key, this.output);
    return this.take(32);
  }

  privateDer(key: number): Buffer {
    this.wasm.privateToDer(key, this.output);
    return this.take(138);
  }

  publicDer(key: number): Buffer {
    this.wasm.publicToDer(key, this.output);
    return this.take(91);
  }

  /** 0x04 ‖ x ‖ y. */
  publicBytes(key: number): Buffer {
    this.wasm.publicUncompressed(key, this.output);
    return this.take(65);
  }

  publicCompressed(key: number): Buffer {
    this.wasm.publicCompressed(key, this.output);
    return this.take(33);
  }

  identity(key: number, id: Uint8Array = DEFAULT_ID): Buffer | undefined {
    return this.wasm.identity(this.output, key, this.put(this.second, id), id.length) ? this.take(32) : undefined;
  }

  digest(key: number, message: Uint8Array, id: Uint8Array = DEFAULT_ID): Buffer | undefined {
    const done = this.wasm.digestOf(
      this.output,
      key,
      this.put(this.second, id),
      id.length,
      this.put(this.input, message),
      message.length,
    );
    return done ? this.take(32) : undefined;
  }

  sign(key: number, message: Uint8Array, id: Uint8Array = DEFAULT_ID): Buffer | undefined {
    const done = this.wasm.sign(
      key,
      this.put(this.second, id),
      id.length,
      this.put(this.input, message),
      message.length,
      this.output,
    );
    return done ? this.take(64) : undefined;
  }

  signDigest(key: number, digest: Uint8Array): Buffer | undefined {
    return this.wasm.signDigest(key, this.put(this.input, digest), this.output) ? this.take(64) : undefined;
  }

  signWithNonce(key: number, digest: Uint8Array, nonce: Uint8Array): Buffer | undefined {
    return this.wasm.signWithNonce(key, this.put(this.input, digest), this.put(this.second, nonce), this.output)
      ? this.take(64)
      : undefined;
  }

  verify(key: number, message: Uint8Array, signature: Uint8Array, id: Uint8Array = DEFAULT_ID): boolean {
    this.put(this.output, signature);
    return (
      this.wasm.verify(
        key,
        this.put(this.second, id),
        id.length,
        this.put(this.input, message),
        message.length,
        this.output,
      ) !== 0
    );
  }

  verifyDigest(key: number, digest: Uint8Array, signature: Uint8Array): boolean {
    return this.wasm.verifyDigest(key, this.put(this.input, digest), this.put(this.second, signature)) !== 0;
  }

  toDer(signature: Uint8Array): Buffer {
    return this.take(this.wasm.signatureToDer(this.put(this.input, signature), this.output));
  }

  fromDer(der: Uint8Array): Buffer | undefined {
    return this.wasm.signatureFromDer(this.put(this.input, der), der.length, this.output) ? this.take(64) : undefined;
  }

  encrypt(key: number, layout: Layout, text: Uint8Array): Buffer | undefined {
    const length = this.wasm.encrypt(
      key,
      LAYOUTS.indexOf(layout),
      this.put(this.input, text),
      text.length,
      this.output,
    );
    return length > 0 ? this.take(length) : undefined;
  }

  encryptWithNonce(key: number, layout: Layout, nonce: Uint8Array, text: Uint8Array): Buffer | undefined {
    const input = this.put(this.input, text);
    const length = this.wasm.encryptWithNonce(
      key,
      LAYOUTS.indexOf(layout),
      this.put(this.second, nonce),
      input,
      text.length,
      this.output,
    );
    return length > 0 ? this.take(length) : undefined;
  }

  decrypt(key: number, layout: Layout, ciphertext: Uint8Array): Buffer | undefined {
    const length = this.wasm.decrypt(
      key,
      LAYOUTS.indexOf(layout),
      this.put(this.input, ciphertext),
      ciphertext.length,
      this.output,
    );
    return length < 0 ? undefined : this.take(length);
  }

  /**
   * Key of `length` bytes, S_B and S_A; handles of own and ephemeral private keys, the peer's public ones, and both
   * sides' Z.
   */
  agree(
    isInitiator: boolean,
    own: readonly [number, number],
    peer: readonly [number, number],
    identities: readonly [Buffer, Buffer],
    length: number,
  ): { key: Buffer; responder: Buffer; initiator: Buffer } | undefined {
    const both = this.put(this.input, Buffer.concat(identities));
    if (
      !this.wasm.agree(
        Number(isInitiator),
        own[0],
        own[1],
        peer[0],
        peer[1],
        both,
        this.output + 64,
        length,
        this.output,
      )
    )
      return undefined;
    const bytes = this.take(64 + length);
    return { responder: bytes.subarray(0, 32), initiator: bytes.subarray(32, 64), key: bytes.subarray(64) };
  }

  /** Numbers as bigint for the arithmetic below. */
  private number(value: bigint, at: number): number {
    return this.put(at, Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
  }

  private result(): bigint {
    return BigInt(`0x${this.take(32).toString('hex')}`);
  }

  fieldProduct(a: bigint, b: bigint): bigint {
    this.wasm.fieldProduct(this.number(a, this.input), this.number(b, this.second), this.output);
    return this.result();
  }

  fieldInverse(a: bigint): bigint {
    this.wasm.fieldInverse(this.number(a, this.input), this.output);
    return this.result();
  }

  fieldRoot(a: bigint): bigint {
    this.wasm.fieldRoot(this.number(a, this.input), this.output);
    return this.result();
  }

  scalarQuotient(a: bigint, b: bigint): bigint | undefined {
    return this.wasm.scalarQuotient(this.number(a, this.input), this.number(b, this.second), this.output)
      ? this.result()
      : undefined;
  }

  /** 128 hex digits, or `infinity`. */
  private point(finite: number): string {
    return finite ? this.take(64).toString('hex') : 'infinity';
  }

  generatorTimes(k: bigint): string {
    return this.point(this.wasm.generatorTimes(this.number(k, this.input), this.output));
  }
  pointTimes(k: bigint, key: number): string {
    return this.point(this.wasm.pointTimes(this.number(k, this.input), key, this.output));
  }
  sum(s: bigint, t: bigint, key: number): string {
    return this.point(this.wasm.sumOf(this.number(s, this.input), this.number(t, this.second), key, this.output));
  }

  preparedSum(s: bigint, t: bigint, key: number): string {
    return this.point(
      this.wasm.preparedSumOf(this.number(s, this.input), this.number(t, this.second), key, this.output),
    );
  }
}
