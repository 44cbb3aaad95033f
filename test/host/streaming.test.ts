// Bodies that pass in pieces, on the host: order, waiting, cutting, state, memory.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createVm, exchange, loadModule, Vm } from '../../envoy/host/index.ts';
import type {
  ExchangeOptions,
  ExchangeRequest,
  ExchangeResult,
  HttpStream,
  LoadedModule,
  RootContext,
} from '../../envoy/host/index.ts';
import { compilePieces } from './compile.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const TEXT = 'nothing that has gone can be called back';
const DONE = `${TEXT.toUpperCase()}|${TEXT.length}`;

let pieces: LoadedModule;
before(async () => {
  pieces = loadModule(await compilePieces());
});

interface Stage {
  do: string;
  response?: boolean;
  held?: boolean;
}

function start(stage: Stage, body: object = {}, kmsAfterMs = 5): { vm: Vm; root: RootContext } {
  const vm = createVm(pieces, { httpCall: () => ({ status: 200, body: '', afterMs: kmsAfterMs }) });
  const { accepted, root, logs } = vm.configure(
    JSON.stringify({ version: '1.0', routes: [{ name: 'default/a', body, stages: { sm4Encryptor: stage } }] }),
  );
  assert.equal(accepted, true, logs.map((entry) => entry.message).join('\n'));
  return { vm, root };
}

function assertClean(vm: Vm): void {
  assert.equal(vm.failed, false);
  assert.deepEqual(vm.violations, []);
  assert.equal(vm.liveContexts, vm.roots.size);
}

/** Runs one exchange on a VM of its own. */
function run(
  stage: Stage,
  request: ExchangeRequest,
  more: Omit<ExchangeOptions, 'request'> = {},
  body: object = {},
): ExchangeResult & { vm: Vm } {
  const { vm, root } = start(stage, body);
  const result = exchange(root, { request, ...more });
  assertClean(vm);
  return { ...result, vm };
}

function openRequest(root: RootContext, headers: Record<string, string> = {}): HttpStream {
  const stream = Vm.openStream([root]);
  stream.onRequestHeaders({ ':method': 'POST', ':path': '/', ':authority': 'a', ...headers });
  return stream;
}

/** Framings of messages: with a length, by chunks of HTTP/1.1, by frames of HTTP/2 without and with trailers. */
const FRAMINGS: [name: string, request: Partial<ExchangeRequest>][] = [
  ['a declared length', {}],
  ['chunks of HTTP/1.1', { contentLength: false, headers: { 'transfer-encoding': 'chunked' } }],
  ['frames', { contentLength: false }],
  ['frames and trailers', { trailers: { 'x-end': '1' } }],
  ['a length and trailers', { headers: { 'content-length': String(TEXT.length) }, trailers: { 'x-end': '1' } }],
];

describe('every cut gives the same', () => {
  for (const [name, framing] of FRAMINGS) {
    for (const act of ['upper', 'wait', 'late', 'last']) {
      test(`${name}, ${act}`, () => {
        const expected = act === 'last' ? `|${TEXT.length}` : DONE;
        const cuts = [[], ...Array.from({ length: TEXT.length - 1 }, (_, i) => [i + 1]), [3, 4, 5], [TEXT.length, 0]];
        for (const chunks of [...cuts, 'bytes' as const]) {
          const { upstream, client } = run({ do: act }, { body: TEXT, ...framing, chunks });
          assert.equal(client.status, 200);
          assert.equal(upstream.body.toString(), expected, JSON.stringify(chunks));
          assert.equal(upstream.complete, true);
          assert.equal(upstream.headers?.get('content-length'), undefined);
          assert.equal(upstream.headers?.get('content-type'), 'application/x-pieces');
          assert.equal(upstream.trailers?.get('x-end'), framing.trailers === undefined ? undefined : '1');
        }
      });
    }
  }

  test('a response, with and without trailers', () => {
    for (const response of [{}, { contentLength: false }, { trailers: { 'x-end': '1' } }]) {
      for (const chunks of [[], [1], [5, 6], [TEXT.length, 0], 'bytes' as const]) {
        const { client } = run(
          { do: 'upper', response: true },
          {},
          { upstream: () => ({ body: TEXT, chunks, ...response }) },
        );
        assert.equal(client.body.toString(), DONE);
        assert.equal(client.headers?.get('content-length'), undefined);
        assert.equal(client.complete, true);
      }
    }
  });
});

describe('what goes on when', () => {
  test('with a declared length each piece goes on at once', () => {
    const { root } = start({ do: 'upper' });
    const stream = openRequest(root, { 'content-length': '6' });
    assert.equal(stream.upstream.headers !== null, true);
    stream.onRequestBody('abc');
    assert.equal(stream.upstream.body.toString(), 'ABC');
    stream.onRequestBody('def');
    assert.equal(stream.upstream.body.toString(), 'ABCDEF|6', 'the length says that this was the last');
    stream.onRequestBody('', true);
    assert.equal(stream.upstream.body.toString(), 'ABCDEF|6');
    assert.equal(stream.upstream.complete, true);
  });

  test('what comes beyond the declared length does not go on unseen: the stream is cut', () => {
    for (const [act, pieces] of [
      ['upper', ['abc', 'defghi']],
      ['upper', ['abc', 'def', 'ghi']],
      ['late', ['abcdef', 'ghi']],
      ['wait', ['abcdef', 'ghi']],
    ] as const) {
      const { vm, root } = start({ do: act });
      const stream = openRequest(root, { 'content-length': '6' });
      for (const piece of pieces) {
        stream.onRequestBody(piece);
        vm.clock.advance(10);
      }
      assert.doesNotMatch(stream.upstream.body.toString(), /ghi/, `${act} ${pieces.join()}`);
      assert.equal(stream.client.headers?.get(':status'), '413', `${act} ${pieces.join()}`);
    }
  });

  test('where trailers may come, the first piece goes on with the second', () => {
    const { root } = start({ do: 'upper' });
    const stream = openRequest(root);
    stream.onRequestBody('abc');
    assert.equal(stream.upstream.body.toString(), '');
    stream.onRequestBody('def');
    assert.equal(stream.upstream.body.toString(), 'ABCDEF');
    stream.onRequestBody('ghi');
    assert.equal(stream.upstream.body.toString(), 'ABCDEFGHI');
    stream.onRequestTrailers({ 'x-end': '1' });
    assert.equal(stream.upstream.body.toString(), 'ABCDEFGHI|9');
  });

  test('while the stage waits at the headers nothing goes on, and the limit of the host does not count', () => {
    const { vm, root } = start({ do: 'wait' });
    const stream = Vm.openStream([root], { bufferLimitBytes: 10 });
    stream.onRequestHeaders({ ':method': 'POST', ':path': '/', ':authority': 'a', 'content-length': '40' });
    stream.onRequestBody(TEXT.slice(0, 30));
    stream.onRequestBody(TEXT.slice(30), true);
    assert.equal(stream.upstream.headers, null);
    vm.clock.advance(10);
    assert.equal(stream.upstream.body.toString(), DONE);
    assert.equal(stream.upstream.complete, true);
  });

  test('headers that describe the very bytes are gone, and stay where the stage changes nothing', () => {
    const headers = { 'content-md5': 'x', digest: 'x' };
    assert.equal(run({ do: 'upper' }, { body: TEXT, headers }).upstream.headers?.get('content-md5'), undefined);
    const echoed = run({ do: 'echo' }, { body: TEXT, headers }).upstream;
    assert.equal(echoed.headers?.get('content-md5'), 'x');
    assert.equal(echoed.headers?.get('content-length'), String(TEXT.length));
    assert.equal(echoed.body.toString(), TEXT);
  });

  test('messages without body are left alone', () => {
    const get = run({ do: 'upper' }, { method: 'GET' });
    assert.equal(get.upstream.headers?.get('content-type'), undefined);
    assert.equal(
      run({ do: 'upper' }, { method: 'GET', contentLength: false, body: '', chunks: [0] }).upstream.headers?.get(
        'content-type',
      ),
      undefined,
      'an empty frame is no body',
    );
    for (const answer of [
      { status: 204 },
      { status: 304 },
      { status: 304, trailers: { 'x-end': '1' } },
      { body: '' },
    ]) {
      const { client } = run({ do: 'upper', response: true }, {}, { upstream: () => answer });
      assert.equal(client.body.length, 0);
      assert.equal(client.headers?.get('content-type'), undefined);
    }
    const head = run(
      { do: 'upper', response: true },
      { method: 'HEAD' },
      { upstream: () => ({ headers: { 'content-length': '40' } }) },
    );
    assert.equal(head.client.headers?.get('content-length'), '40');
  });

  test('a response of headers and trailers alone passes, with its trailers', () => {
    const { client, details } = run(
      { do: 'upper', response: true },
      {},
      { upstream: () => ({ trailers: { 'x-end': '1' } }) },
    );
    assert.equal(client.status, 200);
    assert.deepEqual([client.complete, client.body.length, client.trailers?.get('x-end')], [true, 0, '1'], details);
  });

  test('a body that turns out empty ends like any other', () => {
    const { upstream } = run({ do: 'upper' }, { body: '', contentLength: false, chunks: [0] });
    assert.equal(upstream.body.toString(), '|0');
  });
});

describe('refused', () => {
  const parts = ['fine so far ', 'and now! the end', ' never seen'];
  const body = parts.join('');
  const chunks = parts.map((part) => part.length);

  test('a request of which pieces have gone: the client is told, the upstream sees it break off', () => {
    for (const framing of [{}, { contentLength: false }]) {
      const { client, upstream, vm } = run({ do: 'upper' }, { body, chunks, ...framing });
      assert.equal(client.status, 422);
      assert.match(client.body.toString(), /FIM-PBOC-0001/);
      assert.equal(upstream.complete, false);
      assert.equal(upstream.reset, true);
      assert.doesNotMatch(upstream.body.toString(), /AND NOW|NEVER/);
      assert.equal(vm.counted('fim.body.cut'), 1);
      assert.equal(vm.counted('fim.refused_total{code=FIM-PBOC-0001}'), 1);
    }
  });

  test('a response of which pieces have gone is cut: the client cannot take it for whole', () => {
    const { client, details } = run({ do: 'upper', response: true }, {}, { upstream: () => ({ body, chunks }) });
    assert.equal(client.status, 200);
    assert.equal(client.body.toString(), parts[0]!.toUpperCase());
    assert.equal(client.complete, false);
    assert.equal(client.reset, true);
    assert.equal(details, 'FIM-PBOC-0001');
  });

  test('one byte over the limit of streamed bodies, declared or shown', () => {
    const limit = { maxStreamBytes: TEXT.length };
    assert.equal(
      run({ do: 'upper' }, { body: TEXT, contentLength: false, chunks: 'bytes' }, {}, limit).client.status,
      200,
    );
    const declared = run({ do: 'upper' }, { body: `${TEXT}.` }, {}, limit);
    assert.equal(declared.client.status, 413);
    assert.equal(declared.upstream.sawNothing, true);
    const shown = run({ do: 'upper' }, { body: `${TEXT}.`, contentLength: false, chunks: 'bytes' }, {}, limit);
    assert.equal(shown.client.status, 413);
    assert.equal(shown.upstream.reset, true);
  });

  test('the limit of held bodies is none of streamed ones', () => {
    assert.equal(run({ do: 'upper' }, { body: TEXT }, {}, { maxBytes: 10 }).client.status, 200);
    assert.equal(run({ do: 'upper', held: true }, { body: TEXT }, {}, { maxBytes: 10 }).client.status, 413);
  });

  test('what a piece becomes finds no room', () => {
    const { client, upstream } = run({ do: 'upper' }, { body: 'fine, so far?', chunks: [3] });
    assert.equal(client.status, 500);
    assert.match(client.body.toString(), /FIM-RT-0006/);
    assert.equal(upstream.complete, false);
  });

  test('trailers where the host holds nothing to put the end behind', () => {
    const { client, upstream } = run(
      { do: 'upper' },
      { body: TEXT, headers: { 'transfer-encoding': 'chunked' }, trailers: { 'x-end': '1' } },
    );
    assert.equal(client.status, 400);
    assert.match(client.body.toString(), /FIM-RT-0011/);
    assert.equal(upstream.complete, false);
  });

  test('compressed bodies, streams and tunnels, as where bodies are held', () => {
    const all: Record<string, string>[] = [
      { 'content-encoding': 'gzip' },
      { 'content-type': 'application/grpc' },
      { 'content-type': 'text/event-stream' },
      { upgrade: 'websocket' },
    ];
    for (const headers of all) {
      const { upstream } = run({ do: 'upper' }, { body: TEXT, headers });
      assert.equal(upstream.sawNothing, true);
    }
  });
});

describe('state and memory', () => {
  test('what a stream left behind is not found by the next, however it ended', () => {
    const { vm, root } = start({ do: 'upper' });
    const ends: Partial<ExchangeRequest>[] = [
      {},
      { abortAfterBytes: 5 },
      { body: 'refused!', chunks: [4] },
      { contentLength: false },
    ];
    for (let i = 0; i < 40; i++) {
      exchange(root, { request: { body: TEXT, chunks: [5], ...ends[i % ends.length] } });
      assert.equal(exchange(root, { request: { body: TEXT, chunks: [7] } }).upstream.body.toString(), DONE);
    }
    assertClean(vm);
  });

  test('ten thousand streams at once, then none: the memory of the first serves the next', () => {
    const { vm, root } = start({ do: 'upper' });
    const wave = (): void => {
      const streams = Array.from({ length: 10_000 }, () => openRequest(root, { 'content-length': '6' }));
      for (const stream of streams) stream.onRequestBody('abc');
      for (const stream of streams) {
        stream.onRequestBody('def', true);
        assert.equal(stream.upstream.body.toString(), 'ABCDEF|6');
        stream.onResponseHeaders({ ':status': '200' }, true);
      }
    };
    wave();
    const pages = vm.memoryPages;
    wave();
    assert.equal(vm.memoryPages, pages);
    assertClean(vm);
  });

  test('more streams than there is room for their state are refused, and nothing of them goes on', () => {
    const { root } = start({ do: 'upper' });
    const streams = Array.from({ length: 33_000 }, () => openRequest(root, { 'content-length': '6' }));
    const last = streams.at(-1)!;
    last.onRequestBody('abcdef', true); // the reply waits for the end of the request
    assert.equal(last.upstream.headers, null);
    assert.equal(last.client.headers?.get(':status'), '500');
    assert.match(last.client.body.toString(), /FIM-RT-0006/);
  });

  for (const [name, headers] of [
    ['declared', { 'content-length': String(512 * MIB) }],
    ['not declared', {}],
  ] as const) {
    test(`512 MiB through one stream, ${name}: no page more than at its beginning`, (t) => {
      const { vm, root } = start({ do: 'upper' });
      const piece = Buffer.alloc(64 * KIB, 97);
      const stream = Vm.openStream([root], { discardBodies: true });
      stream.onRequestHeaders({ ':method': 'POST', ':path': '/', ':authority': 'a', ...headers });
      for (let i = 0; i < 16; i++) stream.onRequestBody(piece);
      const pages = vm.memoryPages;
      for (let i = 16; i < 8192; i++) stream.onRequestBody(piece, i === 8191);
      assert.equal(vm.memoryPages, pages);
      assert.equal(stream.upstream.bodyBytes, 512 * MIB + '|536870912'.length);
      assert.equal(stream.upstream.complete, true);
      t.diagnostic(`${pages} pages`);
    });
  }
});
