// Reads a transparency log of others: tiles (C2SP tlog-tiles), checkpoints signed by Ed25519, proofs (C2SP tlog-proof).
import { createHash, createPublicKey, hash, verify } from 'node:crypto';
import { type AnchorPeer, askAnchor } from './anchor-request.ts';
import { type Digests, HASH_BYTES } from './digest.ts';
import { Frontier, rootOfInclusion, type TreeHead } from './merkle.ts';

const TILE_LEVELS = 8;
const TILE_WIDTH = 2 ** TILE_LEVELS;
const ED25519 = 1;
/** SubjectPublicKeyInfo of Ed25519 before the key. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_BYTES = 32;
const PROOF_HEAD = 'c2sp.org/tlog-proof@v1';
const MAX_SIZE = /^(0|[1-9]\d{0,15})$/;

/** The hashes of RFC 6962, as transparency logs have them. */
export const SHA256_DIGESTS: Digests = {
  leaf: (entry) => hash('sha256', Buffer.concat([Buffer.of(0), entry]), 'buffer'),
  node: (left, right) => hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer'),
};

/** Key of a transparency log. */
export interface TlogKey {
  name: string;
  keyHash: string;
  key: Buffer;
}

/** Reads `NAME+HASH+KEY`, as logs publish it. Null: it is none of Ed25519. */
export function readTlogKey(text: string): TlogKey | null {
  const [, name = '', keyHash = '', base64 = ''] =
    /^([^\s+]{1,128})\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 1 + ED25519_BYTES || bytes[0] !== ED25519 || bytes.toString('base64') !== base64) return null;
  const isIts = createHash('sha256').update(`${name}\n`).update(bytes).digest('hex').startsWith(keyHash);
  return isIts ? { name, keyHash, key: bytes.subarray(1) } : null;
}

/** The tree that a log's checkpoint names. Null: it is malformed, of another log, or not signed by the key. */
export function readTlogCheckpoint(note: string, { name, keyHash, key }: TlogKey): TreeHead | null {
  const end = note.indexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [origin, size = '', root = ''] = text.split('\n');
  const bytes = Buffer.from(root, 'base64');
  if (end < 0 || origin !== name || !MAX_SIZE.test(size) || bytes.length !== HASH_BYTES) return null;
  const spki = createPublicKey({ key: Buffer.concat([ED25519_SPKI, key]), format: 'der', type: 'spki' });
  for (const line of note.slice(end + 2).split('\n')) {
    const [, by, base64 = ''] = /^— ([^\s+]+) ([A-Za-z0-9+/]+=*)$/.exec(line) ?? [];
    const signature = Buffer.from(base64, 'base64');
    if (
      by === name &&
      signature.toString('hex', 0, 4) === keyHash &&
      verify(null, Buffer.from(text), spki, signature.subarray(4))
    )
      return { size: Number(size), root: bytes };
  }
  return null;
}

/** Whether a proof shows that an entry is in the log of the key. */
export function provesEntry(proof: string, entry: Buffer, key: TlogKey): boolean {
  const end = proof.indexOf('\n\n');
  const lines = proof.slice(0, Math.max(0, end)).split('\n');
  const head = readTlogCheckpoint(proof.slice(end + 2), key);
  const rest = lines.slice(1).filter((line, i) => i > 0 || !line.startsWith('extra '));
  const index = /^index (0|[1-9]\d{0,15})$/.exec(rest[0] ?? '')?.[1];
  if (lines[0] !== PROOF_HEAD || head === null || index === undefined) return false;
  const path = rest.slice(1).map((line) => Buffer.from(line, 'base64'));
  if (path.some(({ length }) => length !== HASH_BYTES)) return false;
  const leaf = SHA256_DIGESTS.leaf(entry);
  return rootOfInclusion(SHA256_DIGESTS, leaf, Number(index), head.size, path)?.equals(head.root) ?? false;
}

/** A log that is read through its tiles. */
export class TlogReader {
  private readonly peer: AnchorPeer;
  private readonly key: TlogKey;
  private readonly tiles = new Map<string, Buffer>();

  constructor(peer: AnchorPeer, key: TlogKey) {
    this.peer = peer;
    this.key = key;
  }

  /** The newest tree, with its note. Rejects if the answer is not signed by the key. */
  async head(): Promise<TreeHead & { note: string }> {
    const note = (await this.get('checkpoint')).toString('utf8');
    const head = readTlogCheckpoint(note, this.key);
    if (head === null) throw new Error(`the checkpoint is not signed by ${this.key.name}`);
    return { ...head, note };
  }

  /** A proof for an entry, checked. Rejects if the log does not have it there. */
  async prove(index: number, entry: Buffer, { size, note }: { size: number; note: string }): Promise<string> {
    const path: string[] = [];
    for (let from = 0, to = size; to - from > 1;) {
      let width = 1;
      while (width * 2 < to - from) width *= 2;
      const middle = from + width;
      const isLeft = index < middle;
      path.unshift((await (isLeft ? this.range(middle, to, size) : this.range(from, middle, size))).toString('base64'));
      if (isLeft) to = middle;
      else from = middle;
    }
    const proof = [PROOF_HEAD, `index ${index}`, ...path, '', note].join('\n');
    if (!provesEntry(proof, entry, this.key)) throw new Error(`entry ${index} of the log is another one`);
    return proof;
  }

  /** All entries of the tree, in order; false ends the reading. Rejects if they do not have the root that was signed. */
  async entries(visit: (entry: Buffer, index: number) => void): Promise<TreeHead> {
    const head = await this.head();
    const tree = new Frontier(SHA256_DIGESTS);
    while (tree.size < head.size) {
      const bundle = await this.get(tilePath('entries', Math.floor(tree.size / TILE_WIDTH), head.size));
      for (let at = 0; at + 2 <= bundle.length && tree.size < head.size;) {
        const entry = bundle.subarray(at + 2, at + 2 + bundle.readUInt16BE(at));
        visit(entry, tree.size);
        tree.push(SHA256_DIGESTS.leaf(entry));
        at += 2 + entry.length;
      }
      if (tree.size < head.size && tree.size % TILE_WIDTH !== 0) throw new Error('a bundle of entries is too short');
    }
    if (!tree.root().equals(head.root)) throw new Error('the entries do not have the root that was signed');
    return head;
  }

  /** Hash of the records [from, to) of a tree of `size`. */
  private async range(from: number, to: number, size: number): Promise<Buffer> {
    const width = to - from;
    const level = Math.log2(width);
    if (Number.isInteger(level) && from % width === 0) return this.node(level, from / width, size);
    let left = 1;
    while (left * 2 < width) left *= 2;
    return SHA256_DIGESTS.node(await this.range(from, from + left, size), await this.range(from + left, to, size));
  }

  /** Hash of a complete subtree with 2^level leaves. */
  private async node(level: number, index: number, size: number): Promise<Buffer> {
    const tileLevel = Math.floor(level / TILE_LEVELS);
    const count = 2 ** (level % TILE_LEVELS);
    const first = index * count;
    const tile = await this.tile(tileLevel, Math.floor(first / TILE_WIDTH), size);
    const at = first % TILE_WIDTH;
    const tree = new Frontier(SHA256_DIGESTS);
    for (let i = at; i < at + count; i++) {
      const leaf = tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
      if (leaf.length < HASH_BYTES) throw new Error('a tile is too short');
      tree.push(leaf);
    }
    return tree.root();
  }

  private async tile(level: number, index: number, size: number): Promise<Buffer> {
    const path = tilePath(String(level), index, Math.floor(size / TILE_WIDTH ** level));
    const known = this.tiles.get(path);
    if (known !== undefined) return known;
    const tile = await this.get(path);
    this.tiles.set(path, tile);
    return tile;
  }

  private async get(path: string): Promise<Buffer> {
    const { status, body } = await askAnchor(this.peer, path);
    if (status !== 200) throw new Error(`${path}: status ${status}`);
    return body;
  }
}

/** Path of tile `index` among `hashes` of its level. */
function tilePath(level: string, index: number, hashes: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const parts = digits.match(/\d{3}/g)!;
  const name = [...parts.slice(0, -1).map((part) => `x${part}`), parts.at(-1)].join('/');
  const width = Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH);
  return `tile/${level}/${name}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}
