// Protected messages and signatures, damaged at random: nothing traps, nothing that is not genuine opens, and every
// refusal is the same.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { createVm, exchange } from '../../envoy/host/index.ts';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { fimModule } from '../host/modules.ts';
import { TestKms } from '../kms/test-kms.ts';
import { goesWith, kmsKey, PROFILES, protect } from '../protection/partner.ts';
import type { Algorithm, Terms } from '../protection/partner.ts';
import { KEY_ID, keyOf, ProtectedRoute } from '../protection/route.ts';
import { sign } from '../protection/signing.ts';
import { caseCount, Random } from './guest.ts';

let module: LoadedModule;
before(async () => {
  module = await fimModule();
});

const TEXT = Buffer.from(JSON.stringify({ account: '6222021234567890', note: 'x'.repeat(400) }));

/** A damaged copy: bytes changed, inserted, removed, moved, repeated, or only noise. */
function damaged(random: Random, good: Buffer): Buffer {
  if (random.chance(5)) return Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256)));
  let bytes = Buffer.from(good);
  for (let i = random.below(3); i >= 0; i--) {
    const at = random.below(bytes.length + 1);
    const to = Math.min(bytes.length, at + random.below(40));
    switch (random.below(6)) {
      case 0:
        if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << random.below(8));
        break;
      case 1:
        bytes = Buffer.from(bytes.subarray(0, at));
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
        break;
      case 4:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from([random.pick([0, 34, 44, 46, 58, 61, 92, 123, 125, 255])]),
          bytes.subarray(at),
        ]);
        break;
      default:
        if (at < bytes.length) bytes[at] = random.pick([0, 0x2b, 0x2d, 0x2e, 0x30, 0x41, 0x5f, 0x7f, 0x80, 0xff]);
    }
    if (bytes.length === 0) break;
  }
  return bytes;
}

const ALGORITHMS: [Algorithm, number][] = [
  ['SM4-GCM', 700],
  ['SM4-CBC-HMAC-SM3', 300],
  ['SM2-ENVELOPE', 150],
  ['SM2', 150],
];

describe('damaged messages', () => {
  for (const [algorithm, cases] of ALGORITHMS) {
    for (const profile of PROFILES.filter((name) => goesWith(algorithm, name))) {
      it(`${algorithm} ${profile}`, () => {
        const terms: Terms = {
          algorithm,
          profile,
          kid: `${KEY_ID}#1`,
          key: keyOf(algorithm),
          ...(profile === 'segmented' ? { segmentBytes: 256 } : {}),
        };
        const route = new ProtectedRoute(module, terms, 'Decrypt');
        const random = new Random(cases + profile.length);
        const good = protect(terms, TEXT, 'text/xml');
        const answers = new Set<string>();
        for (let i = 0; i < caseCount(cases); i++) {
          const body = damaged(random, good);
          const { client, upstream } = route.send(body, {});
          if (upstream.sawNothing) answers.add(`${client.status} ${client.body.toString()}`);
          else assert.deepEqual(upstream.body, TEXT, body.toString('hex')); // another spelling of the same message: hex in upper case, members in another order
        }
        assert.ok(answers.size <= 1, [...answers].join('\n'));
        for (const answer of answers) assert.match(answer, /^422 .*FIM-SM4-0002/);
        route.close();
      });
    }
  }

  it('as they pass in pieces', () => {
    const terms: Terms = {
      algorithm: 'SM4-GCM',
      profile: 'segmented',
      segmentBytes: 256,
      kid: `${KEY_ID}#1`,
      key: keyOf('SM4-GCM'),
    };
    const route = new ProtectedRoute(module, terms, 'Decrypt', { stream: true });
    const random = new Random(7);
    const text = Buffer.concat([TEXT, TEXT]);
    const good = protect(terms, text);
    for (let i = 0; i < caseCount(700); i++) {
      const body = damaged(random, good);
      const { client, upstream } = route.send(
        body,
        {},
        Array.from({ length: random.below(8) }, () => 1 + random.below(300)),
      );
      if (client.status === 200) assert.deepEqual(upstream.body, text);
      else
        assert.ok(
          text.subarray(0, upstream.body.length).equals(upstream.body),
          'only a beginning of the text has gone',
        );
    }
    route.close();
  });

  it('as fields', () => {
    const terms: Terms = { algorithm: 'SM4-GCM', profile: 'compact', kid: `${KEY_ID}#1`, key: keyOf('SM4-GCM') };
    const route = new ProtectedRoute(module, terms, 'Decrypt', { fields: ['$.a', '$.b[*]'] });
    const random = new Random(11);
    const good = Buffer.from(
      JSON.stringify({
        a: protect(terms, Buffer.from('"x"')).toString(),
        b: [protect(terms, Buffer.from('{"c":1}')).toString()],
      }),
    );
    for (let i = 0; i < caseCount(700); i++) {
      const { client } = route.send(damaged(random, good), { 'content-type': 'application/json' });
      assert.ok(client.status === 200 || /FIM-SM4-0002/.test(client.body.toString()), client.body.toString());
    }
    route.close();
  });
});

describe('damaged signatures', () => {
  for (const [algorithm, form, encoding] of [
    ['SM2', 'DER', 'base64'],
    ['SM2', 'RS', 'hex'],
    ['HMAC-SM3', 'DER', 'base64'],
  ] as const) {
    it(`${algorithm} ${form} ${encoding}`, () => {
      const key = keyOf('SM2');
      const data =
        algorithm === 'SM2' ? kmsKey('SM2', key, true) : { algorithm: 'HMAC-SM3', material: key.toString('base64') };
      const vm = createVm(module, { httpCall: new TestKms({ 1: { data } }).call });
      const messageSignature = {
        keyId: KEY_ID,
        algorithm,
        covers: 'Body',
        request: 'Verify',
        response: 'None',
        form,
        encoding,
      };
      const { root, accepted } = vm.configure(
        JSON.stringify({
          version: '1.0',
          kms: { cluster: 'fim-kms' },
          routes: [{ name: 'a', stages: { messageSignature } }],
        }),
      );
      assert.ok(accepted);
      const good = Buffer.from(sign({ algorithm, form, encoding, key }, TEXT), encoding);
      const send = (text: string): number =>
        exchange(root, { request: { body: TEXT, headers: { 'x-fim-signature': text } } }).client.status ?? 0;
      assert.equal(send(good.toString(encoding)), 200);
      const random = new Random(13);
      for (let i = 0; i < caseCount(500); i++) {
        const bytes = damaged(random, good);
        const text = random.chance(80)
          ? bytes.toString(encoding)
          : bytes.toString('latin1').replaceAll(/[^\x21-\x7e]/g, '');
        assert.equal(
          send(text),
          bytes.equals(good) && text === good.toString(encoding) ? 200 : 401,
          bytes.toString('hex'),
        );
      }
      assert.equal(vm.failed, false);
      assert.deepEqual(vm.violations, []);
    });
  }
});
