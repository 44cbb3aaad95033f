// Tests beyond a script of exchanges: streams that outlive configurations, limits of streams, memory.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createVm, Exchange, exchange, Vm } from '../../envoy/host/index.ts';
import type { LoadedModule, RootContext } from '../../envoy/host/index.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { fimModule } from './modules.ts';

const KEY = Buffer.alloc(16, 3);
const MAX_LIVE_STREAMS = 65_536;
const KIB = 1024;

let fim: LoadedModule;
before(async () => {
  fim = await fimModule();
});

function kms(afterMs = 1): TestKms {
  const service = new TestKms({ 1: stored('SM4', KEY) });
  service.afterMs = afterMs;
  return service;
}

const validation = (pattern: string): object => ({
  pbocValidator: { rules: [{ path: '$.transCode', required: true, pattern }] },
});
const encryption = { sm4Encryptor: { keyId: 'kms://prod/fund/key-2023', request: 'Encrypt', response: 'None' } };
const limit = { rateLimiter: { id: 'a', requests: 1_000_000, periodMs: 1 } };
const document = (stages: object, generation = 1, body: object = {}): string =>
  JSON.stringify({
    version: '1.0',
    generation,
    kms: { cluster: 'fim-kms' },
    routes: [{ name: 'default/a', body, stages }],
  });

function start(stages: object, body: object = {}): { vm: Vm; root: RootContext } {
  const vm = createVm(fim, { httpCall: kms().call });
  const { accepted, root, logs } = vm.configure(document(stages, 1, body));
  assert.equal(accepted, true, logs.map((entry) => entry.message).join('\n'));
  return { vm, root };
}

const request = (transCode: string, abortAfterBytes?: number) => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ transCode }),
  chunks: [4, 4],
  ...(abortAfterBytes === undefined ? {} : { abortAfterBytes }),
});

function assertClean(vm: Vm): void {
  assert.equal(vm.failed, false);
  assert.deepEqual(vm.violations, []);
  assert.equal(vm.liveContexts, vm.roots.size);
}

test('streams end under the configuration with which they began, old and new side by side in one VM', () => {
  const { vm, root: old } = start(validation('^01'));
  const held = Array.from({ length: 10 }, () => {
    const stream = Vm.openStream([old]);
    stream.onRequestHeaders({ ':method': 'POST', ':path': '/', ':authority': 'a', 'content-type': 'application/json' });
    stream.onRequestBody('{"transCode":"0100');
    return stream;
  });
  const { root: fresh } = vm.configure(document(validation('^02'), 2));
  old.close();
  assert.equal(exchange(fresh, { request: request('0200') }).client.status, 200);
  assert.equal(exchange(fresh, { request: request('0100') }).client.status, 422);
  assert.equal(vm.roots.size, 2, 'the old one drains');
  for (const stream of held) {
    assert.equal(stream.upstream.headers, null);
    stream.onRequestBody('"}', true);
    assert.equal(stream.upstream.body.toString(), '{"transCode":"0100"}');
    stream.onResponseHeaders({ ':status': '204' }, true);
  }
  assert.equal(vm.roots.size, 1);
  assertClean(vm);
});

test('a stream that waits for a key when its configuration is replaced still gets it', () => {
  const vm = createVm(fim, { httpCall: kms(50).call });
  const { root: old } = vm.configure(document(encryption));
  const waiting = new Exchange(old, { request: { body: 'text' } });
  const { root: fresh } = vm.configure(document(encryption, 2));
  old.close();
  const result = waiting.settle();
  assert.equal(result.client.status, 200);
  assert.match(result.upstream.body.toString(), /"alg":"SM4-GCM"/);
  assert.equal(exchange(fresh, { request: { body: 'text' } }).tookMs, 0);
  assert.equal(vm.roots.size, 1);
  assertClean(vm);
});

test('a hundred edits, a broken one after each, and never a stream that is half configured', () => {
  const { vm, root: first } = start(validation('^1$'));
  let root = first;
  for (let generation = 2; generation <= 100; generation++) {
    const broken = vm.configure(document({ ...validation(`^${generation}$`), rateLimiter: { id: 'a' } }, generation));
    assert.equal(broken.accepted, false);
    const next = vm.configure(document(validation(`^${generation}$`), generation));
    assert.equal(next.accepted, true);
    root.close();
    root = next.root;
    assert.equal(exchange(root, { request: request(String(generation)) }).client.status, 200);
    assert.equal(exchange(root, { request: request(String(generation - 1)) }).client.status, 422);
  }
  assert.equal(vm.roots.size, 1);
  assertClean(vm);
});

test('a configuration that was never accepted refuses all traffic', () => {
  const vm = createVm(fim);
  const { accepted, root } = vm.configure('{"version":"9.0","routes":[]}');
  assert.equal(accepted, false);
  const refused = exchange(root, { request: request('01') });
  assert.equal(refused.upstream.sawNothing, true);
  assert.equal(refused.client.status, 500);
  assert.match(refused.client.body.toString(), /FIM-RT-0001/);
});

test('one stream more than the limit is refused, and room is found again', () => {
  const { vm, root } = start(limit);
  const live = Array.from({ length: MAX_LIVE_STREAMS }, () => {
    const stream = Vm.openStream([root]);
    stream.onRequestHeaders({ ':method': 'GET', ':path': '/', ':authority': 'a' });
    return stream;
  });
  const refused = exchange(root, { request: {} });
  assert.equal(refused.client.status, 503);
  assert.match(refused.client.body.toString(), /FIM-RT-0007/);
  assert.equal(refused.upstream.sawNothing, true);
  live.pop()!.abort();
  assert.equal(exchange(root, { request: {} }).client.status, 200);
  for (const stream of live) stream.abort();
  assertClean(vm);
});

test('memory is flat over 200,000 streams', () => {
  const { vm, root } = start({ ...limit, ...validation('^01') });
  const round = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const stream = Vm.openStream([root]);
      stream.onRequestHeaders({ ':method': 'GET', ':path': '/', ':authority': 'a' }, true);
      stream.onResponseHeaders({ ':status': '204' }, true);
    }
  };
  round(5_000);
  const before = vm.memoryPages;
  round(195_000);
  assert.equal(vm.memoryPages, before);
  assertClean(vm);
});

test('memory is flat over refused, aborted and failing streams', () => {
  const { vm, root } = start({ ...validation('^01'), ...encryption });
  const round = (count: number): void => {
    for (let i = 0; i < count; i++) {
      exchange(root, { request: request('01') });
      exchange(root, { request: request('99') });
      exchange(root, { request: request('01', 4) });
      exchange(root, { request: { ...request('01'), body: '{"transCode":' } });
    }
  };
  round(200);
  const before = vm.memoryPages;
  round(3_000);
  assert.equal(vm.memoryPages, before);
  assertClean(vm);
});

test('memory is flat over 300 bodies of 256 KiB', () => {
  const { vm, root } = start({ ...validation('^01'), ...encryption });
  const body = Buffer.from(JSON.stringify({ transCode: '01', fill: 'x'.repeat(256 * KIB - 40) }));
  const pieces = Array.from({ length: 15 }, () => 16 * KIB);
  const round = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const result = exchange(root, {
        request: { headers: { 'content-type': 'application/json' }, body, chunks: pieces },
      });
      assert.equal(result.client.status, 200);
      assert.ok(result.upstream.body.length > (body.length * 4) / 3);
    }
  };
  round(20);
  const before = vm.memoryPages;
  round(300);
  assert.equal(vm.memoryPages, before);
  assertClean(vm);
});

test('10 MiB pass where the route allows them, and cost their memory once', () => {
  const { vm, root } = start({ ...validation('^01'), ...encryption }, { maxBytes: 16 * KIB * KIB });
  const body = Buffer.from(
    JSON.stringify({ transCode: '01', fill: Array.from({ length: 10_000 }, (_, i) => `${i} ${'y'.repeat(1_100)}`) }),
  );
  assert.ok(body.length > 10 * KIB * KIB);
  const send = (): number =>
    exchange(root, {
      request: { headers: { 'content-type': 'application/json' }, body, chunks: [KIB * KIB, KIB * KIB] },
      bufferLimitBytes: 64 * KIB * KIB,
    }).client.status;
  assert.equal(send(), 200);
  const before = vm.memoryPages;
  for (let i = 0; i < 5; i++) assert.equal(send(), 200);
  assert.equal(vm.memoryPages, before);
  assert.ok(before * 64 * KIB < 200 * KIB * KIB, `${before} pages`);
  assertClean(vm);
});

test('memory is flat over 300 edits of a hundred routes', () => {
  const vm = createVm(fim, { httpCall: kms().call });
  const edit = (generation: number): string =>
    JSON.stringify({
      version: '1.0',
      generation,
      kms: { cluster: 'fim-kms' },
      routes: Array.from({ length: 100 }, (_, i) => ({
        name: `default/${generation}-${i}`,
        match: { path: { value: `/p${i}` } },
        stages: { ...validation(`^${generation}[0-9]{3}$`), ...encryption },
      })),
    });
  let { root } = vm.configure(edit(0));
  const round = (from: number, to: number): void => {
    for (let generation = from; generation < to; generation++) {
      const next = vm.configure(edit(generation));
      assert.equal(next.accepted, true);
      root.close();
      root = next.root;
      assert.equal(exchange(root, { request: { ...request(`${generation}000`), path: '/p99' } }).client.status, 200);
    }
  };
  round(1, 60);
  const before = vm.memoryPages;
  round(60, 360);
  assert.ok(vm.memoryPages <= before * 1.1, `${before} pages, then ${vm.memoryPages}`);
  assertClean(vm);
});
