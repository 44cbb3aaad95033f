// Life of a key in one VM on the virtual clock: refresh, rotation, expiry, outages, and messages that name missing
// versions.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, test } from 'node:test';
import { createVm, Exchange, exchange } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import { ABSENT, DENIED, type Fault } from '../kms/replies.ts';
import { type Asked, type KeyVersions, stored, TestKms } from '../kms/test-kms.ts';
import { builtModules } from './modules.ts';
import { seal } from './scenario/envelope.ts';

const ID = 'kms://prod/a';
const REFRESH_MS = 2000;
const TICK_MS = 100;
let encryptor: LoadedModule;
before(async () => {
  encryptor = (await builtModules(['sm4-encryptor'])).get('sm4-encryptor')!;
});

/** Bytes that stand nowhere else in a module's memory. */
const keyBytes = (number: number): Buffer => createHash('sha256').update(`key ${number}`).digest().subarray(0, 16);

/** A KMS whose versions a test adds, expires and removes. */
class Store extends TestKms {
  override readonly versions: KeyVersions = {};
  /** When it was asked, and for what. */
  readonly calls: { atMs: number; path: string }[] = [];
  clock: { nowMs: number } = { nowMs: 0 };

  add(number: number, metadata: object = {}, data: object = {}): this {
    const isGone = 'gone' in metadata;
    this.versions[number] = { ...stored('SM4', keyBytes(number), data), ...(isGone ? { data: null } : {}), metadata };
    return this;
  }

  override answer(asked: Asked): Fault {
    this.calls.push({ atMs: this.clock.nowMs, path: asked.path });
    return super.answer(asked);
  }

  /** Reads of the newest version. */
  get looks(): number[] {
    return this.calls.filter(({ path }) => !path.includes('?')).map(({ atMs }) => atMs);
  }

  sealed(number: number, text = 'text'): string {
    return JSON.stringify(seal(keyBytes(number), `${ID}#${number}`, '', text));
  }
}

interface Machine {
  vm: Vm;
  root: RootContext;
  encrypt: () => ExchangeResult;
  decrypt: (body: string) => ExchangeResult;
}

function machine(store: Store, kms: object = {}): Machine {
  const vm = createVm(encryptor, { httpCall: store.call });
  store.clock = vm.clock;
  const stage = (request: string): object => ({ sm4Encryptor: { keyId: ID, request, response: 'None' } });
  const routes = [
    { name: 'in', match: { path: { type: 'Exact', value: '/in' } }, stages: stage('Decrypt') },
    { name: 'out', stages: stage('Encrypt') },
  ];
  const { root, accepted } = vm.configure(
    JSON.stringify({
      version: '1.0',
      generation: 1,
      kms: { cluster: 'fim-kms', holdMs: 3000, timeoutMs: 1000, ...kms },
      routes,
    }),
  );
  assert.ok(accepted);
  return {
    vm,
    root,
    encrypt: () => exchange(root, { request: { body: 'text' } }),
    decrypt: (body) => exchange(root, { request: { path: '/in', body } }),
  };
}

const versionOf = (result: ExchangeResult): number =>
  Number((JSON.parse(result.upstream.body.toString()) as { kid: string }).kid.split('#')[1]);
const codeOf = (result: ExchangeResult): string => (JSON.parse(result.client.body.toString()) as { code: string }).code;

/** Moves the clock with a message every 100 ms, so that the key stays in use. */
function use({ vm, encrypt }: Machine, ms: number): void {
  for (const end = vm.clock.nowMs + ms; vm.clock.nowMs < end; vm.clock.advance(TICK_MS)) encrypt();
}

function assertClean({ vm }: Machine): void {
  assert.equal(vm.failed, false);
  assert.deepEqual(vm.violations, []);
  assert.equal(vm.liveContexts, vm.roots.size);
}

test('a key in use is looked up every 3/4 to all of the period, not in step', () => {
  const store = new Store().add(1);
  const one = machine(store);
  use(one, 60_000);
  const gaps = store.looks.slice(1).map((at, i) => at - store.looks[i]!);
  assert.ok(gaps.length >= 28 && gaps.length <= 42, `${gaps.length}`);
  for (const gap of gaps) assert.ok(gap >= REFRESH_MS * 0.75 && gap <= REFRESH_MS + 2 * TICK_MS, `${gap}`);
  assert.ok(new Set(gaps.map((gap) => Math.round(gap / TICK_MS))).size > 2, 'spread');
  assertClean(one);
});

test('a rotation is in use within 5 s, by all machines after the second look', () => {
  const store = new Store().add(1);
  const one = machine(store);
  use(one, 3000);
  store.add(2);
  const rotatedAt = one.vm.clock.nowMs;
  while (versionOf(one.encrypt()) === 1) one.vm.clock.advance(TICK_MS);
  assert.ok(one.vm.clock.nowMs - rotatedAt <= 5000, `${one.vm.clock.nowMs - rotatedAt} ms`);
  assert.equal(one.decrypt(store.sealed(1)).client.status, 200);
  assertClean(one);
});

test('versions that change faster than they are looked up are in use all the same, each after the look that follows', () => {
  const store = new Store().add(1);
  const one = machine(store);
  use(one, 1000);
  for (let n = 2; n <= 20; n++) {
    store.add(n);
    use(one, 1500);
    assert.ok(versionOf(one.encrypt()) >= n - 4, `version ${versionOf(one.encrypt())} of ${n}`);
  }
  for (let n = 1; n <= 20; n++) assert.equal(one.decrypt(store.sealed(n)).client.status, 200);
  assertClean(one);
});

test("the new version is confirmed though no message comes, and the first one after a pause waits for the KMS's word", () => {
  const store = new Store().add(1);
  const one = machine(store);
  use(one, 1000);
  store.add(2);
  one.vm.clock.advance(3_600_000);
  const looks = store.looks.length;
  const first = one.encrypt();
  assert.ok(first.tookMs <= 250 + TICK_MS);
  assert.ok(store.looks.length > looks || versionOf(first) === 2);
  one.vm.clock.advance(5000);
  assert.equal(versionOf(one.encrypt()), 2);
});

test('a newest version that goes backwards retires what is above, and wipes it', () => {
  const store = new Store().add(1).add(2);
  const one = machine(store);
  use(one, 1000);
  assert.equal(versionOf(one.encrypt()), 2);
  const secret = keyBytes(2);
  assert.ok(one.vm.instance.bytes().includes(secret));
  delete store.versions[2];
  use(one, 2 * REFRESH_MS);
  assert.equal(versionOf(one.encrypt()), 1);
  assert.equal(codeOf(one.decrypt(store.sealed(2))), 'FIM-SM4-0002');
  assert.equal(one.vm.instance.bytes().includes(secret), false);
  assertClean(one);
});

for (const [what, metadata] of [
  ['destroyed', { destroyed: true, gone: true }],
  ['deleted', { deletion_time: '2025-12-31T23:59:59.9Z', gone: true }],
] as const) {
  test(`an old version that is ${what} opens nothing any more within the period, used or not`, () => {
    for (const inUse of [true, false]) {
      const store = new Store().add(1).add(2);
      const one = machine(store);
      assert.equal(one.decrypt(store.sealed(1)).client.status, 200);
      store.add(1, metadata);
      for (let i = 0; i < 25; i++) {
        if (inUse) one.decrypt(store.sealed(1));
        one.vm.clock.advance(TICK_MS);
      }
      if (!inUse) one.vm.clock.advance(2 * REFRESH_MS + 1000);
      assert.equal(codeOf(one.decrypt(store.sealed(1))), 'FIM-SM4-0002');
      assert.equal(one.vm.instance.bytes().includes(keyBytes(1)), false);
      assert.equal(one.decrypt(store.sealed(2)).client.status, 200);
      assertClean(one);
    }
  });

  test(`with the newest version ${what} nothing is encrypted, and older ones are read`, () => {
    const store = new Store().add(1).add(2);
    const one = machine(store);
    use(one, 500);
    store.add(2, metadata);
    use(one, 2 * REFRESH_MS);
    const refused = one.encrypt();
    assert.equal(refused.client.status, 503);
    assert.equal(refused.upstream.sawNothing, true);
    assert.equal(one.decrypt(store.sealed(1)).client.status, 200);
    assert.equal(one.decrypt(store.sealed(2)).client.status, 422);
    store.add(3);
    use(one, 3000);
    assert.equal(versionOf(one.encrypt()), 3);
    assertClean(one);
  });
}

for (const [what, metadata, data] of [
  ['expires', {}, { expires: '2026-01-01T00:00:30Z' }],
  ['expires by metadata of the key', { custom_metadata: { expires: '2026-01-01T00:00:30Z' } }, {}],
  ['is to be deleted', { deletion_time: '2026-01-01T00:00:30.000000001Z' }, {}],
] as const) {
  test(`a key that ${what} serves through an outage until then, and is overwritten`, () => {
    const store = new Store().add(1, metadata, data);
    const one = machine(store);
    use(one, 3000);
    store.fault = 'refused';
    while (one.vm.clock.nowMs < 29_500) {
      const { client, tookMs } = one.encrypt();
      assert.equal(client.status, 200);
      assert.ok(tookMs === 0);
      one.vm.clock.advance(TICK_MS);
    }
    one.vm.clock.advance(1000);
    const refused = one.encrypt();
    assert.equal(refused.client.status, 503);
    assert.equal(codeOf(refused), 'FIM-KMS-0007');
    assert.equal(refused.upstream.sawNothing, true);
    assert.ok(refused.tookMs === 0, 'at once: nothing will change that soon');
    assert.equal(one.vm.instance.bytes().includes(keyBytes(1)), false);
    store.fault = undefined;
    store.add(2);
    one.vm.clock.advance(6000);
    assert.equal(versionOf(one.encrypt()), 2);
    assert.equal(codeOf(one.decrypt(store.sealed(1))), 'FIM-SM4-0002', 'what it encrypted does not open any more');
    assertClean(one);
  });
}

test('without an end of its own a key serves for a day without the KMS, no longer', () => {
  const store = new Store().add(1);
  const one = machine(store);
  use(one, 1000);
  store.fault = 'refused';
  use(one, 10_000);
  for (let hour = 0; hour < 23; hour++) {
    one.vm.clock.advance(3_600_000);
    assert.equal(one.encrypt().client.status, 200);
  }
  one.vm.clock.advance(3_600_000);
  assert.equal(codeOf(one.encrypt()), 'FIM-KMS-0007');
  assert.ok(store.calls.length < 24 * 3600, `${store.calls.length} calls in a day`);
  store.fault = undefined;
  one.vm.clock.advance(7000);
  assert.equal(one.encrypt().client.status, 200);
});

test('"not found" that is not the KMS\'s own takes no key away: a page of a proxy, an answer cut off', () => {
  for (const body of [
    '{"errors":["no handler for route \\"secret/data/prod/a\\". route entry not found."]}',
    '',
    '404 page not found',
    '<html></html>',
    '[]',
    '{"errors":',
    '"errors"',
    '{"status":404}',
  ]) {
    const store = new Store().add(1);
    const { vm, encrypt, decrypt } = machine(store);
    const sealed = store.sealed(1);
    assert.equal(decrypt(sealed).client.status, 200);
    store.fault = { status: 404, body };
    vm.clock.advance(3 * REFRESH_MS);
    assert.equal(decrypt(sealed).client.status, 200, body);
    assert.equal(encrypt().client.status, 200, body);
    assert.ok(vm.counted('fim.key.fetch_failed') > 0);
    assert.equal(vm.counted('fim.key.absent'), 0);
    store.fault = ABSENT;
    vm.clock.advance(10_000);
    assert.equal(encrypt().client.status, 503);
  }
});

test('a KMS that wants other credentials is an outage, counted apart', () => {
  const store = new Store().add(1);
  const one = machine(store);
  use(one, 1000);
  store.fault = DENIED;
  use(one, 10_000);
  assert.equal(one.encrypt().client.status, 200);
  assert.ok(one.vm.counted('fim.key.fetch_denied') > 0);
});

test('versions above the newest cost one look in 100 ms, and a real one among them is served at once', () => {
  const store = new Store().add(1);
  const one = machine(store);
  use(one, 1000);
  const before = store.calls.length;
  for (let i = 0; i < 100; i++) {
    const invented = Array.from(
      { length: 20 },
      (_, n) => new Exchange(one.root, { request: { path: '/in', body: store.sealed(1000 + n) } }),
    );
    one.vm.clock.advance(10);
    if (i === 50) store.add(2);
    if (i === 55) assert.ok(one.decrypt(store.sealed(2)).tookMs <= 2 * TICK_MS);
    for (const other of invented) other.settle();
  }
  const spentMs = one.vm.clock.nowMs - 1000;
  assert.ok(
    store.calls.length - before <= spentMs / TICK_MS + 5,
    `${store.calls.length - before} calls in ${spentMs} ms`,
  );
  assert.equal(one.decrypt(store.sealed(1000)).client.status, 422);
  assertClean(one);
});

test('old versions are fetched four at a time, and one that was genuine before does not wait behind those that are made up', () => {
  const store = new Store();
  for (let n = 1; n <= 40; n++) if (n % 10 === 0) store.add(n);
  const one = machine(store);
  use(one, 500);
  store.afterMs = 200;
  const before = store.calls.length;
  const running = [1, 2, 3, 4, 5, 6, 7, 8, 20].map(
    (n) => new Exchange(one.root, { request: { path: '/in', body: store.sealed(n) } }),
  );
  assert.equal(store.calls.length - before, 3, 'one place is kept');
  const results = running.map((other) => other.settle());
  assert.deepEqual(
    results.map(({ client }) => client.status),
    [422, 422, 422, 422, 422, 422, 422, 422, 200],
  );
  assert.ok(results.at(-1)!.tookMs <= 700, `${results.at(-1)!.tookMs} ms`);
  const again = store.calls.length;
  assert.equal(one.decrypt(store.sealed(3)).tookMs, 0, 'remembered');
  assert.equal(store.calls.length, again);
  assertClean(one);
});

test('an old version that nobody uses is overwritten after an hour, and fetched anew for who names it; while the KMS is away it stays', () => {
  const store = new Store().add(1).add(2);
  const one = machine(store);
  assert.equal(one.decrypt(store.sealed(1)).client.status, 200);
  const held = (number: number): boolean => one.vm.instance.bytes().includes(keyBytes(number));
  one.vm.clock.advance(3_500_000);
  assert.ok(held(1));
  one.vm.clock.advance(200_000);
  assert.deepEqual([held(1), held(2)], [false, true]);
  assert.equal(one.decrypt(store.sealed(1)).client.status, 200);
  store.fault = 'refused';
  use(one, 10_000);
  one.vm.clock.advance(4_000_000);
  assert.ok(held(1));
  assertClean(one);
});

test('messages are counted for each key', () => {
  const store = new Store().add(1);
  const one = machine(store);
  for (let i = 0; i < 7; i++) one.encrypt();
  assert.equal(one.vm.counted('fim.key.messages_total{key=prod/a}'), 7);
});
