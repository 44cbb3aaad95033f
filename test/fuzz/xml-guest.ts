// Reads the trees of `xml.module.ts`, `cnaps2.module.ts` and `form.module.ts` from Node.
import type { Guest } from './guest.ts';
import { nameOf, OBJECT, textOf, type TreeExports } from './tree-guest.ts';

/** The functions of a module with one of these readers. */
export interface ReaderExports extends TreeExports {
  parse(length: number): number;
  parseMany(length: number, times: number): number;
  parseAt(pointer: number, length: number): number;
  errorOffset(): number;
}

/** A field: its name, its text (null if it contains elements), its children. A text may have attributes. */
export type Field = [name: string, text: string | null, children: Field[]];

/** A field with its content, read through the tree alone. Throws if links, counts or parents disagree. */
export function fieldAt(guest: Guest<ReaderExports>, node: number): Field {
  const { exports } = guest;
  const children: Field[] = [];
  for (let child = exports.firstChild(node); child !== 0; child = exports.nextSibling(child)) {
    if (exports.parent(child) !== node) throw new Error(`node ${child} is not a child of ${node}`);
    children.push(fieldAt(guest, child));
  }
  if (children.length !== exports.count(node))
    throw new Error(`node ${node} counts ${exports.count(node)} children, and has ${children.length}`);
  return [
    exports.key(node) === 0 ? '' : nameOf(guest, node),
    exports.kind(node) === OBJECT ? null : textOf(guest, node),
    children,
  ];
}
