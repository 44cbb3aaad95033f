// Nodes of a tree, which are numbered in document order.
import { FieldTree } from '../message/field-tree';

/** Last node inside a container, or the value itself. */
export function lastInside(document: FieldTree, node: u32): u32 {
  let outer = node;
  while (outer != 0) {
    const next = document.nextSibling(outer);
    if (next != 0) return next - 1;
    outer = document.parent(outer);
  }
  return document.size;
}
