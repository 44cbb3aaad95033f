// Refunds where each stage is a filter of its own.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Harness } from './harness.ts';

const ROUTES = `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: refund}
spec:
  match: {path: {type: Prefix, value: /}}
  rateLimit:
    limits: [{name: refund, requests: 2, period: 1h, refund: true}]
  validation: {fields: [{name: n}]}
`;

describe('limits in a chain of filters', () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.start({ routes: ROUTES, layout: 'chain' });
  });
  after(() => harness?.stop());

  it('what a later filter refuses gives its tokens back', async () => {
    const post = async (body: string): Promise<number> => {
      const response = await fetch(harness.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      await response.arrayBuffer();
      return response.status;
    };
    for (let i = 0; i < 6; i++) assert.equal(await post('{}'), 422);
    assert.deepEqual([await post('{"n":"1"}'), await post('{"n":"1"}'), await post('{"n":"1"}')], [200, 200, 429]);
  });
});
