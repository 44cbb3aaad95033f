// Messages that name no version, while their key rotates several times within one look: what one worker seals every
// other opens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Harness, KEY_ID } from './harness.ts';
import { send } from './http-client.ts';

const TEXT = Buffer.from('{"amount":"100.00"}');
/** Both rotations come within one look of the modules, which is every 2 s by default. */
const ROTATIONS_AT_MS = [1000, 1600, 2200, 6000, 6500];
const LOAD_MS = 9000;

const route = (name: string, request: string, profile: string): string =>
  JSON.stringify({
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name },
    spec: { match: { path: { type: 'Exact', value: `/${name}` } }, encryption: { keyId: KEY_ID, profile, request } },
  });

test('raw, hex and base64 lose nothing when the key rotates three times within 1.2 s', async (t) => {
  const profiles = ['raw', 'hex', 'base64'];
  const routes = profiles.flatMap((profile) => [
    route(`seal-${profile}`, 'Encrypt', profile),
    route(`open-${profile}`, 'Decrypt', profile),
  ]);
  const harness = await Harness.start({ routes: routes.join('\n---\n') });
  t.after(() => harness.stop());
  const outcomes: Record<string, number> = {};
  const since = performance.now();
  const rotations = [...ROTATIONS_AT_MS];
  const client = async (profile: string, number: number): Promise<void> => {
    while (performance.now() - since < LOAD_MS) {
      if (performance.now() - since > (rotations[0] ?? Infinity)) {
        rotations.shift();
        harness.kms.rotate(KEY_ID);
      }
      const id = `${profile}-${number}`;
      const sealed = await send(`${harness.url}/seal-${profile}`, { body: TEXT, headers: { 'x-client': id } });
      const arrived = harness.upstream.arrived.findLast(({ headers }) => headers['x-client'] === id)!;
      const opened = await send(`${harness.url}/open-${profile}`, {
        body: arrived.body,
        headers: { 'content-type': String(arrived.headers['content-type']) },
      });
      const outcome = `seal ${sealed.status} open ${opened.status}`;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(profiles.flatMap((profile) => [1, 2].map((number) => client(profile, number))));
  assert.equal(rotations.length, 0);
  t.diagnostic(JSON.stringify(outcomes));
  assert.deepEqual(Object.keys(outcomes), ['seal 200 open 200']);
});
