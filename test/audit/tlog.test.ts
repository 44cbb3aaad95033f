// Proofs of a transparency log, by one that a real Tessera made (test/peers/audit makes them anew).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readCheckpoint } from '../../services/audit/checkpoint.ts';
import { provesEntry, readTlogCheckpoint, readTlogKey } from '../../services/audit/tlog.ts';

const VECTOR = JSON.parse(readFileSync('test/vectors/tessera-proof.json', 'utf8')) as {
  key: string;
  entry: string;
  proof: string;
};
const KEY = readTlogKey(VECTOR.key)!;

test('a proof of Tessera shows its entry, and nothing else', () => {
  const entry = Buffer.from(VECTOR.entry);
  assert.equal(provesEntry(VECTOR.proof, entry, KEY), true);
  assert.equal(readCheckpoint(VECTOR.entry)?.size, 10);
  const lines = VECTOR.proof.split('\n');
  const blank = lines.indexOf('');
  for (let at = 0; at <= blank + 5; at++) {
    if (at === blank || at === blank + 4) continue;
    const edited = lines.map((line, i) => (i === at ? flipped(line) : line)).join('\n');
    assert.equal(provesEntry(edited, entry, KEY), false, `line ${at}`);
  }
  assert.equal(provesEntry(lines.toSpliced(3, 1).join('\n'), entry, KEY), false);
  for (const other of ['', VECTOR.entry.slice(1), `${VECTOR.entry}x`])
    assert.equal(provesEntry(VECTOR.proof, Buffer.from(other), KEY), false);
  assert.equal(readTlogCheckpoint(lines.slice(blank + 1).join('\n'), KEY)?.size, 303);
});

test('a key that is none, or whose hash is another one, is not read', () => {
  for (const text of [
    '',
    'x',
    VECTOR.key.replace(/[0-9a-f]{8}/, '00000000'),
    VECTOR.key.slice(0, -6),
    ` ${VECTOR.key}x`,
  ])
    assert.equal(readTlogKey(text), null, text);
  assert.equal(readTlogKey(`${VECTOR.key}\n`)?.name, 'example.com/tlog');
});

/** The line with another character in its middle. */
function flipped(line: string): string {
  const at = line.length >> 1;
  return `${line.slice(0, at)}${line[at] === '0' ? '1' : '0'}${line.slice(at + 1)}`;
}
