// Detection by content against planted values, and against traffic without personal data.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cleanTraffic, double } from './clean-traffic.ts';
import { caseCount, Random } from './guest.ts';
import { ENCODINGS, plant, PLANTED_KINDS } from './planted.ts';
import { CONTENT_KINDS, ScannerGuest, setOf } from './scanner-guest.ts';

const scanner = await ScannerGuest.start();
const ALL = setOf(CONTENT_KINDS);
const bytes = (text: string): number => Buffer.byteLength(text);

describe('detection by content', () => {
  it('finds every planted value, whole and as what it is', (t) => {
    const random = new Random(15);
    const cases = Math.ceil(caseCount(20_000) / PLANTED_KINDS.length / ENCODINGS.length);
    const missed = new Map<string, string[]>();
    for (const kind of PLANTED_KINDS) {
      for (const encoding of ENCODINGS) {
        for (let i = 0; i < cases; i++) {
          const { before, text, after } = plant(random, kind, encoding);
          const whole = before + text + after;
          const start = bytes(before);
          const end = start + bytes(text);
          const found = scanner.scan(whole, ALL);
          if (found.some((one) => one.kind === kind && one.start === start && one.end === end)) continue;
          const list = missed.get(`${kind} ${encoding}`) ?? [];
          list.push(`${JSON.stringify(whole)} → ${JSON.stringify(found)}`);
          missed.set(`${kind} ${encoding}`, list);
        }
      }
    }
    t.diagnostic(`${cases * PLANTED_KINDS.length * ENCODINGS.length} values`);
    const report = [...missed].map(
      ([name, list]) => `${name}: ${list.length} of ${cases}\n  ${list.slice(0, 3).join('\n  ')}`,
    );
    assert.equal(report.join('\n'), '');
  });

  it('finds the same wherever a text stands in the blocks that are looked at together', () => {
    const random = new Random(48);
    for (let i = 0; i < 300; i++) {
      const parts = Array.from({ length: 1 + random.below(4) }, () => {
        const { before, text, after } = plant(random, random.pick(PLANTED_KINDS), random.pick(ENCODINGS));
        return random.chance(50) ? before + text + after : cleanTraffic(random, 1).slice(0, random.below(200));
      });
      // Behind the text stands what it could be taken to go on with, or nothing.
      const text = parts.join(random.pick([' ', ',', '"'])) + (random.chance(50) ? '' : ' '.repeat(64));
      const at = (blanks: number): string =>
        JSON.stringify(
          scanner
            .scan(' '.repeat(blanks) + text, ALL)
            .map(({ kind, start, end }) => [kind, start - blanks, end - blanks]),
        );
      const expected = at(16);
      for (let blanks = 17; blanks < 64; blanks++) assert.equal(at(blanks), expected, JSON.stringify(text));
    }
  });

  it('finds nothing in doubles that are written as strings', () => {
    const random = new Random(754);
    for (let i = 0; i < 100; i++) {
      const list = Array.from({ length: 200 }, () => double(random));
      for (const mark of ['.', '٫', '．']) {
        const text = JSON.stringify(list).replaceAll('.', mark);
        const found = scanner.scan(text, ALL);
        assert.deepEqual(
          found.map(({ kind, start, end }) => `${kind} ${Buffer.from(text).toString('utf8', start, end)}`),
          [],
        );
      }
    }
  });

  it('finds hardly anything in traffic without personal data', (t) => {
    const random = new Random(20);
    const megabytes = Number(process.env['FIM_TEST_MEGABYTES'] ?? '2');
    const found = new Map<string, string[]>();
    for (let i = 0; i < megabytes; i++) {
      const text = Buffer.from(cleanTraffic(random, 1_000_000));
      for (const { kind, start, end } of scanner.scan(text, ALL)) {
        const list = found.get(kind) ?? [];
        list.push(text.toString('utf8', Math.max(0, start - 20), end + 10));
        found.set(kind, list);
      }
    }
    const report = [...found].map(
      ([kind, list]) => `${kind} ${(list.length / megabytes).toFixed(2)} a megabyte: ${list.slice(0, 12).join('   ')}`,
    );
    t.diagnostic(report.join('\n'));
    const count = [...found.values()].reduce((sum, list) => sum + list.length, 0);
    assert.ok(count / megabytes < 5, report.join('\n'));
  });
});
