// The key cache where configurations, streams and call-outs end at inconvenient times, and where the KMS says odd
// things.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createVm, Exchange, exchange } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, Vm } from '../../envoy/host/index.ts';
import { ABSENT, type Fault, says } from '../kms/replies.ts';
import { TestKms } from '../kms/test-kms.ts';
import { builtModules } from './modules.ts';

const KIB = 1024;
const KEY = Buffer.alloc(16, 3).toString('base64');
let encryptor: LoadedModule;
before(async () => {
  encryptor = (await builtModules(['sm4-encryptor'])).get('sm4-encryptor')!;
});

const document = (generation: number, keyId = 'kms://prod/a'): string =>
  JSON.stringify({
    version: '1.0',
    generation,
    kms: { cluster: 'fim-kms', holdMs: 2000, timeoutMs: 1000 },
    routes: [{ name: 'a', stages: { sm4Encryptor: { keyId, request: 'Encrypt', response: 'None' } } }],
  });
/** A KMS whose keys are all this version. */
const kms = (data: object, metadata: object = {}, afterMs = 1): TestKms => {
  const service = new TestKms({ 1: { data, metadata } });
  service.afterMs = afterMs;
  return service;
};
const good = (afterMs = 1): TestKms => kms({ algorithm: 'SM4', material: KEY }, {}, afterMs);
/** A KMS that says the same to every request. */
const always = (fault: Fault): TestKms => {
  const service = new TestKms();
  service.fault = fault;
  return service;
};
const start = (service: TestKms): Vm => createVm(encryptor, { httpCall: service.call });
const sealed = (result: ExchangeResult): boolean =>
  result.client.status === 200 && result.upstream.body.toString().startsWith('{"alg":"SM4-GCM"');

function assertClean(vm: Vm): void {
  assert.equal(vm.failed, false);
  assert.deepEqual(vm.violations, []);
  assert.equal(vm.liveContexts, vm.roots.size);
  for (const entry of vm.logs) assert.equal(entry.message.includes(KEY), false, entry.message);
}

test('who waits for a call-out of a configuration that ends meanwhile still gets the key', () => {
  const vm = start(good(300));
  const { root: old } = vm.configure(document(1));
  const first = new Exchange(old, { request: { body: 'one' } });
  const { root: fresh } = vm.configure(document(2));
  const second = new Exchange(fresh, { request: { body: 'two' } });
  old.close();
  first.stream.abort();
  assert.equal(vm.roots.size, 1, 'the old configuration is gone, and its call-out with it');
  const result = second.settle();
  assert.ok(sealed(result), `${result.client.status}`);
  assert.ok(result.tookMs < 1000, `${result.tookMs} ms`);
  assertClean(vm);
});

test('a key of a configuration that nobody uses any more is not asked for', () => {
  const vm = start(good());
  const { root: old } = vm.configure(document(1, 'kms://prod/old'));
  assert.ok(sealed(exchange(old, { request: { body: 'x' } })));
  vm.configure(document(2, 'kms://prod/new'));
  old.close();
  vm.clock.advance(60_000);
  const before = vm.httpCalls.made.length;
  vm.clock.advance(60_000);
  assert.equal(vm.httpCalls.made.slice(before).filter((call) => call.headers.get(':path')?.endsWith('/old')).length, 0);
  assertClean(vm);
});

test('answers that are no key of ours are refused', () => {
  const odd: [string, TestKms][] = [
    ['another algorithm', kms({ algorithm: 'AES', material: KEY })],
    ['no algorithm', kms({ material: KEY })],
    ['a short key', kms({ algorithm: 'SM4', material: Buffer.alloc(15).toString('base64') })],
    ['a long key', kms({ algorithm: 'SM4', material: Buffer.alloc(32).toString('base64') })],
    ['an empty key', kms({ algorithm: 'SM4', material: '' })],
    ['no base64', kms({ algorithm: 'SM4', material: '!!!!' })],
    ['a number', kms({ algorithm: 'SM4', material: 7 })],
    ['no version', kms({ algorithm: 'SM4', material: KEY }, { version: undefined })],
    ['version 0', kms({ algorithm: 'SM4', material: KEY }, { version: 0 })],
    ['a negative version', kms({ algorithm: 'SM4', material: KEY }, { version: -1 })],
    ['a huge version', kms({ algorithm: 'SM4', material: KEY }, { version: 1e30 })],
    ['a destroyed version', kms({ algorithm: 'SM4', material: KEY }, { version: 1, destroyed: true })],
    ['an end that is no time', kms({ algorithm: 'SM4', material: KEY, expires: 'tomorrow' })],
    ['an end that is a number', kms({ algorithm: 'SM4', material: KEY, expires: 1798761600 })],
    ['a deletion time that is no time', kms({ algorithm: 'SM4', material: KEY }, { version: 1, deletion_time: 'x' })],
    ['an end that has passed', kms({ algorithm: 'SM4', material: KEY, expires: '2025-01-01T00:00:00Z' })],
    ['an AES key of 16 bytes', kms({ algorithm: 'AES-256', material: KEY })],
    ['an AES key where SM4 is needed', kms({ algorithm: 'AES-256', material: Buffer.alloc(32, 3).toString('base64') })],
    ['no SM2 key', kms({ algorithm: 'SM2-PRIVATE', material: KEY })],
    [
      'SM2 that is no PEM',
      kms({ algorithm: 'SM2-PRIVATE', material: '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n' }),
    ],
    ['material longer than any key', kms({ algorithm: 'HMAC-SM3', material: Buffer.alloc(40_000).toString('base64') })],
    ['an empty body', always({ status: 200, body: '' })],
    ['an array', always({ status: 200, body: '[]' })],
    ['deep nesting', always({ status: 200, body: '['.repeat(100_000) })],
    ['20 MiB', always({ status: 200, body: 'x'.repeat(20 * KIB * KIB) })],
    ['a redirect', always({ status: 302, headers: { location: 'http://evil' } })],
    ['no content', always({ status: 204 })],
  ];
  for (const [what, service] of odd) {
    const vm = start(service);
    const { root } = vm.configure(document(1));
    const result = exchange(root, { request: { body: 'secret' } });
    assert.equal(result.client.status, 503, what);
    assert.equal(result.upstream.sawNothing, true, what);
    assertClean(vm);
  }
});

test('a KMS that flaps is asked with pauses that grow, not with every request', () => {
  const vm = start(always('refused'));
  const { root } = vm.configure(document(1));
  for (let i = 0; i < 200; i++) {
    new Exchange(root, { request: { body: 'x' } });
    vm.clock.advance(100);
  }
  assert.ok(vm.httpCalls.made.length < 30, `${vm.httpCalls.made.length} calls in 20 s`);
  vm.clock.advance(5000);
  assertClean(vm);
});

test('more who wait than the bound are refused at once, and all others are served when the key comes', () => {
  const vm = start(good(500));
  const { root } = vm.configure(document(1));
  const running = Array.from({ length: 5000 }, () => new Exchange(root, { request: { body: 'x' } }));
  const refused = running.filter((one) => one.stream.ended);
  assert.equal(refused.length, 5000 - 4096);
  for (const one of refused) assert.equal(one.result().client.status, 503);
  vm.clock.advance(600);
  for (const one of running) if (!refused.includes(one)) assert.ok(sealed(one.result()));
  assert.equal(vm.httpCalls.made.length, 1);
  assertClean(vm);
});

test('no nonce is used twice: over versions, streams and machines', () => {
  const seen = new Set<string>();
  for (let machine = 0; machine < 3; machine++) {
    const vm = start(good());
    const { root } = vm.configure(document(1));
    for (let i = 0; i < 2000; i++) {
      const { iv } = JSON.parse(exchange(root, { request: { body: 'same' } }).upstream.body.toString()) as {
        iv: string;
      };
      assert.equal(seen.has(iv), false);
      seen.add(iv);
    }
  }
  assert.equal(seen.size, 6000);
});

test('a machine without randomness protects nothing rather than badly', () => {
  const vm = createVm(encryptor, { httpCall: good().call, random: (bytes) => bytes.fill(0) });
  const { root } = vm.configure(document(1));
  const result = exchange(root, { request: { body: 'secret' } });
  assert.notEqual(result.client.status, 200);
  assert.equal(result.upstream.sawNothing, true);
});

test('more keys than a machine holds: the one that made room is fetched again, and who waits for it is told when the KMS is silent', () => {
  const KEYS = 300;
  const service = good();
  const vm = start(service);
  const routes = Array.from({ length: KEYS }, (_, i) => ({
    name: `r${i}`,
    match: { path: { type: 'Exact', value: `/${i}` } },
    stages: { sm4Encryptor: { keyId: `kms://prod/${i}`, request: 'Encrypt', response: 'None' } },
  }));
  const { root } = vm.configure(
    JSON.stringify({ version: '1.0', generation: 1, kms: { cluster: 'fim-kms', holdMs: 2000 }, routes }),
  );
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < KEYS; i++)
      assert.ok(sealed(exchange(root, { request: { path: `/${i}`, body: 'x' } })), `key ${i}, round ${round}`);
  }
  service.fault = 'refused';
  for (let i = 0; i < KEYS; i++) {
    const result = exchange(root, { request: { path: `/${i}`, body: 'x' } });
    assert.ok(sealed(result) || result.client.status === 503, `key ${i}: ${result.client.status}`);
    assert.ok(result.tookMs < 2500, `${result.tookMs} ms`);
  }
  assertClean(vm);
});

test('of a key there is one copy in memory, however the KMS wrote it, and none once it is retired', () => {
  const key = Buffer.from('fffefdfcfbfaf9f8f7f6f5f4f3f2f1ff', 'hex');
  const text = key.toString('base64');
  assert.ok(text.includes('/'));
  const body = JSON.stringify({
    data: { data: { algorithm: 'SM4', material: 'X' }, metadata: { version: 1 } },
  }).replace('X', text.replaceAll('/', '\\/'));
  const service = always(says(200, body));
  const vm = start(service);
  const { root } = vm.configure(document(1));
  vm.clock.advance(200);
  const memory = vm.instance.bytes();
  assert.equal(memory.includes(text.slice(0, 16)), false, 'as text');
  assert.equal(memory.indexOf(key), memory.lastIndexOf(key), 'once as bytes');
  assert.ok(memory.includes(key));
  assert.ok(sealed(exchange(root, { request: { body: 'x' } })));
  service.fault = ABSENT;
  vm.clock.advance(10_000);
  assert.equal(vm.instance.bytes().includes(key), false, 'after retirement');
  assertClean(vm);
});
