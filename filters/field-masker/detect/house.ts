// Detectors of a house: what its patterns match, with a right check, and with or without certain words near it. All
// patterns are one automaton, which is entered where a word begins that may begin a match.
import { Ascii } from '../../memory/ascii';
import { Bytes } from '../../memory/bytes';
import { MAX_SPAN_BYTES, MAX_SPAN_PATTERNS } from '../../limits';
import { REFUSED, START } from '../../match/pattern-dfa';
import { SpanPattern } from '../../match/span-pattern';
import { hasCheck, NumberCheck } from './check-digits';
import { isWordPart } from './digit-groups';
import { Why } from './find';
import { Finding } from './finding';
import { narrow, NO_UNIT, unitAt, unitBefore, unitEnd, unitStart } from './units';

/** Kinds of findings from this one on are detectors of the house. */
export const FIRST_HOUSE: u32 = 64;

/** Where each pattern's longest match ends, of the place that is looked at. */
const ENDS: usize = memory.data(MAX_SPAN_PATTERNS * 8);
const LETTERS: usize = memory.data(MAX_SPAN_BYTES);

/** Bytes that are tried before a match is looked for in earnest. */
const PLAIN_BYTES: usize = 3;

export class HouseDetector {
  /** `within`: characters before and behind a match in which words count. */
  constructor(
    readonly check: NumberCheck,
    readonly near: StaticArray<Bytes>,
    readonly notNear: StaticArray<Bytes>,
    readonly within: u32,
  ) {}
}

export class House {
  /** By the low and the high half of an ASCII byte: a match may begin with it if both have a bit in common. */
  readonly low: StaticArray<u8> = new StaticArray<u8>(16);
  readonly high: StaticArray<u8> = new StaticArray<u8>(16);
  /**
   * The same of the byte behind it, where all three have the bit of the first one's high half. Bytes beyond ASCII are
   * not in it: each may be a letter or digit of another width.
   */
  readonly nextLow: StaticArray<u8> = new StaticArray<u8>(16);
  readonly nextHigh: StaticArray<u8> = new StaticArray<u8>(16);
  /** Whether a match may begin with a character beyond ASCII. */
  readonly wide: bool;
  // The text that is looked at, and the name of its field.
  private text: usize = 0;
  private textEnd: usize = 0;
  private name: usize = 0;
  private nameEnd: usize = 0;

  constructor(
    private readonly spans: SpanPattern,
    private readonly detectors: StaticArray<HouseDetector>,
  ) {
    let wide = false;
    for (let byte: u32 = 0; byte < 256; byte++) {
      if (spans.step(START, byte) == REFUSED) continue;
      if (byte > 127) wide = true;
      else {
        const bit = <u8>((<u32>1) << (byte >> 4));
        this.high[byte >> 4] = bit;
        this.low[byte & 15] = this.low[byte & 15] | bit;
        this.addNext(spans.step(START, byte), bit);
      }
    }
    this.wide = wide;
  }

  /** Adds the bytes that may stand behind the first one, in a state. */
  private addNext(state: u32, bit: u8): void {
    const isEnd = this.spans.endsIn(state) != 0;
    for (let byte: u32 = 0; byte < 128; byte++) {
      if (!isEnd && !beginsEscape(byte) && this.spans.step(state, byte) == REFUSED) continue;
      this.nextHigh[byte >> 4] = this.nextHigh[byte >> 4] | bit;
      this.nextLow[byte & 15] = this.nextLow[byte & 15] | bit;
    }
  }

  /** Whether a match may begin at `at`, by three bytes if they are plain. */
  mayBegin(at: usize, end: usize): bool {
    const byte = <u32>load<u8>(at);
    if (byte > 127) return this.wide || byte == 0xef;
    if (beginsEscape(byte)) return true; // of what may begin it
    const spans = this.spans;
    let state = spans.step(START, byte);
    for (let i: usize = 1; i < PLAIN_BYTES && state != REFUSED && spans.endsIn(state) == 0; i++) {
      if (at + i >= end) return false;
      const next = <u32>load<u8>(at + i);
      if (next > 127 || beginsEscape(next)) return true;
      state = spans.step(state, next);
    }
    return state != REFUSED;
  }

  /** Begins with the text [`pointer`, `end`), the value of the field of the name. */
  begin(pointer: usize, end: usize, name: usize, nameLength: u32): void {
    this.text = pointer;
    this.textEnd = end;
    this.name = name;
    this.nameEnd = name + nameLength;
  }

  /** Whether a match begins at `at`. */
  find(at: usize, finding: Finding): bool {
    const left = narrow(unitBefore(this.text, at));
    if (isWordPart(left) && isWordPart(narrow(unitAt(at, this.textEnd)))) return false;
    let seen = this.run(at, this.textEnd);
    while (seen != 0) {
      let best: u32 = ctz(seen);
      for (let rest = seen; rest != 0; rest &= rest - 1)
        if (load<usize>(endOf(ctz(rest))) > load<usize>(endOf(best))) best = ctz(rest);
      if (this.judge(best, at, load<usize>(endOf(best)), finding)) return true;
      seen &= ~(1 << best);
    }
    return false;
  }

  /** Patterns that match at `at`, as bits; where the longest match of each ends is in ENDS. */
  private run(at: usize, end: usize): u32 {
    const spans = this.spans;
    let seen: u32 = 0;
    let state = START;
    while (at < end) {
      const point = narrow(unitAt(at, end));
      if (point == NO_UNIT) break;
      at = unitEnd();
      state = feed(spans, state, point);
      if (state == REFUSED) break;
      const ended = spans.endsIn(state);
      if (ended == 0 || (isWordPart(point) && isWordPart(narrow(unitAt(at, end))))) continue;
      seen |= ended;
      for (let rest = ended; rest != 0; rest &= rest - 1) store<usize>(endOf(ctz(rest)), at);
    }
    return seen;
  }

  private judge(number: u32, start: usize, stop: usize, finding: Finding): bool {
    const detector = unchecked(this.detectors[number]);
    let why: u32 = Why.Form;
    if (detector.check != NumberCheck.None) {
      if (!hasCheck(detector.check, LETTERS, lettersOf(start, stop))) return false;
      why |= Why.Check;
    }
    if (detector.near.length + detector.notNear.length != 0) {
      const from = before(this.text, start, detector.within);
      const to = after(stop, this.textEnd, detector.within);
      for (let i = 0; i < detector.notNear.length; i++) {
        const word = unchecked(detector.notNear[i]);
        if (holds(word, from, start) || holds(word, stop, to) || holds(word, this.name, this.nameEnd)) return false;
      }
      let any = detector.near.length == 0;
      for (let i = 0; i < detector.near.length && !any; i++) {
        const word = unchecked(detector.near[i]);
        any = holds(word, from, start) || holds(word, stop, to) || holds(word, this.name, this.nameEnd);
      }
      if (!any) return false;
      if (detector.near.length != 0) why |= Why.Label;
    }
    return finding.set(FIRST_HOUSE + number, start, stop, why);
  }
}

function beginsEscape(byte: u32): bool {
  return byte == Ascii.Percent || byte == Ascii.Ampersand || byte == Ascii.Backslash;
}

function endOf(number: u32): usize {
  return ENDS + ((<usize>number) << 3);
}

/** State after a character. */
function feed(spans: SpanPattern, state: u32, point: u32): u32 {
  if (point < 0x80) return spans.step(state, point);
  if (point < 0x800) state = spans.step(state, 0xc0 | (point >> 6));
  else {
    if (point < 0x10000) state = spans.step(state, 0xe0 | (point >> 12));
    else state = spans.step(spans.step(state, 0xf0 | (point >> 18)), 0x80 | ((point >> 12) & 63));
    state = spans.step(state, 0x80 | ((point >> 6) & 63));
  }
  return spans.step(state, 0x80 | (point & 63));
}

/** Puts the letters and digits of a match into LETTERS. Returns how many there are. */
function lettersOf(at: usize, stop: usize): u32 {
  let length: u32 = 0;
  while (at < stop && length < MAX_SPAN_BYTES) {
    const point = narrow(unitAt(at, stop));
    at = unitEnd();
    if (point - 48 < 10 || (point | 32) - 97 < 26) store<u8>(LETTERS + length++, point);
  }
  return length;
}

/** Address `count` characters before `at`, or the start of the text. */
function before(begin: usize, at: usize, count: u32): usize {
  for (; count > 0 && at > begin; count--) {
    unitBefore(begin, at);
    at = min(unitStart(), at - 1);
  }
  return at;
}

/** Address `count` characters behind `at`, or the end of the text. */
function after(at: usize, end: usize, count: u32): usize {
  for (; count > 0 && at < end; count--) {
    unitAt(at, end);
    at = unitEnd();
  }
  return at;
}

/** Whether a word stands somewhere in a text. */
function holds(word: Bytes, at: usize, end: usize): bool {
  while (at < end) {
    if (standsAt(word, at, end)) return true;
    unitAt(at, end);
    at = unitEnd();
  }
  return false;
}

/** Whether a word stands at a place, in letters of any case and width. */
function standsAt(word: Bytes, at: usize, end: usize): bool {
  const stop = word.pointer + word.length;
  for (let from = word.pointer; from < stop;) {
    if (at >= end) return false;
    const wanted = lower(unitAt(from, stop));
    from = unitEnd();
    if (lower(unitAt(at, end)) != wanted) return false;
    at = unitEnd();
  }
  return true;
}

function lower(point: u32): u32 {
  const ascii = narrow(point);
  return ascii - 65 < 26 ? ascii + 32 : ascii;
}
