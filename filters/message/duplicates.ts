// Refuses objects that name a member twice. Uses one pass over a hash table. If names were chosen to collide, the pass
// stops after a few probes a member and the names are sorted instead, so that no input takes quadratic time.
import { Arena } from '../memory/arena';
import { equalBytes } from '../memory/bytes';
import { INFO, KEY, KEY_HASH, KEY_LENGTH_SHIFT, NEXT, NODE_SHIFT } from './nodes';

/** Slots of the table for small objects. At most half may be used. */
const SMALL_SLOTS: u32 = 512;
/** Members up to which a word of bits is tried before the table. */
const FEW_MEMBERS: u32 = 12;
/** Results of `find` besides a node: no duplicate member; out of memory. */
export const NO_DUPLICATE: u32 = 0;
export const OUT_OF_MEMORY: u32 = 0xffffffff;

// @ts-ignore: decorator
@inline
function recordOf(nodes: usize, node: u32): usize {
  return nodes + ((<usize>node) << NODE_SHIFT);
}

function keyLength(record: usize): u32 {
  return load<u32>(record, INFO) >> KEY_LENGTH_SHIFT;
}

function sameKey(a: usize, b: usize): bool {
  const length = keyLength(a);
  return length == keyLength(b) && equalBytes(load<usize>(a, KEY), load<usize>(b, KEY), length);
}

function compareKeys(a: usize, b: usize): i32 {
  const lengthA = keyLength(a);
  const lengthB = keyLength(b);
  if (lengthA != lengthB) return lengthA < lengthB ? -1 : 1;
  return memory.compare(load<usize>(a, KEY), load<usize>(b, KEY), lengthA);
}

/** Whether six bits of the names' hashes tell all members apart, as they usually do where there are few. */
function differInSixBits(nodes: usize, first: u32): bool {
  let seen: u64 = 0;
  for (let node = first; node != 0; node = load<u32>(recordOf(nodes, node), NEXT)) {
    const bit: u64 = 1 << load<u32>(recordOf(nodes, node), KEY_HASH);
    if ((seen & bit) != 0) return false;
    seen |= bit;
  }
  return true;
}

export class DuplicateCheck {
  /**
   * Slots: the object's stamp in the upper half, the node in the lower half. A slot with an old stamp is empty, so that
   * nothing is cleared between objects.
   */
  private readonly small: StaticArray<u64> = new StaticArray<u64>(<i32>SMALL_SLOTS);
  private stamp: u32 = 0;

  /**
   * First member (in document order) whose name occurred before, NO_DUPLICATE, or OUT_OF_MEMORY. `first`: first child,
   * `count`: number of children.
   */
  find(nodes: usize, first: u32, count: u32, arena: Arena): u32 {
    if (count <= FEW_MEMBERS && differInSixBits(nodes, first)) return NO_DUPLICATE;
    let slots = changetype<usize>(this.small);
    let mask = SMALL_SLOTS - 1;
    if (count * 2 > SMALL_SLOTS) {
      mask = (1 << (33 - clz(count))) - 1;
      const bytes = (<usize>mask + 1) << 3;
      slots = arena.allocate(bytes);
      if (slots == 0) return OUT_OF_MEMORY;
      memory.fill(slots, 0, bytes);
    }
    const stamp = ++this.stamp;
    if (stamp == 0) {
      this.stamp = 1;
      memory.fill(changetype<usize>(this.small), 0, SMALL_SLOTS << 3);
      return this.find(nodes, first, count, arena);
    }
    let budget = count * 4 + 64;
    for (let node = first; node != 0; node = load<u32>(recordOf(nodes, node), NEXT)) {
      const record = recordOf(nodes, node);
      const hash = load<u32>(record, KEY_HASH);
      let slot = hash & mask;
      let entry = load<u64>(slots + ((<usize>slot) << 3));
      while (<u32>(entry >> 32) == stamp) {
        const other = recordOf(nodes, <u32>entry);
        if (load<u32>(other, KEY_HASH) == hash && sameKey(other, record)) return node;
        if (--budget == 0) return this.findSorted(nodes, first, count, arena);
        slot = (slot + 1) & mask;
        entry = load<u64>(slots + ((<usize>slot) << 3));
      }
      store<u64>(slots + ((<usize>slot) << 3), ((<u64>stamp) << 32) | node);
    }
    return NO_DUPLICATE;
  }

  /** Heap sort of the names: n log n comparisons for any names. */
  private findSorted(nodes: usize, first: u32, count: u32, arena: Arena): u32 {
    const heap = arena.allocate((<usize>count) << 2);
    if (heap == 0) return OUT_OF_MEMORY;
    let length: u32 = 0;
    for (let node = first; node != 0; node = load<u32>(recordOf(nodes, node), NEXT)) {
      store<u32>(heap + ((<usize>length) << 2), node);
      length++;
    }
    for (let i = length >> 1; i > 0; i--) this.sink(nodes, heap, i - 1, length);
    let previous: u32 = 0;
    while (length > 0) {
      const top = load<u32>(heap);
      if (previous != 0 && compareKeys(recordOf(nodes, previous), recordOf(nodes, top)) == 0) return max(previous, top);
      previous = top;
      length--;
      store<u32>(heap, load<u32>(heap + ((<usize>length) << 2)));
      this.sink(nodes, heap, 0, length);
    }
    return NO_DUPLICATE;
  }

  private sink(nodes: usize, heap: usize, at: u32, length: u32): void {
    const node = load<u32>(heap + ((<usize>at) << 2));
    while (true) {
      let child = at * 2 + 1;
      if (child >= length) break;
      let below = load<u32>(heap + ((<usize>child) << 2));
      if (child + 1 < length) {
        const right = load<u32>(heap + ((<usize>(child + 1)) << 2));
        if (compareKeys(recordOf(nodes, right), recordOf(nodes, below)) > 0) {
          below = right;
          child++;
        }
      }
      if (compareKeys(recordOf(nodes, below), recordOf(nodes, node)) <= 0) break;
      store<u32>(heap + ((<usize>at) << 2), below);
      at = child;
    }
    store<u32>(heap + ((<usize>at) << 2), node);
  }
}
