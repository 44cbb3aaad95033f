// The host itself, with a guest of its own: that it behaves as Envoy does.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createVm, exchange, Exchange, loadModule, SharedData, VirtualClock, Vm } from '../../envoy/host/index.ts';
import type {
  ExchangeOptions,
  ExchangeResult,
  HttpCallHandler,
  LoadedModule,
  RootContext,
  VmOptions,
} from '../../envoy/host/index.ts';
import { compileFixture } from './compile.ts';

let fixture: LoadedModule;
before(async () => {
  fixture = loadModule(await compileFixture());
});

function start(options: VmOptions = {}, configuration = 'fine'): { vm: Vm; root: RootContext } {
  const vm = createVm(fixture, options);
  const { accepted, root } = vm.configure(configuration);
  assert.equal(accepted, true);
  return { vm, root };
}

function run(
  root: RootContext,
  what: string,
  request: ExchangeOptions['request'] = {},
  rest: Partial<ExchangeOptions> = {},
): ExchangeResult {
  return exchange(root, {
    ...rest,
    request: { ...request, headers: { 'x-do': what, ...(request.headers as Record<string, string>) } },
  });
}

test('a configuration is accepted or refused, and its context ends when it is replaced', () => {
  const vm = createVm(fixture);
  const first = vm.configure('one');
  assert.equal(first.accepted, true);
  assert.deepEqual(
    first.logs.map((entry) => entry.message),
    ['create root', 'configure 3 one'],
  );
  const refused = vm.configure('refuse');
  assert.equal(refused.accepted, false);
  const stream = Vm.openStream([first.root]);
  first.root.close();
  assert.equal(vm.roots.size, 1, 'the old configuration lives while its stream does');
  stream.abort();
  assert.equal(vm.roots.size, 0);
  assert.equal(vm.liveContexts, 0);
});

test('headers go on at once when the filter continues; the upstream sees them before the body', () => {
  const { root } = start();
  const stream = Vm.openStream([root]);
  stream.onRequestHeaders({ ':method': 'POST', ':path': '/', ':authority': 'a', 'x-do': 'pass' });
  assert.notEqual(stream.upstream.headers, null);
  assert.equal(stream.upstream.complete, false);
});

test('StopIteration holds headers, body callbacks come with cumulative sizes', () => {
  const { vm, root } = start();
  const result = run(root, 'hold', { body: 'abcdef', chunks: [2, 2] });
  assert.equal(result.upstream.body.toString(), 'abcdef');
  assert.deepEqual(
    vm.logs.map((entry) => entry.message).filter((line) => line.startsWith('request_body')),
    ['request_body 2 end=0', 'request_body 4 end=0', 'request_body 6 end=1'],
  );
});

test('without the switch StopIteration stops everything and no body callback comes', () => {
  const { vm, root } = start({ allowOnHeadersStopIteration: false });
  const result = run(root, 'hold', { body: 'abcdef' });
  assert.equal(result.ended, false);
  assert.equal(result.upstream.sawNothing, true);
  assert.equal(
    vm.logs.some((entry) => entry.message.startsWith('request_body')),
    false,
  );
});

test('a rejected request leaves the upstream untouched and runs the response callbacks', () => {
  const { vm, root } = start();
  const result = run(root, 'hold-reject', { body: 'abcdef', chunks: [1, 1] });
  assert.equal(result.client.status, 400);
  assert.equal(result.client.body.toString(), 'rejected 6');
  assert.equal(result.client.headers?.get('x-reply'), 'here');
  assert.equal(result.client.headers?.get('content-type'), 'text/plain');
  assert.equal(result.upstream.sawNothing, true);
  assert.equal(result.details, 'by_fixture');
  assert.deepEqual(vm.logs.map((entry) => entry.message).slice(-4), [
    'response_headers 400 request=hold-reject',
    'log by_fixture',
    'done',
    'delete',
  ]);
  assert.equal(vm.liveContexts, 1);
});

test('a body is replaced whole; a change in the middle is refused', () => {
  const { vm, root } = start();
  const replaced = run(root, 'hold-replace', { body: 'abc', chunks: 'bytes' });
  assert.equal(replaced.upstream.body.toString(), 'ABC');
  assert.equal(replaced.upstream.headers?.get('x-after'), 'body');
  assert.equal(replaced.upstream.headers?.get('content-length'), undefined);
  run(root, 'hold-middle', { body: 'abc' });
  assert.ok(vm.logs.some((entry) => entry.message === 'middle 2'));
  assert.deepEqual(vm.violations, []);
});

test('trailers end the message: no body callback has end_of_stream', () => {
  const { vm, root } = start();
  const result = run(root, 'hold-replace', { body: 'abc', chunks: [1], trailers: { 'x-end': '1' } });
  assert.equal(result.upstream.body.toString(), 'ABC');
  assert.equal(result.upstream.trailers?.get('x-end'), '1');
  assert.equal(
    vm.logs.some((entry) => entry.message.endsWith('end=1')),
    false,
  );
  const rejected = run(root, 'hold-reject', { body: 'abc', trailers: { 'x-end': '1' } });
  assert.equal(rejected.client.status, 400);
  assert.equal(rejected.upstream.sawNothing, true);
});

test('a body over the buffer limit is a 413; so is one that a filter makes too large', () => {
  const { root } = start();
  const large = run(root, 'hold', { body: 'x'.repeat(100), chunks: [60] }, { bufferLimitBytes: 99 });
  assert.equal(large.client.status, 413);
  assert.equal(large.details, 'request_payload_too_large');
  assert.equal(large.upstream.sawNothing, true);
  const grown = run(root, 'hold-grow', { body: 'x'.repeat(60), chunks: [30] }, { bufferLimitBytes: 99 });
  assert.equal(grown.client.status, 413);
  assert.equal(grown.upstream.sawNothing, true);
});

test('a false content-length is found', () => {
  const { vm, root } = start();
  run(root, 'hold-lie', { body: 'abc' });
  assert.deepEqual(vm.violations, ['upstream got content-length 3 with 6 bytes']);
});

test('a response is held, changed and let go; a rejected one has not shown its status', () => {
  const { vm, root } = start();
  const changed = run(
    root,
    'pass',
    {},
    { upstream: () => ({ headers: { 'x-do': 'hold' }, body: 'quiet', chunks: [2] }) },
  );
  assert.equal(changed.client.status, 299);
  assert.equal(changed.client.body.toString(), 'QUIET');
  assert.ok(
    vm.logs.some((entry) => entry.message === 'response_headers 200 request=!2'),
    'request headers are gone in the response phase',
  );
  const rejected = run(root, 'pass', {}, { upstream: () => ({ headers: { 'x-do': 'reply' }, body: 'secret' }) });
  assert.equal(rejected.client.status, 502);
  assert.equal(rejected.client.body.toString(), 'bad');
});

test('a response body over the limit is a 500 without a byte of it', () => {
  const { root } = start();
  const result = run(
    root,
    'pass',
    {},
    { bufferLimitBytes: 99, upstream: () => ({ headers: { 'x-do': 'hold' }, body: 'y'.repeat(120), chunks: [60] }) },
  );
  assert.equal(result.client.status, 500);
  assert.equal(result.client.body.includes('y'), false);
});

test('HEAD and 204 have no body', () => {
  const { root } = start();
  const head = run(root, 'pass', { method: 'HEAD' }, { upstream: () => ({ headers: { 'content-length': '5' } }) });
  assert.equal(head.client.complete, true);
  const reply = run(root, 'reply', { method: 'HEAD' });
  assert.equal(reply.client.status, 403);
  assert.equal(reply.client.body.length, 0);
});

test('a gRPC client gets a reply that it understands', () => {
  const { root } = start();
  const result = run(root, 'reply', { headers: { 'content-type': 'application/grpc' }, body: 'x' });
  assert.equal(result.client.status, 200);
  assert.equal(result.client.headers?.get('grpc-status'), '7');
});

test('headers: lower case, several values, set replaces all, remove', () => {
  const { root } = start();
  const result = run(root, 'headers', { headers: { 'X-Add': 'a', 'x-set': 'old', 'x-remove': 'gone' } });
  assert.deepEqual(result.upstream.headers?.all('x-add'), ['a', 'b']);
  assert.deepEqual(result.upstream.headers?.all('x-set'), ['one']);
  assert.equal(result.upstream.headers?.get('x-remove'), undefined);
});

test('a client that goes away ends the stream in the guest, too', () => {
  const { vm, root } = start();
  const result = run(root, 'hold', { body: 'abcdef', chunks: [3], abortAfterBytes: 3 });
  assert.equal(result.ended, true);
  assert.equal(result.upstream.sawNothing, true);
  assert.deepEqual(vm.logs.map((entry) => entry.message).slice(-3), [
    'log downstream_remote_disconnect',
    'done',
    'delete',
  ]);
  assert.equal(vm.liveContexts, 1);
});

test('an answer to a call-out comes between calls and lets the stream go on', () => {
  const httpCall: HttpCallHandler = () => ({ status: 200, body: 'key', afterMs: 20 });
  const { root } = start({ httpCall });
  const result = run(root, 'call');
  assert.equal(result.tookMs, 20);
  assert.equal(result.upstream.headers?.get('x-answer'), '200 key');
});

test('call-outs fail as in Envoy', () => {
  const outcome = (httpCall: HttpCallHandler): ExchangeResult => run(start({ httpCall }).root, 'call');
  assert.equal(outcome(() => 'unknown-cluster').client.body.toString(), 'call 2');
  assert.equal(outcome(() => 'no-host').client.body.toString(), 'call 10');
  assert.equal(outcome(() => 'reset').client.status, 504);
  assert.match(outcome(() => 'refused').upstream.headers?.get('x-answer') ?? '', /^503 upstream connect error/);
  const late = outcome(() => 'silent');
  assert.equal(late.tookMs, 1000);
  assert.equal(late.upstream.headers?.get('x-answer'), '504 upstream request timeout');
});

test('a trap kills the machine; it stays closed until FAIL_RELOAD may replace it', () => {
  const closed = start({ failurePolicy: 'FAIL_CLOSED' });
  const first = run(closed.root, 'trap');
  assert.equal(first.client.status, 503);
  assert.equal(first.details, 'wasm_fail_stream');
  assert.equal(run(closed.root, 'pass').client.status, 503);

  const clock = new VirtualClock();
  const { vm, root } = start({ failurePolicy: 'FAIL_RELOAD', clock });
  assert.equal(run(root, 'trap').client.status, 503);
  assert.equal(run(root, 'pass').client.status, 503);
  clock.advance(1000);
  assert.equal(run(root, 'pass').client.status, 200);
  assert.equal(vm.reloads, 1);

  assert.equal(run(start({ failurePolicy: 'FAIL_OPEN' }).root, 'trap').client.status, 200);
});

test('a trap in onConfigure refuses the configuration', () => {
  assert.equal(createVm(fixture).configure('trap').accepted, false);
});

test('workers share data and metrics; cas 0 overwrites', () => {
  const sharedData = new SharedData();
  const one = start({ vmId: 'fim', sharedData });
  const two = start({ vmId: 'fim', sharedData, metrics: one.vm.metrics });
  assert.equal(run(one.root, 'shared').upstream.headers?.get('x-shared'), '1/0');
  assert.equal(run(two.root, 'shared').upstream.headers?.get('x-shared'), '2/0');
  assert.equal(one.vm.metrics.value('fixture.requests'), 2);
  assert.equal(sharedData.set('fim', 'count', Buffer.from('9'), 77), false);
  assert.equal(sharedData.set('fim', 'count', Buffer.from('9'), 0), true);
  const other = start({ vmId: 'other', sharedData });
  assert.equal(run(other.root, 'shared').upstream.headers?.get('x-shared'), '1/0');
});

test('attributes, monotonic time and ticks follow what the test says', () => {
  const clock = new VirtualClock();
  const { vm, root } = start({ clock }, 'tick');
  assert.equal(
    run(root, 'source', {}, { properties: { 'source.address': '10.0.0.9:1' } }).upstream.headers?.get('x-source'),
    '10.0.0.9:1',
  );
  clock.advance(250);
  assert.equal(vm.logs.filter((entry) => entry.message === 'tick').length, 2);
  const before = Number(run(root, 'clock').upstream.headers?.get('x-clock'));
  clock.advance(40);
  clock.stepRealtime(-5000);
  assert.equal(Number(run(root, 'clock').upstream.headers?.get('x-clock')) - before, 40);
});

test('two plugins in a chain: requests in order, responses backwards', () => {
  const one = start();
  const two = start();
  const result = exchange([one.root, two.root], {
    request: { headers: { 'x-do': 'hold-replace' }, body: 'abc', chunks: [1] },
    upstream: () => ({ headers: { 'x-do': 'hold' }, body: 'def', chunks: [1] }),
  });
  assert.equal(result.upstream.body.toString(), 'ABC');
  assert.equal(result.client.body.toString(), 'DEF');
  assert.equal(result.client.status, 299);
  assert.deepEqual([...one.vm.violations, ...two.vm.violations], []);
});

test('streams may overlap', () => {
  const { vm, root } = start({ httpCall: () => ({ status: 200, body: 'k', afterMs: 5 }) });
  const waiting = new Exchange(root, { request: { headers: { 'x-do': 'call' } } });
  assert.equal(run(root, 'pass', {}, { maxWaitMs: 0 }).client.status, 200);
  assert.equal(waiting.result().ended, false);
  assert.equal(waiting.settle().client.status, 200);
  assert.equal(vm.liveContexts, 1);
});

test('thousands of streams leave nothing in the host', () => {
  const vm = createVm(fixture);
  const { root } = vm.configure('quiet');
  for (let i = 0; i < 2000; i++) Vm.openStream([root]).abort();
  assert.equal(vm.liveContexts, 1);
});
