// Reads the JSON index of `json.module.ts` from Node.
import type { Guest, GuestExports } from './guest.ts';

const KINDS = ['null', 'false', 'true', 'number', 'string', 'array', 'object'];

/** The module's functions; nodes are handles of the index. */
export interface JsonExports extends GuestExports {
  parse(length: number): number;
  parseMany(length: number, times: number): number;
  parseAt(pointer: number, length: number): number;
  nextCollision(from: number, mask: number): number;
  errorOffset(): number;
  root(): number;
  size(): number;
  kind(node: number): number;
  start(node: number): number;
  end(node: number): number;
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

/** The value of a node, read through the index alone. */
export function valueAt(guest: Guest<JsonExports>, node: number): unknown {
  const { exports } = guest;
  const kind = KINDS[exports.kind(node)];
  const at = exports.text(node);
  const text = guest.text(at, exports.textLength());
  if (kind === 'null') return null;
  if (kind === 'true' || kind === 'false') return kind === 'true';
  if (kind === 'number') return Number(text);
  if (kind === 'string') return text;
  const items: [string, unknown][] = [];
  for (let child = exports.firstChild(node); child !== 0; child = exports.nextSibling(child)) {
    items.push([
      kind === 'object' ? guest.text(exports.key(child), exports.keyLength(child)) : '',
      valueAt(guest, child),
    ]);
  }
  if (items.length !== exports.count(node))
    throw new Error(`node ${node} counts ${exports.count(node)} children, and has ${items.length}`);
  // Object.fromEntries defines members as JSON.parse does, `__proto__` too.
  return kind === 'array' ? items.map(([, value]) => value) : Object.fromEntries(items);
}
