// npm run bench message [--json FILE]: JSON against JSON.parse and assemblyscript-json, XML against fast-xml-parser,
// forms against URLSearchParams; ISO 8583; patterns; compressed bodies against zlib; the route index is timed in its
// tests.
// Every result is checked before it is timed. Times are those that the thread computed;
// the rounds of all subjects take turns, and the best of each is kept: noise only adds.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { RE2JS } from 're2js';
import { compileGuest, type GuestExports } from '../../test/fuzz/guest.ts';
import { type JsonExports, valueAt } from '../../test/fuzz/json-guest.ts';
import { benchCompression } from './compression.ts';
import { message, SIZES } from './documents.ts';
import { benchIso8583 } from './iso8583.ts';
import { print, ROUNDS, speeds } from './measure.ts';
import { benchForms, benchXml } from './xml.ts';

interface BaselineExports extends GuestExports {
  parseMany(length: number, times: number): number;
}

interface PatternExports extends GuestExports {
  compile(length: number): number;
  matchMany(length: number, times: number): number;
}

async function benchJson(): Promise<Record<string, Record<string, number>>> {
  const index = await compileGuest<JsonExports>('test/fuzz/json');
  const baseline = await compileGuest<BaselineExports>('bench/message/assemblyscript-json');
  const results: Record<string, Record<string, number>> = {};
  for (const size of SIZES) {
    for (const [chinese, pretty] of [
      [false, false],
      [true, false],
      [false, true],
    ] as const) {
      const text = message(size, chinese, pretty);
      const bytes = new TextEncoder().encode(text);
      const decoder = new TextDecoder();
      const length = index.put(bytes);
      assert.equal(index.exports.parse(length), 0);
      assert.deepEqual(valueAt(index, index.exports.root()), JSON.parse(text));
      assert.equal(baseline.exports.parseMany(baseline.put(bytes), 1), 3);
      index.put(bytes);
      const title = `${bytes.length} bytes${chinese ? ', Chinese' : ''}${pretty ? ', indented' : ''}`;
      results[title] = speeds(
        [
          ['index', (times) => void index.exports.parseMany(length, times)],
          [
            'JSON.parse',
            (times) => {
              for (let i = 0; i < times; i++) JSON.parse(text);
            },
          ],
          [
            'decode+JSON.parse',
            (times) => {
              for (let i = 0; i < times; i++) JSON.parse(decoder.decode(bytes));
            },
          ],
          ['assemblyscript-json', (times) => void baseline.exports.parseMany(length, times)],
        ],
        bytes.length,
      );
      print(title, results[title]);
    }
  }
  return results;
}

async function benchPatterns(): Promise<Record<string, Record<string, number>>> {
  const guest = await compileGuest<PatternExports>('test/fuzz/pattern');
  const results: Record<string, Record<string, number>> = {};
  const cases: [pattern: string, text: string][] = [
    ['^01[0-9]{6}$', '01000001'],
    ['^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$', 'BKCHCNBJ110'],
    ['^[0-9A-Za-z,.()/=!"%&*<>;@ ]{1,140}$', 'REDEMPTION OF FUND SHARES TO THE ACCOUNT ON FILE, SEE CONTRACT 2023/117'],
    ['(fund|bond)-[0-9]+', `${'nothing of interest here '.repeat(40)}fund-77`],
  ];
  for (const [pattern, text] of cases) {
    const re2 = RE2JS.compile(pattern);
    const native = new RegExp(pattern, 'u');
    assert.equal(guest.exports.compile(guest.put(pattern)), 0);
    const length = guest.put(text);
    assert.equal(guest.exports.matchMany(length, 1), 1);
    assert.ok(re2.matcher(text).find() && native.test(text));
    results[pattern] = speeds(
      [
        ['pattern', (times) => void guest.exports.matchMany(length, times)],
        [
          'RegExp',
          (times) => {
            for (let i = 0; i < times; i++) native.test(text);
          },
        ],
        [
          're2js',
          (times) => {
            for (let i = 0; i < times; i++) re2.matcher(text).find();
          },
        ],
      ],
      length,
    );
    print(`${pattern.slice(0, 24)} on ${length} bytes`, results[pattern]);
  }
  return results;
}

export async function main(args: string[]): Promise<void> {
  console.log(`MB/s, best of ${ROUNDS} rounds; Node ${process.version}, V8 ${process.versions.v8}\n`);
  const results = {
    json: await benchJson(),
    xml: await benchXml(),
    forms: await benchForms(),
    iso8583: await benchIso8583(),
    patterns: await benchPatterns(),
    compression: await benchCompression(),
  };
  const at = args.indexOf('--json');
  const file = at < 0 ? undefined : args[at + 1];
  if (file !== undefined) await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
}
