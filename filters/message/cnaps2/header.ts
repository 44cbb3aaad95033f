// Layouts of the block header {H:…} by version, as data. The standard's text was not available. The layouts come from
// public code that reads and writes such messages, and from messages quoted there (README.md, "CNAPS2").
import { Bytes } from '../../memory/bytes';

/** A header: names and lengths (ASCII characters) of its fields in order, between `{H:` and `}`. */
export class HeaderLayout {
  readonly names: StaticArray<Bytes>;
  /** Length of all fields together, characters. */
  readonly length: u32;

  constructor(
    names: StaticArray<string>,
    readonly lengths: StaticArray<u32>,
  ) {
    this.names = new StaticArray<Bytes>(names.length);
    let length: u32 = 0;
    for (let i = 0; i < names.length; i++) {
      this.names[i] = Bytes.from(names[i]);
      length += lengths[i];
    }
    this.length = length;
  }
}

const FIELDS: StaticArray<string> = [
  'VersionID',
  'OrigSender',
  'OrigSenderSID',
  'OrigReceiver',
  'OrigReceiverSID',
  'OrigSendDate',
  'OrigSendTime',
  'StructType',
  'MesgType',
  'MesgID',
  'MesgRefID',
  'MesgPriority',
  'MesgDirection',
  'Reserve',
];

/** Internet banking (IBPS): bank codes of 12 digits without padding. 128 bytes with frame and line end. */
const INTERNET_BANKING: HeaderLayout = new HeaderLayout(FIELDS, [2, 12, 4, 12, 4, 8, 6, 3, 20, 20, 20, 1, 1, 9]);

/** Large-value and bulk payments (HVPS, BEPS) with their support messages (CCMS). 132 bytes with frame and line end. */
const CNAPS2: HeaderLayout = new HeaderLayout(FIELDS, [2, 14, 4, 14, 4, 8, 6, 3, 20, 20, 20, 1, 1, 9]);

/** Digital currency (DCEP, DCPS), which extends the CNAPS2 layout. 202 bytes with frame and line end. */
const DIGITAL_CURRENCY: HeaderLayout = new HeaderLayout(
  [
    'VersionID',
    'OrigSender',
    'OrigSenderSID',
    'OrigReceiver',
    'OrigReceiverSID',
    'OrigSendDate',
    'OrigSendTime',
    'StructType',
    'MesgType',
    'MesgID',
    'MesgRefID',
    'MesgPriority',
    'MesgDirection',
    'SderReserved',
    'RcverReserved',
    'CenterReserved',
    'Reserve',
  ],
  [2, 14, 4, 14, 4, 8, 6, 3, 20, 40, 40, 1, 1, 10, 10, 10, 9],
);

/** Layout of a version given as two ASCII digits (little-endian). Null for an unknown version. */
export function layoutOf(version: u16): HeaderLayout | null {
  switch (version) {
    case 0x3130:
      return INTERNET_BANKING; // 01
    case 0x3230:
      return CNAPS2; // 02
    case 0x3430:
      return DIGITAL_CURRENCY; // 04
  }
  return null;
}
