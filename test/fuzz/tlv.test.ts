// BER-TLV against a plain reading of the encoding, and the dictionary against messages with one mistake each.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bestMs, caseCount, compileGuest, errorId, Random } from './guest.ts';
import { fieldsOf, find, nameOf, OBJECT, pointerOf, textOf, type TreeExports } from './tree-guest.ts';

interface TlvExports extends TreeExports {
  parse(length: number): number;
  parseMany(length: number, times: number): number;
  errorOffset(): number;
  mistakes(): number;
  mistakeCode(i: number): number;
  mistakeNode(i: number): number;
  described(bytes: number): number;
}

/** Tag in hexadecimal, value in hexadecimal, contents of a template. */
interface TlvObject {
  tag: string;
  value: string;
  children: TlvObject[];
}

const guest = await compileGuest<TlvExports>('test/fuzz/tlv');
const { exports } = guest;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** The encoding read as ISO/IEC 8825-1 says it, by recursion; null if it is wrong. */
function decode(data: Uint8Array, depth = 0): TlvObject[] | null {
  const objects: TlvObject[] = [];
  let at = 0;
  while (at < data.length) {
    if (data[at] === 0) {
      at++;
      continue;
    }
    const from = at++;
    if (((data[from] as number) & 0x1f) === 0x1f) {
      if (data[at] === 0x80) return null;
      while (at < data.length && at - from < 4 && (data[at] as number) >= 0x80) at++;
      if (at >= data.length || at - from >= 4) return null;
      at++;
    }
    const tag = data.subarray(from, at);
    const first = data[at++];
    if (first === undefined) return null;
    let length = first;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0 || count > 4 || at + count > data.length) return null;
      length = data.subarray(at, at + count).reduce((sum, byte) => sum * 256 + byte, 0);
      at += count;
    }
    if (at + length > data.length) return null;
    const value = data.subarray(at, at + length);
    at += length;
    const template = ((tag[0] as number) & 0x20) !== 0;
    if (template && length > 0 && depth >= 16) return null;
    const children = template ? decode(value, depth + 1) : [];
    if (children === null) return null;
    objects.push({ tag: hex(tag), value: hex(value), children });
  }
  return objects;
}

/** The same from the fields: by their place in the source, and by their texts for tags outside the dictionary. */
function indexed(data: Uint8Array, node: number): TlvObject[] {
  const objects: TlvObject[] = [];
  for (let child = exports.firstChild(node); child !== 0; child = exports.nextSibling(child)) {
    const template = exports.kind(child) === OBJECT;
    const value = template ? hex(data.subarray(exports.start(child), exports.end(child))) : '';
    objects.push({
      tag: nameOf(guest, child),
      value: template ? value : textOf(guest, child),
      children: template ? indexed(data, child) : [],
    });
  }
  return objects;
}

function randomObjects(random: Random, depth: number): number[] {
  const bytes: number[] = [];
  for (let i = random.below(5); i > 0; i--) {
    if (random.chance(10)) bytes.push(0);
    const template = depth > 0 && random.chance(35);
    const tag = template
      ? random.pick([[0x70], [0xa5], [0xbf, 0x0c], [0x7f, 0x81, 0x01]])
      : random.pick([[0x98], [0x9d], [0x9f, 0x26], [0xdf, 0x31], [0xdf, 0x81, 0x29], [0x01]]);
    const value = template
      ? randomObjects(random, depth - 1)
      : Array.from({ length: random.below(random.chance(10) ? 300 : 9) }, () => random.below(256));
    const length = value.length;
    const form =
      length < 128 && random.chance(85)
        ? [length]
        : length < 256 && random.chance(60)
          ? [0x81, length]
          : random.chance(80)
            ? [0x82, length >> 8, length & 255]
            : [0x84, 0, 0, length >> 8, length & 255];
    bytes.push(...tag, ...form, ...value);
  }
  return bytes;
}

/** Tags of the dictionary whose values are not read as hexadecimal digits: damage may make one. */
const TEXT_TAGS = /^(5F(20|28|2A|2D|30|50|55|56)|50|5A|89|8A|9F(0B|12|16|1A|1C|1E|1F|20|3C|42|4E|51|57|61|74))$/;
const hasText = (objects: TlvObject[]): boolean =>
  objects.some((object) => TEXT_TAGS.test(object.tag) || hasText(object.children));

describe('BER-TLV', () => {
  it('agrees with a plain decoder on random and damaged data', (t) => {
    const random = new Random(8825);
    const cases = caseCount(60_000);
    let valid = 0;
    let pages = 0;
    for (let i = 0; i < cases; i++) {
      const data = Uint8Array.from(
        random.chance(5) ? Array.from({ length: random.below(20) }, () => random.below(256)) : randomObjects(random, 4),
      );
      let damaged = data;
      if (random.chance(60) && data.length > 0) {
        damaged = Uint8Array.from(data);
        damaged[random.below(data.length)] = random.below(256);
        if (random.chance(30)) damaged = damaged.subarray(0, random.below(data.length));
      }
      const expected = decode(damaged);
      const error = exports.parse(guest.put(damaged));
      assert.equal(error === 0, expected !== null, `${hex(damaged)}: ${error}`);
      assert.ok(exports.errorOffset() <= damaged.length);
      if (expected !== null) {
        valid++;
        const fields = fieldsOf(guest, exports.root());
        assert.equal(fields.length, expected.length);
        if (!hasText(expected)) assert.deepEqual(indexed(damaged, exports.root()), expected, hex(damaged));
        for (let i = 0; i < exports.mistakes(); i++)
          assert.ok(exports.mistakeNode(i) <= exports.size() && exports.mistakeCode(i) > 0);
      } else assert.equal(exports.root(), 0);
      if (i === 5000) ({ pages } = guest);
    }
    if (pages > 0) assert.equal(guest.pages, pages);
    t.diagnostic(`${valid} of ${cases} valid`);
    assert.ok(valid > cases / 4 && valid < (cases * 7) / 8);
  });

  it('says what is wrong and where', () => {
    const cases: [data: string, code: string, offset: number][] = [
      ['9F', 'FIM-TLV-0001', 0],
      ['9F26', 'FIM-TLV-0001', 0],
      ['9A0101 9F2608', 'FIM-TLV-0001', 3],
      ['9A02 01', 'FIM-TLV-0001', 0],
      ['70 05 9A04 010203', 'FIM-TLV-0001', 2],
      ['9F8001 00', 'FIM-TLV-0002', 0],
      ['9FFFFFFF01 00', 'FIM-TLV-0002', 0],
      ['9A80', 'FIM-TLV-0003', 0],
      ['9A85 0000000001 00', 'FIM-TLV-0003', 0],
      ['9A84 FFFFFFFF', 'FIM-TLV-0001', 0],
      ['9A82 01', 'FIM-TLV-0001', 0],
    ];
    for (const [data, code, offset] of cases) {
      assert.equal(exports.parse(guest.put(bytesOf(data))), errorId(code), data);
      assert.equal(exports.errorOffset(), offset, data);
    }
    let nested = '';
    for (let i = 0; i < 17; i++)
      nested = `70${(nested.length / 2 + (i === 0 ? 1 : 0)).toString(16).padStart(2, '0')}${i === 0 ? '00' : nested}`;
    assert.equal(exports.parse(guest.put(bytesOf(nested))), errorId('FIM-TLV-0004'));
    assert.equal(exports.parse(guest.put(bytesOf('9A00'.repeat(4096)))), 0);
    assert.equal(exports.parse(guest.put(bytesOf('9A00'.repeat(4097)))), errorId('FIM-TLV-0004'));
  });

  it('names objects by their tags, and their place by a pointer', () => {
    exports.parse(guest.put(bytesOf('6F 0A 84 02 A000 A5 04 BF0C 01 00 9F36 02 0001')));
    assert.deepEqual(fieldsOf(guest, exports.root()), [
      [
        '6F',
        [
          ['84', 'A000'],
          ['A5', [['BF0C', []]]],
        ],
      ],
      ['9F36', '0001'],
    ]);
    assert.equal(pointerOf(guest, find(guest, '6F', 'A5', 'BF0C')), '/6F/A5/BF0C');
  });

  it('gives values as their format says', () => {
    const texts: [object: string, text: string][] = [
      ['9F02 06 000000010000', '000000010000'],
      ['5F2A 02 0156', '156'],
      ['9F1A 02 1156', '1156'],
      ['9A 03 240801', '240801'],
      ['5A 0A 6212345678901234567F', '6212345678901234567'],
      ['5F20 05 4C492F4C49', 'LI/LI'],
      ['5F20 04 D5C52FC8', '\u00d5\u00c5/\u00c8'],
      ['9F1E 08 3132333435363738', '12345678'],
      ['9F1E 08 3132330035363738', '3132330035363738'],
      ['9F26 08 a1b2c3d4e5f60718', 'A1B2C3D4E5F60718'],
      ['DF8129 03 0AB0FF', '0AB0FF'],
      ['57 03 621D12', '621D12'],
      ['9F27 00', ''],
      // Names in GBK, whose first bytes begin at 81; texts that are filled up with zero bytes.
      ['5F20 06 8140FE5A2041', '\u0081@\u00feZ A'],
      ['9F4E 06 D6D0B9FA0000', '\u00d6\u00d0\u00b9\u00fa'],
      ['9F1E 08 4142430000000000', 'ABC'],
      ['8A 02 0000', ''],
    ];
    for (const [object, text] of texts) {
      assert.equal(exports.parse(guest.put(bytesOf(object))), 0, object);
      assert.equal(textOf(guest, find(guest, object.split(' ')[0] as string)), text, object);
    }
  });
});

/** Objects of an acquirer's field 55. */
const FIELD_55 = [
  '9F26 08 A1B2C3D4E5F60718',
  '9F27 01 80',
  '9F10 13 07010103A0A802010A010000000000B5A7A3C4',
  '9F37 04 12345678',
  '9F36 02 0045',
  '95 05 0080046000',
  '9A 03 240801',
  '9C 01 00',
  '9F02 06 000000010000',
  '5F2A 02 0156',
  '82 02 7C00',
  '9F1A 02 0156',
  '9F03 06 000000000000',
  '9F33 03 60E8C8',
  '9F34 03 020300',
  '9F35 01 22',
  '9F1E 08 3132333435363738',
  '84 08 A000000333010101',
  '9F09 02 0030',
  '9F41 04 00000012',
  'DF69 01 01',
];

function firstMistake(objects: string[]): [code: number, tag: number] {
  assert.equal(exports.parse(guest.put(bytesOf(objects.join('')))), 0);
  return exports.mistakes() === 0
    ? [0, 0]
    : [exports.mistakeCode(0), Number.parseInt(nameOf(guest, exports.mistakeNode(0)), 16)];
}

describe('BER-TLV dictionary', () => {
  it('takes a field 55', () => {
    assert.deepEqual(firstMistake(FIELD_55), [0, 0]);
  });

  const mistakes: [name: string, object: string, code: string, tag: number][] = [
    ['a cryptogram that is too short', '9F26 07 A1B2C3D4E5F607', 'FIM-TLV-0006', 0x9f26],
    ['an amount with a letter', '9F02 06 00000001000A', 'FIM-TLV-0007', 0x9f02],
    ['a date with a nibble above nine', '9A 03 2408F1', 'FIM-TLV-0007', 0x9a],
    ['a serial number with a control character', '9F1E 08 3132330035363738', 'FIM-TLV-0007', 0x9f1e],
    ['a card number with F in the middle', '5A 08 62F1234567890123', 'FIM-TLV-0007', 0x5a],
    ['issuer data that is too long', `9F10 21 ${'00'.repeat(33)}`, 'FIM-TLV-0006', 0x9f10],
    ['a currency of three bytes', '5F2A 03 000156', 'FIM-TLV-0006', 0x5f2a],
    ['an object list that ends in a tag', '9F38 02 9F37', 'FIM-TLV-0008', 0x9f38],
    ['an SM indicator of two bytes', 'DF69 02 0101', 'FIM-TLV-0006', 0xdf69],
  ];
  for (const [name, object, code, tag] of mistakes) {
    it(`finds ${name}`, () => {
      const others = FIELD_55.filter((other) => other.split(' ')[0] !== object.split(' ')[0]);
      assert.deepEqual(firstMistake([...others, object]), [errorId(code), tag]);
    });
  }

  it('finds an object that appears twice in a template, not in two', () => {
    assert.deepEqual(firstMistake([...FIELD_55, '9F36 02 0046']), [errorId('FIM-TLV-0005'), 0x9f36]);
    assert.deepEqual(firstMistake(['9F36 02 0046', '70 05 9F36 02 0045']), [0, 0]);
    assert.deepEqual(firstMistake(['72 07 86 01 00 86 02 0102']), [0, 0]);
  });

  it('takes tags without a value, whatever the tag', () => {
    // As terminals and issuers send them: alatka-messages, UnionPay's simulator ("order and empty values of element
    // 55").
    const empty = ['9F0900', '9F7400', '9100', '7100', '7200', 'DF3100', '9F6300'];
    assert.deepEqual(firstMistake([...FIELD_55.filter((object) => !object.startsWith('9F09')), ...empty]), [0, 0]);
    assert.equal(textOf(guest, find(guest, '9F09')), '');
    for (const first of ['', '5F', '9F', 'DF']) {
      for (let last = 1; last < (first === '' ? 0xff : 0x80); last++) {
        if (first === '' && (last & 0x1f) === 0x1f) continue;
        const tag = first + last.toString(16).padStart(2, '0').toUpperCase();
        assert.deepEqual(firstMistake([`${tag}00`]), [0, 0], tag);
      }
    }
  });

  it('takes what other schemes put into tags of PBOC, and texts as terminals fill them', () => {
    const objects: [tag: string, value: string][] = [
      ['9F6B', '5413330089020011D2512201'],
      ['9F6D', '0001'],
      ['9F5D', '010000'],
      ['9F59', '000000'],
      ['9F66', '0038'],
      ['9F63', '000000000000'],
      ['DF31', '20'.repeat(30)],
      ['8E', '0000000000000000'],
      ['9F1C', '30302D3030303031'],
      ['9F1E', '5A31323300000000'],
      ['5F20', '8140FE5A'],
    ];
    assert.deepEqual(
      firstMistake(objects.map(([tag, value]) => tag + (value.length / 2).toString(16).padStart(2, '0') + value)),
      [0, 0],
    );
  });

  it('takes card numbers with F behind, and lists of objects', () => {
    assert.deepEqual(
      firstMistake(['5A 0A 6212345678901234567F', '8C 15 9F02069F03069F1A0295055F2A029A039C019F3704', '57 03 621D12']),
      [0, 0],
    );
    for (const [list, bytes] of [
      ['', 0],
      ['9F3704', 4],
      ['95059A03', 8],
      ['9F02 06', 6],
    ] as const)
      assert.equal(exports.described(guest.put(bytesOf(list))), bytes, list);
    for (const list of ['9F', '9F37', '95', '9F8104', '95FD'])
      assert.equal(exports.described(guest.put(bytesOf(list))), -1, list);
  });

  it('notes a bounded number of mistakes', () => {
    assert.equal(exports.parse(guest.put(bytesOf('9A00'.repeat(4000)))), 0);
    assert.equal(exports.mistakes(), 64);
    assert.equal(exports.size(), 4001);
  });

  it('is fast', (t) => {
    const length = guest.put(bytesOf(FIELD_55.join('')));
    const best = bestMs(3, () => assert.equal(exports.parseMany(length, 10_000), 0)) / 10_000;
    t.diagnostic(
      `field 55 of ${FIELD_55.length} objects, ${length} bytes, parsed and judged: ${(best * 1e6).toFixed(0)} ns`,
    );
    assert.ok(best < 0.01);
  });
});
