// Compiles paths and names to a field set. Builds a tree of the paths' steps and applies the subset construction, so
// that a value has one state even if both a wildcard and a name lead to it.
import { MAX_PATH_STATES } from '../limits';
import { Bytes } from '../memory/bytes';
import { ErrorId } from '../errors.gen';
import { elementSteps, PathParser, PathStep, StepKind } from './field-path';
import { FieldSet } from './field-set';
import { DEAD, FieldTables, hashIndex, NONE } from './field-tables';
import { PathTail } from './path-tail';
import { putToken, tokenBytes } from './pointer';

/** Most children that are searched linearly. */
const FEW_CHILDREN: i32 = 8;

/** Shared empty list for nodes without entries. Never written to. */
const NO_NODES: TreeNode[] = [];
const NO_RULES: u32[] = [];

/** A step of one or more paths. */
class TreeNode {
  children: TreeNode[] = NO_NODES;
  any: TreeNode | null = null;
  /** Rules that end here, and required rules that end here or below. */
  rules: u32[] = NO_RULES;
  required: u32[] = NO_RULES;
  /** Rules that expect the value once among its siblings. */
  once: u32[] = NO_RULES;

  constructor(readonly step: PathStep) {}

  /** Positions of the children by hash, kept once there are more than a few. One entry for each hash. */
  private byHash: Map<u64, i32> | null = null;

  addRule(rule: u32): void {
    if (this.rules.length == 0) this.rules = [];
    this.rules.push(rule);
  }

  addOnce(rule: u32): void {
    if (this.once.length == 0) this.once = [];
    this.once.push(rule);
  }

  addRequired(rule: u32): void {
    if (this.required.length == 0) this.required = [];
    this.required.push(rule);
  }

  add(child: TreeNode): void {
    if (this.children.length == 0) this.children = [];
    this.children.push(child);
    if (this.children.length <= FEW_CHILDREN) return;
    let byHash = this.byHash;
    if (byHash == null) {
      byHash = new Map<u64, i32>();
      this.byHash = byHash;
      for (let i = this.children.length - 2; i >= 0; i--) byHash.set(keyOf(this.children[i].step), i);
    }
    if (!byHash.has(keyOf(child.step))) byHash.set(keyOf(child.step), this.children.length - 1);
  }

  child(step: PathStep): TreeNode | null {
    const byHash = this.byHash;
    let from = 0;
    if (byHash != null) {
      if (!byHash.has(keyOf(step))) return null;
      from = byHash.get(keyOf(step));
    }
    for (let i = from; i < this.children.length; i++)
      if (sameStep(this.children[i].step, step)) return this.children[i];
    return null;
  }
}

function sameStep(a: PathStep, b: PathStep): bool {
  return (
    a.kind == b.kind && a.index == b.index && a.name.hash == b.name.hash && a.name.equals(b.name.pointer, b.name.length)
  );
}

function keyOf(step: PathStep): u64 {
  return ((<u64>step.kind) << 32) | hashOf(step);
}

function hashOf(step: PathStep): u32 {
  return step.kind == StepKind.Name ? step.name.hash : hashIndex(step.index);
}

/** Filled and read within one `build`. */
const TABLES: FieldTables = new FieldTables();

/** Slots for each edge of a hash table, and for each of a few names at any depth. */
const DENSE: u32 = 2;
const SPARSE: u32 = 16;
const FEW_NAMES: i32 = 64;

/** Takes rules in any order, then `build` once. */
export class FieldSetBuilder {
  /** `elements`: for trees with repeated names (`FieldTree.repeats`). */
  constructor(private readonly elements: bool = false) {}

  private readonly parser: PathParser = new PathParser();
  private readonly top: TreeNode = new TreeNode(new PathStep(StepKind.Any, Bytes.EMPTY, 0));
  private readonly names: TreeNode = new TreeNode(new PathStep(StepKind.Any, Bytes.EMPTY, 0));
  private readonly tails: Map<u32, PathTail> = new Map<u32, PathTail>();
  private readonly tables: FieldTables = TABLES;
  /** Sets of tree nodes that form the states, by number. DEAD is the empty set. */
  private readonly sets: TreeNode[][] = [];
  // Working memory for one state.
  private readonly rules: u32[] = [];
  private readonly container: u32[] = [];
  private readonly once: u32[] = [];
  private readonly wild: TreeNode[] = [];
  private readonly steps: PathStep[] = [];

  /**
   * Adds a rule for the values that `path` names. `required`: matches report containers that lack the value. Returns 0,
   * or FIM-CFG-0020.
   */
  addPath(rule: u32, path: Bytes, required: bool): u32 {
    let steps = this.parser.parse(path);
    if (steps != null && this.elements) steps = elementSteps(steps);
    if (steps == null) return ErrorId.FIM_CFG_0020;
    let node = this.top;
    for (let i = 0; i < steps.length; i++) {
      if (required) node.addRequired(rule);
      node = this.grow(node, steps[i]);
      if (this.elements && !steps[i].items) node.addOnce(rule);
    }
    if (required) {
      node.addRequired(rule);
      this.tails.set(rule, tailOf(steps));
    }
    node.addRule(rule);
    return 0;
  }

  /** Adds a rule for members of this name at any depth. */
  addName(rule: u32, name: Bytes): void {
    this.grow(this.names, new PathStep(StepKind.Name, name, 0)).addRule(rule);
  }

  private grow(node: TreeNode, step: PathStep): TreeNode {
    if (step.kind == StepKind.Any) {
      let any = node.any;
      if (any == null) {
        any = new TreeNode(step);
        node.any = any;
      }
      return any;
    }
    let child = node.child(step);
    if (child == null) {
      child = new TreeNode(step);
      node.add(child);
    }
    return child;
  }

  /** The compiled set. Null if it would need more than MAX_PATH_STATES states (FIM-CFG-0021). */
  build(): FieldSet | null {
    const tables = this.tables;
    tables.clear();
    this.addState([]);
    const root = this.addState([this.top]);
    for (let state = DEAD; state < <u32>this.sets.length; state++) {
      if (<u32>this.sets.length > MAX_PATH_STATES) return null;
      this.expand(state);
    }
    let names = NONE;
    if (this.names.children.length != 0) {
      names = this.addState([]);
      this.expandNames(names);
    }
    return new FieldSet(tables, root, names, this.tails);
  }

  private addState(set: TreeNode[]): u32 {
    const tables = this.tables;
    const rules = this.rules;
    const container = this.container;
    rules.length = 0;
    container.length = 0;
    for (let i = 0; i < set.length; i++) {
      append(rules, set[i].rules);
      const any = set[i].any;
      if (any != null) append(container, any.required);
    }
    tables.accepted.push(this.list(rules));
    tables.container.push(this.list(container));
    tables.otherwise.push(DEAD);
    tables.slotsAt.push(0);
    tables.slotsMask.push(0);
    tables.edgesAt.push(0);
    tables.edgesEnd.push(0);
    tables.required.push(0);
    this.sets.push(set);
    return this.sets.length - 1;
  }

  /** Creates the edges of a state and the states that they lead to. */
  private expand(state: u32): void {
    const tables = this.tables;
    const set = this.sets[state];
    const wild = this.wild;
    const steps = this.steps;
    const required = this.rules;
    wild.length = 0;
    steps.length = 0;
    for (let i = 0; i < set.length; i++) {
      const any = set[i].any;
      if (any != null) wild.push(any);
      const children = set[i].children;
      for (let c = 0; c < children.length; c++) if (!this.taken(set, i, children[c].step)) steps.push(children[c].step);
    }
    if (wild.length != 0) tables.otherwise[state] = this.addState(wild.slice());
    tables.edgesAt[state] = tables.hash.length;
    for (let s = 0; s < steps.length; s++) {
      const next = wild.slice();
      required.length = 0;
      this.once.length = 0;
      for (let i = 0; i < set.length; i++) {
        const child = set[i].child(steps[s]);
        if (child == null) continue;
        next.push(child);
        append(required, child.required);
        append(this.once, child.once);
      }
      const missing = this.list(required);
      const once = this.list(this.once);
      if (missing != NONE) tables.required[state]++;
      this.addEdge(steps[s], this.addState(next), missing, once);
    }
    this.hashEdges(state, DENSE);
  }

  /** Whether a tree node before the `index`-th of the set has a child by the same step. */
  private taken(set: TreeNode[], index: i32, step: PathStep): bool {
    for (let i = 0; i < index; i++) if (set[i].child(step) != null) return true;
    return false;
  }

  private expandNames(state: u32): void {
    this.tables.edgesAt[state] = this.tables.hash.length;
    const children = this.names.children;
    for (let i = 0; i < children.length; i++) this.addEdge(children[i].step, this.list(children[i].rules), NONE, NONE);
    // Every name of a message is looked up here, and most are none of them: their slots should be empty.
    this.hashEdges(state, children.length <= FEW_NAMES ? SPARSE : DENSE);
  }

  private addEdge(step: PathStep, target: u32, missing: u32, once: u32): void {
    const tables = this.tables;
    tables.hash.push(hashOf(step));
    tables.name.push(step.name);
    tables.index.push(step.kind == StepKind.Name ? NONE : step.index);
    tables.target.push(target);
    tables.missing.push(missing);
    tables.once.push(once);
  }

  /** Hash table of a state's edges: open addressing, at least `room` slots for each. */
  private hashEdges(state: u32, room: u32): void {
    const tables = this.tables;
    const from = tables.edgesAt[state];
    const end = <u32>tables.hash.length;
    tables.edgesEnd[state] = end;
    let size: u32 = 1;
    while (size < (end - from) * room) size <<= 1;
    const at = tables.slots.length;
    for (let i: u32 = 0; i < size; i++) tables.slots.push(NONE);
    for (let edge = from; edge < end; edge++) {
      let slot = tables.hash[edge] & (size - 1);
      while (tables.slots[at + slot] != NONE) slot = (slot + 1) & (size - 1);
      tables.slots[at + slot] = edge;
    }
    tables.slotsAt[state] = at;
    tables.slotsMask[state] = size - 1;
  }

  /** Number of a rule list in ascending order. NONE for the empty list. */
  private list(rules: u32[]): u32 {
    if (rules.length == 0) return NONE;
    const tables = this.tables;
    rules.sort();
    for (let i = 0; i < rules.length; i++) if (i == 0 || rules[i] != rules[i - 1]) tables.rules.push(rules[i]);
    tables.lists.push(tables.rules.length);
    return tables.lists.length - 2;
  }
}

function append(to: u32[], from: u32[]): void {
  for (let i = 0; i < from.length; i++) to.push(from[i]);
}

/** The path as a JSON Pointer, with the offset of each step and of the next wildcard after it. */
function tailOf(steps: StaticArray<PathStep>): PathTail {
  const offsets = new StaticArray<u32>(steps.length);
  const ends = new StaticArray<u32>(steps.length);
  let length: u32 = 0;
  for (let i = 0; i < steps.length; i++) {
    offsets[i] = length;
    if (steps[i].kind == StepKind.Any) continue;
    const token = tokenOf(steps[i]);
    length += 1 + tokenBytes(token.pointer, token.length);
  }
  const text = new StaticArray<u8>(length);
  let end = length;
  for (let i = steps.length - 1; i >= 0; i--) {
    if (steps[i].kind == StepKind.Any) end = offsets[i];
    else {
      const token = tokenOf(steps[i]);
      const bytes = 1 + tokenBytes(token.pointer, token.length);
      putToken(changetype<usize>(text) + offsets[i] + bytes, token.pointer, token.length);
    }
    ends[i] = end;
  }
  return new PathTail(Bytes.copy(changetype<usize>(text), length), offsets, ends);
}

function tokenOf(step: PathStep): Bytes {
  return step.kind == StepKind.Name ? step.name : Bytes.from(step.index.toString());
}
