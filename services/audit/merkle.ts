// The Merkle tree of RFC 6962 (RFC 9162 section 2.1) with SM3, over all records of a log.
import { EMPTY_ROOT, HASH_BYTES, type Digests } from './digest.ts';

/** The largest power of two below `size`, which is at least 2. */
function splitOf(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/** A tree that only grows: the roots of its complete subtrees, the largest first. */
export class Frontier {
  private readonly digests: Digests;
  private count: number;
  private readonly nodes: Buffer[];

  constructor(digests: Digests, size = 0, nodes: readonly Buffer[] = []) {
    this.digests = digests;
    this.count = size;
    this.nodes = [...nodes];
  }

  /** Leaves. */
  get size(): number {
    return this.count;
  }

  /** One for each bit of the size, the largest subtree first. */
  get subtrees(): readonly Buffer[] {
    return this.nodes;
  }

  push(leaf: Buffer): void {
    let root = leaf;
    for (let n = this.count; n % 2 === 1; n = Math.floor(n / 2)) root = this.digests.node(this.nodes.pop()!, root);
    this.nodes.push(root);
    this.count++;
  }

  root(): Buffer {
    if (this.nodes.length === 0) return EMPTY_ROOT;
    return this.nodes.slice(0, -1).reduceRight((right, left) => this.digests.node(left, right), this.nodes.at(-1)!);
  }

  copy(): Frontier {
    return new Frontier(this.digests, this.count, this.nodes);
  }
}

/** Whether `nodes` can be the subtrees of a tree of that size. */
export function isFrontier(size: number, nodes: readonly Buffer[]): boolean {
  let bits = 0;
  for (let n = size; n > 0; n = Math.floor(n / 2)) bits += n % 2;
  return nodes.length === bits && nodes.every(({ length }) => length === HASH_BYTES);
}

/** A hash that cannot be had: it lies among records that were cut. */
export class HashCutError extends Error {}

/** A tree whose leaves are known from `base` on, and whose earlier part by its frontier alone. */
export class TreeView {
  readonly size: number;
  private readonly digests: Digests;
  private readonly base: number;
  private readonly leaves: Buffer;
  /** Subtrees of the earlier part by where they begin and end. */
  private readonly cut = new Map<string, Buffer>();

  /** `leaves`: the hashes from `start.size` on, one after the other. */
  constructor(digests: Digests, start: Frontier, leaves: Buffer) {
    this.digests = digests;
    this.base = start.size;
    this.leaves = leaves;
    this.size = start.size + leaves.length / HASH_BYTES;
    let from = 0;
    let rest = start.size;
    for (const subtree of start.subtrees) {
      let width = 1;
      while (width * 2 <= rest) width *= 2;
      this.cut.set(`${from}-${from + width}`, subtree);
      from += width;
      rest -= width;
    }
  }

  /** Error: HashCutError. */
  root(size = this.size): Buffer {
    return size === 0 ? EMPTY_ROOT : this.range(0, size);
  }

  /** Error: HashCutError. */
  leaf(index: number): Buffer {
    return this.range(index, index + 1);
  }

  /** PATH(index, D[size]), the lowest first. Error: HashCutError. */
  inclusion(index: number, size = this.size): Buffer[] {
    const path: Buffer[] = [];
    for (let from = 0, to = size; to - from > 1;) {
      const middle = from + splitOf(to - from);
      if (index < middle) {
        path.unshift(this.range(middle, to));
        to = middle;
      } else {
        path.unshift(this.range(from, middle));
        from = middle;
      }
    }
    return path;
  }

  /** PROOF(old, D[size]). Error: HashCutError. */
  consistency(old: number, size = this.size): Buffer[] {
    if (old === 0 || old === size) return [];
    const proof: Buffer[] = [];
    let from = 0;
    let to = size;
    let whole = true;
    while (to !== old) {
      const middle = from + splitOf(to - from);
      if (old <= middle) {
        proof.unshift(this.range(middle, to));
        to = middle;
      } else {
        proof.unshift(this.range(from, middle));
        from = middle;
        whole = false;
      }
    }
    if (!whole) proof.unshift(this.range(from, to));
    return proof;
  }

  private range(from: number, to: number): Buffer {
    const known = this.cut.get(`${from}-${to}`);
    if (known !== undefined) return known;
    if (from >= this.base) return this.computed(from, to);
    if (to - from === 1) throw new HashCutError(`record ${from} was cut`);
    const middle = from + splitOf(to - from);
    return this.digests.node(this.range(from, middle), this.range(middle, to));
  }

  /** Hash over leaves that are all known. */
  private computed(from: number, to: number): Buffer {
    const tree = new Frontier(this.digests);
    for (let at = from - this.base; at < to - this.base; at++)
      tree.push(this.leaves.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
    return tree.root();
  }
}

/** Root that an inclusion proof leads to (RFC 9162 section 2.1.3.2). Null: it has a wrong length. */
export function rootOfInclusion(
  digests: Digests,
  leaf: Buffer,
  index: number,
  size: number,
  path: readonly Buffer[],
): Buffer | null {
  if (index >= size) return null;
  let [at, last, root] = [index, size - 1, leaf];
  for (const other of path) {
    if (last === 0) return null;
    if (at % 2 === 1 || at === last) {
      root = digests.node(other, root);
      while (at % 2 === 0 && at !== 0) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    } else root = digests.node(root, other);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? root : null;
}

/** A tree's size and root. */
export interface TreeHead {
  size: number;
  root: Buffer;
}

/** Whether `now` is a tree that has `old` as its beginning (RFC 9162 section 2.1.4.2). */
export function isConsistent(digests: Digests, old: TreeHead, now: TreeHead, proof: readonly Buffer[]): boolean {
  if (old.size > now.size) return false;
  if (old.size === now.size) return proof.length === 0 && old.root.equals(now.root);
  if (old.size === 0) return proof.length === 0 && old.root.equals(EMPTY_ROOT);
  let isPower = true;
  for (let n = old.size; n > 1; n = Math.floor(n / 2)) if (n % 2 === 1) isPower = false;
  const path = isPower ? [old.root, ...proof] : [...proof];
  const first = path.shift();
  if (first === undefined) return false;
  let [at, last, was, is] = [old.size - 1, now.size - 1, first, first];
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  for (const other of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      was = digests.node(other, was);
      is = digests.node(other, is);
      while (at % 2 === 0 && at !== 0) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    } else is = digests.node(is, other);
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && was.equals(old.root) && is.equals(now.root);
}
