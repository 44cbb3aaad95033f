// A baseline of the platform in standalone mode: whatever the routes beside it say, through a real Envoy.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { route, together } from './resources.ts';

const BASELINE = `${JSON.stringify({
  apiVersion: 'fim.financial/v1',
  kind: 'FinancialBaseline',
  metadata: { name: 'bank' },
  spec: { overrides: { validation: { fields: [{ name: 'transCode', pattern: '^01[0-9]{2}$' }] } } },
})}\n`;
const LAX = { fields: [{ name: 'transCode', required: false }] };

/** Routes by which a tenant may try to undo it. */
const ATTEMPTS: Record<string, string[]> = {
  'no route at all': [],
  'an empty route': [route('own', {})],
  'rules of his own': [route('own', { validation: LAX })],
  'only observing': [route('own', { enforcement: 'Observe', validation: LAX })],
  'only observing, with a limit of his own': [
    route('own', { enforcement: 'Observe', rateLimit: { requests: 1, period: '24h' } }),
  ],
  'the short form': [route('own', { wasm: { module: 'pboc-validator.wasm', config: LAX } })],
  'a more specific match': [
    route('own', { match: { hosts: ['localhost'], path: { type: 'Exact', value: '/a' }, methods: ['POST'] } }),
  ],
  'a pattern': [route('own', { match: { path: { type: 'RegularExpression', value: '/.*' } }, validation: LAX })],
  'a larger body': [route('own', { body: { maxBytes: 16_777_216, compressed: 'Decompress' }, validation: LAX })],
  'two routes, one older': [
    route('a', { match: { path: { value: '/a' } }, validation: LAX }),
    route('b', { validation: LAX }).replace('"name":"b"', '"name":"b","creationTimestamp":"2020-01-01T00:00:00Z"'),
  ],
};

for (const layout of ['fused', 'chain'] as const) {
  describe(`a baseline, ${layout}`, () => {
    let harness: Harness;
    before(async () => (harness = await Harness.start({ routes: route('first', { validation: LAX }), layout })));
    after(() => harness?.stop());

    const ask = async (transCode: string): Promise<number> =>
      (await send(harness.url, { path: '/a', body: JSON.stringify({ transCode }) })).status;

    for (const [index, [name, routes]] of Object.entries(ATTEMPTS).entries())
      test(`is in force with ${name}`, async () => {
        // By another name each, since most of them come to the same policy, and one that stays is no event.
        const texts = routes.map((text) => text.replace('"name":"own"', `"name":"own-${index}"`));
        const event = await harness.edit(together(BASELINE, ...texts));
        assert.equal(event.event, 'applied', JSON.stringify(event));
        assert.deepEqual([await ask('0100'), await ask('9900')], [200, 422]);
        if (event.event !== 'applied') return;
        assert.ok(
          Object.values(event.inherited).every((sections) =>
            sections.some(({ section, baseline }) => section === 'validation' && baseline === 'bank'),
          ) && Object.keys(event.inherited).length >= 1,
          JSON.stringify(event.inherited),
        );
      });

    test('is in force with a route of another format, which is refused and leaves all as it was', async () => {
      const event = await harness.edit(together(BASELINE, route('own', { body: { format: 'Form' }, validation: LAX })));
      assert.ok(
        event.event === 'rejected' && event.errors[0]?.code === 'FIM-CFG-1083' && event.errors[0].line !== undefined,
        JSON.stringify(event),
      );
      assert.deepEqual([await ask('0100'), await ask('9900')], [200, 422]);
    });

    test('is tried out with Observe, and the limit of a route refuses all the same', async () => {
      const tried = BASELINE.replace('"overrides":{', '"overrides":{"enforcement":"Observe",');
      const limit = { rateLimit: { requests: 1, period: '1h' } };
      const event = await harness.edit(together(tried, route('limited', limit)));
      assert.equal(event.event, 'applied', JSON.stringify(event));
      assert.deepEqual([await ask('9900'), await ask('9900')], [200, 429]);
    });

    test('goes with its file', async () => {
      const event = await harness.edit(route('own', { validation: LAX }));
      assert.equal(event.event, 'applied', JSON.stringify(event));
      assert.deepEqual([await ask('9900')], [200]);
    });
  });
}
