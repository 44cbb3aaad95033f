// Cache of compiled parts of configurations, by their source text. A new configuration reuses unchanged parts, and
// equal parts of one configuration are compiled once. Parts are immutable, so concurrent configurations may share them.
import { MAX_PART_PROBES } from '../limits';
import { Bytes, hashBytes } from './bytes';

/** Kind of a part. Parts of one kind have one class. */
export const enum PartKind {
  /** `Pattern`, by its source, found anywhere in a text. */
  Pattern = 0,
  /** `Pattern`, by its source, for whole texts. */
  WholePattern = 1,
  /** `FieldSet`, by its list of fields. */
  FieldSet = 2,
  /** `CompiledRule`, by its JSON text. */
  Rule = 3,
  /** `CompiledRoute`, by its JSON text. */
  Route = 4,
  /** The KMS that the configuration names, by its JSON text. Empty text: none. */
  Kms = 5,
  /** `SpanPattern`, by its sources, each behind a zero byte. */
  Spans = 6,
}

const FIRST_SLOTS: i32 = 64;

class Part {
  constructor(
    readonly kind: PartKind,
    readonly hash: u32,
    readonly text: Bytes,
    readonly value: Object,
  ) {}
}

/** Parts of one configuration. It holds no more than the configuration uses, whose size bounds it. */
export class Parts {
  private slots: StaticArray<Part | null> = new StaticArray<Part | null>(FIRST_SLOTS);
  private count: i32 = 0;

  /** `earlier`: parts of the configuration that this one replaces. */
  constructor(private earlier: Parts | null = null) {}

  /** The part compiled from these bytes, here or in the previous configuration. Null: it must be compiled. */
  find(kind: PartKind, pointer: usize, length: u32): Object | null {
    const hash = hashOf(kind, pointer, length);
    const own = this.look(kind, hash, pointer, length);
    if (own != null) return own.value;
    const earlier = this.earlier;
    if (earlier == null) return null;
    const part = earlier.look(kind, hash, pointer, length);
    if (part == null) return null;
    this.insert(part);
    return part.value;
  }

  /** Adds a part that `find` did not return. Copies the bytes. */
  add(kind: PartKind, pointer: usize, length: u32, value: Object): void {
    this.insert(new Part(kind, hashOf(kind, pointer, length), Bytes.copy(pointer, length), value));
  }

  /** Ends reuse from the previous configuration. */
  close(): void {
    this.earlier = null;
  }

  private look(kind: PartKind, hash: u32, pointer: usize, length: u32): Part | null {
    const mask = this.slots.length - 1;
    for (let probe: u32 = 0; probe < MAX_PART_PROBES; probe++) {
      const part = unchecked(this.slots[(hash + probe) & mask]);
      if (part == null) return null;
      if (part.hash == hash && part.kind == kind && part.text.equals(pointer, length)) return part;
    }
    return null;
  }

  private insert(part: Part): void {
    if ((this.count + 1) * 2 > this.slots.length) this.grow();
    if (this.place(part)) this.count++;
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new StaticArray<Part | null>(old.length * 2);
    for (let i = 0; i < old.length; i++) {
      const part = unchecked(old[i]);
      if (part != null) this.place(part);
    }
  }

  private place(part: Part): bool {
    const mask = this.slots.length - 1;
    for (let probe: u32 = 0; probe < MAX_PART_PROBES; probe++) {
      const slot = (part.hash + probe) & mask;
      if (unchecked(this.slots[slot]) != null) continue;
      unchecked((this.slots[slot] = part));
      return true;
    }
    return false;
  }
}

function hashOf(kind: PartKind, pointer: usize, length: u32): u32 {
  return hashBytes(pointer, length) ^ (<u32>kind * 0x9e3779b1);
}
