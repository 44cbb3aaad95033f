// Bodies that are sealed and opened as they pass: the same messages, however they are cut, in constant memory; nothing
// of a forged segment goes on.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
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

const terms = (algorithm: Algorithm, profile: Profile): Terms => ({
  algorithm,
  profile,
  kid: `${KEY_ID}#1`,
  key: keyOf(algorithm),
  ...(profile === 'segmented' ? { segmentBytes: 256 } : {}),
});
const SEALED: [Algorithm, Profile][] = [
  ['SM4-GCM', 'fim-json'],
  ['SM4-GCM', 'compact'],
  ['SM4-GCM', 'raw'],
  ['AES-256-GCM', 'hex'],
  ['AES-256-GCM', 'base64'],
  ['SM4-GCM', 'segmented'],
  ['SM4-CBC-HMAC-SM3', 'segmented'],
];
const LENGTHS = [1, 47, 48, 49, 255, 256, 257, 511, 512, 513, 3000];

/** Cuts of a body: whole, halves at odd places, single bytes, an empty last frame. */
function cuts(length: number): number[][] {
  return [
    [],
    [Math.floor(length / 3)],
    [1, Math.floor(length / 2)],
    Array<number>(length).fill(1),
    [length, 0],
    [17, 31, 100].filter((piece) => piece < length),
  ];
}

describe('sealed as it passes', () => {
  for (const [algorithm, profile] of SEALED) {
    test(`${algorithm} ${profile}`, () => {
      const agreed = terms(algorithm, profile);
      const route = new ProtectedRoute(module, agreed, 'Encrypt', { stream: true });
      for (const length of LENGTHS) {
        const text = randomBytes(length);
        for (const chunks of cuts(length)) {
          const { upstream, client } = route.send(text, { 'content-type': 'application/pdf' }, chunks);
          assert.equal(client.status, 200, client.body.toString());
          assert.deepEqual(unprotect(agreed, upstream.body).text, text, `${length} in ${chunks.slice(0, 4)}`);
          assert.equal(upstream.headers?.get('content-length'), undefined);
        }
      }
      assert.ok(route.vm.counted('fim.body.streamed') > 0);
      assert.equal(route.vm.counted('fim.sm4.encrypted'), LENGTHS.length * cuts(5).length);
      route.close();
    });
  }
});

describe('opened as it passes', () => {
  for (const algorithm of ['SM4-GCM', 'AES-256-GCM', 'SM4-CBC-HMAC-SM3', 'SM4-CTR-HMAC-SM3'] as const) {
    test(algorithm, () => {
      const agreed = terms(algorithm, 'segmented');
      const route = new ProtectedRoute(module, agreed, 'Decrypt', { stream: true });
      for (const length of LENGTHS) {
        const text = randomBytes(length);
        const sealed = protect(agreed, text, 'application/pdf');
        const type = `application/vnd.fim.segmented;cty=${Buffer.from('application/pdf').toString('base64url')}`;
        for (const chunks of cuts(sealed.length)) {
          const { upstream, client } = route.send(sealed, { 'content-type': type }, chunks);
          assert.equal(client.status, 200, client.body.toString());
          assert.deepEqual(upstream.body, text, `${length} in ${chunks.slice(0, 4)}`);
          assert.equal(upstream.headers?.get('content-type'), 'application/pdf');
        }
      }
      route.close();
    });
  }

  test('what FIM sealed, FIM opens; responses, too', () => {
    const agreed = terms('SM4-GCM', 'segmented');
    for (const direction of ['request', 'response'] as const) {
      const text = randomBytes(2000);
      const [sealing, opening] = [
        new ProtectedRoute(module, agreed, 'Encrypt', { direction, stream: true }),
        new ProtectedRoute(module, agreed, 'Decrypt', { direction, stream: true }),
      ];
      const sealed =
        direction === 'request'
          ? sealing.send(text, { 'content-type': 'text/csv' }, [700]).upstream
          : sealing.fetch(text, { 'content-type': 'text/csv' }).client;
      const headers = { 'content-type': sealed.headers?.get('content-type') ?? '' };
      const opened =
        direction === 'request'
          ? opening.send(sealed.body, headers, [333, 333]).upstream
          : opening.fetch(sealed.body, headers).client;
      assert.deepEqual(opened.body, text);
      assert.equal(opened.headers?.get('content-type'), 'text/csv');
      sealing.close();
      opening.close();
    }
  });

  test('a forged segment ends the stream: only what was genuine before it has gone', () => {
    const agreed = terms('SM4-GCM', 'segmented');
    const route = new ProtectedRoute(module, agreed, 'Decrypt', { stream: true });
    const text = randomBytes(256 * 8);
    const sealed = protect(agreed, text);
    const start = 34 + `${KEY_ID}#1`.length;
    const whole = 12 + 256 + 16;
    const forged = Buffer.from(sealed);
    forged[start + whole * 5 + 40]! ^= 1;
    const twice = Buffer.concat([sealed.subarray(0, start + whole), sealed.subarray(start)]);
    const otherType = 'application/vnd.fim.segmented;cty=YS9i';
    for (const [body, headers] of [
      [forged, {}],
      [sealed.subarray(0, -1), {}],
      [sealed.subarray(0, start + whole * 6), {}],
      [twice, {}],
      [Buffer.from('{"plain":"text"}'.repeat(40)), {}],
      [sealed, { 'content-type': otherType }],
    ] as const) {
      const { upstream, client } = route.send(body, headers, [start + 100, whole, whole, whole]);
      assert.notEqual(client.status, 200);
      assert.ok(
        text.subarray(0, upstream.body.length).equals(upstream.body),
        'what has gone is a beginning of the text',
      );
      assert.ok(upstream.body.length < text.length);
    }
    assert.ok(route.vm.counted('fim.sm4.open_tag_wrong') >= 4);
    route.close();
  });

  test('a content type that the headers do not announce, or not as it is, does not become another one', () => {
    const agreed = terms('SM4-GCM', 'segmented');
    const text = randomBytes(600);
    const typed = protect(agreed, text, 'application/xml');
    const announced = `application/vnd.fim.segmented;cty=${Buffer.from('application/xml').toString('base64url')}`;
    for (const [contentType, type, passes] of [
      ['application/json', announced, true],
      ['application/json', 'application/vnd.fim.segmented', false],
      ['application/xml', 'application/vnd.fim.segmented', true],
    ] as const) {
      const route = new ProtectedRoute(module, agreed, 'Decrypt', { stream: true, contentType });
      const { upstream, client } = route.send(typed, { 'content-type': type });
      assert.equal(client.status === 200, passes, `${contentType} ${type}`);
      assert.equal(upstream.body.length, passes ? text.length : 0);
      if (passes) assert.equal(upstream.headers?.get('content-type'), 'application/xml');
      route.close();
    }
  });

  test("what the service lacks is not the message's fault, and said as for whole bodies", () => {
    const agreed = terms('SM4-GCM', 'segmented');
    for (const stream of [true, false]) {
      const route = new ProtectedRoute(module, agreed, 'Decrypt', { stream, kmsAlgorithm: 'AES-256-GCM' });
      const { client } = route.send(protect(agreed, randomBytes(600)), {});
      assert.equal(client.status, 503);
      assert.match(client.body.toString(), /FIM-KMS-0009/);
      assert.equal(route.vm.counted('fim.sm4.key_unfit'), 1);
      const absent = route.send(protect({ ...agreed, kid: `${KEY_ID}#7` }, randomBytes(600)), {}).client;
      assert.equal(absent.status, 422);
      assert.match(absent.body.toString(), /FIM-SM4-0002/);
      assert.equal(route.vm.counted('fim.sm4.open_version_absent'), 1);
      route.close();
    }
  });

  test('a header that names a larger segment than the route allows', () => {
    const route = new ProtectedRoute(module, terms('SM4-GCM', 'segmented'), 'Decrypt', { stream: true });
    assert.notEqual(
      route.send(protect({ ...terms('SM4-GCM', 'segmented'), segmentBytes: 257 }, randomBytes(600)), {}).client.status,
      200,
    );
    route.close();
  });
});

test('memory does not grow with the body', () => {
  for (const profile of ['segmented', 'compact'] as const) {
    const agreed: Terms = { ...terms('SM4-GCM', profile), segmentBytes: 16_384 };
    const route = new ProtectedRoute(module, agreed, 'Encrypt', { stream: true });
    const chunks = (bytes: number): number[] => Array<number>(bytes / 16_384).fill(16_384);
    route.send(Buffer.alloc(1 << 19, 1), {}, chunks(1 << 19));
    const before = route.vm.memoryPages;
    const { upstream } = route.send(Buffer.alloc(1 << 22, 1), {}, chunks(1 << 22));
    assert.ok(upstream.body.length > 1 << 22);
    assert.equal(route.vm.memoryPages, before);
    route.close();
  }
});
