// Names that say what a field holds: the dictionary that comes with FIM, and what a house adds or leaves out.
import { Ascii } from '../memory/ascii';
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
import { pointAt } from './method/characters';

/** No kind. */
export const NO_KIND: i32 = -1;

const FOLDED: usize = memory.data(<i32>MAX_DICTIONARY_NAME_BYTES, 16);
const FNV_START: u32 = 0x811c9dc5;
const FNV_PRIME: u32 = 0x01000193;

/** First character of those of full width that ASCII has, and the mark of one that was narrowed. */
const FULL_WIDTH: u32 = 0xff01;
const NARROWED: u32 = 0x100;

let foldedLength: u32 = 0;
let foldedHash: u32 = 0;

/**
 * Folds a name: without letter case and width, without what joins or parts words, without characters that nobody sees,
 * and without the `@` and prefix of attributes. False: nothing is left, or it is too long.
 */
function fold(name: usize, length: u32): bool {
  let hash = FNV_START;
  let to = FOLDED;
  const end = name + length;
  if (length != 0 && load<u8>(name) == Ascii.AtSign)
    for (let at = name; at < end; at++) if (load<u8>(at) == Ascii.Colon) name = at + 1;
  while (name < end) {
    let byte = <u32>load<u8>(name);
    let bytes: u32 = 1;
    if (byte >= 0x80) {
      const point = pointAt(name, end);
      bytes = min<u32>(byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4, <u32>(end - name));
      if (point - FULL_WIDTH < 0x5e) {
        byte = point - FULL_WIDTH + 0x21;
        bytes |= NARROWED;
      } else if (isUnseen(point)) {
        name += bytes;
        continue;
      }
    }
    if (byte < 0x80) {
      name += bytes & ~NARROWED;
      if (byte - 65 < 26) byte |= 32;
      else if (isJoint(byte)) continue;
      if (to == FOLDED + MAX_DICTIONARY_NAME_BYTES) return false;
      store<u8>(to++, <u8>byte);
      hash = (hash ^ byte) * FNV_PRIME;
      continue;
    }
    if (to + bytes > FOLDED + MAX_DICTIONARY_NAME_BYTES) return false;
    for (const behind = name + bytes; name < behind; name++) {
      byte = load<u8>(name);
      store<u8>(to++, <u8>byte);
      hash = (hash ^ byte) * FNV_PRIME;
    }
  }
  foldedLength = <u32>(to - FOLDED);
  foldedHash = hash;
  return foldedLength != 0;
}

/** Whether an ASCII character of a name is none of its words: controls, blanks, `-`, `.`, `/`, `:`, `@`, `_`. */
// @ts-ignore: decorator
@inline
function isJoint(byte: u32): bool {
  return (
    byte <= 32 ||
    byte - 45 < 3 ||
    byte == Ascii.Colon ||
    byte == Ascii.AtSign ||
    byte == Ascii.Underscore ||
    byte == Ascii.Delete
  );
}

/** Whether a character leaves no trace on paper: blanks, marks of direction, joiners, selectors of variants. */
function isUnseen(point: u32): bool {
  if (point < 0x2000) return point <= 0xa0 || point == 0xad || point == 0x34f || point == 0x61c || point == 0x180e;
  return (
    point <= 0x200f ||
    point - 0x2028 < 8 ||
    point - 0x205f < 17 ||
    point == 0x3000 ||
    point == 0x3164 ||
    point - 0xfe00 < 16 ||
    point == 0xfeff ||
    point == 0xffa0 ||
    point - 0xe0000 < 0x1f0
  );
}

/**
 * Begin of the last part of a name that says where it belongs (`order.payer.cardNo`, `items[0].cardNo`, `user[cardNo]`),
 * and `lastPartEnd`. 0: it has no parts.
 */
function lastPart(name: usize, length: u32): usize {
  let end = name + length;
  // Behind the name: `[]`, `[0]`, or the bracket that it stands in.
  while (end > name && load<u8>(end - 1) == Ascii.CloseBracket) {
    let open = end - 1;
    while (open > name && <u32>load<u8>(open - 1) - 48 < 10) open--;
    const isIndex = open > name && load<u8>(open - 1) == Ascii.OpenBracket;
    end = isIndex ? open - 1 : end - 1;
    if (!isIndex) break;
  }
  let at = end;
  while (at > name && !isPartEnd(load<u8>(at - 1))) at--;
  lastPartEnd = end;
  return at == name && end == name + length ? 0 : at;
}

let lastPartEnd: usize = 0;

// @ts-ignore: decorator
@inline
function isPartEnd(byte: u32): bool {
  return byte == Ascii.Point || byte == Ascii.Slash || byte == Ascii.Colon || byte == Ascii.OpenBracket;
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
  /** Whether the house takes the name looked up last out. */
  private left: bool = false;

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

  /** Kind of a name, by the house and else by the dictionary; of its last part, if the whole is unknown. */
  kindOf(name: usize, length: u32): i32 {
    const kind = this.kindOfWhole(name, length);
    if (kind != NO_KIND || this.left) return kind;
    const part = lastPart(name, length);
    return part == 0 ? NO_KIND : this.kindOfWhole(part, <u32>(lastPartEnd - part));
  }

  private kindOfWhole(name: usize, length: u32): i32 {
    this.left = false;
    if (!fold(name, length)) return NO_KIND;
    const mask = this.slots.length - 1;
    let slot = (<i32>foldedHash) & mask;
    while (this.names.length != 0 && unchecked(this.slots[slot]) != 0) {
      const index = unchecked(this.slots[slot]) - 1;
      const known = unchecked(this.names[index]);
      if (known.length == foldedLength && memory.compare(known.pointer, FOLDED, foldedLength) == 0) {
        const kind = unchecked(this.kinds[index]);
        this.left = kind == NO_KIND;
        return kind;
      }
      slot = (slot + 1) & mask;
    }
    return look(KIND_NAMES, KIND_NAMES_SLOTS, KIND_NAMES_MASK, FOLDED, foldedLength);
  }
}
