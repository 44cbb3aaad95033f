// Methods that write another value: a fixed text, a shorter, coarser or random one.
import { Bytes } from '../../memory/bytes';
import { Writer } from '../../memory/writer';
import { randomBytes } from '../../crypto/random';
import { nextCharacter, pointAt, skipCharacters } from './characters';
import { isCheckOf, Check, writeCheck } from './check-character';
import { Method } from './method';

const ZERO: u8 = 48;
const POINT: u8 = 46;
const MINUS: u8 = 45;
/** Most digits before the point of a number that is rounded; 64 bits hold it. */
const MAX_ROUND_DIGITS: u32 = 17;
/** Digits of a date without separators: year, month, day. */
const DATE_DIGITS: u32 = 8;
/** Bytes of random that one character takes. */
const RANDOM_BYTES: u32 = 4;
const RANDOM: usize = memory.data(4, 16);
/** Han characters that random names are made of: the first block, U+4E00 to U+9FA5. */
const FIRST_HAN: u32 = 0x4e00;
const HAN_COUNT: u32 = 20902;

/** A fixed text, whatever the value is. */
export class Fixed extends Method {
  constructor(private readonly text: Bytes) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    out.bytes(this.text.pointer, this.text.length);
    return true;
  }
}

/** The first characters; the rest is cut off. */
export class Truncate extends Method {
  constructor(private readonly length: u32) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const end = pointer + length;
    const cut = skipCharacters(pointer, end, this.length);
    out.bytes(pointer, <u32>(cut - pointer));
    return cut < end;
  }
}

/** A date of which only year, or year and month, are kept; the rest becomes 1, and times 0. */
export class CoarseDate extends Method {
  constructor(private readonly keepsMonth: bool) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const end = pointer + length;
    let at = pointer;
    const run = digitsAt(at, end);
    if (run != 4 && (run < DATE_DIGITS || (run & 1) != 0)) return false;
    const century = <u32>load<u8>(at) - ZERO;
    if (century != 1 && century != 2) return false;
    out.bytes(at, 4);
    at += 4;
    let part: u32 = 0; // 1 month, 2 day, then times
    while (at < end) {
      let size = digitsAt(at, end);
      if (size == 0) {
        const next = nextCharacter(at, end);
        if (!isDateMark(at, end)) return false;
        out.bytes(at, <u32>(next - at));
        at = next;
        continue;
      }
      if (run != 4) size = 2;
      else if (part < 2 && size > 2) return false;
      this.part(++part, at, size, out);
      at += size;
    }
    return part >= 1;
  }

  private part(part: u32, at: usize, size: u32, out: Writer): void {
    if (part == 1 && this.keepsMonth) {
      out.bytes(at, size);
      return;
    }
    for (let i: u32 = 0; i < size; i++) out.byte(part <= 2 && i == size - 1 ? ZERO + 1 : ZERO);
  }
}

/** Whether a character parts the numbers of a date: punctuation, a blank, T, Z, 年月日时分秒. */
function isDateMark(at: usize, end: usize): bool {
  const point = pointAt(at, end);
  if (point < 0x80) return (point | 32) - 97 >= 26 || point == 84 || point == 90;
  return point == 0x5e74 || point == 0x6708 || point == 0x65e5 || point == 0x65f6 || point == 0x5206 || point == 0x79d2;
}

function digitsAt(at: usize, end: usize): u32 {
  let count: u32 = 0;
  while (at + count < end && <u32>load<u8>(at + count) - ZERO < 10) count++;
  return count;
}

/** A decimal number rounded to a multiple of `step`; decimals become 0. */
export class Round extends Method {
  constructor(private readonly step: u64) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const end = pointer + length;
    let at = pointer;
    const negative = at < end && load<u8>(at) == MINUS;
    if (negative) at++;
    const whole = digitsAt(at, end);
    if (whole == 0 || whole > MAX_ROUND_DIGITS) return false;
    let value: u64 = 0;
    for (let i: u32 = 0; i < whole; i++) value = value * 10 + (load<u8>(at + i) - ZERO);
    at += whole;
    let decimals: u32 = 0;
    if (at < end) {
      if (load<u8>(at) != POINT) return false;
      decimals = digitsAt(at + 1, end);
      if (decimals == 0 || at + 1 + decimals != end) return false;
    }
    const rounded = ((value + this.step / 2) / this.step) * this.step;
    if (negative && rounded != 0) out.byte(MINUS);
    out.decimal(rounded);
    if (decimals != 0) out.byte(POINT);
    for (let i: u32 = 0; i < decimals; i++) out.byte(ZERO);
    return true;
  }
}

/** Random characters of the same kind: digits, letters, Han. Punctuation and blanks stay; anything else becomes `char`. */
export class RandomShape extends Method {
  constructor(
    private readonly check: Check,
    private readonly char: Bytes,
  ) {
    super();
  }

  hide(pointer: usize, length: u32, out: Writer): bool {
    const end = pointer + length;
    if (this.check != Check.None && !isCheckOf(this.check, pointer, length)) return false;
    const begun = out.length;
    for (let at = pointer; at < end; at = nextCharacter(at, end)) {
      const point = pointAt(at, end);
      if (!randomBytes(RANDOM, RANDOM_BYTES)) return false;
      const random = load<u32>(RANDOM);
      if (point - 48 < 10) out.byte(<u8>(48 + (random % 10)));
      else if (point - 97 < 26) out.byte(<u8>(97 + (random % 26)));
      else if (point - 65 < 26) out.byte(<u8>(65 + (random % 26)));
      else if (point < 0x80) out.byte(<u8>point);
      else if (point - FIRST_HAN < HAN_COUNT) writeHan(FIRST_HAN + (random % HAN_COUNT), out);
      else out.bytes(this.char.pointer, this.char.length);
    }
    if (this.check != Check.None && !out.overflowed) writeCheck(this.check, out.pointer + begun, length);
    return true;
  }
}

function writeHan(point: u32, out: Writer): void {
  out.byte(<u8>(0xe0 | (point >> 12)));
  out.byte(<u8>(0x80 | ((point >> 6) & 63)));
  out.byte(<u8>(0x80 | (point & 63)));
}
