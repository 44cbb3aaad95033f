// Strict reader of JSON (RFC 8259) for texts in pieces. It gives the same verdict as the index of `document.ts`, in
// constant memory. One block of memory holds the state between two pieces, so that the text may be cut anywhere: in an
// escape, a number, a UTF-8 sequence.
import { Ascii } from '../../memory/ascii';
import { ErrorId } from '../../errors.gen';
import { MAX_JSON_DEPTH, MAX_STREAM_KEYS, MAX_STREAM_KEYS_PER_OBJECT, MAX_STREAM_TEXT_BYTES } from '../../limits';
import { sipBegin, sipEnd, sipText } from '../../memory/siphash';
import { hexDigit } from '../hex-text';
import { FieldKind } from '../nodes';
import { stringStops } from './scan';
import { beginUtf8, goOnUtf8, JsonStreamFrame, JsonStreamState } from './stream-state';
import { Digits, NUMBER_ENDS, isEscapeLetter, kindOf, nextDigits } from './stream-bytes';
import { unescape } from './text';

/** Expected next token. */
const enum Mode {
  Value = 0,
  /** After `[`: a value or `]`. */
  FirstItem = 1,
  /** After `{`: a name or `}`. */
  FirstName = 2,
  /** After a comma in an object. */
  Name = 3,
  Colon = 4,
  /** After a value. */
  After = 5,
  String = 6,
  Number = 7,
  Literal = 8,
  /** Inside a character beyond ASCII, which may occur only in strings. */
  Foreign = 9,
}

/** Position within an escape: HEX + digits read. With `surrogate`, in the second half of a pair. */
const enum Escape {
  None = 0,
  Letter = 1,
  Hex = 2,
  /** A second half must follow: its backslash, its `u`. */
  PairBackslash = 6,
  PairLetter = 7,
}

/** U+FEFF in UTF-8. */
const BYTE_ORDER_MARK: u32 = 0xefbbbf;
const FRAMES: usize = 128;
const FRAME_BYTES: usize = 16;
const KEYS: usize = FRAMES + (<usize>MAX_JSON_DEPTH + 1) * FRAME_BYTES;
const TEXT: usize = KEYS + <usize>MAX_STREAM_KEYS * 8;
/** Memory for one text, bytes. */
export const JSON_STREAM_BYTES: u32 = <u32>(TEXT + MAX_STREAM_TEXT_BYTES + 16);

/** Receiver of the events of one text. Each method returns an error or ErrorId.None. */
export abstract class JsonEvents {
  /**
   * A value begins: the member `name` of the innermost container (in `stream.text`, for objects), its next item, or the
   * text's only value. Returns whether to keep its text.
   */
  abstract onValue(stream: JsonStream, kind: FieldKind): bool;
  /** A scalar is complete. `text`: its text, if it was kept. */
  abstract onScalar(stream: JsonStream, kind: FieldKind, text: usize, length: u32): ErrorId;
  /** A container begins. Its frame is the innermost. */
  abstract onOpen(stream: JsonStream, kind: FieldKind): ErrorId;
  /** The innermost container ends. */
  abstract onClose(stream: JsonStream): ErrorId;
}

// @ts-ignore: decorator
@inline
function isSpace(byte: u32): bool {
  return byte == Ascii.Space || byte == Ascii.LineFeed || byte == Ascii.CarriageReturn || byte == Ascii.Tab;
}

/** Reader of one text at a time, bound to its memory. */
export class JsonStream {
  state: JsonStreamState = changetype<JsonStreamState>(0);
  /**
   * Address of the byte that an event comes from: the first one of a value, the last one of a scalar, for a number the one
   * behind it.
   */
  at: usize = 0;
  private base: usize = 0;

  /** `events`: receiver for the current text. */
  constructor(private events: JsonEvents) {}

  /** Switches to a text. `memory`: JSON_STREAM_BYTES, zeroed before its first piece. */
  bind(memory: usize, events: JsonEvents): void {
    this.events = events;
    this.base = memory;
    this.state = changetype<JsonStreamState>(memory);
  }

  /** Container at a depth. 1 is the outermost. */
  frame(depth: u32): JsonStreamFrame {
    return changetype<JsonStreamFrame>(this.base + FRAMES + <usize>depth * FRAME_BYTES);
  }

  /** Unescaped name of the current member, `state.textLength` bytes. */
  get text(): usize {
    return this.base + TEXT;
  }

  /** Whether the innermost container has a member of this name. */
  hasName(name: usize, length: u32): bool {
    const state = this.state;
    return this.isKnown(this.hashOf(name, length), this.frame(state.depth).keysFrom);
  }

  private hashOf(name: usize, length: u32): u64 {
    sipBegin(this.state.seed0, this.state.seed1);
    sipText(name, length);
    return sipEnd();
  }

  private isKnown(hash: u64, from: u32): bool {
    const end = this.base + KEYS + ((<usize>this.state.keyCount) << 3);
    for (let at = this.base + KEYS + ((<usize>from) << 3); at < end; at += 8) if (load<u64>(at) == hash) return true;
    return false;
  }

  /** Reads the next piece. Returns ErrorId.None or the error so far. */
  feed(pointer: usize, length: u32): ErrorId {
    const end = pointer + length;
    const state = this.state;
    while (pointer < end) {
      if (state.mode == Mode.String && state.escape == Escape.None && state.utf8Left == 0)
        pointer = this.skipPlain(pointer, end);
      if (state.keeping != 0 && state.textLength > MAX_STREAM_TEXT_BYTES) return ErrorId.FIM_PBOC_0041;
      if (pointer >= end) break;
      const byte = <u32>load<u8>(pointer);
      if (state.begun < 2) {
        if (byte == 0) return ErrorId.FIM_JSON_0004; // UTF-16 or UTF-32
        state.begun++;
      }
      this.at = pointer;
      const error = this.take(byte);
      if (error != ErrorId.None) return error;
      pointer++;
    }
    this.at = end;
    return ErrorId.None;
  }

  /** Ends the text. Returns ErrorId.None or the error. */
  finish(): ErrorId {
    const state = this.state;
    if (state.mode == Mode.Number && state.depth == 0) {
      if (((NUMBER_ENDS >> state.digits) & 1) == 0) return ErrorId.FIM_JSON_0005;
      const error = this.endScalar();
      if (error != ErrorId.None) return error;
    }
    if (state.mode == Mode.Foreign || state.utf8Left != 0) return ErrorId.FIM_JSON_0004;
    return state.mode == Mode.After && state.depth == 0 ? ErrorId.None : ErrorId.FIM_JSON_0002;
  }

  /** Skips plain characters of a string: printable ASCII, sixteen at a time. */
  private skipPlain(pointer: usize, end: usize): usize {
    const start = pointer;
    while (pointer + 16 <= end) {
      const stops = stringStops(pointer) | (<u32>i8x16.bitmask(v128.load(pointer)));
      if (stops != 0) {
        pointer += ctz(stops);
        break;
      }
      pointer += 16;
    }
    const length = <u32>(pointer - start);
    const state = this.state;
    if (length == 0 || state.keeping == 0) return pointer;
    if (state.textLength + length <= MAX_STREAM_TEXT_BYTES) memory.copy(this.text + state.textLength, start, length);
    state.textLength += length; // over the limit: `feed` reports it
    return pointer;
  }

  private take(byte: u32): ErrorId {
    const state = this.state;
    switch (state.mode) {
      case Mode.String:
        return this.takeInString(byte);
      case Mode.Number:
        return this.takeInNumber(byte);
      case Mode.Literal:
        return this.takeInLiteral(byte);
      case Mode.Foreign:
        return this.takeForeign(byte);
    }
    if (isSpace(byte)) return ErrorId.None;
    if (byte >= 0x80) return this.beginForeign(byte);
    switch (state.mode) {
      case Mode.FirstItem:
        return byte == Ascii.CloseBracket ? this.close() : this.begin(byte);
      case Mode.FirstName:
        return byte == Ascii.CloseBrace ? this.close() : this.beginName(byte);
      case Mode.Name:
        return this.beginName(byte);
      case Mode.Colon:
        state.mode = Mode.Value;
        return byte == Ascii.Colon ? ErrorId.None : ErrorId.FIM_JSON_0001;
      case Mode.After:
        return this.goOn(byte);
    }
    return this.begin(byte);
  }

  /** An error of JSON or, depending on the rest of the character, of UTF-8. */
  private beginForeign(byte: u32): ErrorId {
    const state = this.state;
    if (!beginUtf8(state, byte)) return ErrorId.FIM_JSON_0004;
    state.mode = Mode.Foreign;
    state.unit = state.begun == 1 ? byte : 0;
    return ErrorId.None;
  }

  private takeForeign(byte: u32): ErrorId {
    const state = this.state;
    if (!goOnUtf8(state, byte)) return ErrorId.FIM_JSON_0004;
    state.unit = (state.unit << 8) | byte;
    if (state.utf8Left != 0) return ErrorId.None;
    return state.unit == BYTE_ORDER_MARK ? ErrorId.FIM_JSON_0004 : ErrorId.FIM_JSON_0001;
  }

  private goOn(byte: u32): ErrorId {
    const state = this.state;
    if (state.depth == 0) return ErrorId.FIM_JSON_0001;
    const isObject = this.frame(state.depth).isObject;
    if (byte == Ascii.Comma) {
      state.mode = isObject ? Mode.Name : Mode.Value;
      return ErrorId.None;
    }
    return byte == (isObject ? 125 : 93) ? this.close() : ErrorId.FIM_JSON_0001;
  }

  private beginName(byte: u32): ErrorId {
    if (byte != Ascii.Quote) return ErrorId.FIM_JSON_0001;
    this.beginString(true, true);
    return ErrorId.None;
  }

  private beginString(isName: bool, keeping: bool): void {
    const state = this.state;
    state.mode = Mode.String;
    state.isName = isName;
    state.keeping = keeping;
    state.escaped = 0;
    state.textLength = 0;
  }

  /** Handles the first byte of a value. */
  private begin(byte: u32): ErrorId {
    const state = this.state;
    const found = kindOf(byte);
    if (found < 0) return ErrorId.FIM_JSON_0001;
    const kind = <FieldKind>found;
    if (kind >= FieldKind.Array && state.depth >= MAX_JSON_DEPTH) return ErrorId.FIM_JSON_0007;
    const keeping = this.events.onValue(this, kind);
    if (state.depth != 0) this.frame(state.depth).count++;
    state.kind = kind;
    if (kind >= FieldKind.Array) return this.open(kind);
    if (kind == FieldKind.String) {
      this.beginString(false, keeping);
      return ErrorId.None;
    }
    state.keeping = keeping;
    state.textLength = 0;
    if (kind == FieldKind.Number) {
      state.mode = Mode.Number;
      state.digits = byte == Ascii.Minus ? Digits.Sign : byte == Ascii.Zero ? Digits.Zero : Digits.Whole;
      this.keep(byte);
      return ErrorId.None;
    }
    state.mode = Mode.Literal;
    state.literal = kind == FieldKind.True ? 0x657572 : kind == FieldKind.False ? 0x65736c61 : 0x6c6c75;
    return ErrorId.None;
  }

  private open(kind: FieldKind): ErrorId {
    const state = this.state;
    const frame = this.frame(++state.depth);
    frame.isObject = kind == FieldKind.Object;
    frame.keysFrom = state.keyCount;
    frame.count = 0;
    frame.state = 0;
    state.mode = kind == FieldKind.Object ? Mode.FirstName : Mode.FirstItem;
    return this.events.onOpen(this, kind);
  }

  private close(): ErrorId {
    const state = this.state;
    const error = this.events.onClose(this);
    state.keyCount = this.frame(state.depth).keysFrom;
    state.depth--;
    state.mode = Mode.After;
    return error;
  }

  private keep(byte: u32): void {
    const state = this.state;
    if (state.keeping == 0) return;
    if (state.textLength < MAX_STREAM_TEXT_BYTES) store<u8>(this.text + state.textLength, <u8>byte);
    state.textLength++;
  }

  private takeInString(byte: u32): ErrorId {
    const state = this.state;
    if (state.utf8Left != 0) {
      if (!goOnUtf8(state, byte)) return ErrorId.FIM_JSON_0004;
    } else if (state.escape != Escape.None) {
      const error = this.takeInEscape(byte);
      if (error != ErrorId.None) return error;
    } else if (byte == Ascii.Quote) return this.endString();
    else if (byte < 32) return ErrorId.FIM_JSON_0003;
    else if (byte == Ascii.Backslash) {
      state.escape = Escape.Letter;
      state.escaped = 1;
    } else if (byte >= 0x80 && !beginUtf8(state, byte)) return ErrorId.FIM_JSON_0004;
    this.keep(byte);
    return ErrorId.None;
  }

  private takeInEscape(byte: u32): ErrorId {
    const state = this.state;
    const at = state.escape;
    if (at == Escape.Letter) {
      state.escape = byte == Ascii.LowerU ? Escape.Hex : Escape.None;
      state.unit = 0;
      state.surrogate = 0;
      return byte == Ascii.LowerU || isEscapeLetter(byte) ? ErrorId.None : ErrorId.FIM_JSON_0003;
    }
    if (at == Escape.PairBackslash) {
      state.escape = Escape.PairLetter;
      return byte == Ascii.Backslash ? ErrorId.None : ErrorId.FIM_JSON_0003;
    }
    if (at == Escape.PairLetter) {
      state.escape = Escape.Hex;
      state.unit = 0;
      return byte == Ascii.LowerU ? ErrorId.None : ErrorId.FIM_JSON_0003;
    }
    const digit = hexDigit(byte);
    if (digit > 15) return ErrorId.FIM_JSON_0003;
    state.unit = (state.unit << 4) | digit;
    if (at < <u32>(Escape.Hex + 3)) {
      state.escape = at + 1;
      return ErrorId.None;
    }
    const high = (state.unit & 0xfc00) == 0xd800;
    const low = (state.unit & 0xfc00) == 0xdc00;
    if (state.surrogate != 0 ? !low : low) return ErrorId.FIM_JSON_0003;
    state.escape = high ? Escape.PairBackslash : Escape.None;
    state.surrogate = high;
    return ErrorId.None;
  }

  private endString(): ErrorId {
    const state = this.state;
    if (state.keeping != 0) {
      if (state.textLength > MAX_STREAM_TEXT_BYTES) return ErrorId.FIM_PBOC_0041;
      if (state.escaped != 0) state.textLength = unescape(this.text, state.textLength, this.text);
    }
    if (state.isName == 0) return this.endScalar();
    state.mode = Mode.Colon;
    const from = this.frame(state.depth).keysFrom;
    const hash = this.hashOf(this.text, state.textLength);
    if (this.isKnown(hash, from)) return ErrorId.FIM_JSON_0006;
    if (state.keyCount - from >= MAX_STREAM_KEYS_PER_OBJECT || state.keyCount >= MAX_STREAM_KEYS)
      return ErrorId.FIM_PBOC_0041;
    store<u64>(this.base + KEYS + ((<usize>state.keyCount) << 3), hash);
    state.keyCount++;
    return ErrorId.None;
  }

  private takeInNumber(byte: u32): ErrorId {
    const state = this.state;
    const next = nextDigits(state.digits, byte);
    if (next >= 0) {
      state.digits = next;
      this.keep(byte);
      return ErrorId.None;
    }
    if (((NUMBER_ENDS >> state.digits) & 1) == 0 || (state.digits == Digits.Zero && byte - 48 < 10))
      return ErrorId.FIM_JSON_0005;
    const error = this.endScalar();
    return error != ErrorId.None ? error : this.take(byte);
  }

  private takeInLiteral(byte: u32): ErrorId {
    const state = this.state;
    if (byte != (state.literal & 0xff)) return byte < 0x80 ? ErrorId.FIM_JSON_0001 : this.beginForeign(byte);
    state.literal >>= 8;
    return state.literal == 0 ? this.endScalar() : ErrorId.None;
  }

  private endScalar(): ErrorId {
    const state = this.state;
    state.mode = Mode.After;
    if (state.keeping != 0 && state.textLength > MAX_STREAM_TEXT_BYTES) return ErrorId.FIM_PBOC_0041;
    return this.events.onScalar(this, <FieldKind>state.kind, this.text, state.keeping != 0 ? state.textLength : 0);
  }
}
