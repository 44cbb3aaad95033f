import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyOutcome } from '../../scripts/test/outcome.ts';
import { readRepetition, runRepeatedly } from '../../scripts/test/repeat.ts';
import type { Stage } from '../../scripts/test/stages.ts';

describe('repetition', () => {
  it('is read from the command line, wherever it stands', () => {
    assert.deepEqual(readRepetition(['operator', 'doors']), { repetition: undefined, rest: ['operator', 'doors'] });
    assert.deepEqual(readRepetition(['operator', '--times', '10', 'doors']), {
      repetition: { times: 10, besideLoad: false },
      rest: ['operator', 'doors'],
    });
    assert.deepEqual(readRepetition(['--beside-load', 'e2e']), {
      repetition: { times: 1, besideLoad: true },
      rest: ['e2e'],
    });
    for (const wrong of [['--times'], ['--times', '0'], ['--times', 'often']])
      assert.equal(typeof readRepetition(wrong), 'string', wrong.join(' '));
  });

  it('counts every round, and a failure of one at once', async () => {
    let rounds = 0;
    const stage: Stage = {
      name: 'a',
      about: '',
      tier: 'main',
      run: () =>
        Promise.resolve(
          ++rounds === 2
            ? {
                outcome: { ...emptyOutcome(), failed: 1, failures: [{ name: 'x', detail: 'late' }] },
                again: () => assert.fail('it is not to be run again'),
              }
            : { outcome: { ...emptyOutcome(), passed: 1 } },
        ),
    };
    const request = { names: [], optimize: false, print: () => undefined };
    const total = await runRepeatedly([stage], request, { times: 3, besideLoad: true });
    assert.deepEqual([total.passed, total.failed, total.failures[0]?.name], [2, 1, 'round 2: x']);
  });
});
