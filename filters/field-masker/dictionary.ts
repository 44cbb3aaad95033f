// Names that say what a field holds: the dictionary that comes with FIM, and what a house adds or leaves out.
import { MAX_DICTIONARY_NAME_BYTES } from '../limits';
import { Bytes } from '../memory/bytes';
import {
  KIND_ELEMENTS,
  KIND_ELEMENTS_MASK,
  KIND_ELEMENTS_SLOTS,
  KIND_NAMES,
  KIND_NAMES_MASK,
  KIND_NAMES_SLOTS,
} from './kinds.gen';

/** No kind. */
export const NO_KIND: i32 = -1;

const FOLDED: usize = memory.data(<i32>MAX_DICTIONARY_NAME_BYTES, 16);
const FNV_START: u32 = 0x811c9dc5;
const FNV_PRIME: u32 = 0x01000193;

let foldedLength: u32 = 0;
let foldedHash: u32 = 0;

/** Folds a name: without letter case, blanks, points, hyphens, underscores, and the `@` and prefix of attributes. False: too long. */
function fold(name: usize, length: u32): bool {
  let hash = FNV_START;
  let to = FOLDED;
  const end = name + length;
  if (length != 0 && load<u8>(name) == 64) for (let at = name; at < end; at++) if (load<u8>(at) == 58) name = at + 1;
  for (; name < end; name++) {
    let byte = <u32>load<u8>(name);
    if (byte - 65 < 26) byte |= 32;
    else if (byte == 95 || byte == 45 || byte == 46 || byte == 32 || byte == 64) continue;
    if (to == FOLDED + MAX_DICTIONARY_NAME_BYTES) return false;
    store<u8>(to++, <u8>byte);
    hash = (hash ^ byte) * FNV_PRIME;
  }
  foldedLength = <u32>(to - FOLDED);
  foldedHash = hash;
  return foldedLength != 0;
}

/** Kind of an entry of a generated table. */
function look(entries: usize, slots: usize, mask: u32, name: usize, length: u32): i32 {
  let slot = foldedHash & mask;
  while (true) {
    const offset = <u32>load<u16>(slots + slot * 2);
    if (offset == 0) return NO_KIND;
    const entry = entries + offset - 1;
    if (load<u8>(entry) == length && memory.compare(entry + 2, name, length) == 0) return load<u8>(entry, 1);
    slot = (slot + 1) & mask;
  }
}

/** Kind of a data element (`DE2`) or a tag (`5A`). */
export function kindOfElement(name: usize, length: u32): i32 {
  let hash = FNV_START;
  for (let i: u32 = 0; i < length; i++) hash = (hash ^ load<u8>(name + i)) * FNV_PRIME;
  foldedHash = hash;
  return look(KIND_ELEMENTS, KIND_ELEMENTS_SLOTS, KIND_ELEMENTS_MASK, name, length);
}

/** Names of a house over the dictionary. Built when a configuration is compiled. */
export class HouseNames {
  private readonly names: Bytes[] = [];
  private readonly kinds: i32[] = [];
  private readonly hashes: u32[] = [];
  private slots: StaticArray<i32> = new StaticArray<i32>(0);

  /** Adds a name; NO_KIND: it counts as none. False: it folds to nothing, or is too long. */
  add(name: Bytes, kind: i32): bool {
    if (!fold(name.pointer, name.length)) return false;
    this.names.push(Bytes.copy(FOLDED, foldedLength));
    this.hashes.push(foldedHash);
    this.kinds.push(kind);
    return true;
  }

  /** Completes the table; earlier names come first. */
  seal(): void {
    let size = 1;
    while (size < this.names.length * 2) size <<= 1;
    const slots = new StaticArray<i32>(size);
    for (let i = 0; i < this.names.length; i++) {
      let slot = <i32>(this.hashes[i] & (<u32>size - 1));
      while (slots[slot] != 0) slot = (slot + 1) & (size - 1);
      slots[slot] = i + 1;
    }
    this.slots = slots;
  }

  /** Kind of a name, by the house and else by the dictionary. */
  kindOf(name: usize, length: u32): i32 {
    if (!fold(name, length)) return NO_KIND;
    const mask = this.slots.length - 1;
    let slot = (<i32>foldedHash) & mask;
    while (this.names.length != 0 && unchecked(this.slots[slot]) != 0) {
      const index = unchecked(this.slots[slot]) - 1;
      const known = unchecked(this.names[index]);
      if (known.length == foldedLength && memory.compare(known.pointer, FOLDED, foldedLength) == 0)
        return unchecked(this.kinds[index]);
      slot = (slot + 1) & mask;
    }
    return look(KIND_NAMES, KIND_NAMES_SLOTS, KIND_NAMES_MASK, FOLDED, foldedLength);
  }
}
