// A FieldTree of a test module as plain data.
import type { Guest, GuestExports } from './guest.ts';

/** Exports of `tree-door.module.ts`. */
export interface TreeExports extends GuestExports {
  root(): number;
  size(): number;
  kind(node: number): number;
  count(node: number): number;
  start(node: number): number;
  end(node: number): number;
  firstChild(node: number): number;
  nextSibling(node: number): number;
  parent(node: number): number;
  key(node: number): number;
  keyLength(node: number): number;
  text(node: number): number;
  textLength(): number;
  pointer(node: number): number;
  pointerLength(): number;
}

/** Kind of a field that has fields below it. */
export const OBJECT = 6;

/** A field with its name: its text, or the fields below it, in order. */
export type Field = [name: string, value: string | Field[]];

function utf8(guest: Guest<TreeExports>, at: number, length: number): string {
  return Buffer.from(guest.exports.memory.buffer, at >>> 0, length).toString();
}

export function nameOf(guest: Guest<TreeExports>, node: number): string {
  return utf8(guest, guest.exports.key(node), guest.exports.keyLength(node));
}

export function textOf(guest: Guest<TreeExports>, node: number): string {
  const at = guest.exports.text(node);
  return utf8(guest, at, guest.exports.textLength());
}

export function pointerOf(guest: Guest<TreeExports>, node: number): string {
  const at = guest.exports.pointer(node);
  return utf8(guest, at, guest.exports.pointerLength());
}

/** The fields below a node; throws where links, counts or parents disagree. */
export function fieldsOf(guest: Guest<TreeExports>, node: number): Field[] {
  const { exports } = guest;
  const fields: Field[] = [];
  for (let child = exports.firstChild(node); child !== 0; child = exports.nextSibling(child)) {
    if (exports.parent(child) !== node) throw new Error(`node ${child} is not a child of ${node}`);
    fields.push([nameOf(guest, child), exports.kind(child) === OBJECT ? fieldsOf(guest, child) : textOf(guest, child)]);
  }
  if (fields.length !== exports.count(node))
    throw new Error(`node ${node} has ${fields.length} children and says ${exports.count(node)}`);
  return fields;
}

/** The node of a path of names; 0 if there is none. */
export function find(guest: Guest<TreeExports>, ...names: string[]): number {
  let node = guest.exports.root();
  for (const name of names) {
    let child = guest.exports.firstChild(node);
    while (child !== 0 && nameOf(guest, child) !== name) child = guest.exports.nextSibling(child);
    node = child;
    if (node === 0) return 0;
  }
  return node;
}
