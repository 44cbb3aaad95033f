// Bytes of bodies that the proxy holds for a verdict: bounded for a VM and for a connection, counted, and given back
// however a stream ends.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createVm, exchange, Vm } from '../../envoy/host/index.ts';
import type { HttpStream, LoadedModule, RootContext } from '../../envoy/host/index.ts';
import { fimModule } from './modules.ts';

const MIB = 1024 * 1024;
/** As in filters/limits.ts. */
const MAX_HELD_MIB = 256;
const MAX_CONNECTION_MIB = 64;
const PIECE = Buffer.alloc(MIB, 'x');
const BUFFER_BYTES = 32 * MIB;

let fim: LoadedModule;
before(async () => {
  fim = await fimModule();
});

function start(terms: { heldPerAddressBytes?: number } = {}): { vm: Vm; root: RootContext } {
  const vm = createVm(fim);
  const stages = {
    pbocValidator: { request: true, response: true, rules: [{ path: '$.a', required: true, type: 'string' }] },
  };
  const { accepted, root } = vm.configure(
    JSON.stringify({ version: '1.0', ...terms, routes: [{ name: 'default/a', body: { maxBytes: 16 * MIB }, stages }] }),
  );
  assert.equal(accepted, true);
  return { vm, root };
}

function open(
  root: RootContext,
  connection: number,
  mebibytes = 0,
  protocol = 'HTTP/2',
  address = `192.0.2.${connection % 256}:40000`,
): HttpStream {
  const stream = Vm.openStream([root], {
    properties: { 'connection.id': connection, 'request.protocol': protocol, 'source.address': address },
    bufferLimitBytes: BUFFER_BYTES,
  });
  stream.onRequestHeaders({ ':method': 'POST', ':path': '/', ':authority': 'a', 'content-type': 'application/json' });
  for (let i = 0; i < mebibytes; i++) stream.onRequestBody(PIECE);
  return stream;
}

function codeOf(stream: HttpStream): string {
  return (JSON.parse(stream.client.body.toString()) as { code: string }).code;
}

/** Bytes that are held now, as its counters tell after the next slow tick. */
function heldBytes(vm: Vm): number {
  vm.clock.advance(1_000);
  return vm.metrics.value('fim.held.taken_bytes') - vm.metrics.value('fim.held.given_bytes');
}

test('one connection holds so much and no more; another still can', () => {
  const { vm, root } = start();
  const streams = Array.from({ length: MAX_CONNECTION_MIB / 8 }, () => open(root, 5, 8));
  assert.ok(streams.every((stream) => !stream.ended));
  assert.equal(heldBytes(vm), MAX_CONNECTION_MIB * MIB);
  const one = open(root, 5, 1);
  assert.equal(one.client.headers?.get(':status'), '503');
  assert.equal(one.client.headers?.get('retry-after'), '1');
  assert.equal(codeOf(one), 'FIM-RT-0031');
  assert.equal(one.upstream.headers, null);
  const other = open(root, 6, 1);
  assert.equal(other.ended, false);
  streams.pop()!.abort();
  assert.equal(open(root, 5, 1).ended, false, 'there is room again');
  assert.equal(heldBytes(vm), (MAX_CONNECTION_MIB - 8 + 2) * MIB);
});

test('a worker holds so much and no more, over all connections', () => {
  const { vm, root } = start();
  const streams = Array.from({ length: MAX_HELD_MIB / 16 }, (_, i) => open(root, 100 + i, 16));
  assert.ok(streams.every((stream) => !stream.ended));
  const small = open(root, 999);
  small.onRequestBody('{"a":');
  assert.equal(codeOf(small), 'FIM-RT-0030');
  assert.equal(small.client.headers?.get('retry-after'), '1');
  streams.pop()!.abort();
  assert.equal(
    exchange(root, { request: { headers: { 'content-type': 'application/json' }, body: '{"a":"1"}' } }).client.status,
    200,
  );
  for (const stream of streams) stream.abort();
  assert.equal(heldBytes(vm), 0);
});

for (const [about, terms, own, others] of [
  ['by default half of the worker', {}, 8, ['192.0.2.8:1']],
  ['as much as is set', { heldPerAddressBytes: 48 * MIB }, 3, ['192.0.2.8:1', '[2001:db8::1]:1']],
] as const) {
  test(`one address holds ${about}, over any number of connections; another still can`, () => {
    const { vm, root } = start(terms);
    const streams = Array.from({ length: own }, (_, i) => open(root, i, 16, 'HTTP/1.1', `192.0.2.7:${i}`));
    assert.ok(streams.every((stream) => !stream.ended));
    const one = open(root, 77, 1, 'HTTP/2', '192.0.2.7:9');
    assert.equal(codeOf(one), 'FIM-RT-0032');
    assert.equal(one.client.headers?.get('retry-after'), '1');
    for (const address of others) assert.equal(open(root, 78, 1, 'HTTP/2', address).ended, false);
    streams.pop()!.abort();
    assert.equal(open(root, 79, 1, 'HTTP/2', '192.0.2.7:10').ended, false, 'there is room again');
    assert.equal(heldBytes(vm), ((own - 1) * 16 + 1 + others.length) * MIB);
  });
}

test('addresses of one IPv6 network are one, and small bodies count from a level on', () => {
  const { root } = start({ heldPerAddressBytes: 32 * MIB });
  const bytes = 60 * 1024;
  let refused = '';
  let sent = 0;
  for (let i = 0; i < 1500 && refused === ''; i++) {
    const stream = open(root, i, 0, 'HTTP/2', `[2001:db8:0:7::${(i + 1).toString(16)}]:443`);
    stream.onRequestBody(Buffer.alloc(bytes, 'x'));
    if (stream.ended) refused = codeOf(stream);
    else sent += bytes;
  }
  assert.equal(refused, 'FIM-RT-0032');
  assert.ok(sent <= (32 + 32) * MIB && sent > 60 * MIB, `${sent / MIB} MiB`);
  assert.equal(open(root, 5000, 1, 'HTTP/2', '[2001:db8:0:8::1]:443').ended, false);
});

test('what is held is given back when it goes on, is refused, is too long, is aborted, or its response ends', () => {
  const { vm, root } = start();
  const json = { headers: { 'content-type': 'application/json' } };
  const fill = 'y'.repeat(200_000);
  const good = JSON.stringify({ a: fill });
  for (let i = 0; i < 400; i++) {
    const chunks = [70_000, 70_000];
    assert.equal(
      exchange(root, { request: { ...json, body: good, chunks }, upstream: () => ({ ...json, body: good, chunks }) })
        .client.status,
      200,
    );
    exchange(root, { request: { ...json, body: good.slice(1), chunks } });
    exchange(root, { request: { ...json, body: good, chunks, abortAfterBytes: 140_000 } });
    exchange(root, {
      request: { ...json, body: good, chunks },
      upstream: () => ({ ...json, body: good.slice(1), chunks }),
    });
    exchange(root, { request: { ...json, body: good, chunks, trailers: { 'x-end': '1' } } });
  }
  for (const stream of [open(root, 1, 17), open(root, 1, 17, 'HTTP/1.1')]) stream.abort();
  assert.equal(heldBytes(vm), 0);
  assert.ok(vm.metrics.value('fim.held.taken_bytes') > 400 * 5 * 140_000);
  assert.equal(vm.liveContexts, 1);
});

test('small bodies do not ask for their connection', () => {
  const { root } = start();
  const asked = (bytes: number): boolean => {
    let read = false;
    const properties = Object.defineProperty({} as Record<string, number>, 'connection.id', {
      enumerable: true,
      get: () => ((read = true), 4),
    });
    const stream = Vm.openStream([root], { properties, bufferLimitBytes: BUFFER_BYTES });
    stream.onRequestHeaders({ ':method': 'POST', ':path': '/', ':authority': 'a', 'content-type': 'application/json' });
    read = false;
    stream.onRequestBody(Buffer.alloc(bytes, 'x'));
    stream.abort();
    return read;
  };
  assert.equal(asked(64 * 1024), false);
  assert.equal(asked(64 * 1024 + 1), true);
});
