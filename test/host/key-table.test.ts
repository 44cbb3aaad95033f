// Every user of a key × what may become of a key: one reply each. What is wrong with the message is the message's own
// refusal; what is wrong with the key is one code of the KMS, whatever asked for it, and held only where waiting may
// help.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ID,
  TEXT,
  HOLD_MS,
  ENDED,
  keyOf,
  Machine,
  replyOf,
  REVOKED,
  USERS,
  type Version,
  type Kms,
  type Case,
} from './key-users.ts';
import { ABSENT, DENIED, FAILING, GARBAGE, says } from '../kms/replies.ts';

const FINE: Record<number, Version> = { 1: {}, 2: {} };
const CASES: Record<string, Case> = {
  'the newest version': { kms: { versions: FINE }, sent: [2], reply: 'passed' },
  'the version before': { kms: { versions: FINE }, sent: [1], reply: 'passed' },
  'another key': { kms: { versions: FINE }, sent: [2, 9], reply: 'wrong', protects: 'passed' },
  'two versions back, superseded long ago': {
    kms: { versions: { 1: {}, 2: {}, 3: {} } },
    sent: [1],
    reply: 'wrong',
    names: 'passed',
    protects: 'passed',
  },
  'two versions back, superseded just now': {
    kms: {
      versions: {
        1: {},
        2: { metadata: { created_time: '2025-12-31T23:59:58Z' } },
        3: { metadata: { created_time: '2025-12-31T23:59:59Z' } },
      },
    },
    sent: [1],
    reply: 'passed',
  },
  'the newest has ended, message under it': {
    kms: { versions: { 1: {}, 2: ENDED } },
    sent: [2],
    reply: 'wrong',
    protects: 'FIM-KMS-0007',
  },
  'the newest has ended, message under the one before': {
    kms: { versions: { 1: {}, 2: ENDED } },
    sent: [1],
    reply: 'passed',
    protects: 'FIM-KMS-0007',
  },
  'the one before has ended': { kms: { versions: { 1: ENDED, 2: {} } }, sent: [1], reply: 'wrong', protects: 'passed' },
  'the newest was taken back, message under it': {
    kms: { versions: { 1: {}, 2: REVOKED } },
    sent: [2],
    reply: 'wrong',
    protects: 'FIM-KMS-0007',
  },
  'the newest was taken back, message under the one before': {
    kms: { versions: { 1: {}, 2: REVOKED } },
    sent: [1],
    reply: 'passed',
    protects: 'FIM-KMS-0007',
  },
  'both were taken back': {
    kms: { versions: { 1: REVOKED, 2: REVOKED } },
    sent: [1],
    reply: 'wrong',
    protects: 'FIM-KMS-0007',
  },
  'the KMS does not give the one before': {
    kms: { versions: { 1: { answer: FAILING }, 2: {} } },
    sent: [1],
    reply: 'FIM-KMS-0001',
    protects: 'passed',
    holds: true,
  },
  'the KMS may not give the one before': {
    kms: { versions: { 1: { answer: says(403, '{"errors":[]}') }, 2: {} } },
    sent: [1],
    reply: 'FIM-KMS-0008',
    protects: 'passed',
  },
  'the one before is no key': {
    kms: { versions: { 1: { data: { material: '!' } }, 2: {} } },
    sent: [1],
    reply: 'FIM-KMS-0003',
    protects: 'passed',
  },
  'the KMS is away': { kms: { all: 'refused' }, sent: [1], reply: 'FIM-KMS-0001', holds: true },
  'the KMS fails': {
    kms: { all: says(500, '{"errors":["internal error"]}') },
    sent: [1],
    reply: 'FIM-KMS-0001',
    holds: true,
  },
  'the KMS says "no handler"': {
    kms: { all: says(404, '{"errors":["no handler for route \\"secret/data/prod/a\\". route entry not found."]}') },
    sent: [1],
    reply: 'FIM-KMS-0001',
    holds: true,
  },
  'the KMS has no such key': { kms: { all: ABSENT }, sent: [1], reply: 'FIM-KMS-0002' },
  'the KMS wants a token': {
    kms: { all: says(401, '{"errors":["missing client token"]}') },
    sent: [1],
    reply: 'FIM-KMS-0008',
  },
  'the KMS refuses': { kms: { all: DENIED }, sent: [1], reply: 'FIM-KMS-0008' },
  'the KMS gives no key': {
    kms: { versions: { 1: { data: { material: 'AAAA' } } } },
    sent: [1],
    reply: 'FIM-KMS-0003',
  },
  'the KMS is a web server': { kms: { all: GARBAGE }, sent: [1], reply: 'FIM-KMS-0003' },
  'the key is of another algorithm': {
    kms: { versions: { 1: { data: { algorithm: 'TDES', material: Buffer.alloc(16, 1).toString('base64') } } } },
    sent: [1],
    reply: 'FIM-KMS-0009',
  },
};

for (const [what, user] of Object.entries(USERS)) {
  describe(`a route that ${what}`, () => {
    for (const [about, { kms, sent, reply, protects, names, holds = false }] of Object.entries(CASES)) {
      test(about, () => {
        const machine = new Machine(user, kms);
        const expected = (user.protects ? protects : user.names ? names : undefined) ?? reply;
        for (const pauseMs of [0, 0, 300, 5000]) {
          machine.vm.clock.advance(pauseMs);
          const result = machine.send(...sent);
          assert.equal(replyOf(result), expected === 'wrong' ? user.wrong : expected, `after ${pauseMs} ms`);
          const boundMs = holds && expected !== 'passed' ? HOLD_MS + 200 : 100;
          assert.ok(result.tookMs <= boundMs, `${result.tookMs} ms`);
        }
        machine.close();
      });
    }
  });
}

test('under Observe a code is never waited for: not at the first look, not during an outage, not after a pause', () => {
  const user = USERS['verifies codes']!;
  const machine = new Machine(user, { all: 'silent' }, true);
  for (const pauseMs of [0, 0, 300, 5000, 60_000]) {
    machine.vm.clock.advance(pauseMs);
    const { client, upstream, tookMs } = machine.send(1);
    assert.deepEqual([client.status, upstream.body.toString(), tookMs], [200, TEXT.toString(), 0]);
  }
  assert.equal(machine.vm.counted('fim.observed_total{code=FIM-KMS-0001}'), 5);
  machine.kms = { versions: FINE };
  machine.vm.clock.advance(60_000);
  machine.send(2);
  machine.vm.clock.advance(500);
  const valid = machine.vm.counted('fim.pboc.valid');
  for (const pauseMs of [0, 60_000, 3_600_000]) {
    machine.vm.clock.advance(pauseMs);
    assert.equal(machine.send(2).tookMs, 0);
  }
  assert.equal(machine.vm.counted('fim.pboc.valid') - valid, 3, 'what is held tests them at once');
  const outages = machine.vm.counted('fim.observed_total{code=FIM-KMS-0001}') + 1;
  for (let i = 0; i < 2; i++) {
    assert.equal(machine.send(2, 9).tookMs, 0);
    assert.equal(
      machine.vm.counted('fim.observed_total{code=FIM-KMS-0001}'),
      outages,
      'the version before is fetched on the side',
    );
    machine.vm.clock.advance(200);
  }
  assert.equal(machine.vm.counted('fim.observed_total{code=FIM-PBOC-0001}'), 1);
  machine.close();
});

for (const [reason, code, kms] of [
  ['denied', 'FIM-KMS-0008', { all: DENIED }],
  ['unreadable', 'FIM-KMS-0003', { versions: { 1: { data: { algorithm: 'sm4' } } } }],
  ['absent', 'FIM-KMS-0002', { all: ABSENT }],
  ['expired', 'FIM-KMS-0007', { versions: { 1: ENDED } }],
  ['revoked', 'FIM-KMS-0007', { versions: { 1: REVOKED } }],
  ['outage', 'FIM-KMS-0001', { all: says(500, '') }],
] as [string, string, Kms][]) {
  test(`a key that is ${reason}: told once without a message, counted by reason, gone when it is put right`, () => {
    const machine = new Machine(USERS.encrypts!, kms);
    const lines = (event: string): unknown[] =>
      machine.vm.logs.flatMap(({ message }) => (message.includes(event) ? [JSON.parse(message)] : []));
    machine.vm.clock.advance(200);
    assert.deepEqual(
      lines('key-unavailable'),
      [{ event: 'key-unavailable', key: ID, reason, code }],
      'soon after the configuration',
    );
    for (let i = 0; i < 50; i++) {
      machine.send(1);
      machine.vm.clock.advance(100);
    }
    assert.equal(lines('key-unavailable').length, 1);
    assert.ok(machine.vm.counted(`fim.key.unavailable_total{reason=${reason}}`) >= 2);
    machine.kms = { versions: { 1: {}, 2: {} } };
    machine.vm.clock.advance(20_000);
    assert.equal(replyOf(machine.send(1)), 'passed');
    assert.deepEqual(lines('key-available'), [{ event: 'key-available', key: ID }]);
    machine.close();
  });
}

test('a refusal that is put right is noticed within the longest pause, also under load', () => {
  const machine = new Machine(USERS.encrypts!, { all: DENIED });
  for (let i = 0; i < 300; i++) {
    machine.send(1);
    machine.vm.clock.advance(100);
  }
  assert.ok(machine.vm.httpCalls.made.length < 20, `${machine.vm.httpCalls.made.length} calls in 30 s`);
  machine.kms = { versions: FINE };
  const since = machine.vm.clock.nowMs;
  while (replyOf(machine.send(1)) !== 'passed') machine.vm.clock.advance(100);
  assert.ok(machine.vm.clock.nowMs - since <= 7000, `${machine.vm.clock.nowMs - since} ms`);
  machine.close();
});

for (const [about, kms] of [
  ['has ended', { versions: { 1: ENDED } }],
  ['was taken back', { versions: { 1: REVOKED } }],
  ['is missing', { all: ABSENT }],
  ['is refused', { all: says(403, '{}') }],
  ['is fine', { versions: FINE }],
] as [string, Kms][]) {
  test(`a key that ${about} is not asked for without traffic`, () => {
    const machine = new Machine(USERS.encrypts!, kms);
    machine.send(1);
    machine.vm.clock.advance(120_000);
    const before = machine.vm.httpCalls.made.length;
    machine.vm.clock.advance(600_000);
    assert.equal(machine.vm.httpCalls.made.length - before, 0);
    machine.vm.clock.advance(1);
    machine.send(1);
    machine.vm.clock.advance(10_000);
    assert.ok(
      machine.vm.httpCalls.made.length - before <= 2,
      `${machine.vm.httpCalls.made.length - before} calls after one message`,
    );
    machine.close();
  });
}

test('a key that ends while it is held is not asked for for ever', () => {
  const machine = new Machine(USERS.encrypts!, { versions: { 1: { data: { expires: '2026-01-01T00:00:10Z' } } } });
  for (let i = 0; i < 120; i++) {
    machine.send(1);
    machine.vm.clock.advance(100);
  }
  assert.equal(replyOf(machine.send(1)), 'FIM-KMS-0007');
  const before = machine.vm.httpCalls.made.length;
  machine.vm.clock.advance(60_000);
  assert.ok(
    machine.vm.httpCalls.made.length - before <= 1,
    `${machine.vm.httpCalls.made.length - before} calls in a minute`,
  );
});

for (const [about, text, encoding, reply] of [
  [
    '64 hexadecimal digits, which are base64 of 48 bytes, too',
    keyOf('HMAC-SM3', 1).toString('hex'),
    undefined,
    'FIM-KMS-0003',
  ],
  ['the same in capitals', keyOf('HMAC-SM3', 1).toString('hex').toUpperCase(), undefined, 'FIM-KMS-0003'],
  ['the same, said to be hexadecimal', keyOf('HMAC-SM3', 1).toString('hex'), 'hex', 'passed'],
  ['the same, said to be base64', keyOf('HMAC-SM3', 1).toString('hex'), 'base64', 'FIM-SIG-0001'],
  ['base64, and said so', keyOf('HMAC-SM3', 1).toString('base64'), 'base64', 'passed'],
  ['base64, said to be hexadecimal', keyOf('HMAC-SM3', 1).toString('base64'), 'hex', 'FIM-KMS-0003'],
  ['an encoding that is none', keyOf('HMAC-SM3', 1).toString('base64'), 'base32', 'FIM-KMS-0003'],
] as const) {
  test(`material: ${about}`, () => {
    const machine = new Machine(USERS['verifies signatures']!, {
      versions: { 1: { data: { material: text, ...(encoding === undefined ? {} : { encoding }) } } },
    });
    assert.equal(replyOf(machine.send(1)), reply);
    machine.close();
  });
}

test('old versions that somebody makes up are asked for at a bounded pace', () => {
  const machine = new Machine(USERS['opens fim-json']!, { versions: { 5000: {} } });
  machine.send(5000);
  const before = machine.vm.httpCalls.made.length;
  for (let n = 1; n <= 300; n++) {
    const { tookMs } = machine.send(n, 1);
    assert.ok(tookMs <= HOLD_MS + 200);
  }
  const spentMs = machine.vm.clock.nowMs;
  assert.ok(
    machine.vm.httpCalls.made.length - before <= 16 + spentMs / 250 + spentMs / 1500 + 5,
    `${machine.vm.httpCalls.made.length - before} calls in ${spentMs} ms`,
  );
  machine.close();
});
