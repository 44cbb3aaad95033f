import { Ascii } from '../memory/ascii';
import { Bytes, equalBytes } from '../memory/bytes';
import { HeaderMap, Result, proxy_get_header_map_pairs, proxy_remove_header_map_value } from './abi';

const OUT: usize = memory.data(16, 8);

/**
 * Headers of one callback, fetched with one host call and searched here. Layout of the host's result (little endian, 32
 * bit): count, then the lengths of name and value of each header, then for each header name, NUL, value, NUL. Names are
 * lower case.
 */
export class HeaderSnapshot {
  private pointer: usize = 0;
  private length: u32 = 0;
  private count: u32 = 0;
  /** Value last found by `find`: address and length, valid until the host call ends. */
  valuePointer: usize = 0;
  valueLength: u32 = 0;
  private foundAt: u32 = 0;
  /** Whether the name found by `findSpelling` has the requested spelling. */
  spelt: bool = false;

  /** Forgets its content, whose memory belonged to an ended host call. */
  clear(): void {
    this.count = 0;
    this.pointer = 0;
  }

  /** Fetches the headers. False if the host has none at this time. */
  fetch(map: HeaderMap): bool {
    this.clear();
    store<u64>(OUT, 0);
    if (proxy_get_header_map_pairs(map, OUT, OUT + 4) != Result.Ok) return false;
    this.pointer = load<usize>(OUT);
    this.length = load<u32>(OUT, 4);
    if (this.pointer == 0 || this.length < 4) return false;
    const count = load<u32>(this.pointer);
    if (count > (this.length - 4) / 8) return false;
    this.count = count;
    return true;
  }

  get fetched(): bool {
    return this.pointer != 0;
  }

  /** First header of that name (lower case). The value is then at `valuePointer`. */
  find(name: usize, nameLength: u32): bool {
    return this.findFrom(0, this.pointer + 4 + this.count * 8, name, nameLength);
  }

  /** Whether there is another header of the name that `find` found last. */
  findAgain(name: usize, nameLength: u32): bool {
    return this.findFrom(this.foundAt + 1, this.valuePointer + this.valueLength + 1, name, nameLength);
  }

  /**
   * Removes from the host's `map`, whose headers these are, all whose names equal `name` (lower case) with `_` equal to
   * `-`. True if there were some; the snapshot is then outdated.
   */
  dropSpellings(map: HeaderMap, name: usize, nameLength: u32): bool {
    let found = false;
    let text: usize = this.pointer + 4 + this.count * 8;
    for (let i: u32 = 0; i < this.count; i++) {
      const sizes = this.pointer + 4 + i * 8;
      const keyLength = load<u32>(sizes);
      if (keyLength == nameLength && isSpelling(text, name, nameLength)) {
        proxy_remove_header_map_value(map, text, keyLength);
        found = true;
      }
      text += keyLength + load<u32>(sizes, 4) + 2;
    }
    return found;
  }

  /** The same for all whose names begin so. */
  dropBeginnings(map: HeaderMap, beginning: usize, length: u32): void {
    let text: usize = this.pointer + 4 + this.count * 8;
    for (let i: u32 = 0; i < this.count; i++) {
      const sizes = this.pointer + 4 + i * 8;
      const keyLength = load<u32>(sizes);
      if (keyLength >= length && isSpelling(text, beginning, length))
        proxy_remove_header_map_value(map, text, keyLength);
      text += keyLength + load<u32>(sizes, 4) + 2;
    }
  }

  /** First header of that name (lower case) with `_` equal to `-`. `spelt`: whether it has the exact spelling. */
  findSpelling(name: usize, nameLength: u32): bool {
    return this.findSpellingFrom(0, this.pointer + 4 + this.count * 8, name, nameLength);
  }

  /** The same for the next header after the last one found. */
  findSpellingAgain(name: usize, nameLength: u32): bool {
    return this.findSpellingFrom(this.foundAt + 1, this.valuePointer + this.valueLength + 1, name, nameLength);
  }

  private findSpellingFrom(from: u32, text: usize, name: usize, nameLength: u32): bool {
    const first = load<u8>(name);
    for (let i = from; i < this.count; i++) {
      const sizes = this.pointer + 4 + i * 8;
      const keyLength = load<u32>(sizes);
      const valueLength = load<u32>(sizes, 4);
      if (keyLength == nameLength && load<u8>(text) == first && isSpelling(text, name, nameLength)) {
        this.foundAt = i;
        this.spelt = equalBytes(text, name, nameLength);
        this.valuePointer = text + keyLength + 1;
        this.valueLength = valueLength;
        return true;
      }
      text += keyLength + valueLength + 2;
    }
    return false;
  }

  /** Whether some header's name may be one of the set, in any spelling. Costs less than a look-up of each name. */
  mayHaveOneOf(names: NameSet): bool {
    let text = this.pointer + 4 + this.count * 8;
    for (let i: u32 = 0; i < this.count; i++) {
      const sizes = this.pointer + 4 + i * 8;
      const keyLength = load<u32>(sizes);
      if (names.mayHold(text, keyLength)) return true;
      text += keyLength + load<u32>(sizes, 4) + 2;
    }
    return false;
  }

  /** Whether some header has one of the names (lower case). */
  hasOneOf(names: StaticArray<Bytes>): bool {
    let text: usize = this.pointer + 4 + this.count * 8;
    for (let i: u32 = 0; i < this.count; i++) {
      const sizes = this.pointer + 4 + i * 8;
      const length = load<u32>(sizes);
      for (let j = 0; j < names.length; j++) {
        const name = unchecked(names[j]);
        if (name.length == length && equalBytes(text, name.pointer, length)) return true;
      }
      text += length + load<u32>(sizes, 4) + 2;
    }
    return false;
  }

  /** Removes every header of the host's map; false if there is none. */
  dropAll(map: HeaderMap): bool {
    let text: usize = this.pointer + 4 + this.count * 8;
    for (let i: u32 = 0; i < this.count; i++) {
      const sizes = this.pointer + 4 + i * 8;
      const keyLength = load<u32>(sizes);
      proxy_remove_header_map_value(map, text, keyLength);
      text += keyLength + load<u32>(sizes, 4) + 2;
    }
    return this.count != 0;
  }

  private findFrom(from: u32, text: usize, name: usize, nameLength: u32): bool {
    const first = load<u8>(name);
    for (let i = from; i < this.count; i++) {
      const sizes = this.pointer + 4 + i * 8;
      const keyLength = load<u32>(sizes);
      const valueLength = load<u32>(sizes, 4);
      if (keyLength == nameLength && load<u8>(text) == first && equalBytes(text, name, nameLength)) {
        this.foundAt = i;
        this.valuePointer = text + keyLength + 1;
        this.valueLength = valueLength;
        return true;
      }
      text += keyLength + valueLength + 2;
    }
    return false;
  }
}

/** Bytes of the longest name of a `NameSet`, and one. */
const NAME_LENGTHS: i32 = 32;

/** Names of headers, known by their lengths and last letters alone. */
export class NameSet {
  /** Letters with which names of each length end, a bit each. */
  private readonly endings: StaticArray<u32> = new StaticArray<u32>(NAME_LENGTHS);

  /** Names in lower case that end with a letter. Those of 32 bytes and more are not taken. */
  add(names: StaticArray<Bytes>): NameSet {
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      if (name.length < <u32>NAME_LENGTHS) this.endings[name.length] |= letterOf(name.pointer, name.length);
    }
    return this;
  }

  /** False: the name is none of the set, with `_` for `-` neither. */
  @inline
  mayHold(text: usize, length: u32): bool {
    return length - 1 < <u32>NAME_LENGTHS - 1 && (unchecked(this.endings[length]) & letterOf(text, length)) != 0;
  }
}

// @ts-ignore: decorator
@inline
function letterOf(text: usize, length: u32): u32 {
  const last: u32 = load<u8>(text + length - 1);
  return 1 << (last & 31);
}

/** Servers behind gateway interfaces (CGI, WSGI) map `X-Verdict` and `X_Verdict` to one variable. */
function isSpelling(text: usize, name: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    if (joined(load<u8>(text + i)) != joined(load<u8>(name + i))) return false;
  }
  return true;
}

// @ts-ignore: decorator
@inline
function joined(byte: u8): u8 {
  return byte == Ascii.Underscore ? 45 : byte; // '_', '-'
}
