// The masker looks for places in a whole message at once. What it finds must be what it finds in each value alone.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { cleanTraffic } from './clean-traffic.ts';
import { caseCount, compileGuest, type GuestExports, Random, seedOf } from './guest.ts';
import { ENCODINGS, plant, PLANTED_KINDS } from './planted.ts';
import { CONTENT_KINDS } from './scanner-guest.ts';

interface MaskerExports extends GuestExports {
  configure(length: number, direction: number): number;
  mask(length: number): number;
  outPointer(): number;
  outLength(): number;
}

const CHANGED = 1;
const RESPONSE = 1;
const NAMES = ['a', 'xm', 'orderNo', 'realName', 'home_address', '姓名', 'passportNo', 'tel', 'apiKey', '客户', 'id'];
/** Shorter and longer than the blocks that are looked at together. */
const GAPS = [0, 1, 2, 15, 16, 40, 47, 48, 49, 55, 56, 57, 100];

const guest = await compileGuest<MaskerExports>('test/fuzz/masker');

function masked(text: string): string {
  const result = guest.exports.mask(guest.put(text));
  assert.ok(result === 0 || result === CHANGED, `${result}: ${text}`);
  return result === CHANGED ? guest.text(guest.exports.outPointer(), guest.exports.outLength()) : text;
}

function configure(config: object): void {
  assert.equal(guest.exports.configure(guest.put(JSON.stringify(config)), RESPONSE), 0);
}

function randomText(random: Random): string {
  if (random.chance(30)) return cleanTraffic(random, 1).slice(0, random.below(120));
  if (random.chance(20)) return ' '.repeat(random.pick(GAPS));
  const { before, text, after } = plant(random, random.pick(PLANTED_KINDS), random.pick(ENCODINGS));
  return random.chance(50) ? text : before + text + after;
}

const detect = CONTENT_KINDS.map((kind) => ({ kind, response: true }));
const detectors = [{ name: 'contract', pattern: '(?i)ht-?[0-9]{6}', way: {}, response: true }];

for (const [title, config] of [
  ['detection', { detect }],
  ['detection with a detector of a house', { detect, detectors }],
] as const)
  it(`finds in a message what it finds in each of its values: ${title}`, (t) => {
    configure(config);
    const random = new Random(seedOf(56));
    let values = 0;
    let hidden = 0;
    for (let i = caseCount(2_000); i > 0; i--) {
      const members = Array.from({ length: 1 + random.below(12) }, (): [string, string] => {
        const value = random.chance(10) ? `HT-${100_000 + random.below(900_000)}` : randomText(random);
        const number = random.chance(10) && /^[1-9][0-9]{0,18}$/.test(value);
        return [JSON.stringify(random.pick(NAMES)), number ? value : JSON.stringify(value)];
      });
      const space = random.pick(['', ' ', '\n  ']);
      // Objects of one member: names may come again.
      const objects = members.map(([name, value]) => `{${space}${name}:${space}${value}}`);
      const whole = `[${objects.join(`,${space}`)}${space}]`;
      const alone = `[${objects.map(masked).join(`,${space}`)}${space}]`;
      assert.equal(masked(whole), alone, whole);
      values += objects.length;
      hidden += objects.filter((object) => masked(object) !== object).length;
    }
    assert.ok(hidden > values / 4);
    t.diagnostic(`${values} values, ${hidden} with something hidden`);
  });
