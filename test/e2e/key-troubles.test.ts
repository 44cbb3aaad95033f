// An unavailable key in a real Envoy. It is reported at the start, in an event and in the route's condition. Messages
// are refused at once if waiting does not help. It recovers by itself.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { StackEvent } from '../../envoy/standalone/events.ts';
import type { KmsSettings } from '../../envoy/route/index.ts';
import { Harness, KEY_ID } from './harness.ts';
import { problemOf, send } from './http-client.ts';
import { CONTRACT, route, together } from './resources.ts';

const BODY = '{"transCode":"01200101"}';
/** Hold of requests that are to be refused at once, and the time that such a refusal may take on a busy machine. */
const LONG_HOLD_MS = 30_000;
const AT_ONCE_MS = 15_000;
/** Hold of requests that wait for it. */
const HOLD_MS = 2500;

type Applied = Extract<StackEvent, { event: 'applied' }>;

function warningsOf(harness: Harness): (string | undefined)[][] {
  return harness.events.flatMap((event) => (event.event === 'warning' ? [[event.code, event.key]] : []));
}

function resolved(harness: Harness): string {
  const { conditions } = harness.events.findLast((event): event is Applied => event.event === 'applied')!;
  const { status, reason, message } = conditions.find(({ type }) => type === 'ResolvedRefs')!;
  return `${status} ${reason} ${message}`;
}

async function start(mood: { status: number; body: string } | null, kms: KmsSettings, delayMs = 0): Promise<Harness> {
  return Harness.start({
    routes: CONTRACT,
    kms: { refreshMs: 200, ...kms },
    withKms: (service) => {
      service.mood = mood;
      if (delayMs > 0) service.delay = () => pause(delayMs);
    },
  });
}

// Each test waits for looks that are seconds apart, on an Envoy of its own.
describe('a key that cannot be had', { concurrency: 4 }, () => {
  for (const [about, mood, code, reason, atOnce] of [
    ['refuses', { status: 403, body: '{"errors":["permission denied"]}' }, 'FIM-KMS-0008', 'KmsDenied', true],
    ['has no such key', { status: 404, body: '{"errors":[]}' }, 'FIM-KMS-0002', 'KeyNotFound', true],
    ['gives nonsense', { status: 200, body: '<html></html>' }, 'FIM-KMS-0003', 'KeyUnreadable', true],
    [
      'gives a key in small letters',
      {
        status: 200,
        body: '{"data":{"data":{"algorithm":"sm4","material":"AAECAwQFBgcICQoLDA0ODw=="},"metadata":{"version":1}}}',
      },
      'FIM-KMS-0003',
      'KeyUnreadable',
      true,
    ],
    ['fails', { status: 500, body: '{"errors":["internal error"]}' }, 'FIM-KMS-0001', 'KmsUnreachable', false],
    [
      'has no engine there',
      { status: 404, body: '{"errors":["no handler for route \\"secret/data/prod\\". route entry not found."]}' },
      'FIM-KMS-0001',
      'KmsUnreachable',
      false,
    ],
  ] as const) {
    test(`a KMS that ${about}`, async (t) => {
      const harness = await start(mood, { holdMs: atOnce ? LONG_HOLD_MS : HOLD_MS });
      t.after(() => harness.stop());
      assert.deepEqual(warningsOf(harness), [[code, KEY_ID]]);
      assert.match(resolved(harness), new RegExp(`^False ${reason} ${code} ${KEY_ID}`));
      for (let i = 0; i < 3; i++) {
        const started = performance.now();
        const reply = await send(harness.url, { body: BODY });
        const tookMs = performance.now() - started;
        assert.deepEqual([reply.status, problemOf(reply).code], [503, code]);
        assert.ok(atOnce ? tookMs < AT_ONCE_MS : tookMs > HOLD_MS / 2, `${tookMs} ms`);
      }
      assert.equal(harness.upstream.bytesReceived, 0);
      harness.kms.mood = null;
      await harness.poll(async () => (await send(harness.url, { body: BODY })).status === 200);
      await harness.poll(async () =>
        harness.events.some((event) => event.event === 'recovered' && event.key === KEY_ID),
      );
    });
  }

  test('a KMS that is slow holds the first requests, which then pass', async (t) => {
    const harness = await start(null, {}, 1000);
    t.after(() => harness.stop());
    assert.equal((await send(harness.url, { body: BODY })).status, 200);
    assert.deepEqual(warningsOf(harness), []);
    assert.equal(resolved(harness), 'True ResolvedRefs Every key is available.');
  });

  test('an edit that names a key that is not there is told, one that names it no more resolves', async (t) => {
    const harness = await start(null, {});
    t.after(() => harness.stop());
    assert.match(resolved(harness), /^True/);
    harness.kms.mood = { status: 404, body: '{"errors":[]}' };
    await harness.edit(CONTRACT.replaceAll(KEY_ID, 'kms://prod/other'));
    assert.deepEqual(warningsOf(harness), [['FIM-KMS-0002', 'kms://prod/other']]);
    assert.match(resolved(harness), /^False KeyNotFound/);
    harness.kms.mood = null;
    await harness.edit(CONTRACT);
    assert.match(resolved(harness), /^True/);
  });
});

const FRESH = 'kms://prod/fresh';

/** Events about a key, beginning with the `from`-th: codes of warnings, and `recovered`. */
function toldOf(harness: Harness, key: string, from = 0): string[] {
  return harness.events.slice(from).flatMap((event) => {
    if (event.event === 'warning' && event.key === key) return [event.code];
    return event.event === 'recovered' && event.key === key ? ['recovered'] : [];
  });
}

describe('changes of a key', { concurrency: 7 }, () => {
  for (const [about, fail, mend] of [
    [
      'fails',
      (harness: Harness) => void (harness.kms.mood = { status: 500, body: '{}' }),
      (harness: Harness) => void (harness.kms.mood = null),
    ],
    [
      'hangs',
      (harness: Harness) => void (harness.kms.delay = () => new Promise(() => {})),
      (harness: Harness) => void (harness.kms.delay = () => Promise.resolve()),
    ],
    ['takes no connection', (harness: Harness) => harness.kms.stop(), (harness: Harness) => harness.startKms()],
  ] as const) {
    test(`a KMS that ${about} when an edit names a new key is told once for that key, and when it is well again`, async (t) => {
      const harness = await start(null, {});
      t.after(() => harness.stop());
      harness.kms.createKey(FRESH);
      await fail(harness);
      await harness.edit(CONTRACT.replaceAll(KEY_ID, FRESH));
      assert.deepEqual(toldOf(harness, FRESH), ['FIM-KMS-0001']);
      assert.match(resolved(harness), /^False KmsUnreachable/);
      assert.equal(problemOf(await send(harness.url, { body: BODY })).code, 'FIM-KMS-0001');
      await mend(harness);
      await harness.waitFor(() => toldOf(harness, FRESH).at(-1) === 'recovered' || undefined);
      assert.deepEqual(toldOf(harness, FRESH), ['FIM-KMS-0001', 'recovered']);
      await harness.poll(async () => (await send(harness.url, { body: BODY })).status === 200);
    });
  }

  test('a key that two routes use with two algorithms is told to the one that it does not fit', async (t) => {
    const verifying = route('verifies', {
      match: { path: { type: 'Exact', value: '/in' } },
      signature: { keyId: 'kms://partner/one', request: 'Verify' },
    });
    const encrypting = route('encrypts', {
      match: { path: { type: 'Exact', value: '/out' } },
      encryption: { keyId: 'kms://partner/one', request: 'Encrypt' },
    });
    const harness = await Harness.start({
      routes: together(verifying, encrypting),
      withKms: (kms) => void kms.register.create('partner/one', 'HMAC-SM3'),
    });
    t.after(() => harness.stop());
    assert.deepEqual(warningsOf(harness), [['FIM-KMS-0009', 'kms://partner/one']]);
    const applied = harness.events.findLast((event): event is Applied => event.event === 'applied')!;
    const statuses = applied.conditions.flatMap(({ type, route, status }) =>
      type === 'ResolvedRefs' ? [`${route} ${status}`] : [],
    );
    assert.deepEqual(statuses.toSorted(), ['default/encrypts False', 'default/verifies True']);
  });

  test('a key in use that is taken back is told with the reason, as is the next one', async (t) => {
    const harness = await start(null, {});
    t.after(() => harness.stop());
    assert.equal((await send(harness.url, { body: BODY })).status, 200);
    const path = KEY_ID.slice('kms://'.length);
    for (const [takeBack, code, status] of [
      [() => harness.kms.register.setState(path, 'disabled'), 'FIM-KMS-0007', 503],
      [() => void (harness.kms.mood = { status: 403, body: '{}' }), 'FIM-KMS-0008', 200],
      [() => void (harness.kms.mood = { status: 404, body: '{"errors":[]}' }), 'FIM-KMS-0002', 503],
    ] as const) {
      const from = harness.events.length;
      takeBack();
      const told = await harness.waitFor(() =>
        harness.events.slice(from).find((event) => event.event === 'warning' && event.key === KEY_ID),
      );
      assert.ok(told.event === 'warning' && told.code === code, JSON.stringify(told));
      assert.match(told.message, status === 200 ? /serves from memory/ : /get 503$/);
      await harness.poll(async () => (await send(harness.url, { body: BODY })).status === status);
      harness.kms.mood = null;
      harness.kms.register.setState(path, 'enabled');
      await harness.waitFor(() => toldOf(harness, KEY_ID, from).at(-1) === 'recovered' || undefined);
      assert.deepEqual(toldOf(harness, KEY_ID, from), [code, 'recovered']);
      await harness.poll(async () => (await send(harness.url, { body: BODY })).status === 200);
    }
  });

  test('a KMS that goes away is told for the keys in use, which serve from memory', async (t) => {
    const harness = await start(null, {});
    t.after(() => harness.stop());
    assert.equal((await send(harness.url, { body: BODY })).status, 200);
    await harness.kms.stop();
    const told = await harness.waitFor(() =>
      harness.events.find((event) => event.event === 'warning' && event.key === KEY_ID),
    );
    assert.match(told.event === 'warning' ? told.message : '', /^FIM-KMS-0001.*serves from memory/);
    assert.equal((await send(harness.url, { body: BODY })).status, 200);
    await harness.startKms();
    await harness.waitFor(() => toldOf(harness, KEY_ID).at(-1) === 'recovered' || undefined);
    assert.deepEqual(toldOf(harness, KEY_ID), ['FIM-KMS-0001', 'recovered']);
  });
});
