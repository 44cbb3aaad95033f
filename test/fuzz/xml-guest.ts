// Reads the trees of `xml.module.ts`, `cnaps2.module.ts` and `form.module.ts` from Node.
import type { Guest, GuestExports } from './guest.ts';

/** The functions of a module with a reader; nodes are handles of the tree. */
export interface TreeExports extends GuestExports {
  parse(length: number): number;
  parseMany(length: number, times: number): number;
  parseAt(pointer: number, length: number): number;
  errorOffset(): number;
  root(): number;
  size(): number;
  kind(node: number): number;
  count(node: number): number;
  firstChild(node: number): number;
  nextSibling(node: number): number;
  key(node: number): number;
  keyLength(node: number): number;
  text(node: number): number;
  textLength(): number;
  pointer(node: number): number;
  pointerLength(): number;
  held(): number;
}

/** A field: its name, its text (null if it holds elements), what is in it. */
export type Field = [name: string, text: string | null, children: Field[]];

const STRING = 4;

/** A field and what is in it, read through the tree alone. */
export function fieldAt(guest: Guest<TreeExports>, node: number): Field {
  const { exports } = guest;
  const children: Field[] = [];
  for (let child = exports.firstChild(node); child !== 0; child = exports.nextSibling(child)) children.push(fieldAt(guest, child));
  if (children.length !== exports.count(node)) throw new Error(`node ${node} counts ${exports.count(node)} children, and has ${children.length}`);
  const name = exports.key(node) === 0 ? '' : guest.text(exports.key(node), exports.keyLength(node));
  if (exports.kind(node) !== STRING) return [name, null, children];
  const at = exports.text(node);
  return [name, guest.text(at, exports.textLength()), children];
}
