// Total size of a resource: the CRD's rule and that of envoy/route count alike, and the largest admitted size has a
// name.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_VALIDATION_CHARACTERS } from '../../envoy/limits.ts';
import { checkRoutes } from '../../envoy/route/index.ts';
import { MAX_RESOURCE_BYTES } from '../../istio/limits.ts';
import { celMistakes } from './cel-rules.ts';

const TEXTS = 200;
const FIELD = 'f00'.length;

/** Fields of which each counts FIELD and, for each text, its characters and four. */
function route(fields: number, characters: number): object {
  const text = (field: number, index: number): string => `${field}-${index}-`.padEnd(characters, '密');
  const all = Array.from({ length: fields }, (_, field) => ({
    name: `f${String(field).padStart(2, '0')}`,
    enum: Array.from({ length: TEXTS }, (__, index) => text(field, index)),
  }));
  return {
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name: 'large' },
    spec: { validation: { fields: all } },
  };
}

describe('the size of a resource', () => {
  it('is bounded to the character, by both layers', () => {
    // Ten fields of 200 texts with 60 characters and four each, and one that takes what is left.
    const left = MAX_VALIDATION_CHARACTERS - 10 * (FIELD + TEXTS * 64) - 1 - 4;
    assert.ok(left > 516, `${left}`);
    const filled = (rest: number): object => {
      const whole = route(10, 60) as { spec: { validation: { fields: object[] } } };
      const notes = Array.from({ length: Math.ceil(rest / 512) }, (_, index) => Math.min(512, rest - 512 * index));
      whole.spec.validation.fields.push(
        { name: 'a', enum: [''] },
        ...notes.map((length, index) => ({
          path: '$',
          when: [{ path: '$', equals: `${index}`.padStart(2, '0') }],
          note: 'n'.repeat(length),
        })),
      );
      return whole;
    };
    // The field of each note has two paths of one character and a text of two.
    let rest = left;
    while (rest + 4 * Math.ceil(rest / 512) > left) rest--;
    const count = (length: number): number => length + 4 * Math.ceil(length / 512);
    assert.equal(count(rest), left);
    for (const [length, good] of [
      [rest, true],
      [rest + 1, false],
    ] as const) {
      const { errors } = checkRoutes([filled(length)]);
      assert.deepEqual(
        errors.map(({ code, path }) => `${code} ${path}`),
        good ? [] : ['FIM-CFG-1002 $.spec.validation'],
        `${length}`,
      );
      assert.deepEqual(
        celMistakes(filled(length)).map((message) => message.slice(0, 12)),
        good ? [] : ['FIM-CFG-1002'],
        `${length}`,
      );
    }
  });

  it("is below the operator's budget for one, whatever script it is in", () => {
    const largest = JSON.stringify((route(10, 60) as { spec: object }).spec);
    assert.deepEqual(celMistakes(route(10, 60)), []);
    assert.ok(Buffer.byteLength(largest) < MAX_RESOURCE_BYTES, `${Buffer.byteLength(largest)} bytes`);
    assert.notDeepEqual(celMistakes(route(60, 60)), [], 'what once stopped the operator does not get in');
  });
});
