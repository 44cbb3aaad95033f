// Hashes of the log: SM3, with the prefixes of RFC 6962 section 2.1.
import { hash } from 'node:crypto';

/** Bytes of a hash. */
export const HASH_BYTES = 32;

const LEAF = 0;
const NODE = 1;

/** A way to compute the hashes. */
export interface Digests {
  /** SM3(0x00 ‖ entry). */
  leaf(entry: Uint8Array): Buffer;
  /** SM3(0x01 ‖ left ‖ right). */
  node(left: Uint8Array, right: Uint8Array): Buffer;
}

/** The hashes by OpenSSL. Not for use from several threads at once. */
export class OpenSslDigests implements Digests {
  private scratch = Buffer.alloc(64 * 1024);
  private readonly pair = Buffer.alloc(1 + 2 * HASH_BYTES, NODE);

  leaf(entry: Uint8Array): Buffer {
    if (entry.length >= this.scratch.length) this.scratch = Buffer.alloc(2 * entry.length + 1);
    this.scratch[0] = LEAF;
    this.scratch.set(entry, 1);
    return hash('sm3', this.scratch.subarray(0, entry.length + 1), 'buffer');
  }

  node(left: Uint8Array, right: Uint8Array): Buffer {
    this.pair.set(left, 1);
    this.pair.set(right, 1 + HASH_BYTES);
    return hash('sm3', this.pair, 'buffer');
  }
}

/** Root of a tree without leaves: SM3 of nothing. */
export const EMPTY_ROOT: Buffer = hash('sm3', Buffer.alloc(0), 'buffer');
