// Test module: ISO 8583 with a door for Node. Compiled to build/test; not part of any filter.
import '../../filters/runtime/abort';
import { Arena } from '../../filters/memory/arena';
import { IsoDocument } from '../../filters/message/iso8583/iso-document';
import { IsoEncoding, IsoFormat, IsoSpec } from '../../filters/message/iso8583/spec';
import { iso1987, iso1987Bcd, unionPaySwitch, unionPayTerminal } from '../../filters/message/iso8583/specs';
import { TlvCheck } from '../../filters/message/tlv/tlv-check';
import { TlvDocument } from '../../filters/message/tlv/tlv-document';
import { input } from './door.module';

export { room } from './door.module';

const arena = new Arena(64 * 1024, 64 * 1024 * 1024);
const document = new IsoDocument();
const chip = new TlvDocument();
const check = new TlvCheck();
let spec: IsoSpec = iso1987(IsoEncoding.Ascii);

export function useSpec(which: u32): void {
  spec = which == 0 ? iso1987(IsoEncoding.Ascii) : which == 1 ? iso1987(IsoEncoding.Ebcdic) : which == 2 ? iso1987Bcd() : which == 3 ? unionPaySwitch() : unionPayTerminal();
}
export function useHex(): void {
  spec.bitmap = IsoEncoding.Hex;
  spec.bytes = IsoEncoding.Hex;
}
export function fillRight(): void { spec.fillsRight = true; }
export function useBinaryLengths(): void { spec.lengths = IsoEncoding.Binary; }
export function define(element: u32, format: u32, prefix: u32, most: u32): void { spec.define(element, <IsoFormat>format, prefix, most); }
export function format(element: u32): u32 { return spec.format(element); }
export function prefix(element: u32): u32 { return spec.prefix(element); }
export function most(element: u32): u32 { return spec.most(element); }

export function parse(length: u32): u32 {
  arena.reset();
  return document.parse(input, length, spec);
}
export function parseMany(length: u32, times: u32): u32 {
  let error: u32 = 0;
  for (let i: u32 = 0; i < times && error == 0; i++) {
    error = parse(length);
    if (error != 0 || !document.has(55)) continue;
    error = chip.parse(document.value(55), document.valueBytes(55), arena);
    if (error == 0) error = check.begin(chip, arena);
    if (error == 0) error = check.next(chip);
  }
  return error;
}
export function messageType(): u32 { return document.messageType; }
export function errorElement(): u32 { return document.errorElement; }
export function has(element: u32): bool { return document.has(element); }
export function valueBytes(element: u32): u32 { return document.valueBytes(element); }
export function text(element: u32): usize { return document.text(element, arena); }
export function textLength(): u32 { return document.textLength; }
