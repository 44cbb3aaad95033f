// Routes by host name.
import { Bytes, hashBytes } from '../memory/bytes';
import { PathIndex } from './path-index';

/** Routes of one host name, or of the names that end in `.suffix`. */
export class HostEntry {
  readonly paths: PathIndex = new PathIndex();

  constructor(readonly name: Bytes) {}
}

/** Host names, lower case, in an open hash table. */
export class HostTable {
  private entries: HostEntry[] = [];
  private slots: StaticArray<HostEntry | null> = new StaticArray<HostEntry | null>(2);

  get size(): i32 {
    return this.entries.length;
  }

  find(name: usize, length: u32): HostEntry | null {
    const mask = this.slots.length - 1;
    let slot = hashBytes(name, length) & mask;
    while (true) {
      const entry = unchecked(this.slots[slot]);
      if (entry == null || entry.name.equals(name, length)) return entry;
      slot = (slot + 1) & mask;
    }
  }

  /** Entry of a name, created on first use. */
  entry(name: Bytes): HostEntry {
    const found = this.find(name.pointer, name.length);
    if (found != null) return found;
    const entry = new HostEntry(name);
    this.entries.push(entry);
    if (this.entries.length * 2 <= this.slots.length) this.place(entry);
    else {
      this.slots = new StaticArray<HostEntry | null>(this.slots.length * 4);
      for (let i = 0; i < this.entries.length; i++) this.place(this.entries[i]);
    }
    return entry;
  }

  private place(entry: HostEntry): void {
    const mask = this.slots.length - 1;
    let slot = entry.name.hash & mask;
    while (this.slots[slot] != null) slot = (slot + 1) & mask;
    this.slots[slot] = entry;
  }
}
