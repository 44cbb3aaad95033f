// Data keys of a transit engine, in one machine on the virtual clock: made by the KMS, sent along wrapped, unwrapped
// where a message arrives.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createVm, Exchange, exchange } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import { DENIED, says, UNMOUNTED } from '../kms/replies.ts';
import { TestKms } from '../kms/test-kms.ts';
import { builtModules } from './modules.ts';
import { open } from './scenario/envelope.ts';

const ID = 'kms://transit/pay';
let encryptor: LoadedModule;
before(async () => {
  encryptor = (await builtModules(['sm4-encryptor'])).get('sm4-encryptor')!;
});

interface Machine {
  vm: Vm;
  root: RootContext;
  encrypt: () => ExchangeResult;
  decrypt: (body: string) => ExchangeResult;
}

function machine(engine: TestKms, settings: object = {}): Machine {
  const vm = createVm(encryptor, { httpCall: engine.call });
  const stage = (request: string): object => ({ sm4Encryptor: { keyId: ID, request, response: 'None', ...settings } });
  const routes = [
    { name: 'in', match: { path: { type: 'Exact', value: '/in' } }, stages: stage('Decrypt') },
    { name: 'out', stages: stage('Encrypt') },
  ];
  const { root, accepted } = vm.configure(
    JSON.stringify({
      version: '1.0',
      generation: 1,
      kms: { cluster: 'fim-kms', holdMs: 2000, timeoutMs: 1000 },
      routes,
    }),
  );
  assert.ok(accepted);
  return {
    vm,
    root,
    encrypt: () => exchange(root, { request: { body: 'text', headers: { 'content-type': 'application/json' } } }),
    decrypt: (body) => exchange(root, { request: { path: '/in', body } }),
  };
}

interface Sealed {
  alg: string;
  kid: string;
  edk: string;
  iv: string;
  ct: string;
  tag: string;
}

const bodyOf = (result: ExchangeResult): string => result.upstream.body.toString();
const sealedOf = (result: ExchangeResult): Sealed => JSON.parse(bodyOf(result)) as Sealed;

function assertClean({ vm }: Machine): void {
  assert.equal(vm.failed, false);
  assert.deepEqual(vm.violations, []);
  assert.equal(vm.liveContexts, vm.roots.size);
}

test("a message carries the wrapped key, names the transit key's version, and opens with the data key", () => {
  const engine = new TestKms();
  engine.transit.version = 3;
  const one = machine(engine);
  const sealed = sealedOf(one.encrypt());
  assert.equal(sealed.kid, `${ID}#3`);
  assert.equal(open(engine.transit.dataKeys.get(sealed.edk)!, sealed).toString(), 'text');
  const [asked] = engine.asked;
  assert.deepEqual(
    [asked?.method, asked?.path, asked?.body, asked?.header('content-type')],
    ['POST', '/v1/transit/datakey/plaintext/pay', '{"bits":128}', 'application/json'],
  );
  assertClean(one);
});

test('AES-256-GCM asks for 256 bits', () => {
  const engine = new TestKms();
  const one = machine(engine, { algorithm: 'AES-256-GCM' });
  assert.equal(sealedOf(one.encrypt()).alg, 'AES-256-GCM');
  assert.equal([...engine.transit.dataKeys.values()][0]!.length, 32);
});

test('another machine unwraps it once, however many messages there are; the one that made it never asks', () => {
  const engine = new TestKms();
  const sender = machine(engine);
  const receiver = machine(engine);
  const body = bodyOf(sender.encrypt());
  const before = engine.paths('decrypt').length;
  const waiting = Array.from({ length: 20 }, () => new Exchange(receiver.root, { request: { path: '/in', body } }));
  for (const other of waiting) assert.equal(other.settle().upstream.body.toString(), 'text');
  assert.equal(engine.paths('decrypt').length - before, 1);
  assert.equal(receiver.decrypt(body).tookMs, 0);
  assert.equal(sender.decrypt(body).tookMs, 0);
  assert.equal(engine.paths('decrypt').length - before, 1);
  assertClean(sender);
  assertClean(receiver);
});

test('data keys change with the refresh; those before still open, also while the KMS is away', () => {
  const engine = new TestKms();
  const one = machine(engine);
  const bodies = new Set<string>();
  for (let i = 0; i < 200; i++) {
    bodies.add(bodyOf(one.encrypt()));
    one.vm.clock.advance(100);
  }
  assert.ok(
    engine.transit.dataKeys.size >= 8 && engine.transit.dataKeys.size <= 14,
    `${engine.transit.dataKeys.size} data keys in 20 s`,
  );
  engine.fault = 'refused';
  one.vm.clock.advance(10_000);
  for (const body of bodies) assert.equal(one.decrypt(body).client.status, 200);
  assert.equal(one.encrypt().client.status, 200);
  assertClean(one);
});

test('wrapped keys that somebody made up are refused, remembered, and keep nobody out', () => {
  const engine = new TestKms();
  const one = machine(engine);
  const genuine = bodyOf(machine(engine).encrypt());
  const forged = (text: string): string => JSON.stringify({ ...(JSON.parse(genuine) as Sealed), edk: text });
  for (const text of [
    '',
    'x',
    'vault:v0:AAAA',
    'vault:v1:',
    'vault:v1:"}',
    `vault:v1:${'A'.repeat(600)}`,
    'vault:v1:AA AA',
    'vault:v99999999999:AAAA',
  ]) {
    const before = engine.asked.length;
    assert.equal(one.decrypt(forged(text)).client.status, 422, text);
    if (text !== 'vault:v1:') assert.equal(engine.asked.length, before, `${text} is not asked for`);
  }
  engine.afterMs = 100;
  const invented = Array.from(
    { length: 200 },
    (_, n) =>
      new Exchange(one.root, {
        request: { path: '/in', body: forged(`vault:v1:${Buffer.from(`no ${n}`).toString('base64')}`) },
      }),
  );
  const real = new Exchange(one.root, { request: { path: '/in', body: genuine } });
  const settled = real.settle();
  assert.ok(settled.client.status === 200 || settled.client.status === 503);
  for (const other of invented) assert.notEqual(other.settle().client.status, 200);
  assert.equal(one.decrypt(genuine).client.status, 200);
  const before = engine.asked.length;
  assert.equal(one.decrypt(forged(`vault:v1:${Buffer.from('no 199').toString('base64')}`)).client.status, 422);
  assert.ok(engine.asked.length - before <= 1);
  assertClean(one);
});

test('300 wrapped keys that somebody made up cost the KMS a bounded number of calls, and the same one is asked for once', () => {
  const engine = new TestKms();
  const one = machine(engine);
  const genuine = bodyOf(machine(engine).encrypt());
  const forged = (n: number): string =>
    JSON.stringify({
      ...(JSON.parse(genuine) as Sealed),
      edk: `vault:v1:${Buffer.from(`no ${n}`).toString('base64')}`,
    });
  const before = engine.paths('decrypt').length;
  const since = one.vm.clock.nowMs;
  const invented = Array.from(
    { length: 300 },
    (_, n) => new Exchange(one.root, { request: { path: '/in', body: forged(n) } }),
  );
  for (const other of invented) assert.notEqual(other.settle().client.status, 200);
  const spentMs = one.vm.clock.nowMs - since;
  assert.ok(
    engine.paths('decrypt').length - before <= 16 + spentMs / 250 + 1,
    `${engine.paths('decrypt').length - before} calls in ${spentMs} ms`,
  );
  one.vm.clock.advance(10_000);
  assert.equal(one.decrypt(forged(1000)).client.status, 422);
  const asked = engine.paths('decrypt').length;
  for (let i = 0; i < 50; i++) assert.equal(one.decrypt(forged(1000)).client.status, 422);
  assert.equal(engine.paths('decrypt').length, asked);
  assert.equal(one.decrypt(genuine).client.status, 200);
  assertClean(one);
});

test('a machine that only opens asks for no data key, and opens though it may make none', () => {
  const engine = new TestKms();
  const genuine = bodyOf(machine(engine).encrypt());
  engine.fault = ({ path }) => (path.includes('datakey') ? DENIED : undefined);
  const vm = createVm(encryptor, { httpCall: engine.call });
  const { root } = vm.configure(
    JSON.stringify({
      version: '1.0',
      kms: { cluster: 'fim-kms' },
      routes: [{ name: 'in', stages: { sm4Encryptor: { keyId: ID, request: 'Decrypt', response: 'None' } } }],
    }),
  );
  vm.clock.advance(1000);
  assert.equal(vm.httpCalls.made.length, 0);
  assert.equal(exchange(root, { request: { body: genuine } }).upstream.body.toString(), 'text');
});

test('an engine that is not mounted is an outage, and takes no data key away', () => {
  const engine = new TestKms();
  const one = machine(engine);
  const body = bodyOf(one.encrypt());
  engine.fault = UNMOUNTED;
  for (let i = 0; i < 400; i++) {
    assert.equal(one.decrypt(body).client.status, 200);
    one.vm.clock.advance(100);
  }
  assert.equal(one.encrypt().client.status, 200);
  assertClean(one);
});

test('a transit key that is taken away opens nothing any more within half a minute or so', () => {
  const engine = new TestKms();
  const one = machine(engine);
  const body = bodyOf(one.encrypt());
  const [key] = engine.transit.dataKeys.values();
  engine.transit.dataKeys.clear();
  engine.fault = says(400, '{"errors":["encryption key not found"]}');
  for (let i = 0; i < 400; i++) {
    one.decrypt(body);
    one.vm.clock.advance(100);
  }
  assert.equal(one.decrypt(body).client.status, 422);
  assert.equal(one.encrypt().client.status, 503);
  assert.equal(one.vm.instance.bytes().includes(key!), false);
  assertClean(one);
});

test('compact and segmented messages carry it, too', () => {
  for (const settings of [
    { profile: 'compact' },
    { profile: 'segmented' },
    { profile: 'segmented', algorithm: 'SM4-CBC-HMAC-SM3' },
    { profile: 'segmented', algorithm: 'AES-256-GCM' },
  ]) {
    const engine = new TestKms();
    const body = machine(engine, settings).encrypt().upstream.body.toString('latin1');
    if (settings.profile === 'compact')
      assert.deepEqual([...engine.transit.dataKeys.keys()], [Buffer.from(body.split('.')[1]!, 'base64url').toString()]);
    else assert.ok(body.includes([...engine.transit.dataKeys.keys()][0]!));
    const receiver = machine(engine, settings);
    const { upstream } = exchange(receiver.root, { request: { path: '/in', body: Buffer.from(body, 'latin1') } });
    assert.equal(upstream.body.toString(), 'text', JSON.stringify(settings));
    assertClean(receiver);
  }
});

test('a profile without a place for the wrapped key seals nothing', () => {
  for (const settings of [{ profile: 'raw' }, { profile: 'base64' }, { profile: 'hex' }]) {
    const one = machine(new TestKms(), settings);
    const result = one.encrypt();
    assert.equal(result.client.status, 503, JSON.stringify(settings));
    assert.equal(result.upstream.sawNothing, true);
    assertClean(one);
  }
});
