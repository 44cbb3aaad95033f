// ISO 8583 encoder for the tests: turns values into bytes in every style.
import type { Guest, Random } from './guest.ts';
import type { Field, TreeExports } from './tree-guest.ts';

/** Exports of `iso8583.module.ts`. */
export interface IsoExports extends TreeExports {
  useSpec(which: number): void;
  encode(
    messageType: number,
    bitmap: number,
    lengths: number,
    digits: number,
    text: number,
    track: number,
    bytes: number,
    right: number,
  ): void;
  takeVersions(bits: number): void;
  useHeader(lengthHeader: number, tpdu: number, network: number, networkBytes: number): void;
  define(
    element: number,
    format: number,
    prefix: number,
    most: number,
    encoding: number,
    lengthEncoding: number,
    content: number,
    fill: number,
  ): void;
  fillAlike(): void;
  fillTracks(fill: number): void;
  fillsRight(element: number): number;
  format(element: number): number;
  prefix(element: number): number;
  most(element: number): number;
  parse(length: number): number;
  parseMany(length: number, times: number): number;
  errorElement(): number;
  errorOffset(): number;
  mistakes(): number;
  mistakeCode(i: number): number;
  mistakeNode(i: number): number;
  has(element: number): number;
  valueOffset(element: number): number;
  messageOffset(): number;
}

export const FORMATS = ['none', 'n', 'a', 'an', 'ans', 'b', 'z', 'x+n', 'ansb', 'zh'];
export const SPECS = ['iso8583-1987', 'iso8583-1993', 'iso8583-2003', 'unionpay-switch', 'unionpay-terminal'];
const ENCODINGS = ['Ascii', 'Ebcdic', 'Bcd', 'Binary', 'Hex'];
/** "What the specification says". */
export const DEFAULT = 7;
export type Encoding = 'Ascii' | 'Ebcdic' | 'Bcd' | 'Binary' | 'Hex';

/** Style of a message. `spec`: source of the elements. */
export interface Style {
  spec: string;
  messageType: Encoding;
  bitmap: Encoding;
  lengths: Encoding;
  digits: Encoding;
  text: Encoding;
  track: Encoding;
  bytes: Encoding;
  right: boolean;
  lengthHeader: 0 | 1 | 2 | 3;
  tpdu: boolean;
  /** 0 none, 1 UnionPay's, 'short' the same without its last part, 2 bytes without meaning. */
  network: 0 | 1 | 2 | 'short';
  networkBytes: number;
}

export const ASCII: Style = {
  spec: 'iso8583-1987',
  messageType: 'Ascii',
  bitmap: 'Binary',
  lengths: 'Ascii',
  digits: 'Ascii',
  text: 'Ascii',
  track: 'Ascii',
  bytes: 'Binary',
  right: false,
  lengthHeader: 0,
  tpdu: false,
  network: 0,
  networkBytes: 0,
};
export const EBCDIC: Style = {
  ...ASCII,
  messageType: 'Ebcdic',
  lengths: 'Ebcdic',
  digits: 'Ebcdic',
  text: 'Ebcdic',
  track: 'Ebcdic',
};
export const BCD: Style = { ...ASCII, messageType: 'Bcd', lengths: 'Bcd', digits: 'Bcd', track: 'Bcd' };
export const SWITCH: Style = { ...ASCII, spec: 'unionpay-switch', network: 1 };
export const TERMINAL: Style = {
  ...BCD,
  spec: 'unionpay-terminal',
  right: true,
  tpdu: true,
  network: 2,
  networkBytes: 6,
};

/** Sets the module's style. */
export function use(exports: IsoExports, style: Style): void {
  exports.useSpec(SPECS.indexOf(style.spec));
  const parts = [
    style.messageType,
    style.bitmap,
    style.lengths,
    style.digits,
    style.text,
    style.track,
    style.bytes,
  ].map((encoding) => ENCODINGS.indexOf(encoding));
  exports.encode(...(parts as [number, number, number, number, number, number, number]), Number(style.right));
  exports.useHeader(
    style.lengthHeader,
    Number(style.tpdu),
    style.network === 'short' ? 1 : style.network,
    style.networkBytes,
  );
}

/** A style that nobody has to like. */
export function randomStyle(random: Random): Style {
  const text: Encoding = random.chance(25) ? 'Ebcdic' : 'Ascii';
  const digits = (): Encoding => random.pick([text, 'Bcd'] as const);
  return {
    spec: random.pick(SPECS),
    messageType: digits(),
    bitmap: random.pick(['Binary', 'Hex'] as const),
    lengths: random.chance(20) ? 'Binary' : digits(),
    digits: digits(),
    text,
    track: digits(),
    bytes: random.pick(['Binary', 'Binary', 'Hex'] as const),
    right: random.chance(50),
    lengthHeader: random.pick([0, 0, 1, 2, 3] as const),
    tpdu: random.chance(30),
    network: random.pick([0, 0, 1, 2, 'short'] as const),
    networkBytes: random.below(20),
  };
}

const CP037: Record<string, number> = { ' ': 0x40, '.': 0x4b, '=': 0x7e, '-': 0x60 };
for (let i = 0; i < 10; i++) CP037[i] = 0xf0 + i;
for (const [first, letters] of [
  [0xc1, 'ABCDEFGHI'],
  [0xd1, 'JKLMNOPQR'],
  [0xe2, 'STUVWXYZ'],
] as const)
  [...letters].forEach((letter, i) => {
    CP037[letter] = first + i;
  });

function characters(value: string, encoding: Encoding): number[] {
  return encoding === 'Ebcdic' ? [...value].map((c) => CP037[c] as number) : [...Buffer.from(value, 'latin1')];
}

/** Writes messages in one style; formats and prefixes come from the module. */
export class Encoder {
  private readonly style: Style;
  private readonly exports: IsoExports;

  constructor(guest: Guest<IsoExports>, style: Style) {
    this.exports = guest.exports;
    this.style = style;
  }

  private digits(value: string, encoding: Encoding, right: boolean): number[] {
    if (encoding !== 'Bcd') return characters(value, encoding);
    return [...Buffer.from(value.length % 2 === 0 ? value : right ? `${value}0` : `0${value}`, 'hex')];
  }

  private bytes(value: string, encoding: Encoding): number[] {
    return encoding === 'Hex' ? [...Buffer.from(value)] : [...Buffer.from(value, 'hex')];
  }

  private length(units: number, prefix: number): number[] {
    if (this.style.lengths === 'Binary') return prefix > 2 ? [units >> 8, units & 255] : [units];
    return this.digits(String(units).padStart(prefix, '0'), this.style.lengths, false);
  }

  private element(element: number, value: string): number[] {
    const { style } = this;
    const format = FORMATS[this.exports.format(element)];
    const right = this.exports.fillsRight(element) !== 0;
    const units = format === 'b' ? value.length / 2 : value.length;
    const prefix = this.exports.prefix(element) > 0 ? this.length(units, this.exports.prefix(element)) : [];
    if (format === 'b') return [...prefix, ...this.bytes(value, style.bytes)];
    if (format === 'x+n' && style.digits === 'Bcd')
      return [...prefix, value.charCodeAt(0), ...this.digits(value.slice(1), 'Bcd', right)];
    const encoding =
      format === 'n' || format === 'x+n' ? style.digits : format === 'z' || format === 'zh' ? style.track : style.text;
    return [...prefix, ...this.digits(value, encoding, right)];
  }

  /** The message of a type (four digits) and values by element: text, or hexadecimal digits of bytes. */
  message(type: string, values: Record<string, string>): Uint8Array {
    const { style } = this;
    const numbers = Object.keys(values)
      .map(Number)
      .sort((a, b) => a - b);
    const maps = Math.ceil(Math.max(64, ...numbers) / 64);
    const bits = Array.from({ length: maps * 64 }, (_, i) =>
      numbers.includes(i + 1) || (i % 64 === 0 && i / 64 < maps - 1) ? '1' : '0',
    ).join('');
    const bitmap = BigInt(`0b${bits}`)
      .toString(16)
      .toUpperCase()
      .padStart(maps * 16, '0');
    const body = [
      ...this.digits(type, style.messageType, style.right),
      ...this.bytes(bitmap, style.bitmap),
      ...numbers.flatMap((element) => this.element(element, values[element] as string)),
    ];
    const framed = [...(style.tpdu ? [0x60, 0, 3, 0, 1] : []), ...this.network(body.length), ...body];
    return Uint8Array.from([...this.lengthHeader(framed.length), ...framed]);
  }

  private network(bodyBytes: number): number[] {
    if (this.style.network === 0) return [];
    if (this.style.network === 2) return Array.from({ length: this.style.networkBytes }, (_, i) => i);
    if (this.style.network === 'short')
      return [
        41,
        1,
        ...Buffer.from(`${String(41 + bodyBytes).padStart(4, '0')}00010344   01020000   `),
        0,
        0,
        0,
        1,
        ...Buffer.from('00000000'),
        0,
      ];
    return [
      46,
      2,
      ...Buffer.from(`${String(46 + bodyBytes).padStart(4, '0')}00010344   01020000   `),
      0,
      0,
      0,
      1,
      ...Buffer.from('00000000'),
      0,
      ...Buffer.from('00000'),
    ];
  }

  private lengthHeader(bytes: number): number[] {
    const digits = String(bytes).padStart(4, '0');
    return [[], [bytes >> 8, bytes & 255], [...Buffer.from(digits, 'hex')], [...Buffer.from(digits)]][
      this.style.lengthHeader
    ] as number[];
  }

  /** The fields that the headers of this style become, for a message of so many bytes. */
  headerFields(data: Uint8Array): Field[] {
    const { style } = this;
    const fields: Field[] = style.tpdu ? [['TPDU', '6000030001']] : [];
    if (style.network !== 1 && style.network !== 'short') return fields;
    const short = style.network === 'short';
    const total = data.length - [0, 2, 2, 4][style.lengthHeader]! - (style.tpdu ? 5 : 0);
    return [
      ...fields,
      [
        'Header',
        [
          ['HeaderLength', short ? '29' : '2E'],
          ['Version', short ? '01' : '02'],
          ['TotalLength', String(total).padStart(4, '0')],
          ['DestinationId', '00010344   '],
          ['SourceId', '01020000   '],
          ['Reserved', '000000'],
          ['BatchNumber', '01'],
          ['TransactionInformation', '00000000'],
          ['UserInformation', '00'],
          ...(short ? [] : [['RejectCode', '00000'] as Field]),
        ],
      ],
    ];
  }
}
