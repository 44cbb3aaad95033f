// A CBC record is judged in constant work: whatever its padding and its code are, right or wrong, the same branches are
// taken and the same addresses read.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { Tracer } from '../crypto/trace/tracer.ts';
import { compileModule, startGuest, type GuestExports } from './guest.ts';

interface RecordExports extends GuestExports {
  prepare(length: number): void;
  open(length: number): number;
}

const CODE_BYTES = 32;

/** Content, code, padding: a record before encryption. `padding` is the value of its bytes. */
function plain(size: number, padding: number): Buffer {
  const content = Buffer.alloc(size - CODE_BYTES - 1 - padding, 0x61);
  const header = Buffer.alloc(13);
  header[8] = 23;
  header.writeUInt16BE(0x0101, 9);
  header.writeUInt16BE(content.length, 11);
  const code = createHmac('sm3', Buffer.alloc(32)).update(header).update(content).digest();
  return Buffer.concat([content, code, Buffer.alloc(padding + 1, padding)]);
}

function changed(record: Buffer, fromEnd: number): Buffer {
  const copy = Buffer.from(record);
  copy[copy.length - fromEnd]! ^= 0x40;
  return copy;
}

function put(guest: RecordExports, record: Buffer): void {
  const at = guest.room(1) >>> 0; // before the memory is looked at: it may grow
  new Uint8Array(guest.memory.buffer).set(record, at + 16);
  guest.prepare(record.length);
}

const tracer = new Tracer<RecordExports>(
  new Uint8Array(await compileModule('test/fuzz/tlcp-record')),
  (module) => startGuest<RecordExports>(module),
  (guest) => guest,
);

for (const size of [48, 64, 128, 320, 1024]) {
  describe(`records of ${size} bytes`, () => {
    const most = Math.min(size - CODE_BYTES - 1, 255);
    const good = plain(size, 15);
    const cases: Record<string, [Buffer, number]> = {
      'right, padding of 16': [good, size - CODE_BYTES - 16],
      'right, padding of one': [plain(size, 0), size - CODE_BYTES - 1],
      'right, the longest padding': [plain(size, most), size - CODE_BYTES - 1 - most],
      'wrong code': [changed(good, 17), -1],
      'wrong first byte of the padding': [changed(good, 16), -1],
      'wrong last byte': [changed(good, 1), -1],
      'wrong both': [changed(changed(good, 20), 9), -1],
      'a padding that is longer than the record': [Buffer.concat([good.subarray(0, -1), Buffer.from([255])]), -1],
      zeros: [Buffer.alloc(size), -1],
    };
    for (const [name, [record, length]] of Object.entries(cases)) {
      it(`${name}: the work of the first`, () => {
        let opened = -2;
        const run = (guest: RecordExports): void => void (opened = guest.open(size));
        assert.equal(tracer.difference(good, record, run, put), undefined);
        tracer.trace(record, run, put);
        assert.equal(opened, length);
      });
    }
  });
}

it('records of other lengths take other work, so the trace is not blind', () => {
  const run = (guest: RecordExports, record: Buffer): void => void guest.open(record.length);
  assert.notEqual(tracer.difference(plain(64, 15), plain(1024, 15), run, put), undefined);
});
