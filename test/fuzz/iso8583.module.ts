// Test module: ISO 8583 with a door for Node. Compiled to build/test; not part of any filter.
import '../../filters/runtime/abort';
import { IsoTree } from '../../filters/message/iso8583/iso-tree';
import {
  IsoContent,
  IsoEncoding,
  IsoFill,
  IsoFormat,
  IsoSpec,
  LengthHeader,
  NetworkHeader,
  rowFillsRight,
  rowFormat,
  rowMost,
  rowPrefix,
} from '../../filters/message/iso8583/spec';
import { Specification, specification } from '../../filters/message/iso8583/specs';
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

const tree = new IsoTree();
showTree(tree);
let spec: IsoSpec = specification(Specification.Iso1987).seal();

export function useSpec(which: u32): void {
  spec = specification(<Specification>which).seal();
}
/** Encodings of message type, bitmaps, lengths, digits, text, tracks, bytes; whether digits fill up at the right. */
export function encode(
  messageType: u32,
  bitmap: u32,
  lengths: u32,
  digits: u32,
  text: u32,
  track: u32,
  bytes: u32,
  right: bool,
): void {
  spec.messageType = <IsoEncoding>messageType;
  spec.bitmap = <IsoEncoding>bitmap;
  spec.lengths = <IsoEncoding>lengths;
  spec.digits = <IsoEncoding>digits;
  spec.text = <IsoEncoding>text;
  spec.track = <IsoEncoding>track;
  spec.bytes = <IsoEncoding>bytes;
  spec.fill = right ? IsoFill.Right : IsoFill.Left;
  spec.trackFill = spec.fill;
  spec.seal();
}
export function takeVersions(bits: u32): void {
  spec.versions = bits;
}
export function useHeader(lengthHeader: u32, tpdu: bool, network: u32, networkBytes: u32): void {
  spec.lengthHeader = <LengthHeader>lengthHeader;
  spec.tpdu = tpdu;
  spec.network = <NetworkHeader>network;
  spec.networkBytes = networkBytes;
}
export function define(
  element: u32,
  format: u32,
  prefix: u32,
  most: u32,
  encoding: u32,
  lengthEncoding: u32,
  content: u32,
  fill: u32,
): void {
  spec.define(
    element,
    <IsoFormat>format,
    prefix,
    most,
    <IsoEncoding>encoding,
    <IsoEncoding>lengthEncoding,
    <IsoContent>content,
    <IsoFill>fill,
  );
  spec.seal();
}
/** Forgets what single elements say of filling. */
export function fillAlike(): void {
  spec.forgetFills(true, true);
  spec.seal();
}
/** Padding side of tracks: 1 left, 2 right. */
export function fillTracks(fill: u32): void {
  spec.trackFill = <IsoFill>fill;
  spec.seal();
}
export function fillsRight(element: u32): bool {
  return rowFillsRight(spec.row(element));
}
export function format(element: u32): u32 {
  return rowFormat(spec.row(element));
}
export function prefix(element: u32): u32 {
  return rowPrefix(spec.row(element));
}
export function most(element: u32): u32 {
  return rowMost(spec.row(element));
}

export function parse(length: u32): u32 {
  arena.reset();
  return tree.read(input, length, spec, arena);
}
export function parseMany(length: u32, times: u32): u32 {
  let error: u32 = 0;
  for (let i: u32 = 0; i < times; i++) error |= parse(length) | tree.mistakes;
  return error;
}
export function errorElement(): u32 {
  return tree.errorElement;
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
export function has(element: u32): bool {
  return tree.has(element);
}
/** Offset of an element's value in the message, and of the message type. */
export function valueOffset(element: u32): u32 {
  return <u32>(tree.value(element) - input);
}
export function messageOffset(): u32 {
  return <u32>(tree.messageStart - input);
}
