// Common logic of standalone mode and the operator: when a release differs, what is sent, what counters prove.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameRelease, numbered, progressOf, slotOf, vmsOf } from '../../envoy/release/index.ts';

const CONFIG = { version: '1.0', routes: [], generation: 3, hash: 'of an earlier text' };

test('another policy or another module is another release', () => {
  const release = { hash: 'h1', module: { sha256: 'm1' } };
  assert.ok(isSameRelease({ hash: 'h1', module: { sha256: 'm1' } }, release));
  assert.ok(!isSameRelease({ hash: 'h2', module: { sha256: 'm1' } }, release));
  assert.ok(!isSameRelease({ hash: 'h1', module: { sha256: 'm2' } }, release));
  assert.ok(!isSameRelease(undefined, release));
});

test('proxies get the configuration under its generation and hash', () => {
  assert.deepEqual(numbered({ config: CONFIG, hash: 'h' }, 17), {
    version: '1.0',
    routes: [],
    generation: 17,
    hash: 'h',
  });
});

test('all VMs prove a generation, fewer do not, and a refusal counts until then', () => {
  const before = { configured: 5, refused: 2 };
  const vms = vmsOf(2);
  assert.equal(vms, 4);
  assert.equal(vmsOf(2, 3), 12);
  const cases: [configured: number, refused: number, progress: string][] = [
    [5, 2, 'pending'],
    [8, 2, 'pending'],
    [8, 3, 'refused'],
    [9, 2, 'proven'],
    [9, 3, 'proven'],
  ];
  for (const [configured, refused, progress] of cases)
    assert.equal(progressOf(vms, before, { configured, refused }), progress, `${configured} ${refused}`);
});

test('generations use the counters of the modules in turn', () => {
  assert.equal(slotOf(7), 7);
  assert.equal(slotOf(16), 0);
  assert.equal(slotOf(33), 1);
});
