// Fields of a message in what is signed: `name=value` of each, sorted by name, joined by `&`, as Alipay, UnionPay and
// the platforms of many banks have it. Values are taken as texts: of strings and of form fields what they mean, without
// escapes; of everything else what stands in the body.
import { ErrorId } from '../errors.gen';
import { MAX_SIGNED_FIELDS } from '../limits';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { FieldKind, FieldTree } from '../message/field-tree';
import { FormDocument } from '../message/form/document';
import { MessageFormat } from '../message/format';
import { Exchange } from '../runtime/exchange';
import { PATH } from '../runtime/names';
import { Direction } from '../runtime/direction';
import { SignatureEmptyFields, SignaturePartKind } from './config.gen';
import { Part } from './part';

/** Result of reading a text. */
export const enum Text {
  Done = 0,
  /**
   * The message has not what the text is made of: fields of a body that is none, ones that it must not have, or too
   * many.
   */
  Unreadable = 1,
  NoMemory = 2,
}

const QUESTION_MARK: u8 = 63;
const AMPERSAND: u8 = 38;
const EQUALS: u8 = 61;

/** One field of the message at hand: name, value. */
const NAME: usize = 0;
const NAME_LENGTH: usize = 4;
const VALUE: usize = 8;
const VALUE_LENGTH: usize = 12;
const ENTRY_BYTES: usize = 16;
const entries: usize = heap.alloc(MAX_SIGNED_FIELDS * ENTRY_BYTES);
let count: u32 = 0;

const query: FormDocument = new FormDocument();

/** The body's fields: the object of a JSON text, or a form. Null if it is neither. */
export function bodyFields(exchange: Exchange): FieldTree | null {
  const format = exchange.format;
  if (format != MessageFormat.Json && format != MessageFormat.Form) return null;
  const tree = exchange.message.tree(format);
  return tree != null && tree.kind(tree.root) == FieldKind.Object ? tree : null;
}

/** Bytes of a path before its query. */
export function pathBytes(from: usize, length: u32): u32 {
  let path: u32 = 0;
  while (path < length && load<u8>(from + path) != QUESTION_MARK) path++;
  return path;
}

/** The fields of the request's query; null if there is no query, or it is none: `queryError`. */
export function queryFields(exchange: Exchange): FieldTree | null {
  queryError = ErrorId.None;
  if (exchange.direction != Direction.Request || !exchange.header(PATH.pointer, PATH.length)) return null;
  const from = exchange.valuePointer;
  const path = pathBytes(from, exchange.valueLength);
  if (path >= exchange.valueLength) return null;
  queryError = <ErrorId>query.parse(from + path + 1, exchange.valueLength - path - 1, scratch);
  return queryError == ErrorId.None ? query : null;
}

export let queryError: ErrorId = ErrorId.None;

/** Fields that a route signs. Immutable. */
export class SignedFields {
  constructor(
    /** Names of fields that are left out: the signature's own, and those that the route names. */
    private readonly except: StaticArray<Bytes>,
    private readonly empty: SignatureEmptyFields,
  ) {}

  /** Writes a part that is made of fields. */
  write(exchange: Exchange, part: Part, out: Writer): Text {
    if (part.kind == SignaturePartKind.Member) return writeMember(exchange, part.text, out);
    count = 0;
    if (part.kind != SignaturePartKind.QueryFields && !this.isEmpty(exchange)) {
      const body = bodyFields(exchange);
      if (body == null) return unreadable(exchange.message.error);
      const answer = this.collect(body);
      if (answer != Text.Done) return answer;
    }
    if (part.kind != SignaturePartKind.Fields) {
      const answer = this.collectQuery(exchange);
      if (answer != Text.Done) return answer;
    }
    if (!sort()) return Text.Unreadable;
    for (let i: u32 = 0; i < count; i++) {
      const entry = entries + i * ENTRY_BYTES;
      if (i > 0) out.byte(AMPERSAND);
      out.bytes(load<u32>(entry, NAME), load<u32>(entry, NAME_LENGTH));
      out.byte(EQUALS);
      out.bytes(load<u32>(entry, VALUE), load<u32>(entry, VALUE_LENGTH));
    }
    return out.overflowed ? Text.NoMemory : Text.Done;
  }

  /** A message without a body has no fields in it. */
  private isEmpty(exchange: Exchange): bool {
    return exchange.message.length == 0;
  }

  private collectQuery(exchange: Exchange): Text {
    const fields = queryFields(exchange);
    if (fields != null) return this.collect(fields);
    return queryError == ErrorId.None ? Text.Done : unreadable(queryError);
  }

  private collect(tree: FieldTree): Text {
    // No sender writes a name without `=` where it signs fields: it is what somebody put in, or no form at all.
    if (tree instanceof FormDocument && (tree as FormDocument).hasBareName) return Text.Unreadable;
    for (let node = tree.firstChild(tree.root); node != 0; node = tree.nextSibling(node)) {
      const name = tree.key(node);
      const nameLength = tree.keyLength(node);
      if (this.leavesOut(name, nameLength)) continue;
      const value = tree.text(node, scratch);
      if (value == 0) return Text.NoMemory;
      const length = tree.textLength;
      const isEmpty = length == 0 || tree.kind(node) == FieldKind.Null;
      if (isEmpty && this.empty == SignatureEmptyFields.Refuse) return Text.Unreadable;
      if (isEmpty && this.empty == SignatureEmptyFields.Omit) continue;
      if (count == MAX_SIGNED_FIELDS) return Text.Unreadable;
      const entry = entries + count++ * ENTRY_BYTES;
      store<u32>(entry, <u32>name, NAME);
      store<u32>(entry, nameLength, NAME_LENGTH);
      store<u32>(entry, <u32>value, VALUE);
      store<u32>(entry, length, VALUE_LENGTH);
    }
    return Text.Done;
  }

  private leavesOut(name: usize, length: u32): bool {
    for (let i = 0; i < this.except.length; i++) if (unchecked(this.except[i]).equals(name, length)) return true;
    return false;
  }
}

function unreadable(error: ErrorId): Text {
  return error == ErrorId.FIM_RT_0006 ? Text.NoMemory : Text.Unreadable;
}

/** The text of one field; a message that has none of the name is not what was signed. */
function writeMember(exchange: Exchange, name: Bytes, out: Writer): Text {
  const body = bodyFields(exchange);
  if (body == null) return unreadable(exchange.message.error);
  const node = body.member(body.root, name.pointer, name.length, name.hash);
  if (node == 0) return Text.Unreadable;
  const value = body.text(node, scratch);
  if (value == 0) return Text.NoMemory;
  out.bytes(value, body.textLength);
  return Text.Done;
}

/** By the bytes of the names, in a heap: n log n whatever comes. False: a name stands twice, in body and query. */
function sort(): bool {
  for (let i = <i32>count / 2 - 1; i >= 0; i--) sink(<u32>i, count);
  for (let end = count; end > 1;) {
    end--;
    swap(0, end);
    sink(0, end);
  }
  for (let i: u32 = 1; i < count; i++) if (compare(i - 1, i) == 0) return false;
  return true;
}

function sink(at: u32, end: u32): void {
  for (;;) {
    let child: u32 = 2 * at + 1;
    if (child >= end) return;
    if (child + 1 < end && compare(child, child + 1) < 0) child++;
    if (compare(at, child) >= 0) return;
    swap(at, child);
    at = child;
  }
}

function compare(a: u32, b: u32): i32 {
  const first = entries + a * ENTRY_BYTES;
  const second = entries + b * ENTRY_BYTES;
  const length = min(load<u32>(first, NAME_LENGTH), load<u32>(second, NAME_LENGTH));
  const order = memory.compare(load<u32>(first, NAME), load<u32>(second, NAME), length);
  return order != 0 ? order : <i32>load<u32>(first, NAME_LENGTH) - <i32>load<u32>(second, NAME_LENGTH);
}

function swap(a: u32, b: u32): void {
  const first = entries + a * ENTRY_BYTES;
  const second = entries + b * ENTRY_BYTES;
  const kept = v128.load(first);
  v128.store(first, v128.load(second));
  v128.store(second, kept);
}
