// Chance for the fuzz tests of national TLS, and the memory that they may take.
import assert from 'node:assert/strict';
import { Random, seedOf } from './guest.ts';
import { tlcp } from './tlcp-guest.ts';

const PAGE_SLACK = 2;
const COLLECT_EVERY = 200;

export const random = new Random(seedOf(0x7c1b));

/** Changes a few bytes, or cuts, repeats or inserts a piece. Never the same as before. */
export function touched(bytes: Buffer): Buffer {
  if (bytes.length === 0) return Buffer.from([random.below(256)]);
  const copy = Buffer.from(bytes);
  const at = random.below(bytes.length);
  const to = at + 1 + random.below(bytes.length - at);
  const way = random.below(6);
  if (way === 0) return copy.subarray(0, at);
  if (way === 1) return Buffer.concat([copy.subarray(0, to), copy.subarray(at)]);
  if (way === 2) return Buffer.concat([copy.subarray(0, at), Buffer.from([random.below(256)]), copy.subarray(at)]);
  for (let i = random.below(3); i >= 0; i--)
    copy[random.below(copy.length)] = random.pick([0, 1, 127, 128, 255, random.below(256)]);
  if (copy.equals(bytes)) copy[at]! ^= 1 << random.below(8);
  return copy;
}

/** Runs cases; the memory that is held after the first is not exceeded by much at the end. */
export function steadily(cases: number, run: (i: number) => void): void {
  let pages = 0;
  for (let i = 0; i < cases; i++) {
    run(i);
    if (i % COLLECT_EVERY === COLLECT_EVERY - 1) tlcp.collect();
    if (i === 2 * COLLECT_EVERY) pages = tlcp.memory.buffer.byteLength / 65536;
  }
  if (pages > 0) assert.ok(tlcp.memory.buffer.byteLength / 65536 <= pages + PAGE_SLACK, 'memory grows');
}
