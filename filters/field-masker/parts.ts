// Names and values that stand side by side in a text: query strings and cookies. Malformed parts are read as they
// stand, since nothing says how an upstream reads them: a name is compared decoded.
import { Ascii } from '../memory/ascii';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { hexDigit } from '../message/hex-text';
import { isUtf8 } from '../message/utf8';
import { Named } from './mask-plan';
import { Action, Mask } from './method/mask';
import { MaskNotes } from './notes';
import { writePercent } from './surface/form';

const EQUALS: u8 = 61;
const SEMICOLON: u8 = 59;
const AMPERSAND: u8 = 38;
const BLANK: u8 = 32;
const STAR: u8 = 42;
const QUOTE: u8 = 34;

/** Notation of the parts of a text. */
export const enum PartForm {
  /** `name=value` joined by `&` or `;`, percent-encoded. */
  Query = 0,
  /** `name=value` joined by `;`. */
  Cookies = 1,
  /** One cookie and its attributes, which stay. */
  SetCookie = 2,
}

/** Masks of parts by name. */
export class PartMasks {
  private readonly names: Bytes[] = [];
  private readonly masks: Mask[] = [];
  named: Named | null = null;
  /** Values hidden in the last text. */
  hidden: u32 = 0;
  private notes: MaskNotes | null = null;
  private where: string = '';
  private readonly name: Span = new Span();
  private readonly value: Writer = new Writer(scratch);

  add(name: Bytes, mask: Mask): void {
    this.names.push(name);
    this.masks.push(mask);
  }

  get acts(): bool {
    return this.names.length != 0 || this.named != null;
  }

  /** Says where the next texts are explained, and what their parts are. */
  explain(notes: MaskNotes | null, where: string): void {
    this.notes = notes;
    this.where = where;
  }

  private maskOf(name: usize, length: u32): Mask | null {
    for (let i = 0; i < this.names.length; i++)
      if (unchecked(this.names[i]).equals(name, length)) return unchecked(this.masks[i]);
    const named = this.named;
    return named == null ? null : named.maskOf(name, length);
  }

  /** Writes the text with values masked. False: nothing had to be. */
  run(from: usize, end: usize, form: PartForm, revealed: u64, out: Writer): bool {
    this.hidden = 0;
    let at = from;
    let first = true;
    while (at <= end) {
      let stop = at;
      while (stop < end && !isJoint(load<u8>(stop), form)) stop++;
      if (form == PartForm.SetCookie && !first) stop = end;
      const mark = out.length;
      if (!first) out.byte(load<u8>(at - 1));
      const kept =
        form == PartForm.SetCookie && !first ? this.copy(at, stop, out) : this.part(at, stop, form, revealed, out);
      if (!kept) out.rewind(mark);
      else first = false;
      at = stop + 1;
    }
    return this.hidden != 0;
  }

  private copy(at: usize, stop: usize, out: Writer): bool {
    out.bytes(at, <u32>(stop - at));
    return true;
  }

  /** Writes a part. False: it is removed. */
  private part(at: usize, stop: usize, form: PartForm, revealed: u64, out: Writer): bool {
    let name = at;
    while (form != PartForm.Query && name < stop && load<u8>(name) == BLANK) name++;
    let equals = name;
    while (equals < stop && load<u8>(equals) != EQUALS) equals++;
    const mask = this.find(name, equals);
    if (mask == null || ((revealed >> (<u64>mask.kind)) & 1) != 0) return this.copy(at, stop, out);
    const value = min(equals + 1, stop);
    if (mask.action == Action.Remove) {
      this.hidden++;
      this.tell(mask, name, equals, null);
      return false;
    }
    out.bytes(at, <u32>(value - at));
    if (value >= stop) return true;
    this.hidden++;
    this.value.begin(16);
    if (mask.action != Action.Null) this.write(mask, value, stop, form, out);
    this.tell(mask, name, equals, this.value);
    return true;
  }

  private tell(mask: Mask, name: usize, end: usize, becomes: Writer | null): void {
    const notes = this.notes;
    if (notes == null) return;
    const decoded = decode(name, end, true);
    if (decoded != 0) notes.outside(this.where, this.name.set(decoded, decodedLength), mask, becomes);
  }

  private find(name: usize, end: usize): Mask | null {
    const decoded = decode(name, end, true);
    return decoded == 0 ? null : this.maskOf(decoded, decodedLength);
  }

  private write(mask: Mask, value: usize, stop: usize, form: PartForm, out: Writer): void {
    if (form != PartForm.Query && load<u8>(value) == QUOTE && stop - value > 1 && load<u8>(stop - 1) == QUOTE) {
      out.byte(QUOTE);
      this.write(mask, value + 1, stop - 1, PartForm.SetCookie, out);
      out.byte(QUOTE);
      return;
    }
    const text = decode(value, stop, form == PartForm.Query);
    if (text == 0 || !isUtf8(text, decodedLength)) {
      out.byte(STAR);
      return;
    }
    this.value.begin(<usize>decodedLength * 2 + 64);
    mask.text(text, decodedLength, this.value);
    if (this.value.overflowed) out.byte(STAR);
    else writePercent(this.value.pointer, this.value.length, out);
  }
}

function isJoint(byte: u8, form: PartForm): bool {
  return byte == SEMICOLON || (byte == AMPERSAND && form == PartForm.Query);
}

let decodedLength: u32 = 0;

/** Text with its escapes resolved, `decodedLength` bytes; escapes that are none stay. 0: no memory. */
function decode(from: usize, end: usize, plus: bool): usize {
  const to = scratch.allocate(end - from + 1);
  if (to == 0) return 0;
  let out = to;
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == Ascii.Plus && plus) store<u8>(out++, BLANK);
    else if (byte == Ascii.Percent && at + 2 < end && (hexDigit(load<u8>(at, 1)) | hexDigit(load<u8>(at, 2))) < 16) {
      store<u8>(out++, <u8>((hexDigit(load<u8>(at, 1)) << 4) | hexDigit(load<u8>(at, 2))));
      at += 2;
    } else store<u8>(out++, byte);
  }
  decodedLength = <u32>(out - to);
  return to;
}
