// Takes the chosen fields of the message at hand into the note of its stream.
import { Ascii } from '../memory/ascii';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { FieldMatches } from '../message/field-matches';
import { FieldKind, FieldTree } from '../message/field-tree';
import { MessageFormat } from '../message/format';
import { hexDigit } from '../message/hex-text';
import { Exchange } from '../runtime/exchange';
import { PATH } from '../runtime/names';
import { DataField, Place } from './data-field';
import { DataPolicy } from './data-policy';
import { AuditNote } from './note';

/** Between the values of a field that stands several times. */
const JOINT: string = ', ';
/** Stands for what no method hides in part: true and false, objects and arrays. */
const WHOLE: string = '***';

const matches: FieldMatches = new FieldMatches();
const values: Writer = new Writer(scratch);
const member: Writer = new Writer(scratch);
const name: Writer = new Writer(scratch);
const text: Writer = new Writer(scratch);
let count: u32 = 0;

/** Takes headers and parameters. False: no memory. */
export function takeHeaders(exchange: Exchange, note: AuditNote, policy: DataPolicy): bool {
  if (!note.openData(policy.roomBytes, policy.poolBytes)) return false;
  for (let i = 0; i < policy.fields.length; i++) {
    const field = unchecked(policy.fields[i]);
    if (field.place == Place.Body || field.direction != exchange.direction || note.hasTaken(i)) continue;
    begin();
    if (field.place == Place.Parameter) takeParameter(exchange, field);
    else if (exchange.firstHeader(field.name.pointer, field.name.length))
      do add(field, exchange.valuePointer, exchange.valueLength);
      while (exchange.nextHeader(field.name.pointer, field.name.length));
    put(note, policy, i);
  }
  return true;
}

/** Takes fields of the body. False: no memory. A body that cannot be read has none. */
export function takeBody(exchange: Exchange, note: AuditNote, policy: DataPolicy): bool {
  if (!note.openData(policy.roomBytes, policy.poolBytes)) return false;
  const message = exchange.message;
  const format = message.length == 0 ? MessageFormat.Unknown : exchange.format;
  if (format == MessageFormat.Unknown) return true;
  const tree = message.tree(format);
  if (tree == null || !policy.set(exchange.direction).match(tree, matches, scratch)) return true;
  for (let i = 0; i < policy.fields.length; i++) {
    const field = unchecked(policy.fields[i]);
    if (field.place != Place.Body || field.direction != exchange.direction || note.hasTaken(i)) continue;
    begin();
    matches.rewind();
    while (matches.next())
      if (matches.rule == field.rule && !matches.missing && !matches.repeated) takeNode(tree, matches.node, field);
    put(note, policy, i);
  }
  return true;
}

function begin(): void {
  values.begin(256);
  count = 0;
}

function add(field: DataField, pointer: usize, length: u32): void {
  if (count++ != 0) values.ascii(JOINT);
  if (field.sealed) values.bytes(pointer, length);
  else field.hide(pointer, length, values);
}

function takeNode(tree: FieldTree, node: u32, field: DataField): void {
  const kind = tree.kind(node);
  if (kind == FieldKind.Null) return;
  if (kind == FieldKind.String || kind == FieldKind.Number) {
    const pointer = tree.text(node, scratch);
    if (pointer != 0) add(field, pointer, tree.textLength);
  } else if (field.sealed) add(field, tree.sourcePointer + tree.start(node), tree.end(node) - tree.start(node));
  else {
    if (count++ != 0) values.ascii(JOINT);
    values.ascii(WHOLE);
  }
}

/** Writes the member of the values that were found. */
function put(note: AuditNote, policy: DataPolicy, place: i32): void {
  if (count == 0) return;
  const field = unchecked(policy.fields[place]);
  member.begin(512);
  if (((policy.keyless >> place) & 1) != 0) field.writeKeyless(member);
  else field.write(note.eventOf(), values, member);
  if (!member.overflowed && note.takeData(place, member, field.leastBytes)) return;
  member.begin(128);
  field.writeHidden(member);
  if (!member.overflowed) note.takeData(place, member, field.leastBytes);
}

/** Parameters of a query: `name=value` joined by `&` or `;`, percent-encoded, `+` for a blank. */
function takeParameter(exchange: Exchange, field: DataField): void {
  if (!exchange.header(PATH.pointer, PATH.length)) return;
  let at = exchange.valuePointer;
  const end = at + exchange.valueLength;
  while (at < end && load<u8>(at) != Ascii.Question) at++;
  for (at++; at < end; at++) {
    const from = at;
    let equals: usize = 0;
    for (; at < end && load<u8>(at) != Ascii.Ampersand && load<u8>(at) != Ascii.Semicolon; at++)
      if (equals == 0 && load<u8>(at) == Ascii.Equals) equals = at;
    if (equals == 0) equals = at;
    decode(from, equals, name);
    if (name.overflowed || !field.name.equals(name.pointer, name.length)) continue;
    decode(min(equals + 1, at), at, text);
    if (!text.overflowed) add(field, text.pointer, text.length);
  }
}

function decode(from: usize, end: usize, out: Writer): void {
  out.begin(end - from + 1);
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    if (byte == Ascii.Percent && at + 2 < end && (hexDigit(load<u8>(at, 1)) | hexDigit(load<u8>(at, 2))) < 16) {
      out.byte(<u8>((hexDigit(load<u8>(at, 1)) << 4) | hexDigit(load<u8>(at, 2))));
      at += 2;
    } else out.byte(byte == Ascii.Plus ? <u8>Ascii.Space : byte);
  }
}
