// Signatures: made and verified, against a partner that shares no code with the filter; replay, time, and the one
// answer to whatever is wrong.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createVm, exchange, SharedData } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import { keyOf } from '../protection/route.ts';
import { kmsKey } from '../protection/partner.ts';
import { canonical, sign, verify } from '../protection/signing.ts';
import type { SigningTerms } from '../protection/signing.ts';
import { fimModule } from './modules.ts';

let module: LoadedModule;
before(async () => {
  module = await fimModule();
});

const HMAC: SigningTerms = { algorithm: 'HMAC-SM3', key: Buffer.from('a key that both sides have agreed on') };
const SM2: SigningTerms = { algorithm: 'SM2', key: keyOf('SM2') };
const PATH = '/fund/redeem?channel=app&v=2';
const START = ['FIM1-REQUEST', 'POST', '/fund/redeem', 'channel=app&v=2'];
const BODY = Buffer.from('{"amount":"100.00"}');
const NONCE = 'nonce-0123456789';
const NARROW = { covers: 'Message', request: 'Verify', clockSkewMs: 1_000 };
const WIDE = { covers: 'Message', request: 'Verify', clockSkewMs: 300_000 };

interface Route {
  vm: Vm;
  root: RootContext;
}

function start(
  terms: SigningTerms,
  section: object,
  versions: Record<number, Buffer> = { 1: terms.key },
  sharedData = new SharedData(),
  stages: object = {},
): Route {
  const vm = createVm(module, {
    sharedData,
    httpCall: (call) => {
      const asked = new URL(`http://kms${call.headers.get(':path')}`).searchParams.get('version');
      const version = asked === null ? Math.max(...Object.keys(versions).map(Number)) : Number(asked);
      const key = versions[version];
      if (key?.length === 0) return { status: 503, body: '', afterMs: 1 };
      if (key === undefined) return { status: 404, body: '{"errors":[]}', afterMs: 1 };
      const data =
        terms.algorithm === 'SM2'
          ? kmsKey('SM2', key, false)
          : { algorithm: 'HMAC-SM3', material: key.toString('base64') };
      return { status: 200, body: JSON.stringify({ data: { data, metadata: { version } } }), afterMs: 1 };
    },
  });
  const { form, userId, encoding } = terms;
  const messageSignature = {
    keyId: 'kms://prod/partner',
    algorithm: terms.algorithm,
    covers: 'Message',
    request: 'None',
    response: 'None',
    ...(form && { form }),
    ...(userId && { userId }),
    ...(encoding && { encoding }),
    ...section,
  };
  const { accepted, root, logs } = vm.configure(
    JSON.stringify({
      version: '1.0',
      kms: { cluster: 'fim-kms' },
      routes: [{ name: 'a', stages: { messageSignature, ...stages } }],
    }),
  );
  assert.ok(accepted, logs.map((entry) => entry.message).join('\n'));
  return { vm, root };
}

const nowOf = ({ vm }: Route): string => String(vm.clock.realtimeNs / 1_000_000n);

function headersOf(
  route: Route,
  terms: SigningTerms,
  { time = nowOf(route), nonce = NONCE, body = BODY, start: lines = START, signed = [] as [string, string][] } = {},
): Record<string, string> {
  return {
    'x-fim-timestamp': time,
    'x-fim-nonce': nonce,
    'x-fim-signature': sign(terms, canonical(lines, time, nonce, signed, body)),
  };
}

const post = (
  route: Route,
  headers: Record<string, string | string[]>,
  body: Buffer | string = BODY,
  path = PATH,
): ExchangeResult => exchange(route.root, { request: { path, body, headers } });

function assertRefused({ client, upstream }: ExchangeResult, code = 'FIM-SIG-0001', status = 401): string {
  assert.equal(client.status, status, client.body.toString());
  assert.ok(upstream.sawNothing);
  assert.match(client.body.toString(), new RegExp(code));
  return JSON.stringify([client.status, client.headers?.entries, client.body.toString()]);
}

const VARIANTS: SigningTerms[] = [
  HMAC,
  { ...HMAC, encoding: 'hex' },
  SM2,
  { ...SM2, form: 'RS' },
  { ...SM2, form: 'RS', encoding: 'hex' },
  { ...SM2, userId: 'bank-a@example' },
];

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
      const before = route.vm.metrics.value(counter);
      answers.add(assertRefused(post(route, headers, body ?? BODY, path ?? PATH)));
      assert.equal(route.vm.metrics.value(counter) - before, 1, `${about}: ${counter}`);
    }
    assert.equal(answers.size, 1);
    assert.equal(post(route, fresh({ time: String(Math.floor(now / 1000)) })).client.status, 200, 'seconds');
    assert.equal(post(route, fresh({ time: String(now - 299_000) })).client.status, 200, 'old, but within the bound');
  });

  test('a message from before the store of nonces began', () => {
    const route = start(HMAC, { request: 'Verify' });
    const began = Number(nowOf(route));
    route.vm.clock.advance(5_000);
    assertRefused(post(route, headersOf(route, HMAC, { time: String(began - 1) })));
    assert.equal(route.vm.metrics.value('fim.signature.early'), 1);
    assert.equal(post(route, headersOf(route, HMAC, { time: String(began) })).client.status, 200);
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
    assert.equal(vm.metrics.value('fim.signature.replayed'), 2);
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
    assert.equal(narrow.vm.metrics.value('fim.signature.early'), 1, 'it may be forgotten');
    assertRefused(post(wide, late));
    assert.equal(narrow.vm.metrics.value('fim.signature.replayed'), 1, 'it is still known');
    narrow.vm.clock.advance(200_000);
    assertRefused(post(wide, late));
    assert.equal(narrow.vm.metrics.value('fim.signature.replayed'), 2);
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
