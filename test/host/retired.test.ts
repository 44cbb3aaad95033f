// A root context is never locked out: edits beside endless streams, workers that cannot use what the proxy has
// accepted, plugins that share a VM.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createVm, exchange, Metrics, SharedData, VirtualClock, Vm } from '../../envoy/host/index.ts';
import type { HttpStream, LoadedModule, RootContext, VmOptions } from '../../envoy/host/index.ts';
import { fimModule } from './modules.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** As in filters/limits.ts. */
const MAX_RETIRED_ROOTS = 64;
const ROUTE_AGE_MS = 10 * MINUTE_MS;
const TUNNEL_AGE_MS = 60 * MINUTE_MS;
const ACCEPTED_PLACES = 256;

let fim: LoadedModule;
before(async () => {
  fim = await fimModule();
});

/** Requests under /judged whose transCode does not begin with `prefix` are refused; nothing concerns the rest. */
function policy(prefix: string, generation = 1): string {
  const stages = { pbocValidator: { rules: [{ path: '$.transCode', required: true, pattern: `^${prefix}` }] } };
  return JSON.stringify({
    version: '1.0',
    generation,
    routes: [{ name: 'default/a', match: { path: { value: '/judged' } }, stages }],
  });
}

function tunnel(root: RootContext): HttpStream {
  const stream = Vm.openStream([root]);
  stream.onRequestHeaders({
    ':method': 'GET',
    ':path': '/socket',
    ':authority': 'a',
    connection: 'upgrade',
    upgrade: 'websocket',
  });
  assert.notEqual(stream.upstream.headers, null, 'no route concerns it');
  return stream;
}

/** A request that a route concerns, and whose body has not ended. */
function slowPost(root: RootContext): HttpStream {
  const stream = Vm.openStream([root]);
  stream.onRequestHeaders({
    ':method': 'POST',
    ':path': '/judged',
    ':authority': 'a',
    'content-type': 'application/json',
  });
  stream.onRequestBody('{"transCode":');
  return stream;
}

function ask(root: RootContext, transCode: string): { passed: boolean; status: number; code: string } {
  const { client, upstream } = exchange(root, {
    request: { path: '/judged', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ transCode }) },
  });
  const code = client.status === 200 ? '' : (JSON.parse(client.body.toString()) as { code: string }).code;
  return { passed: !upstream.sawNothing, status: client.status, code };
}

function assertJudges(root: RootContext, prefix: string, where: string): void {
  assert.equal(ask(root, `${prefix}0`).status, 200, where);
  assert.equal(ask(root, `x${prefix}`).passed, false, where);
}

function edit(vm: Vm, old: RootContext, text: string, rootId = ''): RootContext {
  const { accepted, root, logs } = vm.configure(text, rootId);
  assert.equal(accepted, true, logs.map((entry) => entry.message).join('\n'));
  old.close();
  return root;
}

test('10,000 edits, each beside one more stream that does not end: memory and streams stay flat, and traffic is judged all along', () => {
  const vm = createVm(fim);
  let { root } = vm.configure(policy('1'));
  const live: HttpStream[] = [];
  let pages = 0;
  for (let generation = 2; generation <= 10_001; generation++) {
    live.push(generation % 2 === 0 ? tunnel(root) : slowPost(root));
    const next = vm.configureUntried(policy(`${generation % 7}`, generation));
    assert.equal(next.accepted, true);
    root.close();
    root = next.root;
    vm.clock.advance(50);
    if (generation % 100 === 0) assertJudges(root, `${generation % 7}`, `edit ${generation}`);
    if (generation === 1_000) pages = vm.memoryPages;
  }
  assert.ok(vm.memoryPages <= pages, `${pages} pages, then ${vm.memoryPages}`);
  vm.clock.advance(SECOND_MS);
  assert.ok(vm.roots.size <= MAX_RETIRED_ROOTS + 1, `${vm.roots.size} roots`);
  const ended = live.filter((stream) => stream.ended);
  assert.equal(ended.length, 10_000 - MAX_RETIRED_ROOTS);
  assert.ok(ended.every((stream) => stream.details === 'wasm_close_stream'));
  assert.equal(vm.counted('fim.stream.drained'), ended.length);
  for (const stream of live) if (!stream.ended) stream.abort();
  assert.equal(vm.roots.size, 1);
  assertJudges(root, `${10_001 % 7}`, 'after all of it');
  assert.equal(vm.failed, false);
  assert.deepEqual(vm.violations, []);
});

test('a stream of a replaced configuration ends after its age, with or without a KMS; a tunnel that no route concerns after a longer one; those in force never', () => {
  for (const kms of [{}, { kms: { cluster: 'fim-kms' } }]) {
    const withKms = (text: string): string => JSON.stringify({ ...JSON.parse(text), ...kms });
    const vm = createVm(fim);
    const { root: old } = vm.configure(withKms(policy('1')));
    const [post, socket] = [slowPost(old), tunnel(old)];
    vm.clock.advance(2 * TUNNEL_AGE_MS);
    assert.equal(post.ended || socket.ended, false, 'nothing was replaced');
    const root = edit(vm, old, withKms(policy('2', 2)));
    const young = tunnel(root);
    vm.clock.advance(ROUTE_AGE_MS - SECOND_MS);
    assert.equal(post.ended, false);
    vm.clock.advance(2 * SECOND_MS);
    assert.deepEqual([post.ended, socket.ended], [true, false]);
    vm.clock.advance(TUNNEL_AGE_MS - ROUTE_AGE_MS - 2 * SECOND_MS);
    assert.equal(socket.ended, false);
    vm.clock.advance(3 * SECOND_MS);
    assert.deepEqual([socket.ended, young.ended], [true, false]);
    assert.equal(vm.roots.size, 1);
    young.abort();
  }
});

test('what begins under a retired root yet is judged: by its own configuration, or, long after, by the one in force', () => {
  const vm = createVm(fim);
  let { root } = vm.configure(policy('1'));
  const first = root;
  const keeps = [tunnel(first)];
  root = edit(vm, first, policy('2', 2));
  assertJudges(first, '1', 'its own');
  for (let generation = 3; generation < 20; generation++) {
    keeps.push(tunnel(root));
    root = edit(vm, root, policy(`${generation}`, generation));
  }
  assertJudges(first, '19', 'the one in force');
  assertJudges(root, '19', 'the newest');
  for (const stream of keeps) stream.abort();
});

test('when the root in force goes, the newest retired one serves on, with its ticks', () => {
  const vm = createVm(fim);
  const { root: old } = vm.configure(policy('1'));
  const stream = slowPost(old);
  const next = edit(vm, old, policy('2', 2));
  vm.clock.advance(5 * SECOND_MS);
  next.close();
  assert.equal(vm.roots.size, 1);
  vm.clock.advance(2 * ROUTE_AGE_MS);
  assert.equal(stream.ended, false, 'it is in force again');
  const last = edit(vm, old, policy('3', 3));
  vm.clock.advance(ROUTE_AGE_MS + 2 * SECOND_MS);
  assert.equal(stream.ended, true);
  assertJudges(last, '3', 'the last');
});

test('plugins that share a VM do not retire one another', () => {
  const vm = createVm(fim);
  let a = vm.configure(policy('1'), 'a').root;
  const b = vm.configure(policy('2'), 'b').root;
  const [ofA, ofB] = [slowPost(a), slowPost(b)];
  a = edit(vm, a, policy('3', 2), 'a');
  vm.clock.advance(ROUTE_AGE_MS + 2 * SECOND_MS);
  assert.deepEqual([ofA.ended, ofB.ended], [true, false]);
  assertJudges(a, '3', 'a');
  assertJudges(b, '2', 'b');
  ofB.abort();
});

/** Workers of one process. */
function process(): (options?: VmOptions) => Vm {
  const shared = { sharedData: new SharedData(), clock: new VirtualClock(), metrics: new Metrics() };
  return (options = {}) => createVm(fim, { ...shared, ...options });
}

function assertRefusesAll(root: RootContext, where: string): void {
  assert.deepEqual(ask(root, '1'), { passed: false, status: 500, code: 'FIM-RT-0001' }, where);
  assert.equal(
    exchange(root, { request: { path: '/other' } }).client.status,
    500,
    `${where}: what no route concerns, too`,
  );
}

test('the first VM turns a bad configuration down; a worker that cannot use what another VM has taken keeps a root that refuses', () => {
  const vmOf = process();
  const unable = { withholds: () => true };
  assert.equal(vmOf(unable).configure(policy('1')).accepted, false, 'nobody has taken it');
  assert.equal(vmOf().configure('{"version":"9.0","routes":[]}').accepted, false, 'it is wrong');
  assert.equal(vmOf().configure(policy('1')).accepted, true);
  const worker = vmOf(unable);
  const { accepted, root, logs } = worker.configure(policy('1'));
  assert.equal(accepted, true);
  assert.equal(worker.counted('fim.config.lost'), 1);
  assert.ok(
    logs.some(({ message }) => message.includes('"event":"config-lost"')),
    JSON.stringify(logs),
  );
  assertRefusesAll(root, 'worker');
  assert.equal(
    vmOf(unable).configure('{"version":"9.0","routes":[]} '.padEnd(31)).accepted,
    false,
    'a text that nobody has taken',
  );
});

test('a VM that serves takes whatever comes next; it refuses all of it until a configuration is good again, and old streams end as they began', () => {
  const vm = createVm(fim);
  const { root: old } = vm.configure(policy('1'));
  const stream = slowPost(old);
  const { accepted, root: lost } = vm.configureUntried('{"version":"1.0","routes":[{}]}');
  assert.equal(accepted, true);
  old.close();
  assertRefusesAll(lost, 'lost');
  stream.onRequestBody('"10"}', true);
  assert.equal(stream.upstream.body.toString(), '{"transCode":"10"}');
  stream.onResponseHeaders({ ':status': '204' }, true);
  const root = edit(vm, lost, policy('2', 2));
  assertJudges(root, '2', 'healed');
  assert.equal(vm.counted('fim.config.lost'), 1);
});

test('what is in force stays known as accepted, however many others come', () => {
  const vmOf = process();
  const kept = vmOf();
  const text = policy('1'.repeat(40));
  assert.equal(kept.configure(text).accepted, true);
  for (let i = 0; i < 2 * ACCEPTED_PLACES; i++) {
    const other = vmOf();
    assert.equal(other.configure(policy(`${i}`, i)).accepted, true);
    [...other.roots][0]!.close();
    kept.clock.advance(SECOND_MS);
  }
  assert.equal(vmOf({ withholds: () => true }).configure(text).accepted, true);
  assert.equal(kept.sharedData.keys('').filter((key) => key === 'fim.accepted').length, 1);
});
