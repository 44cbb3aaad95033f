// ISO 8583 against messages of another implementation, against an encoder of its own, and against damage.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { bestMs, caseCount, compileGuest, errorId, Random } from './guest.ts';
import {
  ASCII,
  BCD,
  DEFAULT,
  EBCDIC,
  Encoder,
  FORMATS,
  type IsoExports,
  randomStyle,
  type Style,
  SWITCH,
  TERMINAL,
  use,
} from './iso8583-encoder.ts';
import { type Field, fieldsOf, find, pointerOf, textOf } from './tree-guest.ts';

interface Vector {
  encoding: 'ascii' | 'ebcdic' | 'bcd';
  type: number;
  message: string;
  elements: Record<string, string>;
}

const guest = await compileGuest<IsoExports>('test/fuzz/iso8583');
const { exports } = guest;
const vectors = (
  JSON.parse(readFileSync(new URL('../vectors/iso8583/pyiso8583.json', import.meta.url), 'utf8')) as {
    messages: Vector[];
  }
).messages;
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** Reads element 55 as one value: what it holds is tested apart. */
function plainChip(): void {
  exports.define(55, FORMATS.indexOf('b'), 3, 255, DEFAULT, DEFAULT, 0, 0);
}

/** The fields of the message at hand, by element; the rest apart. */
function elements(): Record<string, string> {
  return Object.fromEntries(
    (fieldsOf(guest, exports.root()) as [string, string][])
      .filter(([name]) => name.startsWith('DE'))
      .map(([name, value]) => [name.slice(2), value]),
  );
}

describe('ISO 8583', () => {
  it('reads what pyiso8583 wrote', () => {
    for (const { encoding, type, message, elements: expected } of vectors) {
      use(exports, { ascii: ASCII, ebcdic: EBCDIC, bcd: BCD }[encoding]);
      exports.takeVersions(0x3ff);
      plainChip();
      assert.equal(
        exports.parse(guest.put(bytesOf(message))),
        0,
        `${encoding} ${message}: element ${exports.errorElement()}`,
      );
      assert.equal(textOf(guest, find(guest, 'MTI')), String(type).padStart(4, '0'));
      assert.deepEqual(elements(), expected);
    }
    assert.equal(vectors.length, 60);
  });

  it('reads a purchase of a UnionPay terminal, and knows the range of its code', () => {
    // Posted publicly with its key and code: test/vectors/crypto/payment-macs.json.
    const message =
      '6000030000603210320072 0200 302004800 0c08015 000000 000000001234 000002 0300 99 3030303030303031 393532373138313832323137383735 313536 0019 26000001000600000000 0043 5f011232383434313233343536373839303132333 45f03063136303033365f04063230303832365c023031 4233413039324145'.replaceAll(
        ' ',
        '',
      );
    use(exports, TERMINAL);
    exports.define(25, FORMATS.indexOf('n'), 0, 2, DEFAULT, DEFAULT, 0, 0);
    const data = bytesOf(message);
    assert.equal(exports.parse(guest.put(data)), 0, `element ${exports.errorElement()}`);
    assert.deepEqual(fieldsOf(guest, exports.root()), [
      ['TPDU', '6000030000'],
      ['MTI', '0200'],
      ['DE3', '000000'],
      ['DE4', '000000001234'],
      ['DE11', '000002'],
      ['DE22', '030'],
      ['DE25', '99'],
      ['DE41', '00000001'],
      ['DE42', '952718182217875'],
      ['DE49', '156'],
      ['DE60', '2600000100060000000'],
      ['DE62', '5F01123238343431323334353637383930313233345F03063136303033365F04063230303832365C023031'],
      ['DE64', '4233413039324145'],
    ]);
    assert.equal(exports.messageOffset(), 11);
    assert.equal(exports.valueOffset(64), data.length - 8);
  });

  it('reads chip data to its objects, with pointers and mistakes', () => {
    use(exports, TERMINAL);
    const chip =
      '9F260 8A1B2C3D4E5F60718 9F0206000000010000 5F2A020156 9F3602004 5 9F1E083132333435363738 7003 9A01 24'.replaceAll(
        ' ',
        '',
      );
    const data = new Encoder(guest, TERMINAL).message('0200', { 3: '000000', 55: chip, 64: '0102030405060708' });
    assert.equal(exports.parse(guest.put(data)), 0);
    assert.deepEqual(fieldsOf(guest, find(guest, 'DE55')), [
      ['9F26', 'A1B2C3D4E5F60718'],
      ['9F02', '000000010000'],
      ['5F2A', '156'],
      ['9F36', '0045'],
      ['9F1E', '12345678'],
      ['70', [['9A', '24']]],
    ]);
    assert.equal(pointerOf(guest, find(guest, 'DE55', '9F26')), '/DE55/9F26');
    assert.equal(exports.mistakes(), 1);
    assert.equal(exports.mistakeCode(0), errorId('FIM-TLV-0006'));
    assert.equal(pointerOf(guest, exports.mistakeNode(0)), '/DE55/70/9A');
    assert.equal(textOf(guest, find(guest, 'DE64')), '0102030405060708');
    const broken = new Encoder(guest, TERMINAL).message('0200', { 3: '000000', 55: '9F2608A1' });
    assert.equal(exports.parse(guest.put(broken)), errorId('FIM-TLV-0001'));
    assert.equal(exports.errorElement(), 55);
    assert.equal(exports.errorOffset(), broken.length - 4);
  });

  it('reads names in GBK as one character a byte', () => {
    use(exports, ASCII);
    const data = new Encoder(guest, ASCII).message('0200', {
      43: `${Buffer.from('d5c5c8fd', 'hex').toString('latin1')}${' '.repeat(36)}`,
    });
    assert.equal(exports.parse(guest.put(data)), 0);
    assert.equal(textOf(guest, find(guest, 'DE43')), `\u00d5\u00c5\u00c8\u00fd${' '.repeat(36)}`);
  });
});

function randomValue(random: Random, element: number, style: Style): string {
  const format = FORMATS[exports.format(element)];
  const most = exports.most(element);
  const units = exports.prefix(element) > 0 ? random.below(Math.min(most, 40) + 1) : most;
  const from = (letters: string, count: number): string =>
    Array.from({ length: count }, () => random.pick([...letters])).join('');
  if (format === 'n') return from('0123456789', units);
  if (format === 'b') return from('0123456789ABCDEF', units * 2);
  if (format === 'z') return from('0123456789D', units);
  if (format === 'zh') return from('0123456789ABCDEF', units);
  if (format === 'ansb' && style.text === 'Ascii') return from('AZ09 \u0000\u0001\u007f\u0081\u00ff', units);
  if (format === 'x+n') return from('CD', 1) + from('0123456789', units - 1);
  if (format === 'ans' && style.text === 'Ascii' && random.chance(20)) return from('AZ09 \u00d5\u00fd\u0081', units);
  return from(format === 'a' ? 'ABCXYZ' : 'ABCXYZ0129 ', units);
}

function randomValues(random: Random, style: Style): Record<string, string> {
  const values: Record<string, string> = {};
  for (let n = random.below(12); n > 0; n--) {
    const element = random.chance(3) ? random.pick([130, 192]) : 2 + random.below(127);
    if (exports.format(element) !== 0) values[element] = randomValue(random, element, style);
  }
  return values;
}

function useWithMore(style: Style): void {
  use(exports, style);
  exports.takeVersions(0b1100000111);
  exports.define(130, FORMATS.indexOf('n'), 2, 15, DEFAULT, DEFAULT, 0, 0);
  exports.define(192, FORMATS.indexOf('a'), 4, 2000, DEFAULT, DEFAULT, 0, 0);
  plainChip();
}

describe('ISO 8583, random messages', () => {
  it('reads back what was encoded, in every style, and survives damage', (t) => {
    const random = new Random(1987);
    const cases = caseCount(20_000);
    let refused = 0;
    for (let i = 0; i < cases; i++) {
      const style = randomStyle(random);
      useWithMore(style);
      const values = randomValues(random, style);
      const encoder = new Encoder(guest, style);
      const type = random.pick(['0100', '0200', '1210', '2420', '9800']);
      const data = encoder.message(type, values);
      const shown = `${JSON.stringify(style)} ${JSON.stringify(values)} ${Buffer.from(data).toString('hex')}`;
      assert.equal(exports.parse(guest.put(data)), 0, `${shown}: element ${exports.errorElement()}`);
      const expected: Field[] = [
        ...encoder.headerFields(data),
        ['MTI', type],
        ...Object.keys(values)
          .map(Number)
          .sort((a, b) => a - b)
          .map((n): Field => [`DE${n}`, values[n] as string]),
      ];
      assert.deepEqual(fieldsOf(guest, exports.root()), expected, shown);
      const damaged = random.chance(50) ? data.subarray(0, random.below(data.length)) : Uint8Array.from(data);
      if (damaged.length === data.length) damaged[random.below(data.length)] = random.below(256);
      if (exports.parse(guest.put(damaged)) !== 0) {
        refused++;
        assert.equal(exports.root(), 0);
        assert.ok(exports.errorOffset() <= damaged.length);
      } else {
        assert.equal(damaged.length, data.length, shown);
        fieldsOf(guest, exports.root());
      }
    }
    t.diagnostic(`${refused} of ${cases} damaged messages refused`);
    assert.ok(refused > cases / 2);
  });

  it('survives random bytes and chip data', () => {
    const random = new Random(4);
    const bytes = new Uint8Array(200);
    const cases = caseCount(60_000);
    const { pages } = guest;
    for (let i = 0; i < cases; i++) {
      if (i % 64 === 0) use(exports, random.chance(50) ? TERMINAL : randomStyle(random));
      const length = random.below(200);
      for (let k = 0; k < length; k++)
        bytes[k] = random.chance(50)
          ? random.pick([0, 1, 2, 0x10, 0x30, 0x31, 0x40, 0x20, 0x9f, 0x70])
          : random.below(256);
      const chip = random.chance(50)
        ? new Encoder(guest, TERMINAL).message('0200', { 55: Buffer.from(bytes.subarray(0, length)).toString('hex') })
        : bytes.subarray(0, length);
      if (exports.parse(guest.put(chip)) === 0) fieldsOf(guest, exports.root());
    }
    assert.ok(guest.pages <= pages + 1);
  });
});

describe('ISO 8583 with one mistake', () => {
  const good: Record<string, string> = {
    2: '6212345678901234567',
    3: '000000',
    4: '000000010000',
    11: '000001',
    28: 'D00000100',
    35: '6212=2412',
    41: 'TERM0001',
    49: '156',
    52: '0102030405060708',
  };
  const encode = (type: string, values: Record<string, string>): Uint8Array =>
    new Encoder(guest, ASCII).message(type, values);
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
      use(exports, ASCII);
      assert.equal(exports.parse(guest.put(data())), errorId(code));
      assert.equal(exports.errorElement(), element);
      assert.equal(exports.root(), 0);
    });
  }

  it('refuses elements that the specification does not define', () => {
    use(exports, ASCII);
    exports.define(41, 0, 0, 0, DEFAULT, DEFAULT, 0, 0);
    assert.equal(exports.parse(guest.put(encode('0200', good))), errorId('FIM-ISO-0004'));
    assert.equal(exports.errorElement(), 41);
  });

  it('refuses bitmaps and lengths that are no numbers', () => {
    use(exports, { ...ASCII, bitmap: 'Hex' });
    assert.equal(exports.parse(guest.put('0200700G000000000000')), errorId('FIM-ISO-0003'));
    use(exports, ASCII);
    assert.equal(
      exports.parse(
        guest.put(Uint8Array.from([...Buffer.from('0200'), 0x40, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from('1A62')])),
      ),
      errorId('FIM-ISO-0005'),
    );
    use(exports, BCD);
    assert.equal(
      exports.parse(guest.put(Uint8Array.of(2, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x1a, 0x62))),
      errorId('FIM-ISO-0005'),
    );
  });

  it('refuses headers that do not fit', () => {
    const cases: [style: Style, change: (data: Uint8Array) => Uint8Array, code: string][] = [
      [{ ...ASCII, lengthHeader: 1 }, (data) => data.slice(0, -1), 'FIM-ISO-0008'],
      [{ ...ASCII, lengthHeader: 2 }, (data) => data.with(1, 0x1a), 'FIM-ISO-0008'],
      [{ ...ASCII, lengthHeader: 3 }, (data) => data.with(0, 0x20), 'FIM-ISO-0008'],
      [SWITCH, (data) => data.with(0, 45), 'FIM-ISO-0008'],
      [SWITCH, (data) => data.with(5, data[5]! ^ 1), 'FIM-ISO-0008'],
      [SWITCH, (data) => data.slice(0, 45), 'FIM-ISO-0001'],
      [TERMINAL, (data) => data.slice(0, 10), 'FIM-ISO-0001'],
      [TERMINAL, (data) => data.slice(0, 4), 'FIM-ISO-0001'],
    ];
    for (const [style, change, code] of cases) {
      use(exports, style);
      const data = new Encoder(guest, style).message('0200', { 3: '000000' });
      assert.equal(exports.parse(guest.put(data)), 0);
      assert.equal(exports.parse(guest.put(change(data))), errorId(code), JSON.stringify(style));
    }
  });

  it('takes the versions of the specification', () => {
    for (const [spec, taken] of [
      ['iso8583-1987', '0'],
      ['iso8583-1993', '1'],
      ['iso8583-2003', '2'],
    ] as const) {
      use(exports, { ...ASCII, spec });
      for (const version of '0123456789') {
        const right = version === taken || version === '8' || version === '9';
        assert.equal(
          exports.parse(guest.put(encode(`${version}200`, { 11: '0'.repeat(spec === 'iso8583-2003' ? 12 : 6) }))),
          right ? 0 : errorId('FIM-ISO-0002'),
          `${spec} ${version}`,
        );
      }
    }
  });

  it('is fast', (t) => {
    use(exports, TERMINAL);
    const chip =
      '9F2608A1B2C3D4E5F607189F2701809F101307010103A0A802010A010000000000B5A7A3C49F3704123456789F360200459505008004600' +
      '09A032408019C01009F02060000000100005F2A02015682027C009F1A0201569F03060000000000009F330360E8C89F34030203009F3501229F1E0831323334353637388408A0000003330101019F090200309F410400000012';
    const data = new Encoder(guest, TERMINAL).message('0200', {
      2: '6212345678901234567',
      3: '000000',
      4: '000000010000',
      11: '000001',
      14: '2912',
      22: '051',
      23: '001',
      25: '00',
      35: '6212345678901234567D2912220',
      41: 'TERM0001',
      42: 'MERCHANT0000001',
      49: '156',
      52: '0102030405060708',
      53: '2600000000000000',
      55: chip,
      60: '22000001000501',
      64: '0102030405060708',
    });
    const length = guest.put(data);
    assert.equal(exports.parseMany(length, 1), 0);
    const best = bestMs(3, () => assert.equal(exports.parseMany(length, 10_000), 0)) / 10_000;
    t.diagnostic(`message of ${length} bytes with field 55, all judged: ${(best * 1e6).toFixed(0)} ns`);
    assert.ok(best < 0.01);
  });
});
