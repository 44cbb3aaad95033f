import { Ascii } from './ascii';
import { Arena } from './arena';

const HEX: usize = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102]);

/**
 * Builds bytes in an arena. When the arena is full the writer sets `overflowed` and ignores further output. Check once
 * at the end.
 */
export class Writer {
  private start: usize = 0;
  private cursor: usize = 0;
  private end: usize = 0;
  overflowed: bool = false;

  constructor(private arena: Arena) {}

  /** Starts anew with room for `capacity` bytes. Grows by moving when more is written. */
  begin(capacity: usize): void {
    this.start = this.arena.allocate(capacity);
    this.overflowed = this.start == 0;
    this.cursor = this.start;
    this.end = this.overflowed ? 0 : this.start + capacity;
  }

  get pointer(): usize {
    return this.start;
  }

  get length(): u32 {
    return <u32>(this.cursor - this.start);
  }

  /** Makes room for `bytes` more and returns its address; 0 if there is no room. Follow with `advance`. */
  reserve(bytes: usize): usize {
    if (this.overflowed) return 0;
    if (this.cursor + bytes <= this.end) return this.cursor;
    const used = this.cursor - this.start;
    const capacity = max((used + bytes) * 2, 256);
    const moved = this.arena.allocate(capacity);
    if (moved == 0) {
      this.overflowed = true;
      return 0;
    }
    memory.copy(moved, this.start, used);
    this.start = moved;
    this.cursor = moved + used;
    this.end = moved + capacity;
    return this.cursor;
  }

  advance(bytes: usize): void {
    this.cursor += bytes;
  }

  /** Takes back everything behind the first `length` bytes. */
  rewind(length: u32): void {
    if (!this.overflowed) this.cursor = this.start + length;
  }

  bytes(pointer: usize, length: u32): void {
    const to = this.reserve(length);
    if (to == 0) return;
    memory.copy(to, pointer, length);
    this.cursor = to + length;
  }

  byte(value: u8): void {
    const to = this.reserve(1);
    if (to == 0) return;
    store<u8>(to, value);
    this.cursor = to + 1;
  }

  /** ASCII literal; characters above 0x7f are not for this method. */
  ascii(text: string): void {
    const length = text.length;
    const to = this.reserve(<usize>length);
    if (to == 0) return;
    const from = changetype<usize>(text);
    for (let i = 0; i < length; i++) store<u8>(to + i, <u8>load<u16>(from + ((<usize>i) << 1)));
    this.cursor = to + length;
  }

  /** Decimal digits of an unsigned number. */
  decimal(value: u64): void {
    const to = this.reserve(20);
    if (to == 0) return;
    let digits: usize = 1;
    for (let rest = value; rest >= 10; rest /= 10) digits++;
    for (let i = digits; i > 0; i--) {
      store<u8>(to + i - 1, <u8>(48 + (value % 10)));
      value /= 10;
    }
    this.cursor = to + digits;
  }

  /** Lower-case hex of the bytes. */
  hex(pointer: usize, length: u32): void {
    const to = this.reserve(<usize>length * 2);
    if (to == 0) return;
    for (let i: u32 = 0; i < length; i++) {
      const byte = load<u8>(pointer + i);
      store<u8>(to + i * 2, load<u8>(HEX + (byte >> 4)));
      store<u8>(to + i * 2 + 1, load<u8>(HEX + (byte & 15)));
    }
    this.cursor = to + length * 2;
  }

  /** The bytes as the inside of a JSON string, with quotes, backslashes and control characters escaped. */
  jsonText(pointer: usize, length: u32): void {
    for (let i: u32 = 0; i < length; i++) {
      const byte = load<u8>(pointer + i);
      if (byte == Ascii.Quote || byte == Ascii.Backslash) {
        this.byte(92);
        this.byte(byte);
      } else if (byte < 32) {
        this.ascii('\\u00');
        this.hex(pointer + i, 1);
      } else this.byte(byte);
    }
  }
}
