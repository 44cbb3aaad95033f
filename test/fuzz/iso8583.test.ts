// ISO 8583 against messages of another implementation, against an encoder of its own, and against damage.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { bestMs, caseCount, compileGuest, errorId, type GuestExports, Random } from './guest.ts';

interface IsoExports extends GuestExports {
  useSpec(which: number): void;
  useHex(): void;
  fillRight(): void;
  useBinaryLengths(): void;
  define(element: number, format: number, prefix: number, most: number): void;
  format(element: number): number;
  prefix(element: number): number;
  most(element: number): number;
  parse(length: number): number;
  parseMany(length: number, times: number): number;
  messageType(): number;
  errorElement(): number;
  has(element: number): number;
  valueBytes(element: number): number;
  text(element: number): number;
  textLength(): number;
}

interface Vector {
  encoding: 'ascii' | 'ebcdic' | 'bcd';
  type: number;
  message: string;
  elements: Record<string, string>;
}

const guest = compileGuest<IsoExports>('test/fuzz/iso8583');
const { exports } = guest;
const FORMATS = ['none', 'n', 'a', 'an', 'ans', 'b', 'z', 'x+n'];
const SPECS = ['ascii', 'ebcdic', 'bcd', 'unionpay switch', 'unionpay terminal'];
const vectors = (JSON.parse(readFileSync(new URL('../vectors/iso8583/pyiso8583.json', import.meta.url), 'utf8')) as { messages: Vector[] }).messages;

/** The value as it was meant: text, or hexadecimal of bytes. */
function valueOf(element: number): string {
  const at = exports.text(element) >>> 0;
  const bytes = new Uint8Array(exports.memory.buffer, at, exports.textLength());
  return FORMATS[exports.format(element)] === 'b' ? Buffer.from(bytes).toString('hex').toUpperCase() : Buffer.from(bytes).toString('latin1');
}

function elements(): Record<string, string> {
  const found: Record<string, string> = {};
  for (let element = 2; element <= 192; element++) if (exports.has(element)) found[element] = valueOf(element);
  return found;
}

describe('ISO 8583', () => {
  it('reads what pyiso8583 wrote', () => {
    for (const { encoding, type, message, elements: expected } of vectors) {
      exports.useSpec(SPECS.indexOf(encoding));
      assert.equal(exports.parse(guest.put(Uint8Array.from(Buffer.from(message, 'hex')))), 0, `${encoding} ${message}: element ${exports.errorElement()}`);
      assert.equal(exports.messageType(), type);
      assert.deepEqual(elements(), expected);
    }
    assert.equal(vectors.length, 60);
  });
});

/** How the encoder below writes; what the module was told to read. */
interface Style {
  spec: string;
  hex: boolean;
  right: boolean;
  binaryLengths: boolean;
}

const EBCDIC: Record<string, number> = { ' ': 0x40, '.': 0x4b, '=': 0x7e, '-': 0x60 };
for (let i = 0; i < 10; i++) EBCDIC[i] = 0xf0 + i;
for (const [first, letters] of [[0xc1, 'ABCDEFGHI'], [0xd1, 'JKLMNOPQR'], [0xe2, 'STUVWXYZ']] as const) [...letters].forEach((letter, i) => { EBCDIC[letter] = first + i; });

class Encoder {
  private readonly style: Style;

  constructor(style: Style) {
    this.style = style;
  }

  private get bcd(): boolean {
    return this.style.spec === 'bcd' || this.style.spec === 'unionpay terminal';
  }

  private text(value: string): number[] {
    return [...value].map((c) => (this.style.spec === 'ebcdic' ? (EBCDIC[c] as number) : c.charCodeAt(0)));
  }

  private digits(value: string): number[] {
    if (!this.bcd) return this.text(value);
    const even = value.length % 2 === 0 ? value : this.style.right ? `${value}0` : `0${value}`;
    return [...Buffer.from(even, 'hex')];
  }

  private bytes(value: string): number[] {
    return this.style.hex ? [...Buffer.from(value)] : [...Buffer.from(value, 'hex')];
  }

  private length(units: number, prefix: number): number[] {
    if (this.style.binaryLengths) return prefix > 2 ? [units >> 8, units & 255] : [units];
    const digits = String(units).padStart(prefix, '0');
    return this.bcd ? [...Buffer.from(digits.padStart(prefix + (prefix % 2), '0'), 'hex')] : this.text(digits);
  }

  element(element: number, value: string): number[] {
    const format = FORMATS[exports.format(element)];
    const units = format === 'b' ? value.length / 2 : value.length;
    const prefix = exports.prefix(element) > 0 ? this.length(units, exports.prefix(element)) : [];
    if (format === 'b') return [...prefix, ...this.bytes(value)];
    if (format === 'x+n' && this.bcd) return [...prefix, value.charCodeAt(0), ...this.digits(value.slice(1))];
    return [...prefix, ...(format === 'n' || format === 'z' ? this.digits(value) : this.text(value))];
  }

  message(type: string, values: Record<string, string>): Uint8Array {
    const header = this.style.spec === 'unionpay switch' ? 46 : this.style.spec === 'unionpay terminal' ? 11 : 0;
    const numbers = Object.keys(values).map(Number).sort((a, b) => a - b);
    const maps = Math.ceil(Math.max(64, ...numbers) / 64);
    const bits = Array.from({ length: maps * 64 }, (_, i) => (numbers.includes(i + 1) || (i % 64 === 0 && i / 64 < maps - 1) ? '1' : '0')).join('');
    const bitmap = BigInt(`0b${bits}`).toString(16).padStart(maps * 16, '0');
    const body = numbers.flatMap((element) => this.element(element, values[element] as string));
    return Uint8Array.from([...Array.from({ length: header }, () => 0x60), ...this.digits(type), ...this.bytes(bitmap), ...body]);
  }
}

function randomValue(random: Random, element: number): string {
  const format = FORMATS[exports.format(element)];
  const most = exports.most(element);
  const units = exports.prefix(element) > 0 ? random.below(Math.min(most, 40) + 1) : most;
  const from = (letters: string, count: number): string => Array.from({ length: count }, () => random.pick([...letters])).join('');
  if (format === 'n') return from('0123456789', units);
  if (format === 'b') return from('0123456789ABCDEF', units * 2);
  if (format === 'z') return from('0123456789D', units);
  if (format === 'x+n') return from('CD', 1) + from('0123456789', units - 1);
  return from(format === 'a' ? 'ABCXYZ' : 'ABCXYZ0129 ', units);
}

function use(style: Style): void {
  exports.useSpec(SPECS.indexOf(style.spec));
  exports.define(130, FORMATS.indexOf('n'), 2, 15);
  exports.define(192, FORMATS.indexOf('a'), 4, 2000);
  if (style.hex) exports.useHex();
  if (style.right) exports.fillRight();
  if (style.binaryLengths) exports.useBinaryLengths();
}

describe('ISO 8583, random messages', () => {
  it('reads back what was encoded, in every style, and survives damage', (t) => {
    const random = new Random(1987);
    const cases = caseCount(30_000);
    let refused = 0;
    for (let i = 0; i < cases; i++) {
      const spec = random.pick(SPECS);
      const style = { spec, hex: spec !== 'ebcdic' && random.chance(20), right: spec === 'unionpay terminal' || random.chance(30), binaryLengths: random.chance(15) };
      use(style);
      const values: Record<string, string> = {};
      for (let n = random.below(12); n > 0; n--) {
        const element = random.chance(3) ? random.pick([130, 192]) : 2 + random.below(127);
        if (exports.format(element) !== 0) values[element] = randomValue(random, element);
      }
      const data = new Encoder(style).message('0200', values);
      const shown = `${JSON.stringify(style)} ${JSON.stringify(values)} ${Buffer.from(data).toString('hex')}`;
      assert.equal(exports.parse(guest.put(data)), 0, `${shown}: element ${exports.errorElement()}`);
      assert.deepEqual(elements(), values, shown);
      const damaged = random.chance(50) ? data.subarray(0, random.below(data.length)) : Uint8Array.from(data);
      if (damaged.length === data.length) damaged[random.below(data.length)] = random.below(256);
      if (exports.parse(guest.put(damaged)) !== 0) {
        refused++;
        assert.deepEqual(elements(), {});
      } else assert.equal(damaged.length, data.length, shown);
    }
    t.diagnostic(`${refused} of ${cases} damaged messages refused`);
    assert.ok(refused > cases / 2);
  });

  it('survives random bytes', () => {
    const random = new Random(4);
    const bytes = new Uint8Array(80);
    const cases = caseCount(100_000);
    const { pages } = guest;
    for (let i = 0; i < cases; i++) {
      if (i % 64 === 0) use({ spec: random.pick(SPECS), hex: false, right: false, binaryLengths: random.chance(50) });
      const length = random.below(80);
      for (let k = 0; k < length; k++) bytes[k] = random.chance(50) ? random.pick([0, 1, 2, 0x10, 0x30, 0x31, 0x40, 0x20]) : random.below(256);
      if (exports.parse(guest.put(bytes.subarray(0, length))) === 0) elements();
    }
    assert.equal(guest.pages, pages);
  });
});

describe('ISO 8583 with one mistake', () => {
  const style = { spec: 'ascii', hex: false, right: false, binaryLengths: false };
  const good: Record<string, string> = { 2: '6212345678901234567', 3: '000000', 4: '000000010000', 11: '000001', 28: 'D00000100', 35: '6212=2412', 41: 'TERM0001', 49: '156', 52: '0102030405060708' };
  const encode = (type: string, values: Record<string, string>): Uint8Array => new Encoder(style).message(type, values);
  const cases: [name: string, data: () => Uint8Array, code: string, element: number][] = [
    ['empty', () => Uint8Array.of(), 'FIM-ISO-0001', 0],
    ['a bitmap that is cut off', () => encode('0200', good).subarray(0, 11), 'FIM-ISO-0001', 0],
    ['a message type with a letter', () => encode('02A0', good), 'FIM-ISO-0002', 0],
    ['a message type of version 5', () => encode('5200', good), 'FIM-ISO-0002', 0],
    ['a message type of class 0', () => encode('0000', good), 'FIM-ISO-0002', 0],
    ['a last element that is cut off', () => encode('0200', good).slice(0, -1), 'FIM-ISO-0001', 52],
    ['bytes after the end', () => Uint8Array.from([...encode('0200', good), 0]), 'FIM-ISO-0007', 0],
    ['an amount with a letter', () => encode('0200', { ...good, 4: '00000001000A' }), 'FIM-ISO-0006', 4],
    ['a sign that is none', () => encode('0200', { ...good, 28: 'X00000100' }), 'FIM-ISO-0006', 28],
    ['a track with a letter', () => encode('0200', { ...good, 35: '6212=24A2' }), 'FIM-ISO-0006', 35],
    ['a control character in a text', () => encode('0200', { ...good, 41: 'TERM\u00011111' }), 'FIM-ISO-0006', 41],
    ['a card number that is too long', () => encode('0200', { ...good, 2: '6'.repeat(20) }), 'FIM-ISO-0005', 2],
  ];
  for (const [name, data, code, element] of cases) {
    it(`refuses ${name}`, () => {
      use(style);
      assert.equal(exports.parse(guest.put(data())), errorId(code));
      assert.equal(exports.errorElement(), element);
      assert.equal(exports.messageType(), 0);
    });
  }

  it('refuses elements that the specification does not define', () => {
    use(style);
    exports.define(41, 0, 0, 0);
    assert.equal(exports.parse(guest.put(encode('0200', good))), errorId('FIM-ISO-0004'));
    assert.equal(exports.errorElement(), 41);
  });

  it('refuses bitmaps and lengths that are no numbers', () => {
    use({ ...style, hex: true });
    assert.equal(exports.parse(guest.put('0200700G000000000000')), errorId('FIM-ISO-0003'));
    use(style);
    assert.equal(exports.parse(guest.put(Uint8Array.from([...Buffer.from('0200'), 0x40, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from('1A62')]))), errorId('FIM-ISO-0005'));
    use({ ...style, spec: 'bcd' });
    assert.equal(exports.parse(guest.put(Uint8Array.of(2, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x1a, 0x62))), errorId('FIM-ISO-0005'));
  });

  it('is fast', (t) => {
    use({ ...style, spec: 'unionpay terminal', right: true });
    const chip = '9F2608A1B2C3D4E5F607189F2701809F101307010103A0A802010A010000000000B5A7A3C49F3704123456789F360200459505008004600' + '09A032408019C01009F02060000000100005F2A02015682027C009F1A0201569F03060000000000009F330360E8C89F34030203009F3501229F1E0831323334353637388408A0000003330101019F090200309F410400000012';
    const data = new Encoder({ ...style, spec: 'unionpay terminal', right: true }).message('0200', {
      2: '6212345678901234567', 3: '000000', 4: '000000010000', 11: '000001', 14: '2912', 22: '051', 23: '001', 25: '00', 35: '6212345678901234567D2912220', 41: 'TERM0001', 42: 'MERCHANT0000001', 49: '156', 52: '0102030405060708', 53: '2600000000000000', 55: chip, 60: '22000001000501', 64: '0102030405060708',
    });
    const length = guest.put(data);
    assert.equal(exports.parseMany(length, 1), 0);
    const best = bestMs(3, () => assert.equal(exports.parseMany(length, 10_000), 0)) / 10_000;
    t.diagnostic(`message of ${length} bytes with field 55, all judged: ${(best * 1e6).toFixed(0)} ns`);
    assert.ok(best < 0.01);
  });
});
