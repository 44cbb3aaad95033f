// Byte strings. Configuration strings are `Bytes` (managed, immutable, hashed once). All others are an address and a
// length.

/** Odd constants with well-spread bits, for mixing. */
const MIX_A: u64 = 0x9e3779b97f4a7c15;
const MIX_B: u64 = 0xc2b2ae3d27d4eb4f;

/** 32-bit hash of the bytes, equal in every VM. For adversarial keys, bound the chain length. */
export function hashBytes(pointer: usize, length: u32): u32 {
  return <u32>(hashBytes64(pointer, length) >> 32);
}

/** 64-bit hash of the bytes, eight at a time. */
export function hashBytes64(pointer: usize, length: u32): u64 {
  let hash: u64 = <u64>length * MIX_B;
  let rest: u64 = 0;
  if (length >= 8) {
    const last = pointer + length - 8;
    for (; pointer < last; pointer += 8) hash = rotl((hash ^ load<u64>(pointer)) * MIX_A, 29);
    rest = load<u64>(last);
  } else if (length >= 4) {
    rest = (<u64>load<u32>(pointer)) | ((<u64>load<u32>(pointer + length - 4)) << 32);
  } else if (length != 0) {
    rest =
      (<u64>load<u8>(pointer)) |
      ((<u64>load<u8>(pointer + (length >> 1))) << 8) |
      ((<u64>load<u8>(pointer + length - 1)) << 16);
  }
  hash = (hash ^ rest) * MIX_A;
  return (hash ^ (hash >> 32)) * MIX_B;
}

/** Whether two byte ranges of one length are equal. Not constant time: never for secrets (see crypto/constant-time). */
export function equalBytes(a: usize, b: usize, length: u32): bool {
  if (length >= 8) {
    const last = a + length - 8;
    const shift = b - a;
    for (; a < last; a += 8) if (load<u64>(a) != load<u64>(a + shift)) return false;
    return load<u64>(last) == load<u64>(last + shift);
  }
  if (length >= 4) return load<u32>(a) == load<u32>(b) && load<u32>(a + length - 4) == load<u32>(b + length - 4);
  for (let i: u32 = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** ASCII lower case of one byte. */
// @ts-ignore: decorator
@inline
export function lowerAscii(byte: u32): u32 {
  return byte - 65 < 26 ? byte + 32 : byte;
}

/** Whether two ranges are equal, ignoring ASCII case. */
export function equalIgnoreCase(a: usize, b: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    if (lowerAscii(load<u8>(a + i)) != lowerAscii(load<u8>(b + i))) return false;
  }
  return true;
}

/** An immutable byte string in managed memory. */
export class Bytes {
  /** The empty string, also the value of an optional string that is not set. */
  static readonly EMPTY: Bytes = new Bytes(new StaticArray<u8>(0));

  readonly hash: u32;

  constructor(private data: StaticArray<u8>) {
    this.hash = hashBytes(changetype<usize>(data), data.length);
  }

  /** Copies `length` bytes. */
  static copy(pointer: usize, length: u32): Bytes {
    if (length == 0) return Bytes.EMPTY;
    const data = new StaticArray<u8>(<i32>length);
    memory.copy(changetype<usize>(data), pointer, length);
    return new Bytes(data);
  }

  /** UTF-8 of a literal. */
  static from(text: string): Bytes {
    const buffer = String.UTF8.encode(text);
    return Bytes.copy(changetype<usize>(buffer), buffer.byteLength);
  }

  /** Address of the first byte. Valid while the object is reachable (managed objects do not move). */
  get pointer(): usize {
    return changetype<usize>(this.data);
  }

  /** Length in bytes. */
  get length(): u32 {
    return <u32>this.data.length;
  }

  /** Whether this string equals the bytes at `pointer`. */
  equals(pointer: usize, length: u32): bool {
    return this.length == length && equalBytes(this.pointer, pointer, length);
  }
}
