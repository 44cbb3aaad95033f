// Runs the same guest and requests on the host and on a real Envoy. Both must behave alike, including the order of
// callbacks.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createVm, exchange, loadModule } from '../../envoy/host/index.ts';
import type { HttpCallOutcome, RootContext, Vm } from '../../envoy/host/index.ts';
import { compileFixture } from './compile.ts';
import {
  BUFFER_LIMIT_BYTES,
  CLIENT_HEADERS,
  isComparable,
  ParityStack,
  pick,
  UPSTREAM_HEADERS,
} from './parity-stack.ts';
import type { ParityRequest, Shown } from './parity-stack.ts';

const FRAME_BYTES = 16_384;
let envoy: ParityStack;
let vm: Vm;
let root: RootContext;
let callOutcome: HttpCallOutcome = { status: 200, body: 'key' };

before(async () => {
  const wasm = await compileFixture();
  envoy = await ParityStack.start(wasm);
  vm = createVm(loadModule(wasm), { vmId: 'fim', failurePolicy: 'FAIL_CLOSED', httpCall: () => callOutcome });
  root = vm.configure('fine').root;
});
after(() => envoy.stop());

/** A body in the largest frames that HTTP/2 peers send. */
const frames = (body = ''): number[] => Array.from({ length: Math.ceil(body.length / FRAME_BYTES) }, () => FRAME_BYTES);

function onHost(what: string, request: ParityRequest): Shown {
  const from = vm.logs.length;
  const { response, ...rest } = request;
  const { client, upstream } = exchange(root, {
    request: { ...rest, headers: { 'x-do': what, ...request.headers }, chunks: frames(request.body) },
    upstream: () => ({ ...response, contentLength: false, chunks: frames(response?.body) }),
    bufferLimitBytes: BUFFER_LIMIT_BYTES,
  });
  const text = (values: string[] | undefined): string | undefined =>
    values === undefined || values.length === 0 ? undefined : values.join(', ');
  return {
    status: client.status,
    reset: client.reset,
    headers: pick(CLIENT_HEADERS, (name) => text(client.headers?.all(name))),
    body: client.body.toString('latin1'),
    upstream: upstream.sawNothing
      ? 'nothing'
      : {
          headers: pick(UPSTREAM_HEADERS, (name) => text(upstream.headers?.all(name))),
          body: upstream.body.toString('latin1'),
          trailer: upstream.trailers?.get('x-end'),
        },
    logs: vm.logs
      .slice(from)
      .map((entry) => entry.message)
      .filter(isComparable),
  };
}

const comparable = ({ body, upstream, ...rest }: Shown): Shown => ({
  ...rest,
  body: brief(body),
  upstream: upstream === 'nothing' ? upstream : { ...upstream, body: brief(upstream.body) },
});

/** Large bodies would drown a failure's message. */
const brief = (body: string): string =>
  body.length > FRAME_BYTES ? `${body.length} bytes from ${body.slice(0, 20)}` : body;

async function compare(what: string, request: ParityRequest): Promise<Shown> {
  const expected = comparable(onHost(what, request));
  const real = comparable(await envoy.exchange(what, request, expected.logs.length));
  assert.deepEqual(real, expected);
  return real;
}

const CASES: [name: string, what: string, request: ParityRequest][] = [
  ['a GET passes', 'pass', { response: { body: 'hello', headers: { 'content-type': 'text/plain' } } }],
  ['a POST passes', 'pass', { body: 'abc', response: { body: 'hello' } }],
  ['a reply from the headers', 'reply', { body: 'abc' }],
  ['a reply to HEAD', 'reply', { method: 'HEAD' }],
  ['a reply to gRPC', 'reply', { headers: { 'content-type': 'application/grpc' }, body: 'abc' }],
  ['a held body', 'hold', { body: 'abc' }],
  ['a held body with trailers', 'hold', { body: 'abc', trailers: { 'x-end': '1' } }],
  ['a rejected body', 'hold-reject', { body: 'abc' }],
  ['a rejected body with trailers', 'hold-reject', { body: 'abc', trailers: { 'x-end': '1' } }],
  ['a replaced body', 'hold-replace', { body: 'abc' }],
  ['a replaced body with trailers', 'hold-replace', { body: 'abc', trailers: { 'x-end': '1' } }],
  ['a change in the middle', 'hold-middle', { body: 'abc' }],
  ['a held body over the limit', 'hold', { body: 'x'.repeat(100_000) }],
  ['a body that grows over the limit', 'hold-grow', { body: 'y'.repeat(40_000), trailers: { 'x-end': '1' } }],
  ['headers set, added and removed', 'headers', { headers: { 'x-set': 'old', 'x-add': 'a', 'x-remove': 'b' } }],
  ['shared data', 'shared', {}],
  ['a body that passes in pieces', 'stream', { body: 'abc' }],
  ['a body that passes in pieces, and trailers', 'stream', { body: 'abc', trailers: { 'x-end': '1' } }],
  ['a body in pieces with something behind it', 'stream-tail', { body: 'abc' }],
  [
    'a body in pieces with something behind it, and trailers',
    'stream-tail',
    { body: 'abc', trailers: { 'x-end': '1' } },
  ],
  ['many pieces with something behind them', 'stream-tail', { body: 'x'.repeat(300_000), trailers: { 'x-end': '1' } }],
  ['a body in pieces that waits at its headers', 'stream-wait', { body: 'x'.repeat(60_000) }],
  [
    'a body in pieces that waits at its headers, with trailers',
    'stream-wait',
    { body: 'x'.repeat(60_000), trailers: { 'x-end': '1' } },
  ],
  ['many pieces', 'stream', { body: 'x'.repeat(300_000) }],
  ['a held response', 'pass', { response: { headers: { 'x-do': 'hold' }, body: 'quiet' } }],
  ['a refused response', 'pass', { response: { headers: { 'x-do': 'reply' }, body: 'secret' } }],
  ['a held response over the limit', 'pass', { response: { headers: { 'x-do': 'hold' }, body: 'z'.repeat(100_000) } }],
  ['a held response without body', 'pass', { response: { headers: { 'x-do': 'hold' } } }],
];
for (const [name, what, request] of CASES) test(name, async () => void (await compare(what, request)));

for (const what of ['stream-reject', 'stream-close']) {
  test(`${what}: a body in pieces is cut when some have gone`, async () => {
    const body = `${'x'.repeat(20_000)}!${'x'.repeat(20_000)}`;
    // The network decides how much of the body the upstream has seen by then.
    const { upstream: _expected, ...expected } = onHost(what, { body });
    const { upstream: _real, ...real } = await envoy.exchange(what, { body }, expected.logs.length);
    assert.deepEqual(real, expected);
    assert.equal(real.reset, what === 'stream-close');
  });
}

test('a call-out that is answered', async () => {
  callOutcome = { status: 200, body: 'key' };
  const shown = await compare('call', {});
  assert.equal(shown.upstream === 'nothing' ? '' : shown.upstream.headers['x-answer'], '200 key');
});

test('a call-out that is not answered in time', async () => {
  envoy.callMood = 'silent';
  callOutcome = 'silent';
  await compare('call', {});
});

test('a call-out whose answer breaks off', async () => {
  envoy.callMood = 'break';
  callOutcome = 'reset';
  await compare('call', {});
});

test('a call-out that is refused', async () => {
  await envoy.closeCallTarget();
  callOutcome = 'refused';
  const refused = (shown: Shown): Shown =>
    JSON.parse(JSON.stringify(comparable(shown)).replaceAll(/reset reason: [^"]*/g, 'reset reason')) as Shown;
  const expected = onHost('call', {});
  assert.deepEqual(refused(await envoy.exchange('call', {}, expected.logs.length)), refused(expected));
});

test('a trap, and what comes after it', async () => {
  await compare('trap', { body: 'abc' });
  await compare('pass', {});
});
