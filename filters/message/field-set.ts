// Finds the values that a set of rules names, in one walk over a message's index. One deterministic automaton
// represents the paths of all rules, so that the walk costs the same for one rule and for a thousand.
import { Ascii } from '../memory/ascii';
import { MAX_FIELD_DEPTH } from '../limits';
import { Arena } from '../memory/arena';
import { Bytes, equalBytes, hashBytes } from '../memory/bytes';
import { DEAD, FieldTables, hashIndex, NONE } from './field-tables';
import { FieldTree } from './field-tree';
import { PathTail } from './path-tail';
import { FieldMatches, MISSING, REPEATED } from './field-matches';
import {
  ATTRIBUTE,
  COUNT,
  FieldKind,
  INFO,
  KEY,
  KEY_HASH,
  KEY_LENGTH_SHIFT,
  KIND_MASK,
  NEXT,
  NODE_SHIFT,
} from './nodes';

/** Non-zero address for the empty name. */
const EMPTY_NAME: usize = memory.data(1);

function nameAddress(name: Bytes): usize {
  return name.length == 0 ? EMPTY_NAME : name.pointer;
}

// Tables in the form that the walk reads: records of 32 bytes.
const RECORD_SHIFT: u32 = 5;
// A state: its slots (addresses of edges, 0 for an empty slot) and their number less one; state of children without an
// edge; list of the rules that name its values; list of the required rules that need a container here; its edges;
// number of edges that lead to required rules.
const SLOTS: usize = 0;
const MASK: usize = 4;
const OTHERWISE: usize = 8;
const ACCEPTED: usize = 12;
const CONTAINER: usize = 16;
const EDGES: usize = 20;
const EDGES_END: usize = 24;
const REQUIRED: usize = 28;
// An edge: hash; address of the name, 0 for an index; length of the name, or the index; target; list of the required
// rules behind it; mark of the container where it was last seen; list of the rules that accept it only once.
const EDGE_HASH: usize = 0;
const EDGE_NAME: usize = 4;
const EDGE_LENGTH: usize = 8;
const EDGE_TARGET: usize = 12;
const EDGE_MISSING: usize = 16;
const EDGE_SEEN: usize = 20;
const EDGE_ONCE: usize = 24;

/**
 * An open container: its record, its state, the mark of edges seen in it, and the number of its unmet required edges.
 */
@unmanaged
class Frame {
  record: usize;
  state: usize;
  stamp: u32;
  open: u32;
}

/** Containers of the current walk, outermost first. */
const FRAMES: usize = memory.data(<i32>((MAX_FIELD_DEPTH + 1) * 16), 16);

// @ts-ignore: decorator
@inline
function frameAt(depth: i32): Frame {
  return changetype<Frame>(FRAMES + ((<usize>depth) << 4));
}

/** Edge of a state for the child. 0 if there is none. */
function edgeOf(state: usize, child: usize): usize {
  const key = load<usize>(child, KEY);
  const word = load<u32>(child, KEY_HASH);
  const hash = key != 0 ? word : hashIndex(word);
  const length = key != 0 ? load<u32>(child, INFO) >> KEY_LENGTH_SHIFT : word;
  const slots = load<usize>(state, SLOTS);
  const mask = load<u32>(state, MASK);
  let slot = hash & mask;
  while (true) {
    const edge = load<usize>(slots + ((<usize>slot) << 2));
    if (edge == 0) return 0;
    if (load<u32>(edge, EDGE_HASH) == hash && load<u32>(edge, EDGE_LENGTH) == length) {
      const name = load<usize>(edge, EDGE_NAME);
      if (key == 0 ? name == 0 : name != 0 && equalBytes(name, key, length)) return edge;
    }
    slot = (slot + 1) & mask;
  }
}

export class FieldSet {
  private readonly lists: StaticArray<u32>;
  private readonly rules: StaticArray<u32>;
  private readonly states: StaticArray<u32>;
  private readonly edges: StaticArray<u32>;
  private readonly slots: StaticArray<u32>;
  /** Keeps the names alive that the edges refer to. */
  private readonly keptNames: Bytes[];
  private readonly dead: usize;
  private readonly root: usize;
  /** State for names at any depth, whose targets are lists. 0 if there are none. */
  private readonly names: usize;
  /** Whether there are no others. */
  private readonly namesAlone: bool;
  private stamp: u32 = 0;
  /** Set for trees with repeated names, if messages of both kinds occur. */
  elements: FieldSet | null = null;

  /** `root`, `names` (NONE: there are none): states of the tables. `tails`: paths of the rules as JSON Pointers. */
  constructor(
    tables: FieldTables,
    root: u32,
    names: u32,
    private readonly tails: Map<u32, PathTail>,
  ) {
    this.lists = StaticArray.fromArray(tables.lists);
    this.rules = StaticArray.fromArray(tables.rules);
    this.states = new StaticArray<u32>(tables.accepted.length << (RECORD_SHIFT - 2));
    this.edges = new StaticArray<u32>(tables.hash.length << (RECORD_SHIFT - 2));
    this.slots = new StaticArray<u32>(tables.slots.length);
    this.keptNames = tables.name;
    const states = changetype<usize>(this.states);
    this.dead = states + ((<usize>DEAD) << RECORD_SHIFT);
    this.root = states + ((<usize>root) << RECORD_SHIFT);
    this.names = names == NONE ? 0 : states + ((<usize>names) << RECORD_SHIFT);
    this.writeEdges(tables, this.names);
    this.writeStates(tables);
    const top = this.root;
    this.namesAlone =
      names != NONE &&
      load<u32>(top, ACCEPTED) == NONE &&
      load<u32>(top, CONTAINER) == NONE &&
      load<usize>(top, OTHERWISE) == this.dead &&
      load<usize>(top, EDGES) == load<usize>(top, EDGES_END);
  }

  private writeEdges(tables: FieldTables, names: usize): void {
    const states = changetype<usize>(this.states);
    const edges = changetype<usize>(this.edges);
    const namesAt = names == 0 ? NONE : tables.edgesAt[<i32>((names - states) >> RECORD_SHIFT)];
    for (let i = 0; i < tables.hash.length; i++) {
      const edge = edges + ((<usize>i) << RECORD_SHIFT);
      const isName = tables.index[i] == NONE;
      store<u32>(edge, tables.hash[i], EDGE_HASH);
      store<usize>(edge, isName ? nameAddress(tables.name[i]) : 0, EDGE_NAME);
      store<u32>(edge, isName ? tables.name[i].length : tables.index[i], EDGE_LENGTH);
      store<usize>(
        edge,
        <u32>i >= namesAt ? <usize>tables.target[i] : states + ((<usize>tables.target[i]) << RECORD_SHIFT),
        EDGE_TARGET,
      );
      store<u32>(edge, tables.missing[i], EDGE_MISSING);
      store<u32>(edge, 0, EDGE_SEEN);
      store<u32>(edge, tables.once[i], EDGE_ONCE);
    }
    for (let i = 0; i < tables.slots.length; i++) {
      this.slots[i] = tables.slots[i] == NONE ? 0 : <u32>(edges + ((<usize>tables.slots[i]) << RECORD_SHIFT));
    }
  }

  private writeStates(tables: FieldTables): void {
    const edges = changetype<usize>(this.edges);
    for (let i = 0; i < tables.accepted.length; i++) {
      const state = changetype<usize>(this.states) + ((<usize>i) << RECORD_SHIFT);
      store<usize>(state, changetype<usize>(this.slots) + ((<usize>tables.slotsAt[i]) << 2), SLOTS);
      store<u32>(state, tables.slotsMask[i], MASK);
      store<usize>(state, changetype<usize>(this.states) + ((<usize>tables.otherwise[i]) << RECORD_SHIFT), OTHERWISE);
      store<u32>(state, tables.accepted[i], ACCEPTED);
      store<u32>(state, tables.container[i], CONTAINER);
      store<usize>(state, edges + ((<usize>tables.edgesAt[i]) << RECORD_SHIFT), EDGES);
      store<usize>(state, edges + ((<usize>tables.edgesEnd[i]) << RECORD_SHIFT), EDGES_END);
      store<u32>(state, tables.required[i], REQUIRED);
    }
  }

  /**
   * Finds all matches. False if there are more than MAX_FIELD_MATCHES or the arena is full. The message must then be
   * refused.
   */
  match(document: FieldTree, out: FieldMatches, arena: Arena): bool {
    const elements = this.elements;
    if (elements != null && document.repeats) return elements.match(document, out, arena);
    out.begin(this.lists, this.rules);
    if (document.root == 0) return true;
    if (this.namesAlone && document.isPlain) return this.matchNames(document, out, arena);
    const records = document.records;
    const names = this.names;
    const dead = this.dead;
    let depth = -1;
    let state = this.root;
    let record = records + ((<usize>document.root) << NODE_SHIFT);
    while (true) {
      const list = load<u32>(state, ACCEPTED);
      const node = <u32>((record - records) >> NODE_SHIFT);
      if (list != NONE && !out.push(node, list, 0, arena)) return false;
      if (names != 0 && load<usize>(record, KEY) != 0) {
        let edge = edgeOf(names, record);
        if (edge == 0 && (load<u32>(record, INFO) & ATTRIBUTE) != 0) edge = this.attributeEdge(names, record);
        if (edge != 0 && !out.push(node, load<u32>(edge, EDGE_TARGET), 0, arena)) return false;
      }
      if (load<u32>(record, COUNT) != 0 && (state != dead || names != 0)) {
        this.enter(frameAt(++depth), record, state);
        record += 1 << NODE_SHIFT;
      } else {
        if (state != dead && !this.lacking(record, node, state, out, arena)) return false;
        while (true) {
          if (depth < 0) return true;
          const next = load<u32>(record, NEXT);
          if (next != 0) {
            record = records + ((<usize>next) << NODE_SHIFT);
            break;
          }
          const done = frameAt(depth--);
          record = done.record;
          if (done.open != 0 && !this.unseen(done, <u32>((record - records) >> NODE_SHIFT), out, arena)) return false;
        }
      }
      const frame = frameAt(depth);
      if (frame.state == dead) state = dead;
      else {
        state = this.step(record, <u32>((record - records) >> NODE_SHIFT), frame, out, arena);
        if (state == 0) return false;
      }
    }
  }

  /** Edge of a name at any depth for an attribute that has it, without `@` and prefix. */
  private attributeEdge(names: usize, record: usize): usize {
    const key = load<usize>(record, KEY);
    const length = load<u32>(record, INFO) >> KEY_LENGTH_SHIFT;
    let from: u32 = 1;
    for (let i = from; i < length; i++) if (load<u8>(key + i) == Ascii.Colon) from = i + 1;
    return length > from ? this.edge(names, key + from, length - from) : 0;
  }

  /** The same for names at any depth alone: without a way, in the order of the records. */
  private matchNames(document: FieldTree, out: FieldMatches, arena: Arena): bool {
    const names = this.names;
    const slots = load<usize>(names, SLOTS);
    const mask = load<u32>(names, MASK);
    const size = document.size;
    let record = document.records + (1 << NODE_SHIFT);
    for (let node: u32 = 1; node <= size; node++, record += 1 << NODE_SHIFT) {
      if (load<usize>(record, KEY) == 0) continue;
      if (load<usize>(slots + ((<usize>(load<u32>(record, KEY_HASH) & mask)) << 2)) == 0) continue;
      const edge = edgeOf(names, record);
      if (edge != 0 && !out.push(node, load<u32>(edge, EDGE_TARGET), 0, arena)) return false;
    }
    return true;
  }

  private enter(frame: Frame, record: usize, state: usize): void {
    frame.record = record;
    frame.state = state;
    frame.open = load<u32>(state, REQUIRED);
    frame.stamp = ++this.stamp;
    if (frame.stamp != 0) return;
    // The marks have wrapped around. None may equal a mark of an old walk.
    const edges = changetype<usize>(this.edges);
    for (let i = 0; i < this.edges.length; i += 1 << (RECORD_SHIFT - 2))
      store<u32>(edges + ((<usize>i) << 2), 0, EDGE_SEEN);
    frame.stamp = ++this.stamp;
  }

  /** State of a child. 0 if the result is full. Wildcards match items, members and elements, and no attributes. */
  private step(child: usize, node: u32, frame: Frame, out: FieldMatches, arena: Arena): usize {
    const edge = edgeOf(frame.state, child);
    if (edge == 0) return (load<u32>(child, INFO) & ATTRIBUTE) != 0 ? this.dead : load<usize>(frame.state, OTHERWISE);
    const missing = load<u32>(edge, EDGE_MISSING);
    const once = load<u32>(edge, EDGE_ONCE);
    if ((missing & once) != NONE) {
      if (load<u32>(edge, EDGE_SEEN) != frame.stamp) {
        store<u32>(edge, frame.stamp, EDGE_SEEN);
        if (missing != NONE) frame.open--;
      } else if (once != NONE && !out.push(node, once, REPEATED, arena)) return 0;
    }
    return load<usize>(edge, EDGE_TARGET);
  }

  /** A value without children lacks everything required below it. */
  private lacking(record: usize, node: u32, state: usize, out: FieldMatches, arena: Arena): bool {
    const list = load<u32>(state, CONTAINER);
    if (
      list != NONE &&
      (load<u32>(record, INFO) & KIND_MASK) < <u32>FieldKind.Array &&
      !out.push(node, list, MISSING, arena)
    )
      return false;
    if (load<u32>(state, REQUIRED) == 0) return true;
    const end = load<usize>(state, EDGES_END);
    for (let edge = load<usize>(state, EDGES); edge < end; edge += 1 << RECORD_SHIFT) {
      const missing = load<u32>(edge, EDGE_MISSING);
      if (missing != NONE && !out.push(node, missing, MISSING, arena)) return false;
    }
    return true;
  }

  /** Reports the required edges of a container that no child matched. */
  private unseen(frame: Frame, node: u32, out: FieldMatches, arena: Arena): bool {
    const end = load<usize>(frame.state, EDGES_END);
    for (let edge = load<usize>(frame.state, EDGES); edge < end; edge += 1 << RECORD_SHIFT) {
      const missing = load<u32>(edge, EDGE_MISSING);
      if (missing != NONE && load<u32>(edge, EDGE_SEEN) != frame.stamp && !out.push(node, missing, MISSING, arena))
        return false;
    }
    return true;
  }

  /**
   * Start state for readers without an index: state of the text's only value. States are valid while this object lives.
   */
  get start(): usize {
    return this.root;
  }

  /** State of a member of an object, or, with `name` 0, of item number `length` of an array. */
  below(state: usize, name: usize, length: u32): usize {
    const edge = this.edge(state, name, length);
    return edge == 0 ? load<usize>(state, OTHERWISE) : load<usize>(edge, EDGE_TARGET);
  }

  private edge(state: usize, name: usize, length: u32): usize {
    const hash = name != 0 ? hashBytes(name, length) : hashIndex(length);
    const mask = load<u32>(state, MASK);
    const slots = load<usize>(state, SLOTS);
    let slot = hash & mask;
    while (true) {
      const edge = load<usize>(slots + ((<usize>slot) << 2));
      if (edge == 0) return 0;
      if (load<u32>(edge, EDGE_HASH) == hash && load<u32>(edge, EDGE_LENGTH) == length) {
        const known = load<usize>(edge, EDGE_NAME);
        if (name == 0 ? known == 0 : known != 0 && equalBytes(known, name, length)) return edge;
      }
      slot = (slot + 1) & mask;
    }
  }

  /** First rule for the name at any depth. NONE if there is none. */
  ruleNamed(name: usize, length: u32): u32 {
    const edge = this.names == 0 ? 0 : this.edge(this.names, name, length);
    if (edge == 0) return NONE;
    const list = load<u32>(edge, EDGE_TARGET);
    let first = NONE;
    for (let i: u32 = 0; i < this.ruleCount(list); i++) first = min(first, this.ruleAt(list, i));
    return first;
  }

  /** List of the rules that name values of a state. NONE if there are none. */
  accepted(state: usize): u32 {
    return load<u32>(state, ACCEPTED);
  }

  /** List of the required rules that a scalar in this state violates. */
  neededContainer(state: usize): u32 {
    return load<u32>(state, CONTAINER);
  }

  /** Whether values of the state must have members or items. */
  needsChildren(state: usize): bool {
    return load<u32>(state, REQUIRED) != 0;
  }

  /** Length of a rule list (not NONE). */
  ruleCount(list: u32): u32 {
    return this.lists[list + 1] - this.lists[list];
  }

  /** A rule of a list (not NONE). */
  ruleAt(list: u32, index: u32): u32 {
    return this.rules[this.lists[list] + index];
  }

  /** First required child of the state, or the next one after `edge`. 0 if there is none. */
  nextRequired(state: usize, edge: usize): usize {
    const end = load<usize>(state, EDGES_END);
    let at = edge == 0 ? load<usize>(state, EDGES) : edge + (1 << RECORD_SHIFT);
    while (at < end && load<u32>(at, EDGE_MISSING) == NONE) at += 1 << RECORD_SHIFT;
    return at < end ? at : 0;
  }

  /**
   * For a required child: its name, 0 for an item; the name's length, or the item's index; the list of the rules for
   * which it is missing.
   */
  requiredName(edge: usize): usize {
    return load<usize>(edge, EDGE_NAME);
  }

  requiredLength(edge: usize): u32 {
    return load<u32>(edge, EDGE_LENGTH);
  }

  requiredFor(edge: usize): u32 {
    return load<u32>(edge, EDGE_MISSING);
  }

  /**
   * JSON Pointer of the current pair, in the arena. 0 if that is full. For a missing member it is the path's pointer up
   * to the first `[*]`: `/items/3/amount`. Its length is in `document.pointerLength`.
   */
  pointer(document: FieldTree, matches: FieldMatches, arena: Arena): usize {
    const elements = this.elements;
    if (elements != null && document.repeats) return elements.pointer(document, matches, arena);
    const node = matches.node;
    if (!matches.missing || !this.tails.has(matches.rule)) return document.pointer(node, arena);
    let depth = 0;
    for (let at = document.parent(node); at != 0; at = document.parent(at)) depth++;
    const tail = this.tails.get(matches.rule);
    const from = tail.offset(depth);
    return document.pointerBelow(node, tail.text.pointer + from, tail.end(depth) - from, arena);
  }
}
