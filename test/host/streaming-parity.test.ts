// Bodies that pass in pieces, the runtime on a real Envoy: the same as on the host, whatever tells the end and however
// long the stage waits.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createVm, exchange, loadModule } from '../../envoy/host/index.ts';
import type { RootContext } from '../../envoy/host/index.ts';
import { compilePieces } from './compile.ts';
import { ParityStack } from './parity-stack.ts';
import type { ParityRequest } from './parity-stack.ts';

const ACTS = ['echo', 'upper', 'last', 'wait', 'late'];
/** Buffer limit of a filter. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024;
const FRAME_BYTES = 16_384;
/** Larger than the window of the connection: it comes in many pieces, and not before the first have gone. */
const LONG = 'abcdefgh'.repeat(40_000);
const SHORT = 'abc';

const route = (path: string, stage: object): object => ({
  name: `default/${path}`,
  match: { path: { value: `/${path}` } },
  stages: { sm4Encryptor: stage },
});
const CONFIGURATION = JSON.stringify({
  version: '1.0',
  routes: ACTS.flatMap((act) => [route(act, { do: act }), route(`${act}-response`, { do: act, response: true })]),
});

let envoy: ParityStack;
let root: RootContext;

before(async () => {
  const wasm = await compilePieces();
  envoy = await ParityStack.start(wasm, CONFIGURATION, BODY_LIMIT_BYTES);
  const vm = createVm(loadModule(wasm), {
    vmId: 'fim',
    failurePolicy: 'FAIL_CLOSED',
    httpCall: () => ({ status: 200, body: 'key' }),
  });
  root = vm.configure(CONFIGURATION).root;
});
after(() => envoy.stop());

/** Summary of what both sides received. */
interface Got {
  status: number;
  type: string | undefined;
  length: string | undefined;
  answer: string;
  arrived: string;
  trailer: string | undefined;
}

/** Large bodies would drown a failure's message. */
const brief = (body: string): string =>
  body.length > 100 ? `${body.length} bytes, ${body.slice(0, 8)}…${body.slice(-24)}` : body;

function onHost(request: ParityRequest): Got {
  const { response, ...rest } = request;
  const frames = (body = ''): number[] =>
    Array.from({ length: Math.ceil(body.length / FRAME_BYTES) }, () => FRAME_BYTES);
  const { client, upstream } = exchange(root, {
    request: { ...rest, contentLength: request.declared !== false, chunks: frames(request.body) },
    upstream: () => ({ ...response, contentLength: false, chunks: frames(response?.body) }),
    bufferLimitBytes: BODY_LIMIT_BYTES,
  });
  return {
    status: client.status,
    type: client.headers?.get('content-type'),
    length: upstream.headers?.get('content-length'),
    answer: brief(client.body.toString('latin1')),
    arrived: brief(upstream.body.toString('latin1')),
    trailer: upstream.trailers?.get('x-end'),
  };
}

async function compare(request: ParityRequest): Promise<Got> {
  const expected = onHost(request);
  const { status, headers, body, upstream } = await envoy.exchange('', request, 0);
  assert.notEqual(upstream, 'nothing');
  if (upstream === 'nothing') throw new Error('unreachable');
  const real: Got = {
    status,
    type: headers['content-type'],
    length: upstream.headers['content-length'],
    answer: brief(body),
    arrived: brief(upstream.body),
    trailer: upstream.trailer,
  };
  assert.deepEqual(real, expected);
  return real;
}

for (const act of ACTS) {
  for (const [size, body] of [
    ['short', SHORT],
    ['long', LONG],
  ] as const) {
    for (const [framing, more] of [
      ['declared', {}],
      ['frames', { declared: false }],
      ['trailers', { trailers: { 'x-end': '1' } }],
    ] as const) {
      test(`${act}, a ${size} request, ${framing}`, async () => {
        const { arrived, trailer } = await compare({ path: `/${act}`, body, ...more });
        assert.equal(
          arrived,
          brief(act === 'echo' ? body : `${act === 'last' ? '' : body.toUpperCase()}|${body.length}`),
        );
        assert.equal(trailer, framing === 'trailers' ? '1' : undefined);
      });
    }
    test(`${act}, a ${size} response`, async () => {
      const { answer } = await compare({ path: `/${act}-response`, response: { body } });
      assert.equal(answer, brief(act === 'echo' ? body : `${act === 'last' ? '' : body.toUpperCase()}|${body.length}`));
    });
  }
}

test('a value that is handed on comes back in the guest and stands in the access log; one that could forge a line does not', async () => {
  const values = ['20261122-0001', '转账-7', 'a"b', 'a\\b', 'x'.repeat(256), 'x'.repeat(257)];
  const earlier = (await envoy.loggedTransactions(0)).length;
  for (const value of values) {
    const bytes = Buffer.from(value).toString('latin1');
    const { upstream } = await envoy.exchange('', { path: '/echo', body: SHORT, headers: { 'x-txn': bytes } }, 0);
    const { upstream: onHost, stream } = exchange(root, {
      request: { path: '/echo', body: SHORT, headers: { 'x-txn': bytes } },
    });
    assert.equal(upstream === 'nothing' ? '' : upstream.headers['x-txn'], onHost.headers?.get('x-txn'));
    const kept = /["\\]/.test(value) || value.length > 256 ? undefined : value;
    assert.equal(stream.filterState.get('wasm.fim.txn_id')?.toString(), kept);
  }
  const logged = await envoy.loggedTransactions(earlier + values.length);
  assert.deepEqual(logged.slice(-values.length), ['20261122-0001', '转账-7', null, null, 'x'.repeat(256), null]);
});

test('more than a filter may hold, while the stage waits: the sender is stopped, nothing is lost', async () => {
  const body = 'abcdefgh'.repeat(1_000_000);
  const { arrived } = await compare({ path: '/wait', body });
  assert.equal(arrived, brief(`${body.toUpperCase()}|${body.length}`));
});

test('a response of which pieces have gone is cut: HTTP/2 resets the stream', async () => {
  const { status, body, reset } = await envoy.exchange(
    '',
    { path: '/upper-response', response: { body: `${LONG}!` } },
    0,
  );
  assert.equal(status, 200);
  assert.doesNotMatch(body, /[!|]/);
  assert.equal(reset, true);
});

test('a request of which pieces have gone: the client gets the reason, the upstream a reset', async () => {
  const aborted = envoy.upstreamAborted();
  const { status, body, upstream } = await envoy.exchange('', { path: '/upper', body: `${LONG}!` }, 0);
  assert.equal(status, 422);
  assert.match(body, /FIM-PBOC-0001/);
  assert.notEqual(upstream, 'nothing');
  await aborted;
});
