// Automaton of a set of rules' paths, as the builder makes it.
import { Bytes } from '../memory/bytes';

/** State of values that no path leads through. */
export const DEAD: u32 = 0;
/** No edge, no list. */
export const NONE: u32 = 0xffffffff;

/** Hash of an item's index, for the edges of a state. */
export function hashIndex(index: u32): u32 {
  return index * 0x9e3779b1;
}

/** Compiled automaton as flat tables. FieldSetBuilder makes it. */
export class FieldTables {
  // By state.
  /** First slot of the state's hash table of edges, and the table's size less one. */
  slotsAt: u32[] = [];
  slotsMask: u32[] = [];
  /** Target of children without an edge. */
  otherwise: u32[] = [];
  /**
   * List of the rules that name values of this state; list of the required rules that need a container here. NONE:
   * empty.
   */
  accepted: u32[] = [];
  container: u32[] = [];
  /** Edges of the state: from, to. Number of them that lead to required rules. */
  edgesAt: u32[] = [];
  edgesEnd: u32[] = [];
  required: u32[] = [];
  // By slot: edge, or NONE.
  slots: u32[] = [];
  // By edge: hash; name (EMPTY for an index); index (NONE for a name); target; lists of the required rules behind it
  // and of the rules that expect it once, NONE if there are none.
  hash: u32[] = [];
  name: Bytes[] = [];
  index: u32[] = [];
  target: u32[] = [];
  missing: u32[] = [];
  once: u32[] = [];
  // Lists of rules.
  lists: u32[] = [0];
  rules: u32[] = [];

  /** Empties the tables and keeps their capacity. The names go to the field set. */
  clear(): void {
    this.slotsAt.length = 0;
    this.slotsMask.length = 0;
    this.otherwise.length = 0;
    this.accepted.length = 0;
    this.container.length = 0;
    this.edgesAt.length = 0;
    this.edgesEnd.length = 0;
    this.required.length = 0;
    this.slots.length = 0;
    this.hash.length = 0;
    this.name = [];
    this.index.length = 0;
    this.target.length = 0;
    this.missing.length = 0;
    this.once.length = 0;
    this.lists.length = 1;
    this.rules.length = 0;
  }
}
