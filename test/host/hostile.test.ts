// Random exchanges, half of them broken on purpose, through all stages at once. Whatever comes: no trap, no hang,
// nothing unprotected upstream, nothing shown.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createVm, Exchange } from '../../envoy/host/index.ts';
import type {
  Chunks,
  ExchangeRequest,
  ExchangeResponse,
  ExchangeResult,
  LoadedModule,
  RootContext,
  Vm,
} from '../../envoy/host/index.ts';
import { type Fault, says } from '../kms/replies.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { fimModule } from './modules.ts';
import { open } from './scenario/envelope.ts';
import type { Envelope } from './scenario/envelope.ts';

const ROUNDS = 4_000;
const CARD = '6222021234567894';
const SECRET = 'PLAINTEXT-MARK';
const MATERIAL = Buffer.alloc(16, 9);
const KEY_ID = 'kms://prod/hostile';

let fim: LoadedModule;
before(async () => {
  fim = await fimModule();
});

/** A small seeded generator, so that failures can be reproduced. */
class Dice {
  private state: number;
  constructor(seed: number) {
    this.state = seed;
  }
  below(limit: number): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }
  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

function body(dice: Dice): Buffer {
  const message = {
    transCode: dice.one(['01000001', '01999999', '99', 7, null]),
    cardNo: CARD,
    note: `${SECRET}-${dice.below(1e6)}`,
    list: Array.from({ length: dice.below(20) }, () => ({ cardNo: CARD, n: dice.below(1e9) })),
  };
  const bytes = Buffer.from(JSON.stringify(message));
  if (dice.chance(60)) return bytes;
  const broken = Buffer.from(bytes);
  for (let i = dice.below(4); i >= 0; i--) broken[dice.below(broken.length)] = dice.below(256);
  return dice.chance(50) ? broken : broken.subarray(0, dice.below(broken.length));
}

function chunks(dice: Dice, length: number): Chunks {
  if (dice.chance(5) && length < 500) return 'bytes';
  return Array.from({ length: dice.below(5) }, () => dice.below(length + 2));
}

function randomRequest(dice: Dice): ExchangeRequest {
  const bytes = dice.chance(90) ? body(dice) : undefined;
  const headers: Record<string, string> = {
    'content-type': dice.one([
      'application/json',
      'application/json; charset=utf-8',
      'text/plain',
      'application/grpc',
      '',
      'application/JSON',
    ]),
  };
  if (dice.chance(5)) headers['content-encoding'] = dice.one(['gzip', 'identity', '', 'br, gzip']);
  if (dice.chance(3)) headers['upgrade'] = 'websocket';
  if (dice.chance(5)) headers['accept-encoding'] = 'gzip';
  return {
    method: dice.one(['POST', 'POST', 'PUT', 'GET', 'DELETE', 'HEAD', 'PATCH']),
    path: dice.one(['/pay', '/pay?x=1', '/in/x', '/free']),
    headers,
    ...(bytes === undefined ? {} : { body: bytes, chunks: chunks(dice, bytes.length) }),
    ...(dice.chance(20) ? { trailers: { 'x-end': '1' } } : {}),
    ...(dice.chance(5) && bytes !== undefined ? { abortAfterBytes: dice.below(bytes.length + 1) } : {}),
    contentLength: dice.chance(70),
  };
}

function randomAnswer(dice: Dice): ExchangeResponse | 'reset' | 'silent' {
  if (dice.chance(4)) return 'reset';
  if (dice.chance(2)) return 'silent';
  const bytes = body(dice);
  return {
    status: dice.one([200, 201, 204, 304, 400, 500]),
    headers: {
      'content-type': dice.one(['application/json', 'text/html', 'text/event-stream']),
      ...(dice.chance(5) ? { 'content-encoding': 'gzip' } : {}),
    },
    ...(dice.chance(80) ? { body: bytes, chunks: chunks(dice, bytes.length) } : {}),
    ...(dice.chance(15) ? { trailers: { 'x-end': '1' } } : {}),
    contentLength: dice.chance(50),
  };
}

/** A KMS that fails now and then. */
function randomKms(dice: Dice): TestKms {
  const kms = new TestKms({ 1: stored('SM4', MATERIAL) });
  kms.fault = () => {
    kms.afterMs = dice.below(50);
    if (!dice.chance(15)) return undefined;
    return dice.one<Fault>(['refused', 'reset', 'silent', 'no-host', { status: 500 }, says(200, '{')]);
  };
  return kms;
}

const all = {
  rateLimiter: { id: 'all', requests: 1_000_000, periodMs: 1 },
  pbocValidator: { rules: [{ path: '$.transCode', required: true, pattern: '^01[0-9]{6}$' }] },
  fieldMasker: {
    request: true,
    response: true,
    fields: [{ name: 'cardNo', kind: 'BankCard' }],
    detect: [{ kind: 'BankCard', request: true }],
  },
  sm4Encryptor: { keyId: KEY_ID, request: 'Encrypt', response: 'Encrypt' },
};
const configuration = (generation: number): string =>
  JSON.stringify({
    version: '1.0',
    generation,
    kms: { cluster: 'fim-kms', holdMs: 1000, timeoutMs: 300, refreshMs: 1000 },
    routes: [
      { name: 'pay', match: { path: { value: '/pay' } }, body: { maxBytes: 700 }, stages: all },
      {
        name: 'in',
        match: { path: { value: '/in' } },
        stages: { ...all, sm4Encryptor: { ...all.sm4Encryptor, request: 'Decrypt' } },
      },
    ],
  });

/** Everything that crosses a protected route is sealed, and opens to something masked. */
function assertProtected(bytes: Buffer, where: string): void {
  if (bytes.length === 0) return;
  const plain = open(MATERIAL, JSON.parse(bytes.toString()) as Envelope).toString();
  assert.equal(plain.includes(CARD), false, `${where}: card not masked`);
}

function check(result: ExchangeResult, request: ExchangeRequest, where: string): void {
  const { client, upstream } = result;
  if (result.localReplies > 0)
    assert.equal(client.body.includes(SECRET) || client.body.includes(CARD), false, `${where}: reply shows a value`);
  if (request.path === '/free') return;
  if (!upstream.sawNothing && request.path!.startsWith('/pay')) assertProtected(upstream.body, `${where}: request`);
  if (!upstream.sawNothing && !upstream.complete && request.abortAfterBytes === undefined)
    assert.fail(`${where}: upstream saw part of a request`);
  if (result.localReplies === 0 && client.complete) assertProtected(client.body, `${where}: response`);
}

test(`${ROUNDS} random exchanges, some of them at once, under configurations that change`, () => {
  const dice = new Dice(20_261_122);
  const vm: Vm = createVm(fim, { httpCall: randomKms(dice).call });
  let root: RootContext = vm.configure(configuration(1)).root;
  const statuses = new Map<number, number>();
  for (let round = 0; round < ROUNDS;) {
    if (dice.chance(2)) {
      const next = vm.configure(
        dice.chance(50) ? configuration(round) : configuration(round).slice(0, dice.below(400)),
      );
      if (next.accepted) {
        root.close();
        root = next.root;
      }
    }
    const batch = Array.from({ length: 1 + dice.below(5) }, () => {
      const request = randomRequest(dice);
      const answer = randomAnswer(dice);
      return {
        request,
        exchange: new Exchange(root, {
          request,
          upstream: () => answer,
          answerOnHeaders: dice.chance(3),
          maxWaitMs: 10_000,
        }),
      };
    });
    vm.clock.advance(dice.below(200));
    for (const { request, exchange } of batch) {
      const result = exchange.settle();
      const where = `round ${round++}`;
      check(result, request, where);
      statuses.set(result.client.status, (statuses.get(result.client.status) ?? 0) + 1);
      if (!result.ended) result.stream.abort();
      assert.equal(vm.failed, false, `${where}: ${vm.logs.at(-1)?.message}`);
    }
  }
  assert.deepEqual(vm.violations, []);
  assert.equal(vm.liveContexts, vm.roots.size);
  assert.equal(vm.roots.size, 1);
  for (const entry of vm.logs)
    assert.equal(entry.message.includes(SECRET) || entry.message.includes(CARD), false, entry.message);
  for (const status of [200, 422, 413, 415, 502])
    assert.ok(
      (statuses.get(status) ?? 0) > 10,
      `status ${status} came up ${statuses.get(status) ?? 0} times: ${JSON.stringify([...statuses])}`,
    );
});
