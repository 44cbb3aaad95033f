// Compares what an exchange showed with what the scenario expects of it.
import assert from 'node:assert/strict';
import type { ExchangeResult, HeaderMap, Received } from '../../../envoy/host/index.ts';
import { open } from './envelope.ts';
import type { Envelope } from './envelope.ts';
import { bodyBytes } from './format.ts';
import type { Expectation, HeaderExpectation, MessageExpectation } from './format.ts';
import type { ScenarioKms } from './kms.ts';

interface Problem {
  code?: string;
  status?: number;
  errors?: { code?: string; path?: string }[];
}

/** Throws AssertionError, naming `where`. */
export function expectExchange(result: ExchangeResult, expected: Expectation, kms: ScenarioKms, where: string): void {
  const { client, upstream } = result;
  if (expected.aborted !== true)
    assert.equal(result.ended, expected.open !== true, `${where}: ${expected.open === true ? 'ended' : 'hangs'}`);
  if (expected.status !== undefined)
    assert.equal(
      client.status,
      expected.status,
      `${where}: status; the client got ${client.body.toString('utf8', 0, 400)}`,
    );
  if (expected.details !== undefined) assert.equal(result.details, expected.details, `${where}: details`);
  if (expected.code !== undefined || expected.paths !== undefined || expected.codes !== undefined)
    expectProblem(client, expected, where);
  if (expected.client !== undefined) expectMessage(client, expected.client, kms, `${where}: client`);
  if (expected.upstream === 'nothing')
    assert.equal(upstream.sawNothing, true, `${where}: the upstream must see nothing`);
  else if (expected.upstream !== undefined) {
    assert.equal(
      upstream.sawNothing,
      false,
      `${where}: the upstream saw nothing; the client got ${client.status} ${client.body.toString('utf8', 0, 400)}`,
    );
    expectMessage(upstream, expected.upstream, kms, `${where}: upstream`);
  }
  if (expected.tookMs !== undefined) {
    const [least, most] = expected.tookMs;
    assert.ok(
      result.tookMs >= least && result.tookMs <= most,
      `${where}: took ${result.tookMs} ms, not ${least} to ${most}`,
    );
  }
}

/**
 * Checks that each module of `chain` has stamped a request that went upstream, once. A refused request has no stamp of
 * the refusing module or of later ones.
 */
export function expectStamps(result: ExchangeResult, chain: string[], where: string): void {
  const stamps = chain.map((module) => result.stream.filterState.get(`wasm.fim.seal.${module}`)?.toString());
  const stamped = result.upstream.sawNothing ? stamps.indexOf(undefined) : chain.length;
  // Envoy's own 413 comes after the module's verdict.
  if (result.details !== 'request_payload_too_large')
    assert.notEqual(stamped, -1, `${where}: stamped, though nothing went upstream`);
  assert.deepEqual(
    stamps,
    chain.map((_, i) => (i < stamped || stamped === -1 ? '1' : undefined)),
    `${where}: stamps of ${chain.join(', ')}`,
  );
  if (result.stream.filterState.size === stamped)
    assert.equal(result.stream.filterStateWrites, stamped, `${where}: a stamp was written twice`);
}

function expectProblem(client: Received, expected: Expectation, where: string): void {
  assert.equal(client.headers?.get('content-type'), 'application/problem+json', `${where}: content-type`);
  const problem = JSON.parse(client.body.toString()) as Problem;
  if (expected.code !== undefined)
    assert.equal(problem.code, expected.code, `${where}: code of ${client.body.toString()}`);
  if (expected.status !== undefined) assert.equal(problem.status, expected.status, `${where}: status member`);
  if (expected.paths !== undefined)
    assert.deepEqual(
      (problem.errors ?? []).map((error) => error.path),
      expected.paths,
      `${where}: paths of ${client.body.toString()}`,
    );
  if (expected.codes !== undefined)
    assert.deepEqual(
      (problem.errors ?? []).map((error) => error.code),
      expected.codes,
      `${where}: codes of ${client.body.toString()}`,
    );
}

function expectHeaders(map: HeaderMap | null, expected: HeaderExpectation, where: string): void {
  for (const [name, value] of Object.entries(expected)) {
    const got = map?.all(name) ?? [];
    const text = got.join(', ');
    if (value === null) assert.deepEqual(got, [], `${where} ${name}`);
    else if (/^\/.*\/$/.test(value)) assert.match(text, new RegExp(value.slice(1, -1)), `${where} ${name}`);
    else assert.equal(text, value, `${where} ${name}`);
  }
}

function expectMessage(got: Received, expected: MessageExpectation, kms: ScenarioKms, where: string): void {
  expectHeaders(got.headers, expected.headers ?? {}, `${where} header`);
  expectHeaders(got.trailers, expected.trailers ?? {}, `${where} trailer`);
  if (expected.bytes !== undefined) assert.equal(got.body.length, expected.bytes, `${where} bytes`);
  if (expected.text !== undefined) assert.equal(got.body.toString(), expected.text, `${where} body`);
  if (expected.hex !== undefined)
    assert.equal(got.body.toString('hex'), expected.hex.replaceAll(/\s/g, ''), `${where} body`);
  if (expected.json !== undefined) assert.deepEqual(JSON.parse(got.body.toString()), expected.json, `${where} JSON`);
  if (expected.opens !== undefined) expectSealed(got, expected.opens, kms, where);
}

function expectSealed(
  got: Received,
  expected: NonNullable<MessageExpectation['opens']>,
  kms: ScenarioKms,
  where: string,
): void {
  assert.equal(got.headers?.get('content-type'), 'application/vnd.fim.encrypted+json', `${where} content-type`);
  const envelope = JSON.parse(got.body.toString()) as Envelope;
  const key = kms.material(expected.key, expected.version);
  assert.equal(envelope.alg, 'SM4-GCM', where);
  assert.equal(envelope.kid, `${expected.key}#${key.version}`, `${where} key`);
  assert.equal(envelope.ctx, expected.context, `${where} context`);
  const plain = open(key.material, envelope);
  if (expected.json !== undefined) assert.deepEqual(JSON.parse(plain.toString()), expected.json, `${where} plaintext`);
  else
    assert.equal(
      plain.toString('latin1'),
      (bodyBytes(expected) ?? Buffer.alloc(0)).toString('latin1'),
      `${where} plaintext`,
    );
}
