// Test module: BER-TLV with a door for Node. Compiled to build/test; not part of any filter.
import '../../filters/runtime/abort';
import { describedBytes } from '../../filters/message/tlv/object-list';
import { TlvTree } from '../../filters/message/tlv/tlv-tree';
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

const tree = new TlvTree();
showTree(tree);

export function parse(length: u32): u32 {
  arena.reset();
  return tree.parse(input, length, arena);
}
export function parseMany(length: u32, times: u32): u32 {
  let error: u32 = 0;
  for (let i: u32 = 0; i < times; i++) error |= parse(length);
  return error;
}
export function errorOffset(): u32 {
  return tree.errorOffset;
}
export function mistakes(): u32 {
  return tree.mistakes;
}
export function mistakeCode(i: u32): u32 {
  return tree.mistakeCode(i);
}
export function mistakeNode(i: u32): u32 {
  return tree.mistakeNode(i);
}
export function described(bytes: u32): i32 {
  return describedBytes(input, bytes);
}
