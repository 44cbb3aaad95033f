// Frameworks and servers behind FIM: none runs protected code for a message that FIM did not judge, however the request
// is spelt.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Harness } from '../../e2e/harness.ts';
import { ask, compare, PROTECTING_ROUTES, speltRequests, tableRow } from '../../e2e/request-spellings.ts';
import { SERVERS } from './servers.ts';

/** Step through the escapes of each byte. 1 tries all, which takes minutes for each server. */
const EVERY = Number(process.env.FIM_TEST_ESCAPES ?? 4);

/** Canonical requests that every server runs. */
const PLAIN = [
  { method: 'POST', path: '/v1/accounts:transfer', headers: ['host: x'] },
  { method: 'POST', path: '/%E6%94%AF%E4%BB%98/%E8%BD%AC%E8%B4%A6', headers: ['host: x'] },
  { method: 'GET', path: '/v1/query', headers: ['host: x'] },
  { method: 'POST', path: '/v1/vault', headers: ['host: pay.bank.test'] },
  { method: 'POST', path: '/v1/role', headers: ['host: x', 'x-role: user'] },
];

describe('no protected code runs unjudged', () => {
  for (const [name, start] of Object.entries(SERVERS)) {
    it(name, async (t) => {
      const server = await start();
      t.after(() => server.stop());
      for (const request of PLAIN)
        assert.ok((await ask(server.port, request)).executed, `${name} runs code for ${request.path}`);
      const harness = await Harness.start({
        routes: PROTECTING_ROUTES,
        upstream: new URL(`http://127.0.0.1:${server.port}`),
      });
      t.after(() => harness.stop());
      const result = await compare(harness, server.port, speltRequests(EVERY));
      t.diagnostic(tableRow(name, result));
      assert.deepEqual(result.passed, []);
      assert.ok(result.judged >= PLAIN.length);
    });
  }
});
