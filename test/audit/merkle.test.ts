// The tree of RFC 6962 with SM3: against its recursive definition, with and without a part that was cut.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildModules } from '../../scripts/build.ts';
import { OpenSslDigests } from '../../services/audit/digest.ts';
import { Frontier, isConsistent, rootOfInclusion, TreeView } from '../../services/audit/merkle.ts';
import { ModuleDigests } from '../../services/audit/module-digests.ts';

const digests = new OpenSslDigests();
const entries = Array.from({ length: 21 }, (_, i) => Buffer.from(`entry ${i} ${'x'.repeat(i * 7)}`));
const sm3 = (...parts: Uint8Array[]): Buffer => hash('sm3', Buffer.concat(parts), 'buffer');

/** MTH of RFC 6962 section 2.1, word for word. */
function rootOf(list: readonly Buffer[]): Buffer {
  if (list.length === 0) return sm3();
  if (list.length === 1) return sm3(Buffer.from([0]), list[0]!);
  let k = 1;
  while (k * 2 < list.length) k *= 2;
  return sm3(Buffer.from([1]), rootOf(list.slice(0, k)), rootOf(list.slice(k)));
}

const leaves = Buffer.concat(entries.map((entry) => digests.leaf(entry)));

function viewFrom(base: number): TreeView {
  const start = new Frontier(digests);
  for (const entry of entries.slice(0, base)) start.push(digests.leaf(entry));
  return new TreeView(digests, start, leaves.subarray(base * 32));
}

test('SM3 of "abc" is that of GB/T 32905', () => {
  assert.equal(
    sm3(Buffer.from('abc')).toString('hex'),
    '66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0',
  );
});

test('roots of all sizes are those of the definition', () => {
  const tree = new Frontier(digests);
  for (let size = 0; size <= entries.length; size++) {
    assert.deepEqual(tree.root(), rootOf(entries.slice(0, size)), `size ${size}`);
    if (size < entries.length) tree.push(digests.leaf(entries[size]!));
  }
});

test('inclusion proofs lead to the root, and no other leaf, place or path does', () => {
  const view = viewFrom(0);
  for (let size = 1; size <= entries.length; size++)
    for (let index = 0; index < size; index++) {
      const path = view.inclusion(index, size);
      const root = rootOf(entries.slice(0, size));
      assert.deepEqual(rootOfInclusion(digests, view.leaf(index), index, size, path), root);
      const other = rootOfInclusion(digests, digests.leaf(Buffer.from('other')), index, size, path);
      assert.notDeepEqual(other, root);
      assert.equal(rootOfInclusion(digests, view.leaf(index), index, size, [...path, root]), null);
    }
});

test('consistency proofs hold for all pairs of sizes, and for no other root', () => {
  const view = viewFrom(0);
  for (let size = 1; size <= entries.length; size++)
    for (let old = 1; old <= size; old++) {
      const proof = view.consistency(old, size);
      const [was, is] = [
        { size: old, root: rootOf(entries.slice(0, old)) },
        { size, root: rootOf(entries.slice(0, size)) },
      ];
      assert.equal(isConsistent(digests, was, is, proof), true, `${old} ${size}`);
      assert.equal(isConsistent(digests, { ...was, root: sm3() }, is, proof), false, `${old} ${size} other`);
      if (old < size) assert.equal(isConsistent(digests, was, { ...is, root: sm3() }, proof), false);
    }
});

test('after a cut the frontier suffices for what is left', () => {
  for (let base = 1; base < entries.length; base++) {
    const view = viewFrom(base);
    for (let index = base; index < entries.length; index++)
      assert.deepEqual(view.inclusion(index), viewFrom(0).inclusion(index), `${base} ${index}`);
    for (let old = base; old <= entries.length; old++)
      assert.deepEqual(view.consistency(old), viewFrom(0).consistency(old), `${base} ${old}`);
  }
});

test('the module computes the hashes that OpenSSL computes', async () => {
  const [module] = await buildModules(['audit-digest']);
  const fast = new ModuleDigests(readFileSync(module!.path));
  for (const length of [0, 1, 54, 55, 56, 63, 64, 700, 131_071, 131_072, 131_073, 200_000]) {
    const entry = Buffer.alloc(length, 'ab');
    assert.deepEqual(fast.leaf(entry), digests.leaf(entry), `${length} bytes`);
  }
  assert.deepEqual(
    fast.node(leaves.subarray(0, 32), leaves.subarray(32, 64)),
    digests.node(leaves.subarray(0, 32), leaves.subarray(32, 64)),
  );
});
