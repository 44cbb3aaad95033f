// Time that masking adds to a message that is indexed anyway, for the validator or for masking alone.
import assert from 'node:assert/strict';
import { compileGuest, type GuestExports } from '../../test/fuzz/guest.ts';
import { CONTENT_KINDS } from '../../test/fuzz/scanner-guest.ts';
import { print, speeds, type Subject } from '../message/measure.ts';

interface MaskerExports extends GuestExports {
  configure(length: number, direction: number): number;
  mask(length: number): number;
  indexMany(length: number, times: number): number;
  maskMany(length: number, times: number): number;
}

const RESPONSE = 1;
/** Rules by name for fields of the bench's messages: some 1 % of their bytes, and fields that are not there. */
const FIELDS = ['productCode', 'branchNo', 'cardNo', 'idNo', 'custName'].map((name) => ({ name }));
const DETECT = CONTENT_KINDS.map((kind) => ({ kind, response: true }));

/** Prints the speed of the index alone, and of the index with masking by field and by content. */
export async function benchMessage(clean: string): Promise<Record<string, number>> {
  const bytes = new TextEncoder().encode(clean);
  const subjects: Subject[] = [];
  for (const [name, config, result] of [
    ['index and five fields', { fields: FIELDS }, 1],
    ['index and all kinds', { detect: DETECT }, 0],
    ['index, five fields, all kinds', { fields: FIELDS, detect: DETECT }, 1],
  ] as const) {
    // One plan at a time is in a module.
    const { guest, length } = await start(config, bytes);
    assert.equal(guest.exports.mask(length), result, name);
    subjects.push([name, (times) => void guest.exports.maskMany(length, times)]);
  }
  const { guest, length } = await start({}, bytes);
  assert.equal(guest.exports.indexMany(length, 1), 0);
  subjects.unshift(['index alone', (times) => void guest.exports.indexMany(length, times)]);
  const row = speeds(subjects, bytes.length);
  print('64 KiB of JSON as a message', row);
  const over = (name: string): string => (row['index alone']! / row[name]!).toFixed(2);
  const alone = 1 / (1 / row['index and all kinds']! - 1 / row['index alone']!);
  console.log(
    `by field ${over('index and five fields')} of the index; all kinds add what ${alone.toFixed(0)} MB/s would take`,
  );
  return row;
}

async function start(config: object, bytes: Uint8Array) {
  const guest = await compileGuest<MaskerExports>('test/fuzz/masker');
  assert.equal(guest.exports.configure(guest.put(JSON.stringify(config)), RESPONSE), 0);
  return { guest, length: guest.put(bytes) };
}
