// Test module: the JSON index with a door for Node. Compiled to build/test/json.wasm; not part of any filter.
import '../../filters/runtime/abort';
import { Arena } from '../../filters/memory/arena';
import { hashBytes } from '../../filters/memory/bytes';
import { JsonDocument } from '../../filters/message/json/document';
import { input, room } from './door.module';

export { room } from './door.module';

const arena = new Arena(64 * 1024, 512 * 1024 * 1024);
const document = new JsonDocument();

export function parse(length: u32): u32 {
  arena.reset();
  return document.parse(input, length, arena);
}

/** Parses the same text again and again; the last answer. */
export function parseMany(length: u32, times: u32): u32 {
  let error: u32 = 0;
  for (let i: u32 = 0; i < times; i++) error = parse(length);
  return error;
}

/** Parses a text that lies outside of what `room` gave. */
export function parseAt(pointer: usize, length: u32): u32 {
  arena.reset();
  return document.parse(pointer, length, arena);
}

/**
 * The next number from `from` on whose eight hexadecimal digits hash to 0 in the bits of `mask`; the digits are left in
 * `room`.
 */
export function nextCollision(from: u32, mask: u32): u32 {
  const text = room(8);
  while (true) {
    for (let i = 0; i < 8; i++) store<u8>(text + i, <u8>(97 + ((from >> (i * 4)) & 15)));
    if ((hashBytes(text, 8) & mask) == 0) return from;
    from++;
  }
}

export function errorOffset(): u32 {
  return document.errorOffset;
}
export function root(): u32 {
  return document.root;
}
export function size(): u32 {
  return document.size;
}
export function kind(node: u32): u32 {
  return document.kind(node);
}
export function start(node: u32): u32 {
  return document.start(node);
}
export function end(node: u32): u32 {
  return document.end(node);
}
export function count(node: u32): u32 {
  return document.count(node);
}
export function firstChild(node: u32): u32 {
  return document.firstChild(node);
}
export function nextSibling(node: u32): u32 {
  return document.nextSibling(node);
}
export function key(node: u32): usize {
  return document.key(node);
}
export function keyLength(node: u32): u32 {
  return document.keyLength(node);
}
export function text(node: u32): usize {
  return document.text(node, arena);
}
export function textLength(): u32 {
  return document.textLength;
}
export function pointer(node: u32): usize {
  return document.pointer(node, arena);
}
export function pointerLength(): u32 {
  return document.pointerLength;
}
export function held(): usize {
  return arena.held;
}
