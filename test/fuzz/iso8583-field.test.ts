// ISO 8583 as terminals, institutions and public implementations write it: `vectors/iso8583/field.json` says where each
// message's layout was seen; values are made up.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { compileGuest, errorId } from './guest.ts';
import {
  ASCII,
  BCD,
  DEFAULT,
  Encoder,
  FORMATS,
  type IsoExports,
  SPECS,
  type Style,
  SWITCH,
  TERMINAL,
  use,
} from './iso8583-encoder.ts';
import { fieldsOf, find, textOf } from './tree-guest.ts';

interface FieldMessage {
  name: string;
  specification: string;
  header: { lengthHeader: number; tpdu: boolean; network: number; networkBytes: number };
  message: string;
  elements: Record<string, string>;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../vectors/iso8583/${name}`, import.meta.url), 'utf8'));
const guest = await compileGuest<IsoExports>('test/fuzz/iso8583');
const { exports } = guest;
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('ISO 8583 of the field', () => {
  const { messages } = read('field.json') as { messages: FieldMessage[] };
  for (const { name, specification, header, message, elements } of messages) {
    it(`reads ${name} (${specification})`, () => {
      exports.useSpec(SPECS.indexOf(specification));
      exports.useHeader(header.lengthHeader, Number(header.tpdu), header.network, header.networkBytes);
      assert.equal(
        exports.parse(guest.put(bytesOf(message))),
        0,
        `element ${exports.errorElement()} at ${exports.errorOffset()}`,
      );
      const found = (fieldsOf(guest, exports.root()) as [string, string][]).filter(([field]) => field.startsWith('DE'));
      assert.deepEqual(Object.fromEntries(found.map(([field, value]) => [field.slice(2), value])), elements);
    });
  }

  it('has each element of the public tables, in the lengths that they give', () => {
    for (const [specification, lengths] of Object.entries(
      read('lengths.json') as Record<string, Record<string, number>>,
    )) {
      exports.useSpec(SPECS.indexOf(specification));
      for (const [element, length] of Object.entries(lengths)) {
        const fixed = exports.prefix(Number(element)) === 0;
        assert.ok(
          fixed ? exports.most(Number(element)) === length : exports.most(Number(element)) >= length,
          `${specification} ${element}: ${exports.most(Number(element))}, in the field ${length}`,
        );
      }
    }
  });

  it('takes any byte in private and reserved elements of every specification, and nothing new in the others', () => {
    for (const spec of SPECS) {
      const style: Style = spec === 'unionpay-terminal' ? { ...TERMINAL, tpdu: false, network: 0 } : { ...ASCII, spec };
      use(exports, style);
      exports.takeVersions(0x3ff);
      for (const element of [47, 59, 63]) {
        assert.equal(
          exports.parse(guest.put(new Encoder(guest, style).message('0200', { [element]: 'SM003\u0000\u001f\u00ff' }))),
          0,
          `${spec} ${element}`,
        );
        assert.equal(textOf(guest, find(guest, `DE${element}`)), 'SM003\u0000\u001f\u00ff');
      }
      const terminal = exports.most(41) === 16 ? 'TERM\u0001111\u0000ABCDEFG' : 'TERM\u0001111';
      assert.equal(
        exports.parse(guest.put(new Encoder(guest, style).message('0200', { 41: terminal }))),
        errorId('FIM-ISO-0006'),
        spec,
      );
    }
  });

  it('fills digits up where the element, else the format, else the specification says', () => {
    const card = (fill: string): string => `0200 0000020000000000 ${fill}`;
    exports.useSpec(SPECS.indexOf('unionpay-terminal'));
    exports.useHeader(0, 0, 0, 0);
    assert.equal(exports.parse(guest.put(bytesOf(card('0010')))), 0);
    assert.equal(textOf(guest, find(guest, 'DE23')), '010');
    assert.equal(exports.parse(guest.put(bytesOf(card('0110')))), 0);
    assert.equal(exports.parse(guest.put(bytesOf(card('1100')))), errorId('FIM-ISO-0006'));
    exports.fillAlike();
    assert.equal(exports.parse(guest.put(bytesOf(card('1100')))), 0);
    assert.equal(textOf(guest, find(guest, 'DE23')), '110');
    exports.define(23, FORMATS.indexOf('n'), 0, 3, DEFAULT, DEFAULT, 0, 1);
    assert.equal(exports.parse(guest.put(bytesOf(card('1100')))), errorId('FIM-ISO-0006'));
    // A track with digits padded at the left, where the specification pads tracks at the right.
    use(exports, BCD);
    exports.fillTracks(2);
    assert.equal(
      exports.parse(guest.put(bytesOf('0200 4000000020000000 05 012345 05 12345F'))),
      0,
      `element ${exports.errorElement()}`,
    );
    assert.equal(textOf(guest, find(guest, 'DE2')), '12345');
    assert.equal(textOf(guest, find(guest, 'DE35')), '12345');
  });

  it('refuses a shorter header that does not fit', () => {
    const style: Style = { ...SWITCH, network: 'short' };
    use(exports, style);
    const data = new Encoder(guest, style).message('0800', { 11: '000001' });
    assert.equal(exports.parse(guest.put(data)), 0);
    assert.equal(exports.messageOffset(), 41);
    assert.equal(exports.parse(guest.put(data.slice(0, 40))), errorId('FIM-ISO-0001'));
    assert.equal(exports.parse(guest.put(data.with(0, 40))), errorId('FIM-ISO-0008'));
    assert.equal(exports.parse(guest.put(data.with(5, data[5]! ^ 1))), errorId('FIM-ISO-0008'));
  });
});
