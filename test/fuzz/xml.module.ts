// Test module: the tree of an XML document with a door for Node. Compiled to build/test; not part of any filter.
import '../../filters/runtime/abort';
import { XmlDocument } from '../../filters/message/xml/document';
import { input } from './door.module';
import { arena, showTree } from './tree-door.module';

export { room } from './door.module';
export {
  root,
  size,
  kind,
  count,
  start,
  end,
  firstChild,
  nextSibling,
  parent,
  key,
  keyLength,
  text,
  textLength,
  pointer,
  pointerLength,
} from './tree-door.module';

const document = new XmlDocument();
showTree(document);

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

export function errorOffset(): u32 {
  return document.errorOffset;
}
