// Cost of a house's own detectors beside all kinds.
import assert from 'node:assert/strict';
import { HouseGuest } from '../../test/fuzz/house-guest.ts';
import { CONTENT_KINDS, setOf } from '../../test/fuzz/scanner-guest.ts';
import { print, speeds, type Subject } from '../message/measure.ts';

/** Numbers as houses have them: staff, contracts, customers, policies, terminals. */
const PATTERNS = [
  'E[0-9]{6}',
  '(?i)ht-[0-9]{4}-[0-9]{6}',
  'KH[0-9]{9}',
  'ZG[A-Z][0-9]{5}',
  'LN-?[0-9]{10}',
  'PL[0-9]{12}',
  'POS[0-9]{8}',
  'MCH[0-9]{9,12}',
  'ACC-[A-Z]{2}-[0-9]{8}',
  'CIF[0-9]{8}',
  'W[0-9]{7}X',
  'TR[0-9]{4}[A-Z]{4}',
  'GD[0-9]{4}/[0-9]{5}',
  'BX[0-9]{15}',
  'QY[A-Z0-9]{10}',
  '客户[0-9]{8}',
];
/** One number for each of the patterns, in their order. */
const VALUES =
  'E123456 HT-2026-123456 KH123456789 ZGA12345 LN1234567890 PL123456789012 POS12345678 MCH123456789 ' +
  'ACC-CN-12345678 CIF12345678 W1234567X TR1234ABCD GD1234/12345 BX123456789012345 QYAB12CD34EF 客户12345678';

/** Prints the speed of all kinds with no, one, four and sixteen detectors, and what each number of them costs. */
export async function benchHouse(clean: string): Promise<Record<string, number>> {
  const set = setOf(CONTENT_KINDS);
  const bytes = new TextEncoder().encode(clean);
  const subjects: Subject[] = [];
  for (const count of [0, 1, 4, 16]) {
    const guest = await HouseGuest.start();
    assert.equal(guest.take(PATTERNS.slice(0, count)), 0);
    assert.equal(guest.scan(VALUES).length, count === 0 ? 0 : count, `${count} detectors find their values`);
    const length = guest.guest.put(bytes);
    assert.equal(guest.guest.exports.scan(length, set), 0);
    subjects.push([`${count} detectors`, (times) => void guest.guest.exports.scanMany(length, set, times)]);
  }
  const row = speeds(subjects, bytes.length);
  print('64 KiB of JSON, detectors', row);
  const none = row['0 detectors']!;
  const costs = [1, 4, 16].map((count) => `${count}: ${((none / row[`${count} detectors`]! - 1) * 100).toFixed(0)} %`);
  console.log(`cost of detectors beside all kinds: ${costs.join(', ')}`);
  return row;
}
