// Signature, time and nonce as fields of a message: members of a JSON object, fields of a form or of the query.
import { Ascii } from '../memory/ascii';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Bytes } from '../memory/bytes';
import { FieldKind, FieldTree } from '../message/field-tree';
import { MessageFormat } from '../message/format';
import { Exchange } from '../runtime/exchange';
import { bodyFields, queryFields } from './fields';

const QUOTE: u8 = 34;
const COMMA: u8 = 44;
const COLON: u8 = 58;
const PERCENT: u8 = 37;
const AMPERSAND: u8 = 38;
const EQUALS: u8 = 61;

const body: Writer = new Writer(scratch);

/** The text that `readField` found. */
export let fieldPointer: usize = 0;
export let fieldLength: u32 = 0;

/** Finds the text of a field, in the body or else, if `inQuery`, in the query. False: there is none, or it is no text. */
export function readField(exchange: Exchange, name: Bytes, inQuery: bool): bool {
  if (exchange.message.length > 0 && found(bodyFields(exchange), name)) return true;
  return inQuery && found(queryFields(exchange), name);
}

function found(fields: FieldTree | null, name: Bytes): bool {
  if (fields == null) return false;
  const node = fields.member(fields.root, name.pointer, name.length, name.hash);
  if (node == 0 || (fields.kind(node) != FieldKind.String && fields.kind(node) != FieldKind.Number)) return false;
  fieldPointer = fields.text(node, scratch);
  fieldLength = fields.textLength;
  return fieldPointer != 0;
}

/**
 * Puts a field into the body, in place of one of the name in JSON. `value`: printable ASCII without `"` and `\`. False:
 * the body is neither an object nor a form, is a form that has the field, or there is no memory.
 */
export function putField(exchange: Exchange, name: Bytes, value: usize, length: u32): bool {
  const message = exchange.message;
  if (message.length == 0) return false;
  const fields = bodyFields(exchange);
  if (fields == null) return false;
  const node = fields.member(fields.root, name.pointer, name.length, name.hash);
  body.begin(<usize>message.length + name.length + 3 * length + 8);
  if (exchange.format == MessageFormat.Json) {
    const at = openMember(fields, node, name);
    body.bytes(value, length);
    body.byte(QUOTE);
    body.bytes(at, <u32>(fields.sourcePointer + message.length - at));
  } else if (node == 0 && message.isPlainForm) putPlainField(fields.sourcePointer, message.length, name, value, length);
  else if (node == 0) putFormField(fields.sourcePointer, message.length, name, value, length);
  else return false;
  if (body.overflowed) return false;
  message.replace(body.pointer, body.length);
  return true;
}

/** Writes everything before the text of a member's value. Returns where the body goes on behind it. */
function openMember(fields: FieldTree, node: u32, name: Bytes): usize {
  const source = fields.sourcePointer;
  let from = fields.end(fields.root) - 1;
  let to = from;
  if (node != 0) {
    from = fields.start(node);
    to = fields.end(node);
  }
  body.bytes(source, from);
  if (node == 0) {
    if (fields.firstChild(fields.root) != 0) body.byte(COMMA);
    body.byte(QUOTE);
    body.bytes(name.pointer, name.length);
    body.byte(QUOTE);
    body.byte(COLON);
  }
  body.byte(QUOTE);
  return source + to;
}

function putPlainField(source: usize, messageLength: u32, name: Bytes, value: usize, length: u32): void {
  body.bytes(source, messageLength);
  body.byte(AMPERSAND);
  body.bytes(name.pointer, name.length);
  body.byte(EQUALS);
  body.bytes(value, length);
}

function putFormField(source: usize, messageLength: u32, name: Bytes, value: usize, length: u32): void {
  body.bytes(source, messageLength);
  body.byte(AMPERSAND);
  body.bytes(name.pointer, name.length);
  body.byte(EQUALS);
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(value + i);
    const isLetter = <u8>((byte | 32) - 97) < 26;
    if (isLetter || <u8>(byte - 48) < 10 || byte == Ascii.Minus || byte == Ascii.Point || byte == Ascii.Underscore)
      body.byte(byte);
    else {
      body.byte(PERCENT);
      upperHex(byte);
    }
  }
}

function upperHex(byte: u8): void {
  const high = byte >> 4;
  const low = byte & 15;
  body.byte(high < 10 ? high + 48 : high + 55);
  body.byte(low < 10 ? low + 48 : low + 55);
}
