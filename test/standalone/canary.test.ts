// The judging of a canary and its state, without a proxy.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  begin,
  CanaryWindow,
  commanded,
  gatesOf,
  judged,
  NOTHING_COUNTED,
  readCounts,
  shareOf,
  sumOf,
  type CanaryState,
  type Counts,
  type Verdict,
} from '../../envoy/release/index.ts';

/** Counts of a proxy: requests that were answered, failed and were refused, all answered within so many milliseconds. */
function counts(canary: readonly number[], stable: readonly number[], within = ['1', '1'], died = 0): Counts {
  const of = (variant: string, [answered = 0, failed = 0, refused = 0]: readonly number[], bound: string) =>
    Object.entries({ answered, failed, refused })
      .map(([outcome, count]): [string, number] => [
        `wasmcustom.fim.variant.requests_total{variant=${variant},outcome=${outcome}}`,
        count,
      ])
      .concat([
        [`wasmcustom.fim.variant.took_total{variant=${variant},within=0.8}`, 0],
        [`wasmcustom.fim.variant.took_total{variant=${variant},within=${bound}}`, answered + failed],
      ]);
  return readCounts(
    new Map([
      ...of('canary', canary, within[0]!),
      ...of('stable', stable, within[1]!),
      ['wasm.fim.canary.vm_reload_success', died],
    ]),
  );
}

const verdictOn = (now: Counts, gates = {}): Verdict =>
  new CanaryWindow(gatesOf({ minRequests: 100, ...gates }), NOTHING_COUNTED).look(now);

describe('the verdict on a canary', () => {
  it('says nothing on too few requests of either', () => {
    assert.equal(verdictOn(counts([99], [1000])).kind, 'Inconclusive');
    assert.equal(verdictOn(counts([1000], [99])).kind, 'Inconclusive');
    assert.equal(verdictOn(counts([100], [100])).kind, 'Holds');
  });

  it('holds it to what the policy in force does in the same time', () => {
    const outage = [50, 50];
    assert.equal(verdictOn(counts(outage, outage)).kind, 'Holds', 'an upstream that fails for both');
    assert.equal(verdictOn(counts([95, 5], [100])).kind, 'Fails');
    assert.equal(verdictOn(counts([90, 0, 10], [100])).kind, 'Fails', 'refuses more');
    assert.equal(verdictOn(counts([100], [90, 0, 10])).kind, 'Fails', 'refuses less');
    assert.equal(verdictOn(counts([995, 5], [1000]), { errorRate: '0.4%' }).kind, 'Fails');
    assert.equal(verdictOn(counts([995, 5], [1000]), { errorRate: '0.6%' }).kind, 'Holds');
  });

  it('judges the 99th percentile as a time and as a share', () => {
    const slower = counts([1000], [1000], ['10', '8']);
    assert.equal(verdictOn(slower, { p99: '8ms' }).kind, 'Fails');
    assert.equal(verdictOn(slower, { p99: '10ms' }).kind, 'Holds');
    assert.equal(verdictOn(slower, { p99: '+20%' }).kind, 'Fails');
    assert.equal(verdictOn(slower, { p99: '+30%' }).kind, 'Holds');
    assert.equal(
      verdictOn(counts([1000], [1000], ['more', '8']), { p99: '60s' }).kind,
      'Fails',
      'longer than is told apart',
    );
  });

  it('fails it with the first machine that dies', () => {
    assert.equal(verdictOn(counts([1], [1], ['1', '1'], 1)).kind, 'Fails');
  });

  it('sees that it turned bad late', () => {
    const window = new CanaryWindow(gatesOf({ minRequests: 100, errorRate: '1%' }), NOTHING_COUNTED);
    assert.equal(window.look(counts([100_000], [100_000])).kind, 'Holds');
    assert.equal(window.look(counts([100_000, 100], [100_100])).kind, 'Fails');
  });

  it('adds up proxies', () => {
    assert.equal(verdictOn(sumOf([counts([60], [60]), counts([60], [60])])).kind, 'Holds');
  });
});

describe('the state of a canary', () => {
  const terms = { hash: { header: 'x-user' }, steps: [1, 25], interval: '30s' };
  const inForce: CanaryState = { ...begin('default/pay', 'r', 'b'), sinceMs: 0 };
  const holds = verdictOn(counts([100], [100]));
  const unsure = verdictOn(counts([1], [100]));
  const fails = verdictOn(counts([0, 100], [100]));

  it('goes on when the gates have held for the interval', () => {
    assert.equal(judged(terms, inForce, holds, 29_999).step, 0);
    const next = judged(terms, inForce, holds, 30_000);
    assert.deepEqual([next.step, next.phase, shareOf(terms, next)], [1, 'Progressing', 25]);
    assert.equal(judged(terms, next, holds, 1e9).step, 1, 'not before the step is in force');
    assert.equal(judged(terms, { ...next, sinceMs: 0 }, holds, 30_000).phase, 'Promoted');
  });

  it('is never promoted on what says nothing, however long it takes', () => {
    assert.deepEqual(
      [judged(terms, inForce, unsure, 1e12).step, judged(terms, inForce, unsure, 1e12).phase],
      [0, 'Progressing'],
    );
  });

  it('is promoted by nobody but a person where there are no steps', () => {
    const fixed = { hash: { header: 'x-user' }, percent: 5 };
    assert.equal(judged(fixed, inForce, holds, 1e12).phase, 'Progressing');
    const promoted = commanded(fixed, inForce, 'promote');
    assert.equal(typeof promoted === 'object' && promoted.phase, 'Promoted');
  });

  it('falls back, or pauses, at once; a pause by hand is still guarded', () => {
    assert.equal(judged(terms, inForce, fails, 1).phase, 'RolledBack');
    assert.equal(judged({ ...terms, onFailure: 'Pause' }, inForce, fails, 1).phase, 'Paused');
    const paused = commanded(terms, inForce, 'pause') as CanaryState;
    assert.equal(judged(terms, paused, holds, 1e12).phase, 'Paused');
    assert.equal(judged(terms, paused, fails, 1).phase, 'RolledBack');
  });

  it('has ended for good', () => {
    const ended = commanded(terms, inForce, 'abort') as CanaryState;
    assert.equal(commanded(terms, ended, 'step'), 'the canary is Aborted');
  });
});
