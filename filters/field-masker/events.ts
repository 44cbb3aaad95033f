// Masking of server-sent events (HTML standard, 9.2) as they pass. The data of an event are a message of their own: it is
// masked when the blank line behind it arrives. Events are neither merged nor delayed by one another.
import { ErrorId } from '../errors.gen';
import { MAX_STREAM_VALUE_BYTES } from '../limits';
import { Arena } from '../memory/arena';
import { Ascii } from '../memory/ascii';
import { Bytes, equalBytes } from '../memory/bytes';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { JsonDocument } from '../message/json/document';
import { isUtf8 } from '../message/utf8';
import { MaskPlan, NO_PLAN } from './mask-plan';
import { Masker } from './masker';
import { Masked } from './message-masker';
import { PassingState, passingState, VALUE } from './passing-state';
import { JsonSurface } from './surface/json';

const DATA: Bytes = Bytes.from('data');
const EVENT: Bytes = Bytes.from('event');
const ID: Bytes = Bytes.from('id');
const RETRY: Bytes = Bytes.from('retry');
/** The last event of many services of language models. It is no JSON, and says nothing of anybody. */
const DONE: Bytes = Bytes.from('[DONE]');
const BYTE_ORDER_MARK: u32 = 0xbfbbef;

/** Masks streams of events, one piece at a time. */
export class EventMasker {
  /** Values hidden in the last piece by a field's rule, and by what they look like. */
  fieldCount: u32 = 0;
  detectedCount: u32 = 0;
  private readonly surface: JsonSurface = new JsonSurface();
  private readonly json: JsonDocument = new JsonDocument();
  private readonly name: Span = new Span();
  private readonly text: Span = new Span();
  private readonly data: Writer;
  private state: PassingState = changetype<PassingState>(0);
  private buffer: usize = 0;
  private plan: MaskPlan = NO_PLAN;
  // The line read last: its name, its value behind colon and blank, and its end with and without the line break.
  private nameEnd: usize = 0;
  private valueAt: usize = 0;
  private lineEnd: usize = 0;
  private nextLine: usize = 0;
  /** Whether the event's data were rewritten, and where they are. */
  private masked: bool = false;

  constructor(
    private readonly masker: Masker,
    private readonly arena: Arena,
  ) {
    this.data = new Writer(arena);
  }

  /** Switches to a stream with its memory (PASSING_BYTES). */
  bind(memory: usize, plan: MaskPlan): void {
    this.state = passingState(memory);
    this.buffer = memory + VALUE;
    this.plan = plan;
  }

  /** Writes the events that the piece completes. An event that the stream breaks off is none for clients, and dropped. */
  take(pointer: usize, length: u32, out: Writer): ErrorId {
    const state = this.state;
    const end = pointer + length;
    this.fieldCount = 0;
    this.detectedCount = 0;
    for (let at = pointer; at < end; at++) {
      const byte = <u32>load<u8>(at);
      const belongs = state.returned != 0 && byte == Ascii.LineFeed;
      state.returned = 0;
      if (belongs && state.held == 0) {
        out.byte(<u8>byte); // the rest of the blank line of an event that has gone
        continue;
      }
      if (state.held >= MAX_STREAM_VALUE_BYTES) return ErrorId.FIM_MASK_0012;
      store<u8>(this.buffer + state.held++, <u8>byte);
      if (belongs) continue;
      if (byte != Ascii.LineFeed && byte != Ascii.CarriageReturn) {
        state.open = 1;
        continue;
      }
      state.returned = u32(byte == Ascii.CarriageReturn);
      if (state.open != 0) {
        state.open = 0;
        continue;
      }
      const error = this.event(out);
      if (error != ErrorId.None) return error;
      state.held = 0;
      state.begun = 1;
    }
    return out.overflowed ? ErrorId.FIM_RT_0006 : ErrorId.None;
  }

  /** Writes the event in the buffer. */
  private event(out: Writer): ErrorId {
    const end = this.buffer + this.state.held;
    let from = this.buffer;
    if (this.state.begun == 0 && end - from > 3 && (load<u32>(from) & 0xffffff) == BYTE_ORDER_MARK) from += 3;
    const mark = this.arena.mark;
    const before = out.pointer;
    const error = this.maskData(from, end);
    if (error != ErrorId.None) return error;
    let first = true;
    for (let line = from; line < end; line = this.nextLine) {
      this.readLine(line, end);
      if (this.isNamed(line, DATA)) {
        if (!this.masked) out.bytes(line, <u32>(this.nextLine - line));
        else if (first) this.writeData(line, out);
        first = false;
      } else if (line == this.lineEnd) out.bytes(line, <u32>(this.nextLine - line));
      else if (!this.writeOther(line, out)) return ErrorId.FIM_MASK_0008;
    }
    if (out.pointer == before) this.arena.rewind(mark);
    return out.overflowed ? ErrorId.FIM_RT_0006 : ErrorId.None;
  }

  /** Masks the data of the event, if it has some. */
  private maskData(from: usize, end: usize): ErrorId {
    const data = this.data;
    this.masked = false;
    data.begin(<usize>(end - from) + 64);
    let lines: u32 = 0;
    for (let line = from; line < end; line = this.nextLine) {
      this.readLine(line, end);
      if (!this.isNamed(line, DATA)) continue;
      if (lines++ != 0) data.byte(<u8>Ascii.LineFeed);
      data.bytes(this.valueAt, <u32>(this.lineEnd - this.valueAt));
    }
    if (data.overflowed) return ErrorId.FIM_RT_0006;
    const length = data.length;
    if (length == 0 || (length == DONE.length && equalBytes(data.pointer, DONE.pointer, length))) return ErrorId.None;
    const error = <ErrorId>this.json.parse(data.pointer, length, this.arena);
    if (error != ErrorId.None) return error;
    const masker = this.masker;
    const masked = masker.run(this.json, length, this.plan, this.surface, this.state.revealed);
    if (masked == Masked.OutOfMemory) return ErrorId.FIM_RT_0006;
    if (masked == Masked.Impossible) return ErrorId.FIM_MASK_0008;
    this.masked = masked == Masked.Changed;
    if (!this.masked) return ErrorId.None;
    this.state.changed = 1;
    this.fieldCount += masker.fieldCount;
    this.detectedCount += masker.detectedCount;
    return ErrorId.None;
  }

  private readLine(line: usize, end: usize): void {
    let at = line;
    let colon: usize = 0;
    for (; at < end; at++) {
      const byte = <u32>load<u8>(at);
      if (byte == Ascii.LineFeed || byte == Ascii.CarriageReturn) break;
      if (byte == Ascii.Colon && colon == 0) colon = at;
    }
    this.lineEnd = at;
    this.nameEnd = colon == 0 ? at : colon;
    const value = colon == 0 ? at : colon + 1;
    this.valueAt = value < at && load<u8>(value) == Ascii.Space ? value + 1 : value;
    if (at + 1 < end && load<u8>(at) == Ascii.CarriageReturn && load<u8>(at, 1) == Ascii.LineFeed) at++;
    this.nextLine = at + 1;
  }

  private isNamed(line: usize, name: Bytes): bool {
    return <u32>(this.nameEnd - line) == name.length && equalBytes(line, name.pointer, name.length);
  }

  /** Writes the masked data with the name, blank and line break of the first of their lines. */
  private writeData(line: usize, out: Writer): void {
    const masked = this.masker.out;
    const end = masked.pointer + masked.length;
    let from = masked.pointer;
    for (let at = from; at <= end; at++) {
      if (at < end && load<u8>(at) != Ascii.LineFeed) continue;
      out.bytes(line, <u32>(this.valueAt - line));
      // A first line without a value may lack its colon.
      if (this.nameEnd == this.lineEnd) out.byte(<u8>Ascii.Colon);
      out.bytes(from, <u32>(at - from));
      out.bytes(this.lineEnd, <u32>(this.nextLine - this.lineEnd));
      from = at + 1;
    }
  }

  /**
   * Writes a line that is no data: a comment without its text; names and numbers of events, masked by their names and
   * by what is found in them. Others mean nothing to clients, and do not go on. False: it cannot be masked.
   */
  private writeOther(line: usize, out: Writer): bool {
    if (this.nameEnd == line) {
      out.byte(<u8>Ascii.Colon);
      out.bytes(this.lineEnd, <u32>(this.nextLine - this.lineEnd));
      return true;
    }
    if (!this.isNamed(line, EVENT) && !this.isNamed(line, ID) && !this.isNamed(line, RETRY)) return true;
    if (!isUtf8(this.valueAt, <u32>(this.lineEnd - this.valueAt))) return false;
    const name = this.name.set(line, <u32>(this.nameEnd - line));
    const text = this.text.set(this.valueAt, <u32>(this.lineEnd - this.valueAt));
    const masked = this.masker.line(this.plan, this.state.revealed, name, text);
    if (masked == null) {
      out.bytes(line, <u32>(this.nextLine - line));
      return true;
    }
    this.fieldCount += this.masker.fieldCount;
    this.detectedCount += this.masker.detectedCount;
    this.state.changed = 1;
    if (masked.overflowed) return false;
    // A number that is none means nothing.
    if (this.isNamed(line, RETRY)) return true;
    out.bytes(line, <u32>(this.valueAt - line));
    out.bytes(masked.pointer, masked.length);
    out.bytes(this.lineEnd, <u32>(this.nextLine - this.lineEnd));
    return true;
  }
}
