// ISO 8583 messages with chip data, read to fields and judged by the tag dictionary: messages a second.
import assert from 'node:assert/strict';
import { bestMs, compileGuest } from '../../test/fuzz/guest.ts';
import { ASCII, Encoder, type IsoExports, type Style, TERMINAL, use } from '../../test/fuzz/iso8583-encoder.ts';
import { fieldsOf } from '../../test/fuzz/tree-guest.ts';

const TIMES = 20_000;
const ROUNDS = 5;
/** Typical element 55 of an acquirer: 20 objects. */
const CHIP =
  '9F2608A1B2C3D4E5F607189F2701809F101307010103A0A802010A010000000000B5A7A3C49F3704123456789F36020045950500800460009A032408019C01009F02060000000100005F2A02015682027C009F1A0201569F03060000000000009F330360E8C89F34030203009F3501229F1E0831323334353637388408A0000003330101019F090200309F410400000012';
const VALUES: Record<string, string> = {
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
  55: CHIP,
  60: '22000001000501',
  64: '0102030405060708',
};

/** Messages a second by style, and what one takes. */
export async function benchIso8583(): Promise<Record<string, number>> {
  const guest = await compileGuest<IsoExports>('test/fuzz/iso8583');
  const results: Record<string, number> = {};
  const styles: [name: string, style: Style][] = [
    ['terminal (BCD)', TERMINAL],
    ['ASCII', ASCII],
  ];
  for (const [name, style] of styles) {
    use(guest.exports, style);
    const data = new Encoder(guest, style).message('0200', VALUES);
    const length = guest.put(data);
    assert.equal(guest.exports.parse(length), 0);
    assert.equal(guest.exports.mistakes(), 0);
    const fields = Object.fromEntries(fieldsOf(guest, guest.exports.root()));
    for (const [element, value] of Object.entries(VALUES))
      if (element !== '55') assert.equal(fields[`DE${element}`], value);
    assert.equal((fields['DE55'] as unknown[]).length, 20);
    const one = bestMs(ROUNDS, () => assert.equal(guest.exports.parseMany(length, TIMES), 0)) / TIMES;
    results[name] = Math.round(1000 / one);
    console.log(
      `${`ISO 8583, ${name}, ${data.length} bytes`.padEnd(34)} ${(one * 1000).toFixed(2)} µs   ${results[name]?.toLocaleString('en')} messages/s with DE55 read and judged`,
    );
  }
  return results;
}
