// Finds the values that a set of rules names, in one walk over the index of a message. The rules' paths were merged into one deterministic
// automaton over the steps of a path, so that the walk costs the same for one rule and for a thousand.
import { MAX_JSON_DEPTH } from '../../limits';
import { Arena } from '../../memory/arena';
import { Bytes, equalBytes } from '../../memory/bytes';
import { JsonDocument, JsonKind } from './document';
import { FieldMatches } from './field-matches';

/** The state of values that no path leads through. */
export const DEAD: u32 = 0;
/** No edge, no list. */
export const NONE: u32 = 0xffffffff;

/** Hash of an item's index, for the edges of a state. */
export function hashIndex(index: u32): u32 {
  return index * 0x9e3779b1;
}

/** The compiled automaton, as flat tables. Made by FieldSetBuilder. */
export class FieldTables {
  // By state.
  /** First slot of the state's hash table of edges; the table's size less one. */
  slotsAt: u32[] = [];
  slotsMask: u32[] = [];
  /** Target of children that no edge names. */
  otherwise: u32[] = [];
  /** List of the rules that name the values of this state; list of the required rules that need a container here. NONE: empty. */
  accepted: u32[] = [];
  container: u32[] = [];
  /** Edges of the state: from, to; how many of them lead to required rules. */
  edgesAt: u32[] = [];
  edgesEnd: u32[] = [];
  required: u32[] = [];
  // By slot: edge, or NONE.
  slots: u32[] = [];
  // By edge: hash; name (EMPTY for an index); index (NONE for a name); target; list of the required rules behind it, NONE if none.
  hash: u32[] = [];
  name: Bytes[] = [];
  index: u32[] = [];
  target: u32[] = [];
  missing: u32[] = [];
  // Lists of rules.
  lists: u32[] = [0];
  rules: u32[] = [];
}

/** A container on the way down: its node, its state, the mark of the edges seen in it, and how many required edges are still open. */
@unmanaged
class Frame {
  node: u32;
  state: u32;
  stamp: u32;
  open: u32;
}

/** One walk at a time: its containers, outermost first. */
const FRAMES: usize = memory.data(<i32>((MAX_JSON_DEPTH + 1) * 16), 16);

// @ts-ignore: decorator
@inline
function frameAt(depth: i32): Frame {
  return changetype<Frame>(FRAMES + (<usize>depth << 4));
}

export class FieldSet {
  private readonly seen: StaticArray<u32>;
  private readonly lists: StaticArray<u32>;
  private readonly rules: StaticArray<u32>;
  private stamp: u32 = 0;

  /**
   * `root`: the state of the outermost value. `names`: a state whose edges are the names wanted at any depth and whose targets are lists; NONE if
   * there are none. `tails`: the rules' paths as JSON Pointers.
   */
  constructor(
    private readonly tables: FieldTables,
    private readonly root: u32,
    private readonly names: u32,
    private readonly tails: Map<u32, PathTail>,
  ) {
    this.seen = new StaticArray<u32>(tables.hash.length);
    this.lists = StaticArray.fromArray(tables.lists);
    this.rules = StaticArray.fromArray(tables.rules);
  }

  /** Finds all matches. False if there are more than MAX_FIELD_MATCHES or the arena is full: the message must then be refused. */
  match(document: JsonDocument, out: FieldMatches, arena: Arena): bool {
    out.begin(this.lists, this.rules);
    let node = document.root;
    if (node == 0) return true;
    if (!this.accept(node, this.root, out, arena)) return false;
    let depth = -1;
    if (this.descends(document, node, this.root)) this.enter(frameAt(++depth), node, this.root);
    else return this.lacking(node, this.root, document, out, arena);
    node = document.firstChild(node);
    while (true) {
      const frame = frameAt(depth);
      const state = this.step(document, node, frame);
      if (!this.accept(node, state, out, arena)) return false;
      if (this.names != NONE && !this.acceptName(document, node, out, arena)) return false;
      if (this.descends(document, node, state)) {
        this.enter(frameAt(++depth), node, state);
        node = document.firstChild(node);
        continue;
      }
      if (state != DEAD && !this.lacking(node, state, document, out, arena)) return false;
      let next = document.nextSibling(node);
      while (next == 0) {
        const done = frameAt(depth);
        if (done.open != 0 && !this.unseen(done, out, arena)) return false;
        if (--depth < 0) return true;
        next = document.nextSibling(done.node);
      }
      node = next;
    }
  }

  private descends(document: JsonDocument, node: u32, state: u32): bool {
    return (state != DEAD || this.names != NONE) && document.count(node) != 0;
  }

  private enter(frame: Frame, node: u32, state: u32): void {
    frame.node = node;
    frame.state = state;
    frame.open = unchecked(this.tables.required[state]);
    frame.stamp = ++this.stamp;
    if (frame.stamp == 0) {
      memory.fill(changetype<usize>(this.seen), 0, <usize>this.seen.length << 2);
      frame.stamp = ++this.stamp;
    }
  }

  /** The state of a child. */
  private step(document: JsonDocument, node: u32, frame: Frame): u32 {
    const state = frame.state;
    if (state == DEAD) return DEAD;
    const edge = this.edge(document, node, state);
    if (edge == NONE) return unchecked(this.tables.otherwise[state]);
    if (unchecked(this.tables.missing[edge]) != NONE) {
      unchecked((this.seen[edge] = frame.stamp));
      frame.open--;
    }
    return unchecked(this.tables.target[edge]);
  }

  /** The edge of `state` that names the child; NONE if none does. */
  private edge(document: JsonDocument, node: u32, state: u32): u32 {
    const tables = this.tables;
    const at = unchecked(tables.slotsAt[state]);
    const mask = unchecked(tables.slotsMask[state]);
    const key = document.key(node);
    const word = document.keyHash(node);
    const hash = key != 0 ? word : hashIndex(word);
    let slot = hash & mask;
    while (true) {
      const edge = unchecked(tables.slots[at + slot]);
      slot = (slot + 1) & mask;
      if (edge == NONE) return NONE;
      if (unchecked(tables.hash[edge]) != hash) continue;
      const index = unchecked(tables.index[edge]);
      if (key == 0) {
        if (index == word) return edge;
        continue;
      }
      const name = unchecked(tables.name[edge]);
      const length = document.keyLength(node);
      if (index == NONE && name.length == length && equalBytes(name.pointer, key, length)) return edge;
    }
  }

  private accept(node: u32, state: u32, out: FieldMatches, arena: Arena): bool {
    const list = unchecked(this.tables.accepted[state]);
    return list == NONE || out.push(node, list, false, arena);
  }

  private acceptName(document: JsonDocument, node: u32, out: FieldMatches, arena: Arena): bool {
    if (document.key(node) == 0) return true;
    const edge = this.edge(document, node, this.names);
    return edge == NONE || out.push(node, unchecked(this.tables.target[edge]), false, arena);
  }

  /** A value without children lacks all that is required below it. */
  private lacking(node: u32, state: u32, document: JsonDocument, out: FieldMatches, arena: Arena): bool {
    const tables = this.tables;
    const kind = document.kind(node);
    const list = unchecked(tables.container[state]);
    if (list != NONE && kind != JsonKind.Array && kind != JsonKind.Object && !out.push(node, list, true, arena)) return false;
    if (unchecked(tables.required[state]) == 0) return true;
    for (let edge = unchecked(tables.edgesAt[state]); edge < unchecked(tables.edgesEnd[state]); edge++) {
      const missing = unchecked(tables.missing[edge]);
      if (missing != NONE && !out.push(node, missing, true, arena)) return false;
    }
    return true;
  }

  /** Reports the required edges of a container that none of its children took. */
  private unseen(frame: Frame, out: FieldMatches, arena: Arena): bool {
    const tables = this.tables;
    for (let edge = unchecked(tables.edgesAt[frame.state]); edge < unchecked(tables.edgesEnd[frame.state]); edge++) {
      const missing = unchecked(tables.missing[edge]);
      if (missing != NONE && unchecked(this.seen[edge]) != frame.stamp && !out.push(frame.node, missing, true, arena)) return false;
    }
    return true;
  }

  /**
   * JSON Pointer of the pair at hand, in the arena; 0 if that is full. For a missing member it is what the path would name, up to the first `[*]`:
   * `/items/3/amount`. Its length is left in `document.pointerLength`.
   */
  pointer(document: JsonDocument, matches: FieldMatches, arena: Arena): usize {
    const node = matches.node;
    if (!matches.missing || !this.tails.has(matches.rule)) return document.pointer(node, arena);
    let depth = 0;
    for (let at = document.parent(node); at != 0; at = document.parent(at)) depth++;
    const tail = this.tails.get(matches.rule);
    const from = tail.offset(depth);
    return document.pointerBelow(node, tail.text.pointer + from, tail.end(depth) - from, arena);
  }
}

/** A path as a JSON Pointer in pieces: what is left of it below each of its steps. */
export class PathTail {
  constructor(
    readonly text: Bytes,
    private readonly offsets: StaticArray<u32>,
    private readonly ends: StaticArray<u32>,
  ) {}

  /** Offset in `text` of the part below `depth` steps. */
  offset(depth: i32): u32 {
    return depth < this.offsets.length ? this.offsets[depth] : this.text.length;
  }

  /** Offset in `text` of the end of that part: the next wildcard, or the end. */
  end(depth: i32): u32 {
    return depth < this.ends.length ? this.ends[depth] : this.text.length;
  }
}
