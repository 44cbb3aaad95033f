// The masker against its README in TypeScript, on random documents and policies; and on texts with mistakes: no trap,
// no hang, no growth.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bestMs, caseCount, compileGuest, type GuestExports, Random } from './guest.ts';
import { maskJson, type MaskConfig, type MaskField } from './masker-oracle.ts';
import { jsonText, mutate, parsePlain, plain, randomJson } from './documents.ts';

interface MaskerExports extends GuestExports {
  configure(length: number, direction: number): number;
  mask(length: number): number;
  outPointer(): number;
  outLength(): number;
  held(): number;
}

const UNCHANGED = 0;
const CHANGED = 1;
const RESPONSE = 1;

const guest = await compileGuest<MaskerExports>('test/fuzz/masker');
const { exports } = guest;

const NAMES = ['a', 'b', 'card', 'id', 'phone', 'x y', "q'uote", 'c/d', '中', '😀', ''];
const KINDS = ['Generic', 'IdCard', 'BankCard', 'Phone', 'Name', 'Email', 'Address'] as const;
const STRINGS = [
  '',
  'a',
  '张',
  '张三丰',
  '北京市朝阳区建国路八十八号',
  '13800138000',
  'zhang@example.com',
  '张三@例子.中国',
  '@',
  'a@b',
  'a@b.c',
  'a@b@c.de',
  'a@b.c1',
  '"\\\u0001\n',
  '😀😀😀',
  'true',
  '6222021234567894',
  '6222021234567895',
  '4111111111111111',
  '11010519491231002X',
  '11010519491231002x',
  '110105194912310021',
  '440524188001010014',
  '6222 0212 3456 7894',
  '6222-0212-3456-7894-123',
  '卡号6222021234567894，证件11010519491231002X。',
  'a4111111111111111',
  '6222\u00a00212\u00a03456\u00a07894',
  '6222–0212–3456–7894',
  '6222.0212.3456.7894',
  '6222  0212 3456  7894',
  '3782-822463-10005',
  '3056 930902 5904x',
  '621785 7600008050804',
  '621785.7600008050804',
  '６２２２０２１２３４５６７８９４',
  '６２２２　０２１２　３４５６　７８９４',
  '6222021234567890',
  '8100 0000 0000 0001 234',
  '0,4111111111111111',
  '1.234,4111111111111111',
  '4111111111111111,25',
  '4111111111111111,123',
  '-4111111111111111,123',
  '2588804228494,6265',
  '36006666333344,123',
  '6222021234567894,4111111111111111',
  '4111111111111111 4111111111111111',
  '4222 2222 2222 2',
  '4222 2222 2222 2x',
  '1234 6222 0212 3456 7894 1000',
  '2026112219313508',
  '2223003122003222',
  '01234567890123456789',
  '4111111111111111x',
  '6200 0000 0000 0000 000',
  '6200-0000-0000-0000-000-1',
  '11010519491231002XY',
  '****',
  'x'.repeat(40),
  '*'.repeat(17),
  '62220212345678\n94',
  '６２２２０２１２３４５６７８９４',
  '4111111111111111\u00004111111111111111',
  '0.4111111111111111',
  '-.4111111111111111',
  '30.411111111111111',
  '4111111111111111.5',
  '4111111111111111.00',
  'No.4111111111111111',
  'a_4111111111111111',
  '4111111111111111_',
  '4111111111111111.',
  '..4111111111111111',
];
const NUMBERS = [
  '0',
  '-1',
  '1.50',
  '1e5',
  '13800138000',
  '6222021234567894',
  '6222021234567895',
  '-6222021234567894',
  '0.6222021234567894',
  '110105194912310021',
  '440524188001010014',
  '4222222222222',
  '12345678901234567890',
  '1763812296004',
];
const INGREDIENTS = { names: NAMES, strings: STRINGS, numbers: NUMBERS };

function pathOf(steps: (string | number | null)[]): string {
  return `$${steps.map((step) => (step === null ? '[*]' : typeof step === 'number' ? `[${step}]` : `['${step.replaceAll(/['\\]/g, '\\$&')}']`)).join('')}`;
}

function randomField(random: Random): MaskField {
  const field: MaskField = { kind: random.pick(KINDS) };
  if (random.chance(25)) field.method = random.chance(50) ? 'Full' : 'KeepFirstLast';
  if (random.chance(25)) field.keepFirst = random.below(9);
  if (random.chance(25)) field.keepLast = random.below(9);
  if (random.chance(20)) field.char = random.pick(['#', '●', '😀', '0']);
  const names = NAMES.filter((name) => name !== '');
  if (random.chance(50)) return { ...field, name: random.pick(names) };
  const steps = Array.from({ length: random.below(4) }, () =>
    random.chance(30) ? null : random.chance(30) ? random.below(3) : random.pick(names),
  );
  return { ...field, steps, path: pathOf(steps) };
}

function randomConfig(random: Random): MaskConfig {
  const detect = [{ kind: 'IdCard' as const }, { kind: 'BankCard' as const }].filter(() => random.chance(60));
  return { fields: Array.from({ length: random.below(4) }, () => randomField(random)), detect };
}

function configure(config: MaskConfig): void {
  const section = { fields: config.fields.map(({ steps: _steps, ...field }) => field), detect: config.detect };
  assert.equal(exports.configure(guest.put(JSON.stringify(section)), RESPONSE), 0, JSON.stringify(section));
}

/** The masked text; the same text if nothing was hidden. */
function mask(text: string): string {
  const outcome = exports.mask(guest.put(text));
  assert.ok(outcome === UNCHANGED || outcome === CHANGED, `outcome ${outcome} of ${text}`);
  return outcome === UNCHANGED ? text : guest.text(exports.outPointer(), exports.outLength());
}

describe('the masker', () => {
  it('does what its README says, and no more, on random documents', (t) => {
    const random = new Random(20241105);
    const policies = caseCount(20_000) / 20;
    let changed = 0;
    for (let i = 0; i < policies; i++) {
      const config = randomConfig(random);
      configure(config);
      for (let j = 0; j < 20; j++) {
        const document = randomJson(random, INGREDIENTS, 4);
        const text = jsonText(random, document);
        const expected = plain(maskJson(document, config));
        const about = `${JSON.stringify(config)}\n${text}`;
        const got = mask(text);
        assert.deepEqual(parsePlain(got), expected, about);
        if (got === text) continue;
        changed++;
        const again = mask(got);
        if (config.detect.length === 0 && config.fields.every((field) => field.char === undefined))
          assert.deepEqual(parsePlain(again), expected, `twice: ${about}`);
      }
    }
    t.diagnostic(`${policies * 20} documents, ${changed} changed`);
    assert.ok(changed > policies, 'the documents hold too little to hide');
  });

  it('changes no decimal number, whatever its digits', () => {
    // A double with a fraction or an exponent. Without them it is a whole number, and one in ten has the digits of a
    // card.
    const random = new Random(754);
    configure({ fields: [], detect: [{ kind: 'IdCard' }, { kind: 'BankCard' }] });
    const bits = new DataView(new ArrayBuffer(8));
    const double = (): string => {
      bits.setUint32(0, random.below(2 ** 32));
      bits.setUint32(4, random.below(2 ** 32));
      const unit = random.below(2 ** 32) / 2 ** 32 + random.below(2 ** 21) / 2 ** 53;
      const text = String(
        random.chance(30)
          ? bits.getFloat64(0)
          : random.chance(50)
            ? unit
            : (random.chance(50) ? 1 : -1) * unit * 10 ** random.below(17),
      );
      return /[.e]/.test(text) ? text : `${text}.5`;
    };
    for (let i = 0; i < 1000; i++) {
      const text = JSON.stringify({
        strings: Array.from({ length: 100 }, double),
        // A card of 14 digits and its code look like some of them: those are masked.
        commas: Array.from({ length: 100 }, () => double().replace('.', ',')).filter(
          (number) => !/^3\d{13},\d{3}$/.test(number),
        ),
        prose: `rate ${double()}, or ${double()}`,
      });
      assert.equal(mask(text), text);
    }
  });

  it('lets nothing of a hidden value through, however deep and however written', () => {
    const random = new Random(7);
    configure({ fields: [{ kind: 'Generic', name: 'secret' }], detect: [] });
    const secret = {
      names: NAMES,
      strings: ['sEcReT', 'sEcReT"\\\n', '中sEcReT中'],
      numbers: ['90909', '-90909.5', '9.0909e4'],
    };
    const open = { names: NAMES, strings: ['open-1', 'open-2'], numbers: ['1'] };
    for (let i = 0; i < 2000; i++) {
      const document = new Map([
        ['before', randomJson(random, open, 3)],
        ['secret', randomJson(random, secret, 5)],
        ['after', 'open-3'],
      ]);
      const got = mask(jsonText(random, [document, [document]]));
      const parsed = JSON.stringify(parsePlain(got));
      for (const text of [got, parsed]) assert.doesNotMatch(text.replaceAll('"secret"', ''), /sE|cR|0909/, got);
      assert.equal(parsed.split('open-3').length, 3, got);
    }
  });

  it('survives texts with mistakes, in bounded memory', () => {
    const random = new Random(99);
    const cases = caseCount(20_000);
    let noJson = 0;
    let pages = 0;
    for (let i = 0; i < cases; i++) {
      if (i % 500 === 0) configure(randomConfig(random));
      const bytes = mutate(random, jsonText(random, randomJson(random, INGREDIENTS, 3)));
      const outcome = exports.mask(guest.put(bytes));
      assert.ok(outcome >= -1 && outcome <= 1, `outcome ${outcome}`);
      if (outcome === -1) noJson++;
      else if (outcome === CHANGED) JSON.parse(guest.text(exports.outPointer(), exports.outLength()));
      if (i === cases >> 1) pages = guest.pages;
    }
    assert.ok(noJson > cases / 10, 'too few mistakes');
    assert.equal(guest.pages, pages, 'memory grew');
  });

  it('takes linear time', () => {
    configure({ fields: [{ kind: 'Generic', name: 'n' }], detect: [{ kind: 'IdCard' }, { kind: 'BankCard' }] });
    const unit = '{"n":"secret","t":"1234 1234 1234 1234 123 12345678901234567 6222-0212-"},';
    const time = (times: number): number => {
      const length = guest.put(`[${unit.repeat(times)}null]`);
      return bestMs(5, () => assert.equal(exports.mask(length), CHANGED));
    };
    time(2000);
    const small = time(2000);
    const large = time(32_000);
    assert.ok(large < small * 16 * 4, `${small} ms, 16 times as much ${large} ms`);
  });
});
