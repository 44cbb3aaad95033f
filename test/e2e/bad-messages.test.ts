// Messages that are no messages: each has a code, and nothing of it goes upstream.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Harness } from './harness.ts';
import { problemOf, send } from './http-client.ts';
import { CONTRACT } from './resources.ts';

let harness: Harness;
before(async () => (harness = await Harness.start({ routes: CONTRACT })));
after(() => harness.stop());

const CASES: [name: string, body: string | Buffer, code: string][] = [
  ['truncated', '{"transCode":"01200101"', 'FIM-JSON-0002'],
  ['not JSON at all', 'transCode=01200101', 'FIM-JSON-0001'],
  ['two documents', '{"transCode":"01200101"}{}', 'FIM-JSON-0001'],
  ['a key twice', '{"transCode":"01200101","transCode":"02"}', 'FIM-JSON-0006'],
  ['a key twice, once escaped', '{"transCode":"01200101","trans\\u0043ode":"02"}', 'FIM-JSON-0006'],
  ['nested too deeply', `{"transCode":"01200101","a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'FIM-JSON-0007'],
  ['a number that is none', '{"transCode":"01200101","a":01}', 'FIM-JSON-0005'],
  [
    'invalid UTF-8',
    Buffer.concat([Buffer.from('{"transCode":"01200101","a":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
    'FIM-JSON-0004',
  ],
  ['a lone surrogate', '{"transCode":"01200101","a":"\\ud800"}', 'FIM-JSON-0003'],
  ['a control character', '{"transCode":"01200101","a":"\u0001"}', 'FIM-JSON-0003'],
];

for (const [name, body, code] of CASES) {
  test(`${name}: 422 ${code}`, async () => {
    const { bytesReceived } = harness.upstream;
    const reply = await send(harness.url, { body });
    const problem = problemOf(reply);
    assert.equal(reply.status, 422);
    assert.ok(
      [problem.code, ...(problem.errors ?? []).map((error) => error.code)].includes(code),
      reply.body.toString(),
    );
    assert.equal(harness.upstream.bytesReceived, bytesReceived);
  });
}

test('a huge number is text and passes as it is', async () => {
  const body = `{"transCode":"01200101","n":${'9'.repeat(5000)}e${'9'.repeat(50)}}`;
  assert.equal((await send(harness.url, { body })).status, 200);
});
