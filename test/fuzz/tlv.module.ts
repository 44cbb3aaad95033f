// Test module: BER-TLV with a door for Node. Compiled to build/test; not part of any filter.
import '../../filters/runtime/abort';
import { Arena } from '../../filters/memory/arena';
import { isDataObjectList, TlvCheck } from '../../filters/message/tlv/tlv-check';
import { TlvDocument } from '../../filters/message/tlv/tlv-document';
import { input } from './door.module';

export { room } from './door.module';

const arena = new Arena(64 * 1024, 64 * 1024 * 1024);
const document = new TlvDocument();
const check = new TlvCheck();

export function parse(length: u32): u32 {
  arena.reset();
  return document.parse(input, length, arena);
}
export function judgeMany(length: u32, times: u32): u32 {
  let error: u32 = 0;
  for (let i: u32 = 0; i < times; i++) {
    error = parse(length);
    if (error == 0) error = check.begin(document, arena);
    if (error == 0) error = check.next(document);
  }
  return error;
}
export function errorOffset(): u32 { return document.errorOffset; }
export function size(): u32 { return document.size; }
export function first(): u32 { return document.first; }
export function tag(node: u32): u32 { return document.tag(node); }
export function start(node: u32): u32 { return document.start(node); }
export function valueOffset(node: u32): u32 { return document.valueOffset(node); }
export function length(node: u32): u32 { return document.length(node); }
export function firstChild(node: u32): u32 { return document.firstChild(node); }
export function nextSibling(node: u32): u32 { return document.nextSibling(node); }
export function find(template: u32, wanted: u32): u32 { return document.find(template, wanted); }
export function path(node: u32): usize { return document.path(node, arena); }
export function pathLength(): u32 { return document.pathLength; }
export function beginCheck(): u32 { return check.begin(document, arena); }
export function nextCheck(): u32 { return check.next(document); }
export function checkNode(): u32 { return check.node; }
export function objectList(bytes: u32): bool { return isDataObjectList(input, bytes); }
