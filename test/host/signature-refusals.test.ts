// Signatures that are not taken, and what the sender is told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SharedData, VirtualClock } from '../../envoy/host/index.ts';
import {
  assertRefused,
  BODY,
  CLOCK_AHEAD_MS,
  headersOf,
  HMAC,
  NARROW,
  nowOf,
  PATH,
  post,
  SM2,
  start,
  WIDE,
} from './signature-route.ts';

describe('what is not taken', () => {
  test('one answer, and a counter for each reason', () => {
    const route = start(HMAC, { request: 'Verify', headers: ['x-channel'] });
    route.vm.clock.advance(600_000);
    const signed: [string, string][] = [['x-channel', 'app']];
    let count = 0;
    const fresh = (change: Parameters<typeof headersOf>[2] = {}): Record<string, string> => ({
      'x-channel': 'app',
      ...headersOf(route, HMAC, { signed, nonce: `nonce-${++count}-12345678`, ...change }),
    });
    const replayed = fresh();
    assert.equal(post(route, replayed).client.status, 200);
    const now = Number(route.vm.clock.realtimeNs / 1_000_000n);
    const wrong = (text: string): string => {
      const code = Buffer.from(text, 'base64');
      code[31]! ^= 1;
      return code.toString('base64');
    };
    const cases: [
      about: string,
      headers: Record<string, string | string[]>,
      counter: string,
      body?: string,
      path?: string,
    ][] = [
      ['no signature', { 'x-channel': 'app' }, 'missing'],
      ['two signatures', { ...fresh(), 'x-fim-signature': [fresh()['x-fim-signature']!, 'AAAA'] }, 'missing'],
      ['no time', { ...fresh(), 'x-fim-timestamp': '' }, 'malformed'],
      ['a time that is none', { ...fresh(), 'x-fim-timestamp': '2026-11-22' }, 'malformed'],
      ['no nonce', { ...fresh(), 'x-fim-nonce': '' }, 'malformed'],
      ['a short nonce', fresh({ nonce: '1234567' }), 'malformed'],
      ['a long nonce', fresh({ nonce: 'n'.repeat(129) }), 'malformed'],
      ['bad base64', { ...fresh(), 'x-fim-signature': '****' }, 'malformed'],
      ['a short code', { ...fresh(), 'x-fim-signature': Buffer.alloc(16).toString('base64') }, 'malformed'],
      ['a signed header twice', { ...fresh(), 'x-channel': ['app', 'app'] }, 'malformed'],
      ['too old', fresh({ time: String(now - 300_001) }), 'stale'],
      ['too new', fresh({ time: String(now + 300_001) }), 'stale'],
      ['a replay', replayed, 'replayed'],
      ['another code', { ...fresh(), 'x-fim-signature': wrong(fresh()['x-fim-signature']!) }, 'wrong'],
      ['another body', fresh(), 'wrong', '{"amount":"900.00"}'],
      ['another path', fresh(), 'wrong', undefined, '/fund/redeem/all?channel=app&v=2'],
      ['another query', fresh(), 'wrong', undefined, '/fund/redeem?channel=app&v=3'],
      ['another header', { ...fresh(), 'x-channel': 'web' }, 'wrong'],
      ['another nonce', { ...fresh(), 'x-fim-nonce': 'not-the-signed-one' }, 'wrong'],
      ['another time', { ...fresh(), 'x-fim-timestamp': String(now + 1) }, 'wrong'],
      [
        'another key',
        {
          'x-channel': 'app',
          ...headersOf(route, { ...HMAC, key: Buffer.alloc(32, 1) }, { signed, nonce: 'other-key-nonce' }),
        },
        'wrong',
      ],
    ];
    const answers = new Set<string>();
    for (const [about, headers, reason, body, path] of cases) {
      const counter = `fim.signature.${reason}`;
      const before = route.vm.counted(counter);
      answers.add(assertRefused(post(route, headers, body ?? BODY, path ?? PATH)));
      assert.equal(route.vm.counted(counter) - before, 1, `${about}: ${counter}`);
    }
    assert.equal(answers.size, 1);
    assert.equal(post(route, fresh({ time: String(Math.floor(now / 1000)) })).client.status, 200, 'seconds');
    assert.equal(post(route, fresh({ time: String(now - 299_000) })).client.status, 200, 'old, but within the bound');
  });

  test('a message from before the store of nonces began, or that may have been accepted before, its clock ahead', () => {
    const route = start(HMAC, { request: 'Verify' }, undefined, undefined, {}, { afterStartMs: 0 });
    const began = Number(nowOf(route));
    route.vm.clock.advance(10_000);
    for (const time of [began - 1, began, began + CLOCK_AHEAD_MS - 1])
      assertRefused(post(route, headersOf(route, HMAC, { time: String(time) })));
    assert.equal(route.vm.counted('fim.signature.early'), 3);
    assert.equal(
      post(route, headersOf(route, HMAC, { time: String(began + CLOCK_AHEAD_MS) })).client.status,
      200,
      'signed after all that can have been accepted before',
    );
  });

  test('what was accepted before a start with a clock that is ahead is not accepted after it', () => {
    for (const clockAheadMs of [CLOCK_AHEAD_MS, 60_000, 0]) {
      const section = { request: 'Verify', clockAheadMs };
      const clock = new VirtualClock();
      const before = start(HMAC, section, undefined, new SharedData(), {}, { afterStartMs: 120_000, clock });
      const time = String(Number(nowOf(before)) + clockAheadMs);
      const taken = headersOf(before, HMAC, { time });
      assert.equal(post(before, taken).client.status, 200, 'as far ahead as may be');
      const farther = headersOf(before, HMAC, { time: String(Number(time) + 1_000), nonce: 'nonce-of-farther' });
      assertRefused(post(before, farther));
      assert.equal(before.vm.counted('fim.signature.stale'), 1);
      // The next process begins a millisecond later, with an empty store.
      clock.advance(1);
      const after = start(HMAC, section, undefined, new SharedData(), {}, { afterStartMs: 0, clock });
      for (const waitMs of [0, clockAheadMs, 1_000]) {
        clock.advance(waitMs);
        assertRefused(post(after, taken));
      }
      assert.equal(after.vm.counted('fim.signature.early') + after.vm.counted('fim.signature.stale'), 3);
      assert.equal(post(after, headersOf(after, HMAC)).client.status, 200, 'whose clock is right');
    }
  });

  test('a message that a route with less skew has taken', () => {
    const routes = ['/narrow', '/wide'].map((value, index) => ({
      name: value,
      match: { path: { type: 'Prefix', value } },
      stages: {
        messageSignature: {
          keyId: 'kms://prod/partner',
          algorithm: 'HMAC-SM3',
          response: 'None',
          ...(index === 0 ? NARROW : WIDE),
        },
      },
    }));
    const { vm } = start(HMAC, NARROW);
    const { root } = vm.configure(JSON.stringify({ version: '1.0', kms: { cluster: 'fim-kms' }, routes }));
    const route = { vm, root };
    vm.clock.advance(600_000);
    const taken = headersOf(route, HMAC, { start: ['FIM1-REQUEST', 'POST', '/wide', ''] });
    assert.equal(post(route, taken, BODY, '/wide').client.status, 200);
    vm.clock.advance(4_000);
    assertRefused(post(route, taken, BODY, '/wide'));
    const elsewhere = headersOf(route, HMAC, {
      start: ['FIM1-REQUEST', 'POST', '/narrow', ''],
      nonce: 'nonce-of-narrow-1',
    });
    assert.equal(post(route, elsewhere, BODY, '/narrow').client.status, 200);
    vm.clock.advance(4_000);
    // The signature does not fit the other path; that its nonce is still known shows with one that does.
    const again = headersOf(route, HMAC, { start: ['FIM1-REQUEST', 'POST', '/wide', ''], nonce: 'nonce-of-narrow-1' });
    assertRefused(post(route, again, BODY, '/wide'));
    assert.equal(vm.counted('fim.signature.replayed'), 2);
  });

  test('a message that was taken before an edit widened the skew', () => {
    const sharedData = new SharedData();
    const narrow = start(HMAC, NARROW, undefined, sharedData);
    narrow.vm.clock.advance(60_000);
    const taken = headersOf(narrow, HMAC);
    assert.equal(post(narrow, taken).client.status, 200);
    narrow.vm.clock.advance(4_000);
    const late = headersOf(narrow, HMAC, { nonce: 'nonce-of-late-one' });
    assert.equal(post(narrow, late).client.status, 200);
    const text = JSON.stringify({
      version: '1.0',
      kms: { cluster: 'fim-kms' },
      routes: [
        {
          name: 'a',
          stages: {
            messageSignature: { keyId: 'kms://prod/partner', algorithm: 'HMAC-SM3', response: 'None', ...WIDE },
          },
        },
      ],
    });
    const wide = { vm: narrow.vm, root: narrow.vm.configure(text).root };
    narrow.vm.clock.advance(4_000);
    assertRefused(post(wide, taken));
    assert.equal(narrow.vm.counted('fim.signature.early'), 1, 'it may be forgotten');
    assertRefused(post(wide, late));
    assert.equal(narrow.vm.counted('fim.signature.replayed'), 1, 'it is still known');
    narrow.vm.clock.advance(200_000);
    assertRefused(post(wide, late));
    assert.equal(narrow.vm.counted('fim.signature.replayed'), 2);
  });

  test('a refused message does not use its nonce up; time frees it', () => {
    const route = start(HMAC, { request: 'Verify', clockSkewMs: 10_000 });
    assertRefused(post(route, headersOf(route, HMAC), 'another body'));
    assert.equal(post(route, headersOf(route, HMAC)).client.status, 200);
    assertRefused(post(route, headersOf(route, HMAC)));
    route.vm.clock.advance(22_000);
    assert.equal(post(route, headersOf(route, HMAC)).client.status, 200);
  });

  test('a nonce of long ago is no replay', () => {
    const route = start(HMAC, { request: 'Verify' });
    for (const days of [0, 1, 6, 7, 11, 30]) {
      route.vm.clock.stepRealtime(days * 86_400_000);
      assert.equal(post(route, headersOf(route, HMAC)).client.status, 200, `${days} days`);
      assertRefused(post(route, headersOf(route, HMAC)));
    }
  });

  test('a replay at another worker is a replay', () => {
    const shared = new SharedData();
    const [first, second] = [
      start(HMAC, { request: 'Verify' }, undefined, shared),
      start(HMAC, { request: 'Verify' }, undefined, shared),
    ];
    const headers = headersOf(first, HMAC);
    assert.equal(post(first, headers).client.status, 200);
    assertRefused(post(second, headers));
  });

  test('the version before the newest still verifies, the one before that does not', () => {
    const [one, two, three] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];
    const route = start(HMAC, { request: 'Verify' }, { 1: one, 2: two, 3: three });
    for (const [key, status] of [
      [three, 200],
      [two, 200],
      [one, 401],
    ] as const) {
      assert.equal(
        post(route, headersOf(route, { ...HMAC, key }, { nonce: `nonce-of-${key[0]}` })).client.status,
        status,
      );
    }
  });

  test('the version before, which the KMS does not give just now: the service lacks it, the message may be genuine', () => {
    const route = start(HMAC, { request: 'Verify' }, { 1: Buffer.alloc(0), 2: HMAC.key });
    assert.equal(post(route, headersOf(route, HMAC)).client.status, 200);
    assertRefused(
      post(route, headersOf(route, { ...HMAC, key: Buffer.alloc(32, 7) }, { nonce: 'nonce-of-the-old-key' })),
      'FIM-KMS-0001',
      503,
    );
    assert.equal(post(route, headersOf(route, HMAC, { nonce: 'nonce-of-the-new-key' })).client.status, 200);
  });

  test('a key of another kind', () => {
    const route = start({ ...SM2, algorithm: 'SM2' }, { request: 'Verify', algorithm: 'HMAC-SM3' });
    assertRefused(post(route, headersOf(route, HMAC)), 'FIM-KMS-0009', 503);
  });
});
