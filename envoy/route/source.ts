import { isCollection, isMap, isNode, isScalar, type LineCounter, type Node } from 'yaml';
import type { Path } from './json-path.ts';

export interface Position {
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
}

/** Origin of a resource, and the places of its parts in the text. */
export class RouteSource {
  readonly file: string;
  /** `namespace/name`, once it is known. */
  resource: string | undefined;
  /** Baseline that it is the text of. Undefined: that of a route or profile. */
  baseline: string | undefined;
  /** Sections that stand in the route's canary. */
  private inCanary: ReadonlySet<string> | undefined;
  private readonly root: Node | null;
  private readonly lines: LineCounter | undefined;

  constructor(file: string, root: Node | null = null, lines?: LineCounter) {
    this.file = file;
    this.root = root;
    this.lines = lines;
  }

  /** The text of a baseline. What is wrong in it is told of a route that it was merged into. */
  toldOf(resource: string, baseline: string): RouteSource {
    const told = new RouteSource(this.file, this.root, this.lines);
    told.resource = resource;
    told.baseline = baseline;
    return told;
  }

  /** The text of a route as its canary has it: the sections stand in `spec.canary.spec`. */
  ofCanary(sections: ReadonlySet<string>): RouteSource {
    const own = new RouteSource(this.file, this.root, this.lines);
    own.resource = this.resource;
    own.inCanary = sections;
    return own;
  }

  /** Where a place of the resource stands in the text. */
  placeOf(path: Path): Path {
    const [spec, section] = path;
    const moved = spec === 'spec' && this.inCanary?.has(String(section)) === true;
    return moved ? ['spec', 'canary', ...path] : path;
  }

  /** Position of the path, or of its longest existing prefix. Undefined if there is no text. */
  position(path: Path): Position | undefined {
    if (this.root === null || this.lines === undefined) return undefined;
    let place = this.root;
    let node: Node | null = this.root;
    for (const step of path) {
      const next = child(node, step);
      if (next === undefined) break;
      place = next.place;
      node = next.value;
    }
    const offset = place.range?.[0];
    if (offset === undefined) return undefined;
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

function child(node: Node | null, step: string | number): { place: Node; value: Node | null } | undefined {
  if (!isCollection(node)) return undefined;
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
    return pair !== undefined && isNode(pair.key)
      ? { place: pair.key, value: isNode(pair.value) ? pair.value : null }
      : undefined;
  }
  const item = node.items[Number(step)];
  return isNode(item) ? { place: item, value: item } : undefined;
}
