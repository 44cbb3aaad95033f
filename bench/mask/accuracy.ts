// Counts planted values that are found, and findings where nothing is.
import { cleanTraffic } from '../../test/fuzz/clean-traffic.ts';
import { Random } from '../../test/fuzz/guest.ts';
import { ENCODINGS, plant, PLANTED_KINDS, withLuhn } from '../../test/fuzz/planted.ts';
import { CONTENT_KINDS, ScannerGuest, setOf } from '../../test/fuzz/scanner-guest.ts';
import { PLAIN, PRESIDIO } from './patterns.ts';

/** Kinds that a scan finds in a text, with the places (characters). */
type Scan = (text: string) => { kind: string; start: number; end: number }[];

function regexScan(patterns: readonly (readonly [string, string])[], luhn: boolean): Scan {
  const compiled = patterns.map(([kind, pattern]) => [kind, new RegExp(pattern, 'gu')] as const);
  return (text) =>
    compiled.flatMap(([kind, pattern]) =>
      [...text.matchAll(pattern)]
        .filter((match) => {
          const digits = match[0].replaceAll(/[- ]/g, '');
          return !luhn || kind !== 'BankCard' || withLuhn(digits.slice(0, -1)) === digits;
        })
        .map((match) => ({ kind, start: match.index, end: match.index + match[0].length })),
    );
}

function ours(guest: ScannerGuest): Scan {
  const set = setOf(CONTENT_KINDS);
  return (text) => {
    const bytes = Buffer.from(text);
    const place = (at: number): number => bytes.toString('utf8', 0, at).length;
    return guest.scan(bytes, set).map(({ kind, start, end }) => ({ kind, start: place(start), end: place(end) }));
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Prints the table of accuracy. `values`: planted values of each kind. */
export function printAccuracy(guest: ScannerGuest, values: number, megabytes: number): void {
  const presidio = regexScan(PRESIDIO, true);
  const plain = regexScan(PLAIN, false);
  const fim = ours(guest);
  const random = new Random(15);
  const traffic = Array.from({ length: megabytes * 10 }, () => cleanTraffic(random, 100_000));
  const wrong = (scan: Scan): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const text of traffic) for (const { kind } of scan(text)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts;
  };
  const scans = [fim, plain, presidio] as const;
  const wrongs = scans.map(wrong);
  console.log(
    '| kind | found: FIM | plain patterns | Presidio | found wrongly per MB: FIM | plain patterns | Presidio |',
  );
  console.log('|---|---|---|---|---|---|---|');
  for (const kind of PLANTED_KINDS) {
    const found = scans.map(() => 0);
    for (let i = 0; i < values; i++) {
      const { before, text, after } = plant(random, kind, ENCODINGS[i % ENCODINGS.length]!);
      const end = before.length + text.length;
      scans.forEach((scan, s) => {
        const hit = scan(before + text + after).some(
          (one) => one.kind === kind && one.start <= before.length && one.end >= end,
        );
        if (hit) found[s]! += 1;
      });
    }
    const known = [true, PLAIN.some(([name]) => name === kind), PRESIDIO.some(([name]) => name === kind)];
    const shares = found.map((count, s) => (known[s] ? percent(count / values) : '–'));
    const rates = wrongs.map((counts, s) => (known[s] ? ((counts.get(kind) ?? 0) / megabytes).toFixed(1) : '–'));
    console.log(`| ${kind} | ${shares.join(' | ')} | ${rates.join(' | ')} |`);
  }
}
