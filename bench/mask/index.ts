// npm run bench -- mask [--accuracy] [--values N] [--json FILE]: finding personal data by content, against regular
// expressions: the regex crate in WebAssembly, RE2 in JavaScript, V8's own with Presidio's patterns; with detectors of a
// house; and masking over the index of the message. `--accuracy` prints what is found of planted values and what is
// found where nothing is.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { RE2JS } from 're2js';
import { cleanTraffic } from '../../test/fuzz/clean-traffic.ts';
import { Random } from '../../test/fuzz/guest.ts';
import { cardNumber, idNumber } from '../../test/fuzz/planted.ts';
import { CONTENT_KINDS, ScannerGuest, setOf } from '../../test/fuzz/scanner-guest.ts';
import { print, speeds, type Subject } from '../message/measure.ts';
import { printAccuracy } from './accuracy.ts';
import { benchHouse } from './house.ts';
import { benchMessage } from './message.ts';
import { PLAIN, PRESIDIO } from './patterns.ts';
import { RustScan } from './rust-scan.ts';

const BYTES = 64 * 1024;
/** One byte in a hundred belongs to a value: one of 18 bytes in each 1,800. */
const VALUE_EVERY = 1800;

/** 64 KiB of JSON in which nothing is found. */
function withoutHits(guest: ScannerGuest, set: number): string {
  const random = new Random(64);
  const lines: string[] = [];
  let size = 0;
  while (size < BYTES) {
    const line = cleanTraffic(random, 1);
    if (!line.startsWith('{') || guest.scan(line, set).length !== 0) continue;
    lines.push(line);
    size += Buffer.byteLength(line) + 1;
  }
  return `[${lines.join(',')}]`;
}

function withHits(text: string): [text: string, hits: number] {
  const random = new Random(1);
  let hits = 0;
  const parts: string[] = [];
  const lines = text.slice(1, -1).split(',"');
  let size = 0;
  for (const line of lines) {
    parts.push(line);
    size += line.length;
    if (size < VALUE_EVERY || /[{[\\]/.test(line)) continue;
    parts.push(`x":"${random.chance(50) ? idNumber(random) : cardNumber(random)}"`);
    hits++;
    size = 0;
  }
  return [`[${parts.join(',"')}]`, hits];
}

/** Runs the bench. */
export async function main(args: readonly string[]): Promise<void> {
  const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const guest = await ScannerGuest.start();
  if (args.includes('--accuracy')) return printAccuracy(guest, Number(option('--values') ?? '2000'), 10);
  const all = setOf(CONTENT_KINDS);
  const clean = withoutHits(guest, all);
  const [planted, hits] = withHits(clean);
  assert.equal(guest.scan(clean, all).length, 0);
  assert.ok(hits > 20 && guest.scan(planted, all).length >= hits, 'the planted values are found');
  const joined = PLAIN.map(([, pattern]) => `(?:${pattern})`).join('|');
  const rust = await RustScan.start(joined);
  const re2 = RE2JS.compile(joined);
  const presidio = PRESIDIO.map(([, pattern]) => new RegExp(pattern, 'gu'));
  const results: Record<string, Record<string, number>> = {};
  for (const [title, text] of [
    ['64 KiB of JSON, no hits', clean],
    ['64 KiB of JSON, 1 % found', planted],
  ] as const) {
    const bytes = new TextEncoder().encode(text);
    const length = guest.guest.put(bytes);
    const scan =
      (set: number) =>
      (times: number): void =>
        void guest.guest.exports.scanMany(length, set, times);
    rust.put(bytes);
    const subjects: Subject[] = [
      ['FIM, all kinds', scan(all)],
      ['FIM, cards and identity numbers', scan(setOf(['IdCard', 'BankCard']))],
      ...['Email', 'LicencePlate', 'SocialCreditCode', 'Name'].map((kind): Subject => [
        `all but ${kind}`,
        scan(setOf(CONTENT_KINDS.filter((one) => one !== kind))),
      ]),
      ['regex crate', (times) => void rust.scan(times)],
      [
        'Presidio (V8)',
        (times) => {
          for (let i = 0; i < times; i++)
            for (const pattern of presidio) for (const match of text.matchAll(pattern)) void match;
        },
      ],
      [
        're2js',
        (times) => {
          for (let i = 0; i < times; i++) {
            const matcher = re2.matcher(text);
            while (matcher.find());
          }
        },
      ],
    ];
    results[title] = speeds(subjects, bytes.length);
    print(title, results[title]);
  }
  results['detectors of a house'] = await benchHouse(clean);
  results['message'] = await benchMessage(clean);
  const file = option('--json');
  if (file !== undefined) await writeFile(file, JSON.stringify(results, null, 2));
}
