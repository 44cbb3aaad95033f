// The keys that `fim up` makes: of every stage that names one, of the algorithm that the stage asks for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRoutes, keyIdsOf, translate } from '../../envoy/route/index.ts';
import { neededKeys } from '../../envoy/standalone/needed-keys.ts';

function keysOf(spec: object): { needed: string[]; seen: string[] } {
  const { resources, errors } = checkRoutes([
    { apiVersion: 'fim.financial/v1', kind: 'FinancialRoute', metadata: { name: 'a' }, spec },
  ]);
  assert.deepEqual(errors, []);
  const { routes, errors: mistakes } = translate(resources, {
    layout: 'fused',
    standalone: true,
    kms: { cluster: 'fim-kms' },
  });
  assert.deepEqual(mistakes, []);
  return {
    needed: neededKeys(routes.map(({ config }) => config)).map(({ id, algorithm }) => `${id} ${algorithm}`),
    seen: keyIdsOf(resources[0]!),
  };
}

const signature = (keyId: string, algorithm: string): object => ({
  keyId,
  algorithm,
  covers: 'Message',
  request: 'Verify',
});

test("a signature's key is needed, and the operator sees it", () => {
  for (const [algorithm, key] of [
    ['HMAC-SM3', 'HMAC-SM3'],
    ['SM2', 'SM2-PRIVATE'],
  ] as const) {
    assert.deepEqual(keysOf({ signature: signature('kms://a/sign', algorithm) }), {
      needed: [`kms://a/sign ${key}`],
      seen: ['kms://a/sign'],
    });
  }
});

test('encryption and signature: one key each, or one for both', () => {
  const both = {
    encryption: { keyId: 'kms://a/body', algorithm: 'AES-256-GCM', request: 'Encrypt' },
    signature: signature('kms://a/sign', 'SM2'),
  };
  assert.deepEqual(keysOf(both), {
    needed: ['kms://a/body AES-256', 'kms://a/sign SM2-PRIVATE'],
    seen: ['kms://a/body', 'kms://a/sign'],
  });
  const shared = {
    encryption: { keyId: 'kms://a/sm2', algorithm: 'SM2-ENVELOPE', request: 'Encrypt' },
    signature: signature('kms://a/sm2', 'SM2'),
  };
  assert.deepEqual(keysOf(shared), { needed: ['kms://a/sm2 SM2-PRIVATE'], seen: ['kms://a/sm2'] });
});

test('a key is named in key fields, and nowhere else', () => {
  const mac = {
    body: { format: 'ISO8583', iso8583: { specification: 'iso8583-1987' } },
    validation: {
      mac: { keyId: 'kms://a/mac', algorithm: 'SM4-CBC-MAC' },
      fields: [{ path: '$.DE3', note: 'kms://a/note', enum: ['kms://a/text'] }],
    },
  };
  assert.deepEqual(keysOf(mac).seen, ['kms://a/mac']);
  assert.deepEqual(
    keysOf({ wasm: { module: 'sm4-encryptor.wasm', config: { keyId: 'kms://a/short', context: 'kms://a/context' } } })
      .seen,
    ['kms://a/short'],
  );
});

test('a key id leads nowhere but to a key', () => {
  for (const keyId of [
    'kms://../../sys/mounts',
    'kms://a/../b',
    'kms://a//b',
    'kms://a/b/',
    'kms:///a',
    'kms://a/.b',
    'kms://a/b?x=1',
    'kms://a/b#1',
    'kms://a/%2e%2e/b',
    'kms://a/b\n',
    'kms://a',
  ]) {
    const { resources, errors } = checkRoutes([
      {
        apiVersion: 'fim.financial/v1',
        kind: 'FinancialRoute',
        metadata: { name: 'a' },
        spec: { encryption: { keyId, request: 'Encrypt' } },
      },
    ]);
    assert.deepEqual([resources.length, errors[0]?.code], [0, 'FIM-CFG-1033'], JSON.stringify(keyId));
  }
});

test('whether messages are made with a key, and by which routes', () => {
  const route = (name: string, encryption: object, path: string): object => ({
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name },
    spec: { match: { path: { type: 'Exact', value: path } }, encryption },
  });
  const { resources } = checkRoutes([
    route('in', { keyId: 'kms://transit/pay', request: 'Decrypt' }, '/in'),
    route('out', { keyId: 'kms://transit/out', request: 'Encrypt' }, '/out'),
    route('back', { keyId: 'kms://transit/out', request: 'Decrypt' }, '/back'),
  ]);
  const { routes } = translate(resources, { layout: 'fused', standalone: true, kms: { cluster: 'fim-kms' } });
  const keys = neededKeys(routes.map(({ config }) => config)).map(({ id, protects, routes: users }) => [
    id,
    protects,
    users.toSorted(),
  ]);
  assert.deepEqual(keys.toSorted(), [
    ['kms://transit/out', true, ['default/back', 'default/out']],
    ['kms://transit/pay', false, ['default/in']],
  ]);
});

test('a key that is used with two algorithms is needed twice, and both halves of an SM2 key once', () => {
  const uses = (...all: [name: string, algorithm: string][]): string[] => {
    const { resources } = checkRoutes(
      all.map(([name, algorithm]) => ({
        apiVersion: 'fim.financial/v1',
        kind: 'FinancialRoute',
        metadata: { name },
        spec: {
          match: { path: { type: 'Exact', value: `/${name}` } },
          ...(algorithm === 'SM4'
            ? { encryption: { keyId: 'kms://a/one', request: 'Encrypt' } }
            : { signature: { keyId: 'kms://a/one', algorithm, request: name === 'out' ? 'Sign' : 'Verify' } }),
        },
      })),
    );
    const { routes } = translate(resources, { layout: 'fused', standalone: true, kms: { cluster: 'fim-kms' } });
    return neededKeys(routes.map(({ config }) => config)).map(({ algorithm }) => algorithm);
  };
  assert.deepEqual(uses(['in', 'HMAC-SM3'], ['pay', 'SM4']).toSorted(), ['HMAC-SM3', 'SM4']);
  assert.equal(uses(['in', 'SM2'], ['out', 'SM2']).length, 1);
});
