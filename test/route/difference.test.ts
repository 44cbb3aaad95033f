import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkRoutes, differences, parseRoutes } from '../../envoy/route/index.ts';

const route = (spec: object, name = 'pay'): object => ({
  apiVersion: 'fim.financial/v1',
  kind: 'FinancialRoute',
  metadata: { name },
  spec,
});

/** `Effect kind path: from → to`, as `fim diff` would say it. */
function told(before: object[], after: object[]): string[] {
  const [old, next] = [checkRoutes(before), checkRoutes(after)];
  assert.deepEqual([...old.errors, ...next.errors], []);
  return differences(old, next).map(
    ({ effect, kind, path, from, to }) => `${effect} ${kind} ${path}: ${from ?? ''} → ${to ?? ''}`,
  );
}

const short = (spec: object, other: object): string[] =>
  told([route(spec)], [route(other)]).map((line) => line.replace(/: .*/, ''));

describe('differences of resources', () => {
  it('pass over defaults, short forms and the order of entries', () => {
    const fields = [
      { name: 'a', required: true },
      { name: 'b', pattern: '^1' },
    ];
    assert.deepEqual(
      told(
        [route({ validation: { fields } })],
        [route({ validation: { fields: fields.toReversed() }, enforcement: 'Enforce' })],
      ),
      [],
    );
    const keyId = 'kms://prod/a';
    assert.deepEqual(
      told(
        [route({ wasm: { module: 'sm4-encryptor.wasm', config: { keyId } } })],
        [route({ encryption: { keyId, request: 'Encrypt' } })],
      ),
      [],
    );
  });

  it('say what becomes weaker first', () => {
    const before = {
      enforcement: 'Enforce',
      validation: { fields: [{ name: 'a', pattern: '^1', maxLength: 5 }, { name: 'b' }] },
      masking: { fields: [{ name: 'pan', kind: 'BankCard' }] },
      rateLimit: { requests: 10, period: '1s' },
    };
    const after = {
      enforcement: 'Observe',
      validation: { fields: [{ name: 'a', pattern: '^2', maxLength: 6 }, { name: 'c' }] },
      masking: {
        fields: [{ name: 'pan', kind: 'BankCard' }],
        reveal: [{ claim: 'role', values: ['clerk'], kinds: ['BankCard'] }],
      },
      rateLimit: { requests: 20, period: '1s' },
    };
    assert.deepEqual(short(before, after), [
      'Weaker Changed $.spec.enforcement',
      'Weaker Added $.spec.masking.reveal',
      'Weaker Changed $.spec.rateLimit.requests',
      'Weaker Changed $.spec.validation.fields.a.maxLength',
      'Weaker Removed $.spec.validation.fields.b',
      'Other Changed $.spec.validation.fields.a.pattern',
      'Stricter Added $.spec.validation.fields.c',
    ]);
    assert.deepEqual(
      short(after, before).filter((line) => line.startsWith('Weaker')),
      ['Weaker Removed $.spec.validation.fields.c'],
    );
  });

  it('know ranks, sections and whole resources', () => {
    const encryption = { keyId: 'kms://prod/a', request: 'Encrypt' };
    assert.deepEqual(short({ encryption }, { encryption: { ...encryption, request: 'None', response: 'Encrypt' } }), [
      'Weaker Changed $.spec.encryption.request',
      'Stricter Changed $.spec.encryption.response',
    ]);
    assert.deepEqual(short({ encryption }, {}), ['Weaker Removed $.spec.encryption']);
    assert.deepEqual(short({ match: { path: { value: '/a' } } }, { match: { path: { value: '/b' } } }), [
      'Other Changed $.spec.match.path.value',
    ]);
    assert.deepEqual(
      told([route({})], []).map((line) => line.replace(/: .*/, '')),
      ['Weaker Removed $'],
    );
    assert.deepEqual(
      told([], [route({})]).map((line) => line.replace(/: .*/, '')),
      ['Stricter Added $'],
    );
  });

  it('name lines of the text that has what differs', () => {
    const text =
      'apiVersion: fim.financial/v1\nkind: FinancialRoute\nmetadata: {name: a}\nspec:\n  validation:\n    fields:\n      - {name: a}\n      - {name: b}\n';
    const [old, next] = [
      parseRoutes(text, 'old.yaml'),
      parseRoutes(text.replace('      - {name: b}\n', ''), 'new.yaml'),
    ];
    assert.deepEqual(
      differences(old, next).map(({ file, line }) => [file, line]),
      [['old.yaml', 8]],
    );
    assert.deepEqual(
      differences(next, old).map(({ file, line }) => [file, line]),
      [['old.yaml', 8]],
    );
  });
});
