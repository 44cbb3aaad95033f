// Scans tokens directly into the record of their value.
import { Ascii } from '../../memory/ascii';
import { Arena } from '../../memory/arena';
import { hashBytes } from '../../memory/bytes';
import { ErrorId } from '../../errors.gen';
import { ESCAPED, INFO, FieldKind, KEY, KEY_ESCAPED, KEY_HASH, KEY_LENGTH_SHIFT } from '../nodes';
import { fail, scanLiteral, scanNumber, scanShortString, skipWhitespace } from './scan';
import { unescape } from './text';

/**
 * Scans a string, number or literal and adds its kind to the record. Returns the address after it, or 0 after an error.
 */
export function scanScalar(p: usize, end: usize, record: usize): usize {
  const byte = <u32>load<u8>(p);
  if (byte == Ascii.Quote) {
    store<u32>(record, load<u32>(record, INFO) | FieldKind.String, INFO);
    p = scanShortString(p + 1, end, record + INFO, ESCAPED);
    return p == 0 ? 0 : p + 1;
  }
  if (byte - 48 < 10 || byte == Ascii.Minus) {
    store<u32>(record, load<u32>(record, INFO) | FieldKind.Number, INFO);
    return scanNumber(p, end);
  }
  const kind = byte == Ascii.LowerT ? FieldKind.True : byte == Ascii.LowerF ? FieldKind.False : FieldKind.Null;
  store<u32>(record, load<u32>(record, INFO) | kind, INFO);
  return scanLiteral(p, end);
}

/**
 * Reads `"key" :` and the white space after it, and begins the member's record with the key. Returns the address of the
 * value, or 0 after an error.
 */
export function readKey(p: usize, end: usize, record: usize, arena: Arena): usize {
  if (p >= end) return fail(ErrorId.FIM_JSON_0002, end);
  if (load<u8>(p) != Ascii.Quote) return fail(ErrorId.FIM_JSON_0001, p);
  let key = p + 1;
  store<u32>(record, 0, INFO);
  const quote = scanShortString(key, end, record + INFO, KEY_ESCAPED);
  if (quote == 0) return 0;
  let length = <u32>(quote - key);
  const flags = load<u32>(record, INFO);
  if (flags != 0) {
    const copy = arena.allocate(length);
    if (copy == 0) return fail(ErrorId.FIM_RT_0006, p);
    length = unescape(key, length, copy);
    key = copy;
  }
  store<u32>(record, flags | (length << KEY_LENGTH_SHIFT), INFO);
  store<usize>(record, key, KEY);
  store<u32>(record, hashBytes(key, length), KEY_HASH);
  p = skipWhitespace(quote + 1, end);
  if (p >= end) return fail(ErrorId.FIM_JSON_0002, end);
  if (load<u8>(p) != Ascii.Colon) return fail(ErrorId.FIM_JSON_0001, p);
  return skipWhitespace(p + 1, end);
}
