import { HASH_BYTES, type Digests, OpenSslDigests } from './digest.ts';

interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  room(): number;
  roomBytes(): number;
  result(): number;
  leaf(length: number): void;
  node(): void;
}

/** The hashes by the module `audit-digest`; entries that have no room in it by OpenSSL. */
export class ModuleDigests implements Digests {
  private readonly exports: Exports;
  private readonly room: Buffer;
  private readonly result: Buffer;
  private readonly long = new OpenSslDigests();

  /** Throws if the bytes are not that module. */
  constructor(module: Buffer) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(module)), {
      env: { abort: () => undefined, proxy_log: () => 0 },
    });
    this.exports = instance.exports as unknown as Exports;
    this.exports._initialize();
    const { buffer } = this.exports.memory;
    this.room = Buffer.from(buffer, this.exports.room(), this.exports.roomBytes());
    this.result = Buffer.from(buffer, this.exports.result(), HASH_BYTES);
  }

  leaf(entry: Uint8Array): Buffer {
    if (entry.length > this.room.length) return this.long.leaf(entry);
    this.room.set(entry);
    this.exports.leaf(entry.length);
    return Buffer.from(this.result);
  }

  node(left: Uint8Array, right: Uint8Array): Buffer {
    this.room.set(left);
    this.room.set(right, HASH_BYTES);
    this.exports.node();
    return Buffer.from(this.result);
  }
}
