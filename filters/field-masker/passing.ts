// Masking of JSON as it passes, in constant memory. Each value is held back until it is complete, and is then masked as
// if the message had nothing else: in the members and items around it, which are all that its masking depends on. What
// is written is thus what the whole message would become.
import { randomBytes } from '../crypto/random';
import { ErrorId } from '../errors.gen';
import { MAX_STREAM_PLACE_BYTES, MAX_STREAM_VALUE_BYTES } from '../limits';
import { Arena } from '../memory/arena';
import { Ascii } from '../memory/ascii';
import { Writer } from '../memory/writer';
import { FieldKind } from '../message/field-tree';
import { JsonDocument } from '../message/json/document';
import { JsonEvents, JsonStream } from '../message/json/stream';
import { JsonStreamState } from '../message/json/stream-state';
import { MaskPlan } from './mask-plan';
import { Masker } from './masker';
import { Masked } from './message-masker';
import { PassingState, passingState, PLACE, VALUE } from './passing-state';
import { JsonSurface, writeEscaped } from './surface/json';

const SEED_BYTES: u32 = 16;
const NO_WRITER: Writer = new Writer(new Arena(16, 16));

/** Masks messages in pieces, one piece at a time. */
export class PassingMasker extends JsonEvents {
  /** Values hidden in the last piece by a field's rule, and by what they look like. */
  fieldCount: u32 = 0;
  detectedCount: u32 = 0;
  /** Whether the output of the last piece differs from it. */
  differs: bool = false;
  private readonly surface: JsonSurface = new JsonSurface();
  private readonly json: JsonDocument = new JsonDocument();
  private readonly names: Writer;
  private readonly document: Writer;
  private streamed: JsonStream | null = null;
  private memory: usize = 0;
  private state: PassingState = changetype<PassingState>(0);
  /** The piece: its begin, what of it is not yet copied, and where the open value begins. */
  private begin: usize = 0;
  private from: usize = 0;
  private value: usize = 0;
  private out: Writer = NO_WRITER;

  constructor(
    private readonly masker: Masker,
    private readonly arena: Arena,
    private plan: MaskPlan,
  ) {
    super();
    this.names = new Writer(arena);
    this.document = new Writer(arena);
  }

  private get reader(): JsonStream {
    let reader = this.streamed;
    if (reader == null) {
      reader = new JsonStream(this);
      this.streamed = reader;
    }
    return reader;
  }

  /** Begins a message in its memory. `revealed`: kinds that stay, as bits. False if there are no random bytes. */
  start(memory: usize, revealed: u64): bool {
    this.bind(memory, this.plan);
    this.state.revealed = revealed;
    return randomBytes(memory + offsetof<JsonStreamState>('seed0'), SEED_BYTES);
  }

  /** Switches to a message with its memory (PASSING_BYTES). */
  bind(memory: usize, plan: MaskPlan): void {
    this.memory = memory;
    this.plan = plan;
    this.reader.bind(memory, this);
    this.state = passingState(memory);
  }

  /** Whether the message is empty and complete. */
  isEmpty(length: u32, last: bool): bool {
    return last && length == 0 && this.state.begun == 0;
  }

  /** Whether something was hidden in the message. */
  get changed(): bool {
    return this.state.changed != 0;
  }

  /** Writes what the piece becomes; `last`: the message ends with it. The error of the message so far, or None. */
  take(pointer: usize, length: u32, last: bool, out: Writer): ErrorId {
    const state = this.state;
    const end = pointer + length;
    this.fieldCount = 0;
    this.detectedCount = 0;
    this.differs = state.held != 0;
    this.out = out;
    this.begin = pointer;
    this.from = pointer;
    this.value = pointer;
    if (length != 0) state.begun = 1;
    let error = this.reader.feed(pointer, length);
    if (error == ErrorId.None && last) {
      this.reader.at = end;
      error = this.reader.finish();
    }
    if (error != ErrorId.None) return error == ErrorId.FIM_PBOC_0041 ? ErrorId.FIM_MASK_0012 : error;
    if (state.open == 0) this.copyTo(end);
    else if (!this.hold(end)) return ErrorId.FIM_MASK_0012;
    return out.overflowed ? ErrorId.FIM_RT_0006 : ErrorId.None;
  }

  onValue(stream: JsonStream, kind: FieldKind): bool {
    const state = stream.state;
    let place: u32 = 0;
    if (state.depth != 0) {
      const frame = stream.frame(state.depth);
      place = frame.state;
      if (frame.isObject != 0) place = this.addName(place, stream.text, state.textLength);
    }
    // The place of a container, or MAX_STREAM_PLACE_BYTES + 1 if it is too long.
    state.value = place;
    if (kind >= FieldKind.Array) return false;
    this.copyTo(stream.at);
    this.value = stream.at;
    this.state.open = 1;
    return false;
  }

  /** Writes a member's name behind the first `place` bytes. Length of all of it. */
  private addName(place: u32, name: usize, length: u32): u32 {
    if (place > MAX_STREAM_PLACE_BYTES) return place;
    const mark = this.arena.mark;
    const names = this.names;
    names.begin(<usize>length * 6 + 16);
    names.byte(<u8>Ascii.Quote);
    writeEscaped(name, length, false, false, names);
    names.byte(<u8>Ascii.Quote);
    names.byte(<u8>Ascii.Colon);
    const all = place + names.length;
    if (!names.overflowed && all <= MAX_STREAM_PLACE_BYTES)
      memory.copy(this.memory + PLACE + place, names.pointer, names.length);
    this.arena.rewind(mark);
    return names.overflowed || all > MAX_STREAM_PLACE_BYTES ? MAX_STREAM_PLACE_BYTES + 1 : all;
  }

  onScalar(stream: JsonStream, kind: FieldKind, text: usize, length: u32): ErrorId {
    const state = this.state;
    const end = kind == FieldKind.Number ? stream.at : stream.at + 1;
    if (stream.state.value > MAX_STREAM_PLACE_BYTES) return ErrorId.FIM_MASK_0012;
    let value = this.value;
    let size = <u32>(end - value);
    if (size + state.held > MAX_STREAM_VALUE_BYTES) return ErrorId.FIM_MASK_0012;
    if (state.held != 0) {
      this.hold(end);
      value = this.memory + VALUE;
      size = state.held;
    }
    state.open = 0;
    state.held = 0;
    this.from = end;
    return this.write(stream, value, size);
  }

  onOpen(stream: JsonStream, kind: FieldKind): ErrorId {
    const depth = stream.state.depth;
    const place = stream.state.value;
    if (place >= MAX_STREAM_PLACE_BYTES) return ErrorId.FIM_MASK_0012;
    store<u8>(this.memory + PLACE + place, kind == FieldKind.Object ? <u8>Ascii.OpenBrace : <u8>Ascii.OpenBracket);
    stream.frame(depth).state = place + 1;
    return ErrorId.None;
  }

  onClose(stream: JsonStream): ErrorId {
    return ErrorId.None;
  }

  /** Copies the piece up to an address. */
  private copyTo(end: usize): void {
    if (end > this.from) this.out.bytes(this.from, <u32>(end - this.from));
    this.from = end;
  }

  /** Keeps the open value up to an address. False if it is too long. */
  private hold(end: usize): bool {
    const state = this.state;
    const size = <u32>(end - this.value);
    if (state.held + size > MAX_STREAM_VALUE_BYTES) return false;
    memory.copy(this.memory + VALUE + state.held, this.value, size);
    state.held += size;
    this.from = end;
    this.differs = true;
    return true;
  }

  /** Writes what becomes of a value. */
  private write(stream: JsonStream, value: usize, size: u32): ErrorId {
    const out = this.out;
    const plan = this.plan;
    const arena = this.arena;
    const place = stream.state.value;
    const depth = stream.state.depth;
    const mark = arena.mark;
    const document = this.document;
    document.begin(<usize>place + size + depth + 16);
    document.bytes(this.memory + PLACE, place);
    document.bytes(value, size);
    for (let at = depth; at > 0; at--) document.byte(stream.frame(at).isObject != 0 ? 125 : 93);
    if (document.overflowed) return ErrorId.FIM_RT_0006;
    const error = <ErrorId>this.json.parse(document.pointer, document.length, arena);
    if (error != ErrorId.None) return error;
    const masker = this.masker;
    const masked = masker.run(this.json, document.length, plan, this.surface, this.state.revealed);
    if (masked == Masked.OutOfMemory) return ErrorId.FIM_RT_0006;
    if (masked == Masked.Impossible) return ErrorId.FIM_MASK_0008;
    const before = out.pointer;
    if (masked == Masked.Changed) {
      this.fieldCount += masker.fieldCount;
      this.detectedCount += masker.detectedCount;
      this.state.changed = 1;
      this.differs = true;
      out.bytes(masker.out.pointer + place, masker.out.length - place - depth);
    } else out.bytes(value, size);
    // Nothing may be freed if the output had to move behind it.
    if (out.pointer == before) arena.rewind(mark);
    return out.overflowed ? ErrorId.FIM_RT_0006 : ErrorId.None;
  }
}
