// Masks outside of bodies: header values, query parameters, cookies; in the message, and for the proxy's logs.
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Span } from '../memory/span';
import { Writer } from '../memory/writer';
import { isUtf8 } from '../message/utf8';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { PATH } from '../runtime/names';
import { MaskField } from './config.gen';
import { Named } from './mask-plan';
import { Action, Mask } from './method/mask';
import { MaskNotes } from './notes';
import { PartForm, PartMasks } from './parts';

const COOKIE: Bytes = Bytes.from('cookie');
const SET_COOKIE: Bytes = Bytes.from('set-cookie');
const MASKED_PATH: Bytes = Bytes.from('fim.masked_path');
const QUESTION: u8 = 63;
const COMMA: u8 = 44;
const BLANK: u8 = 32;
const STAR: u8 = 42;

const out: Writer = new Writer(scratch);
const value: Writer = new Writer(scratch);
const place: Span = new Span();

/** Masks of one direction. */
export class HeaderMasks {
  /** Where masking is explained; null: nowhere. */
  notes: MaskNotes | null = null;
  /** Values hidden in the last message. */
  hidden: u32 = 0;
  private readonly names: Bytes[] = [];
  private readonly masks: Mask[] = [];
  private readonly keys: Bytes[] = [];
  private readonly parameters: PartMasks = new PartMasks();
  private readonly cookies: PartMasks = new PartMasks();

  /** Adds an entry with a `header`, a `parameter` or a `cookie`. */
  add(field: MaskField, mask: Mask): void {
    if (field.header.length != 0) {
      this.names.push(field.header);
      this.masks.push(mask);
      this.keys.push(stateOf(field.header));
    } else if (field.parameter.length != 0) this.parameters.add(field.parameter, mask);
    else this.cookies.add(field.cookie, mask);
  }

  /** Ends the list. `named`: what the dictionary says of parameters and cookies. */
  seal(named: Named | null): void {
    this.parameters.named = named;
    this.cookies.named = named;
  }

  get acts(): bool {
    return this.names.length != 0 || this.parameters.acts || this.cookies.acts;
  }

  /** Masks the headers of the current direction. False: no memory. */
  run(exchange: Exchange, revealed: u64): bool {
    this.hidden = 0;
    const notes = this.notes;
    this.parameters.explain(notes, 'parameter ');
    this.cookies.explain(notes, 'cookie ');
    for (let i = 0; i < this.names.length; i++) {
      const name = unchecked(this.names[i]);
      const mask = unchecked(this.masks[i]);
      if (((revealed >> (<u64>mask.kind)) & 1) != 0 || !this.maskAll(exchange, name, mask)) continue;
      this.hidden++;
      if (notes != null)
        notes.outside(
          'header ',
          place.set(name.pointer, name.length),
          mask,
          mask.action == Action.Replace ? out : null,
        );
      if (mask.action == Action.Replace) exchange.setHeader(name.pointer, name.length, out.pointer, out.length);
      else exchange.removeHeader(name.pointer, name.length);
    }
    if (exchange.direction == Direction.Request) {
      if (this.parameters.acts && this.maskPath(exchange, revealed))
        exchange.setHeader(PATH.pointer, PATH.length, out.pointer, out.length);
      if (this.cookies.acts && this.maskCookies(exchange, COOKIE, PartForm.Cookies, revealed))
        exchange.setHeader(COOKIE.pointer, COOKIE.length, out.pointer, out.length);
    } else if (this.cookies.acts) this.maskSetCookies(exchange, revealed);
    return !out.overflowed && !value.overflowed;
  }

  /** Sets what the proxy's logs may print of a request: filter state, `wasm.` before each key. Changes nothing else. */
  note(exchange: Exchange): void {
    for (let i = 0; i < this.names.length; i++) {
      const key = unchecked(this.keys[i]);
      if (this.maskAll(exchange, unchecked(this.names[i]), unchecked(this.masks[i])))
        exchange.extract(key, out.pointer, out.length);
    }
    if (!this.parameters.acts) return;
    if (this.maskPath(exchange, 0)) exchange.extract(MASKED_PATH, out.pointer, out.length);
    else if (exchange.header(PATH.pointer, PATH.length))
      exchange.extract(MASKED_PATH, exchange.valuePointer, exchange.valueLength);
  }

  /** Writes the masked values of a header, joined by commas. False: there is none. */
  private maskAll(exchange: Exchange, name: Bytes, mask: Mask): bool {
    if (!exchange.firstHeader(name.pointer, name.length)) return false;
    out.begin(256);
    let more = true;
    while (more) {
      if (out.length != 0) {
        out.byte(COMMA);
        out.byte(BLANK);
      }
      const length = exchange.valueLength;
      value.begin(<usize>length * 2 + 64);
      if (isUtf8(exchange.valuePointer, length)) mask.text(exchange.valuePointer, length, value);
      else value.byte(STAR);
      out.bytes(value.pointer, value.length);
      more = exchange.nextHeader(name.pointer, name.length);
    }
    return true;
  }

  private maskPath(exchange: Exchange, revealed: u64): bool {
    if (!exchange.header(PATH.pointer, PATH.length)) return false;
    const from = exchange.valuePointer;
    const end = from + exchange.valueLength;
    let query = from;
    while (query < end && load<u8>(query) != QUESTION) query++;
    if (query == end) return false;
    out.begin((end - from) * 2 + 64);
    out.bytes(from, <u32>(query + 1 - from));
    const changed = this.parameters.run(query + 1, end, PartForm.Query, revealed, out);
    this.hidden += this.parameters.hidden;
    return changed;
  }

  private maskCookies(exchange: Exchange, name: Bytes, form: PartForm, revealed: u64): bool {
    if (!exchange.firstHeader(name.pointer, name.length)) return false;
    out.begin(512);
    let changed = false;
    let more = true;
    while (more) {
      if (out.length != 0) out.ascii('; ');
      const from = exchange.valuePointer;
      if (this.cookies.run(from, from + exchange.valueLength, form, revealed, out)) changed = true;
      this.hidden += this.cookies.hidden;
      more = exchange.nextHeader(name.pointer, name.length);
    }
    return changed;
  }

  /** Each cookie that is set has a header of its own. */
  private maskSetCookies(exchange: Exchange, revealed: u64): void {
    if (!exchange.firstHeader(SET_COOKIE.pointer, SET_COOKIE.length)) return;
    let changed = false;
    out.begin(1024);
    let more = true;
    while (more) {
      const from = exchange.valuePointer;
      const at = out.reserve(4);
      if (at == 0) return;
      const mark = out.length;
      out.advance(4);
      if (this.cookies.run(from, from + exchange.valueLength, PartForm.SetCookie, revealed, out)) changed = true;
      if (out.overflowed) return;
      store<u32>(out.pointer + mark, out.length - mark - 4);
      this.hidden += this.cookies.hidden;
      more = exchange.nextHeader(SET_COOKIE.pointer, SET_COOKIE.length);
    }
    if (!changed) return;
    exchange.removeHeader(SET_COOKIE.pointer, SET_COOKIE.length);
    for (let at = out.pointer; at < out.pointer + out.length;) {
      const length = load<u32>(at);
      if (length != 0) exchange.addHeader(SET_COOKIE.pointer, SET_COOKIE.length, at + 4, length);
      at += 4 + length;
    }
  }
}

/** Filter state of a header's masked value: `fim.masked_` and its name with `_` for `-`. */
function stateOf(name: Bytes): Bytes {
  const text = String.UTF8.decodeUnsafe(name.pointer, name.length);
  return Bytes.from('fim.masked_' + text.split('-').join('_'));
}
