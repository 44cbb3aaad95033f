// Texts of a request line and of cookies, for keys.
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { hexDigit } from '../message/hex-text';

const PERCENT: u8 = 37;
const AMPERSAND: u8 = 38;
const PLUS: u8 = 43;
const SLASH: u8 = 47;
const SEMICOLON: u8 = 59;
const EQUALS: u8 = 61;
const QUESTION: u8 = 63;
const HASH: u8 = 35;
const QUOTE: u8 = 34;
const SPACE: u8 = 32;

let at: usize = 0;
let bytes: u32 = 0;

/** Text that was found last. */
export function foundPointer(): usize {
  return at;
}

export function foundLength(): u32 {
  return bytes;
}

/** The byte at `cursor`, its escape resolved, and in `step` how long it is written. `+` is a space. */
let step: usize = 1;
function decoded(cursor: usize, end: usize): u8 {
  const byte = load<u8>(cursor);
  step = 1;
  if (byte == PLUS) return SPACE;
  if (byte != PERCENT || cursor + 2 >= end) return byte;
  const high = hexDigit(load<u8>(cursor, 1));
  const low = hexDigit(load<u8>(cursor, 2));
  if ((high | low) > 15) return byte;
  step = 3;
  return <u8>((high << 4) | low);
}

/**
 * The value of the only query parameter `name` of a request target, its escapes resolved. False if there is none or
 * more than one.
 */
export function findParameter(target: usize, length: u32, name: Bytes): bool {
  const end = target + length;
  let cursor = target;
  while (cursor < end && load<u8>(cursor) != QUESTION) cursor++;
  let times = 0;
  for (cursor++; cursor < end; cursor++) {
    let stop = cursor;
    while (stop < end && load<u8>(stop) != AMPERSAND && load<u8>(stop) != SEMICOLON && load<u8>(stop) != HASH) stop++;
    const value = valueOf(cursor, stop, name);
    if (value != 0) {
      times++;
      resolve(value, stop);
    }
    if (stop < end && load<u8>(stop) == HASH) break;
    cursor = stop;
  }
  return times == 1 && at != 0;
}

/** Address of the value if the pair's name is `name` in any spelling. 0: it is another. */
function valueOf(pair: usize, end: usize, name: Bytes): usize {
  let cursor = pair;
  for (let i: u32 = 0; i < name.length; i++) {
    if (cursor >= end || load<u8>(cursor) == EQUALS || decoded(cursor, end) != load<u8>(name.pointer + i)) return 0;
    cursor += step;
  }
  if (cursor == end) return end;
  return load<u8>(cursor) == EQUALS ? cursor + 1 : 0;
}

function resolve(cursor: usize, end: usize): void {
  at = scratch.allocate(end - cursor + 1);
  bytes = 0;
  if (at == 0) return;
  while (cursor < end) {
    store<u8>(at + bytes++, decoded(cursor, end));
    cursor += step;
  }
}

/** Counts the cookies of that name in a header; the last is found. Quotes around a value do not count. */
export function findCookie(header: usize, length: u32, name: Bytes): u32 {
  const end = header + length;
  let times: u32 = 0;
  let cursor = header;
  while (cursor < end) {
    while (cursor < end && load<u8>(cursor) == SPACE) cursor++;
    let stop = cursor;
    while (stop < end && load<u8>(stop) != SEMICOLON) stop++;
    const value = cursor + name.length;
    if (value < stop && load<u8>(value) == EQUALS && name.equals(cursor, name.length)) {
      times++;
      const quoted = stop - value >= 3 && load<u8>(value + 1) == QUOTE && load<u8>(stop - 1) == QUOTE;
      at = quoted ? value + 2 : value + 1;
      bytes = <u32>(stop - at - (quoted ? 1 : 0));
    }
    cursor = stop + 1;
  }
  return times;
}

/** Length of the path's first `segments` segments, without query; 0: of the whole path. */
export function leadingSegments(target: usize, length: u32, segments: u32): u32 {
  let seen: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(target + i);
    if (byte == QUESTION || byte == HASH) return i;
    if (byte == SLASH && segments != 0 && seen++ == segments) return i;
  }
  return length;
}
