// Limits that all Envoys share: what the plugin gets of them, and where they are refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resource, translated } from './sample.ts';

const of = (limits: string, more = ''): string => `{rateLimit: {limits: [${limits}]}${more}}`;
const GLOBAL = 'requests: 100, period: 1m, scope: Global';

describe('global limits', () => {
  it('are refused where no service counts them, and say so in the condition', () => {
    const { routes, errors, conditions } = translated([resource('a', of(`{name: l, ${GLOBAL}}`))]);
    assert.deepEqual(
      errors.map(({ code, path }) => [code, path]),
      [['FIM-CFG-1096', '$.spec.rateLimit.limits[0].scope']],
    );
    assert.equal(routes.length, 0);
    assert.deepEqual(
      conditions['default/a']!.map(({ type, status }) => [type, status]),
      [
        ['Accepted', 'False'],
        ['Programmed', 'False'],
      ],
    );
  });

  it('one place makes ceiling and way out of onStoreFailure', () => {
    const limits = [
      `{name: local, ${GLOBAL}, burst: 20}`,
      `{name: half, ${GLOBAL}, ceiling: 50, onStoreFailure: Deny}`,
      `{name: open, ${GLOBAL}, onStoreFailure: Allow, overrides: [], key: [{method: true}]}`.replace(
        ', overrides: []',
        '',
      ),
      `{name: window, ${GLOBAL}, algorithm: SlidingWindow, onStoreFailure: Allow, ceiling: 120}`,
    ];
    const { config } = translated([resource('a', of(limits.join(', ')))], { countsGlobally: true });
    const rules = config.routes[0]!.stages.rateLimiter!.limits!;
    assert.deepEqual(
      rules.map(({ requests, burst, fleet }) => ({ requests, burst, fleet })),
      [
        { requests: 100, burst: 20, fleet: { slot: 1, terms: 'TokenBucket;q=100;p=60000;b=20' } },
        { requests: 50, burst: undefined, fleet: { slot: 2, closed: true, terms: 'TokenBucket;q=100;p=60000;b=100' } },
        { requests: 1000, burst: undefined, fleet: { slot: 3, terms: 'TokenBucket;q=100;p=60000;b=100' } },
        { requests: 120, burst: undefined, fleet: { slot: 4, terms: 'SlidingWindow;q=100;p=60000' } },
      ],
    );
    assert.deepEqual(
      config.stripHeaders!.filter((name) => name.startsWith('x-fim-limit-')).length,
      4 * 5,
      'nobody else may ask',
    );
  });

  it('a route that only observes asks nobody', () => {
    const { config } = translated([resource('a', of(`{name: l, ${GLOBAL}}`, ', enforcement: Observe'))], {
      countsGlobally: true,
    });
    assert.equal(config.routes[0]!.stages.rateLimiter!.limits![0]!.fleet, undefined);
  });
});
