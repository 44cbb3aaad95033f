// The door of test modules that read messages to a FieldTree: the module says which, Node walks it. Not part of any
// filter.
import { Arena } from '../../filters/memory/arena';
import { FieldTree } from '../../filters/message/field-tree';

/** The tree that the functions below tell about. */
let tree: FieldTree = new FieldTree();
export const arena = new Arena(64 * 1024, 512 * 1024 * 1024);

export function showTree(shown: FieldTree): void {
  tree = shown;
}

export function root(): u32 {
  return tree.root;
}
export function size(): u32 {
  return tree.size;
}
export function kind(node: u32): u32 {
  return tree.kind(node);
}
export function count(node: u32): u32 {
  return tree.count(node);
}
export function start(node: u32): u32 {
  return tree.start(node);
}
export function end(node: u32): u32 {
  return tree.end(node);
}
export function firstChild(node: u32): u32 {
  return tree.firstChild(node);
}
export function nextSibling(node: u32): u32 {
  return tree.nextSibling(node);
}
export function parent(node: u32): u32 {
  return tree.parent(node);
}
export function key(node: u32): usize {
  return tree.key(node);
}
export function keyLength(node: u32): u32 {
  return tree.keyLength(node);
}
export function text(node: u32): usize {
  return tree.text(node, arena);
}
export function textLength(): u32 {
  return tree.textLength;
}
export function pointer(node: u32): usize {
  return tree.pointer(node, arena);
}
export function pointerLength(): u32 {
  return tree.pointerLength;
}
