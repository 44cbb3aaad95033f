// Built-in specifications. A configuration extends one of them with its own elements. The files in `specs/` hold their
// data with sources, and mark the project's own interpretation.
import { IsoEncoding, IsoFill, IsoSpec, NetworkHeader } from './spec';
import { SPEC_COLUMNS, SPEC_HEADS, SPEC_ROWS, SPECIFICATION_COUNT } from './specs.gen';

/** In the order of `specs.gen.ts` and of the configuration's enumeration. */
export const enum Specification {
  Iso1987 = 0,
  Iso1993 = 1,
  Iso2003 = 2,
  UnionPaySwitch = 3,
  UnionPayTerminal = 4,
}

/** Marks a specification that extends none. */
const NO_BASE: u32 = 255;
// Columns of SPEC_HEADS.
const BASE: u32 = 0;
const FIRST_ROW: u32 = 1;
const ROW_COUNT: u32 = 2;
const VERSIONS: u32 = 3;
const MESSAGE_TYPE: u32 = 4;
const BITMAP: u32 = 5;
const LENGTHS: u32 = 6;
const DIGITS: u32 = 7;
const TEXT: u32 = 8;
const TRACK: u32 = 9;
const BYTES: u32 = 10;
const FILL: u32 = 11;
const TRACK_FILL: u32 = 12;
const TPDU: u32 = 13;
const NETWORK: u32 = 14;
const NETWORK_BYTES: u32 = 15;

function head(which: u32, column: u32): u32 {
  return load<u16>(SPEC_HEADS + ((which * SPEC_COLUMNS + column) << 1));
}

function addRows(spec: IsoSpec, which: u32): void {
  const first = head(which, FIRST_ROW);
  for (let i = first, end = first + head(which, ROW_COUNT); i < end; i++)
    spec.defineRow(load<u32>(SPEC_ROWS + (i << 3)), load<u32>(SPEC_ROWS + (i << 3), 4));
}

/** A copy of a specification, to be changed and sealed. Unknown numbers give the first one. */
export function specification(which: Specification): IsoSpec {
  const number = <u32>which < SPECIFICATION_COUNT ? <u32>which : 0;
  const spec = new IsoSpec();
  const base = head(number, BASE);
  if (base != NO_BASE) addRows(spec, base);
  addRows(spec, number);
  spec.versions = head(number, VERSIONS);
  spec.messageType = <IsoEncoding>head(number, MESSAGE_TYPE);
  spec.bitmap = <IsoEncoding>head(number, BITMAP);
  spec.lengths = <IsoEncoding>head(number, LENGTHS);
  spec.digits = <IsoEncoding>head(number, DIGITS);
  spec.text = <IsoEncoding>head(number, TEXT);
  spec.track = <IsoEncoding>head(number, TRACK);
  spec.bytes = <IsoEncoding>head(number, BYTES);
  // The tables count from 0, because they have no default.
  spec.fill = <IsoFill>(head(number, FILL) + 1);
  spec.trackFill = <IsoFill>(head(number, TRACK_FILL) + 1);
  spec.tpdu = head(number, TPDU) != 0;
  spec.network = <NetworkHeader>head(number, NETWORK);
  spec.networkBytes = head(number, NETWORK_BYTES);
  return spec;
}
