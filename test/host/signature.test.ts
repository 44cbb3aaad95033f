// Signatures: made and verified, against a partner that shares no code with the filter; replay, time, and the one
// answer to whatever is wrong.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exchange } from '../../envoy/host/index.ts';
import type { ExchangeResult } from '../../envoy/host/index.ts';
import { canonical, sign, verify } from '../protection/signing.ts';
import {
  assertRefused,
  BODY,
  headersOf,
  HMAC,
  nowOf,
  PATH,
  post,
  SM2,
  START,
  start,
  VARIANTS,
} from './signature-route.ts';

describe('a signature over the whole message', () => {
  for (const terms of VARIANTS) {
    const name = [terms.algorithm, terms.form, terms.encoding, terms.userId].filter(Boolean).join(' ');
    test(`${name}: the partner's is verified, ours is verified by the partner`, () => {
      const verifying = start(terms, { request: 'Verify', headers: ['content-type', 'x-absent'] });
      const signed: [string, string][] = [
        ['content-type', 'application/json'],
        ['x-absent', ''],
      ];
      const good = post(verifying, { 'content-type': 'application/json', ...headersOf(verifying, terms, { signed }) });
      assert.equal(good.client.status, 200, good.client.body.toString());
      assert.deepEqual(good.upstream.body, BODY);
      assertRefused(
        post(verifying, {
          'content-type': 'text/plain',
          ...headersOf(verifying, terms, { signed, nonce: 'another-nonce' }),
        }),
      );

      const signing = start(terms, { request: 'Sign', headers: ['content-type'] });
      const { upstream } = post(signing, { 'content-type': 'application/json' });
      const of = (header: string): string => upstream.headers?.get(header) ?? '';
      assert.match(of('x-fim-nonce'), /^[0-9a-f]{32}$/);
      assert.equal(of('x-fim-timestamp'), nowOf(signing));
      assert.ok(
        verify(
          terms,
          canonical(START, of('x-fim-timestamp'), of('x-fim-nonce'), [['content-type', 'application/json']], BODY),
          of('x-fim-signature'),
        ),
      );
    });
  }

  test('a response: signed for the client, verified from the upstream', () => {
    const signing = start(HMAC, { response: 'Sign' });
    const { client } = exchange(signing.root, {
      request: { method: 'GET' },
      upstream: () => ({ status: 203, body: BODY }),
    });
    const of = (header: string): string => client.headers?.get(header) ?? '';
    assert.ok(
      verify(
        HMAC,
        canonical(['FIM1-RESPONSE', '203'], of('x-fim-timestamp'), of('x-fim-nonce'), [], BODY),
        of('x-fim-signature'),
      ),
    );
    const verifying = start(HMAC, { response: 'Verify' });
    const answer = (headers: Record<string, string>): ExchangeResult =>
      exchange(verifying.root, { request: { method: 'GET' }, upstream: () => ({ status: 200, body: BODY, headers }) });
    const good = headersOf(verifying, HMAC, { start: ['FIM1-RESPONSE', '200'] });
    assert.equal(answer(good).client.status, 200);
    for (const bad of [
      good,
      {},
      headersOf(verifying, HMAC, { nonce: 'a-second-nonce', start: ['FIM1-RESPONSE', '201'] }),
    ]) {
      const { client: refused } = answer(bad);
      assert.equal(refused.status, 502);
      assert.match(refused.body.toString(), /FIM-SIG-0001/);
    }
  });

  test('a response without body: its status is signed for the client, and verified from the upstream', () => {
    for (const [method, status] of [
      ['GET', 200],
      ['GET', 204],
      ['GET', 304],
      ['HEAD', 200],
      ['POST', 200],
    ] as const) {
      const signing = start(HMAC, { response: 'Sign' });
      const { client } = exchange(signing.root, { request: { method }, upstream: () => ({ status }) });
      const of = (header: string): string => client.headers?.get(header) ?? '';
      assert.ok(
        verify(
          HMAC,
          canonical(['FIM1-RESPONSE', String(status)], of('x-fim-timestamp'), of('x-fim-nonce'), [], Buffer.alloc(0)),
          of('x-fim-signature'),
        ),
        `${method} ${status}`,
      );
      const verifying = start(HMAC, { response: 'Verify' });
      const answer = (headers: Record<string, string>): number | undefined =>
        exchange(verifying.root, { request: { method }, upstream: () => ({ status, headers }) }).client.status;
      assert.equal(answer({}), 502, 'a status that nobody signed');
      assert.equal(answer(headersOf(verifying, HMAC, { body: Buffer.alloc(0), start: ['FIM1-RESPONSE', '201'] })), 502);
      assert.equal(
        answer(headersOf(verifying, HMAC, { body: Buffer.alloc(0), start: ['FIM1-RESPONSE', String(status)] })),
        status,
      );
    }
  });

  test('the host is what the request says, under its name of HTTP/1', () => {
    const route = start(HMAC, { request: 'Verify', headers: ['host'] });
    const to = (authority: string, headers: Record<string, string>): ExchangeResult =>
      exchange(route.root, { request: { path: PATH, body: BODY, authority, headers } });
    assert.equal(to('pay.bank', headersOf(route, HMAC, { signed: [['host', 'pay.bank']] })).client.status, 200);
    assertRefused(
      to('other.bank', headersOf(route, HMAC, { signed: [['host', 'pay.bank']], nonce: 'nonce-for-pay.bank' })),
    );
    const signing = start(HMAC, { request: 'Sign', headers: ['host'] });
    const { upstream } = exchange(signing.root, { request: { path: PATH, body: BODY, authority: 'pay.bank' } });
    const of = (header: string): string => upstream.headers?.get(header) ?? '';
    assert.ok(
      verify(
        HMAC,
        canonical(START, of('x-fim-timestamp'), of('x-fim-nonce'), [['host', 'pay.bank']], BODY),
        of('x-fim-signature'),
      ),
    );
  });

  test('a request without body: signed, and refused if a body comes with it', () => {
    const route = start(HMAC, { request: 'Verify' });
    const headers = headersOf(route, HMAC, { start: ['FIM1-REQUEST', 'GET', '/balance', ''], body: Buffer.alloc(0) });
    const get = (extra: Record<string, string>, body?: string): ExchangeResult =>
      exchange(route.root, {
        request: { method: 'GET', path: '/balance', headers: extra, ...(body === undefined ? {} : { body }) },
      });
    assert.equal(get(headers).client.status, 200);
    assertRefused(get({}));
    assertRefused(
      get(
        headersOf(route, HMAC, {
          nonce: 'nonce-with-body',
          start: ['FIM1-REQUEST', 'GET', '/balance', ''],
          body: Buffer.alloc(0),
        }),
        'a body',
      ),
    );
  });
});

describe('a signature over the body', () => {
  for (const terms of [SM2, { ...SM2, form: 'RS' as const }, HMAC]) {
    test(`${terms.algorithm} ${terms.form ?? ''}`, () => {
      const verifying = start(terms, { covers: 'Body', request: 'Verify', header: 'x-sign' });
      assert.equal(post(verifying, { 'x-sign': sign(terms, BODY) }).client.status, 200);
      assertRefused(post(verifying, { 'x-sign': sign(terms, BODY) }, 'another body'));
      const signing = start(terms, { covers: 'Body', response: 'Sign', header: 'x-sign' });
      const { client } = exchange(signing.root, {
        request: { method: 'GET' },
        upstream: () => ({ status: 200, body: BODY }),
      });
      assert.ok(verify(terms, BODY, client.headers?.get('x-sign') ?? ''));
    });
  }
});

test('what is signed is what goes on: the encrypted body; what is verified is what arrived', () => {
  const encryption = (request: string): object => ({
    sm4Encryptor: { keyId: 'kms://prod/partner', request, response: 'None', algorithm: 'SM2', profile: 'base64' },
  });
  const signing = start(SM2, { covers: 'Body', request: 'Sign' }, undefined, undefined, encryption('Encrypt'));
  const { upstream } = post(signing, {});
  const signature = upstream.headers?.get('x-fim-signature') ?? '';
  assert.notDeepEqual(upstream.body, BODY);
  assert.ok(verify(SM2, upstream.body, signature));
  const verifying = start(SM2, { covers: 'Body', request: 'Verify' }, undefined, undefined, encryption('Decrypt'));
  const opened = post(verifying, { 'x-fim-signature': signature }, upstream.body);
  assert.deepEqual(opened.upstream.body, BODY);
});
