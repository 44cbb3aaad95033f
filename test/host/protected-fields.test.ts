// Named values of a JSON message: what is protected, what stays as it is, and what is refused.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { protect, unprotect } from '../protection/partner.ts';
import type { Algorithm, Profile, Terms } from '../protection/partner.ts';
import { KEY_ID, keyOf, ProtectedRoute } from '../protection/route.ts';
import { builtModules } from './modules.ts';

let module: LoadedModule;
before(async () => {
  module = (await builtModules(['sm4-encryptor'])).get('sm4-encryptor')!;
});

const JSON_TYPE = { 'content-type': 'application/json' };
const FIELDS = ['$.card', '$.payer.name', '$.items[*].amount', '$.extra', "$['客户']"];
/** Spacing, escapes, order and number forms that must survive. */
const MESSAGE =
  '{ "card" : "6222021234567890",\n "payer":{"name":"\\u674e\\"四","age":41},"items":[{"amount":1.50e2, "n":1},{"amount":-0},{"other":true}],"extra":{"a":[1,null,"x"]},"客户":null, "plain":"6222 stays"}';

const terms = (algorithm: Algorithm, profile: Profile): Terms => ({
  algorithm,
  profile,
  kid: `${KEY_ID}#1`,
  key: keyOf(algorithm),
});
const CASES: [Algorithm, Profile][] = [
  ['SM4-GCM', 'compact'],
  ['SM4-GCM', 'hex'],
  ['SM4-GCM', 'base64'],
  ['AES-256-GCM', 'compact'],
  ['SM4-CBC-HMAC-SM3', 'base64'],
  ['SM4-CTR-HMAC-SM3', 'hex'],
  ['SM2-ENVELOPE', 'compact'],
  ['SM2', 'hex'],
];

describe('named fields', () => {
  for (const [algorithm, profile] of CASES) {
    test(`${algorithm} ${profile}: the rest is byte for byte the same, every type comes back`, () => {
      const agreed = terms(algorithm, profile);
      const sealing = new ProtectedRoute(module, agreed, 'Encrypt', { fields: FIELDS });
      const { upstream, client } = sealing.send(MESSAGE, JSON_TYPE);
      assert.equal(client.status, 200, client.body.toString());
      assert.equal(upstream.headers?.get('content-type'), 'application/json');
      const sealed = upstream.body.toString();
      const seen: string[] = [];
      // Every string that opens is put back: what is left must be the message.
      const restored = sealed.replaceAll(/"([^"\\\s]{40,})"/g, (_, text: string) => {
        const plain = unprotect(agreed, Buffer.from(text)).text.toString();
        seen.push(plain);
        return plain;
      });
      assert.equal(restored, MESSAGE);
      assert.deepEqual(seen, ['"6222021234567890"', '"\\u674e\\"四"', '1.50e2', '-0', '{"a":[1,null,"x"]}', 'null']);
      sealing.close();
      const opening = new ProtectedRoute(module, agreed, 'Decrypt', { fields: FIELDS });
      assert.equal(opening.send(sealed, JSON_TYPE).upstream.body.toString(), MESSAGE);
      const ours = JSON.stringify({ card: protect(agreed, Buffer.from('[1, {"a":"b"}]')).toString() });
      assert.equal(opening.send(ours, JSON_TYPE).upstream.body.toString(), '{"card":[1, {"a":"b"}]}');
      opening.close();
    });
  }

  test('a message that has none of them passes, both ways; one that is not JSON does not', () => {
    const agreed = terms('SM4-GCM', 'compact');
    for (const action of ['Encrypt', 'Decrypt'] as const) {
      const route = new ProtectedRoute(module, agreed, action, { fields: FIELDS });
      assert.equal(route.send('{"other": 1}', JSON_TYPE).upstream.body.toString(), '{"other": 1}');
      for (const [body, headers] of [
        ['{"card":', JSON_TYPE],
        ['{"card":"x"}', { 'content-type': 'text/plain' }],
      ] as const) {
        const { client, upstream } = route.send(body, headers);
        assert.equal(client.status, 422);
        assert.equal(
          (JSON.parse(client.body.toString()) as { code: string }).code,
          action === 'Encrypt' ? 'FIM-SM4-0004' : 'FIM-SM4-0002',
        );
        assert.ok(upstream.sawNothing);
      }
      route.close();
    }
  });

  test('every named value that is there must be protected', () => {
    const agreed = terms('SM4-GCM', 'compact');
    const route = new ProtectedRoute(module, agreed, 'Decrypt', { fields: FIELDS });
    const good = protect(agreed, Buffer.from('"a"')).toString();
    const notJson = protect(agreed, Buffer.from('not JSON')).toString();
    const twoValues = protect(agreed, Buffer.from('1,"b":2')).toString();
    for (const message of [
      { card: 'plain' },
      { card: 5 },
      { card: null },
      { card: { a: good } },
      { card: good, extra: 'plain' },
      { card: `${good}x` },
      { card: '' },
      { card: notJson },
      { card: twoValues },
    ]) {
      const { client, upstream } = route.send(JSON.stringify(message), JSON_TYPE);
      assert.equal(client.status, 422, JSON.stringify(message));
      assert.ok(upstream.sawNothing);
    }
    assert.equal(
      route.send(JSON.stringify({ card: good, extra: good }), JSON_TYPE).upstream.body.toString(),
      '{"card":"a","extra":"a"}',
    );
    route.close();
  });

  test('the number of values has a bound', () => {
    const agreed = terms('SM4-GCM', 'base64');
    const route = new ProtectedRoute(module, agreed, 'Encrypt', { fields: ['$.items[*]'] });
    const items = (count: number): string => JSON.stringify({ items: Array.from({ length: count }, (_, i) => i) });
    assert.equal(route.send(items(4096), JSON_TYPE).client.status, 200);
    assert.equal(route.send(items(4097), JSON_TYPE).client.status, 422);
    route.close();
  });
});
