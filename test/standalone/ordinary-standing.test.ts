// Which connections of ordinary TLS hold after an edit.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AlsoTls } from '../../envoy/route/index.ts';
import { MAX_ORDINARY_TERMS } from '../../envoy/limits.ts';
import { OrdinaryStanding, stillLetsIn } from '../../envoy/standalone/ordinary-standing.ts';
import { makeAuthority, makeList } from '../e2e/certificates.ts';

const one = makeAuthority('One');
const two = makeAuthority('Two');
const terms = (more: Partial<AlsoTls> = {}): AlsoTls => ({ clientAuth: 'Required', trust: one.certificate, ...more });

describe('an edit of what ordinary TLS demands of clients', () => {
  const empty = makeList(one, []);
  const cases: [string, AlsoTls, AlsoTls, boolean][] = [
    ['nothing else', terms(), terms(), true],
    ['one more authority', terms(), terms({ trust: `${two.certificate}${one.certificate}` }), true],
    ['another authority', terms(), terms({ trust: two.certificate }), false],
    ['one authority less', terms({ trust: `${two.certificate}${one.certificate}` }), terms(), false],
    ['a certificate that need not be', terms(), terms({ clientAuth: 'Optional' }), true],
    ['a certificate that must be', terms({ clientAuth: 'Optional' }), terms(), false],
    ['no certificates any more', terms(), { clientAuth: 'None' }, false],
    ['a list that names nobody', terms(), terms({ lists: empty }), true],
    [
      'a newer list that names nobody else',
      terms({ lists: makeList(one, [7]) }),
      terms({ lists: makeList(one, [7]) }),
      true,
    ],
    ['a list that names somebody', terms({ lists: empty }), terms({ lists: makeList(one, [7]) }), false],
    [
      'a list that cannot be read',
      terms(),
      terms({ lists: '-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----' }),
      false,
    ],
  ];
  for (const [name, before, now, holds] of cases)
    it(`${name}: ${holds ? 'goes on' : 'is refused'}`, () => assert.equal(stillLetsIn(before, now), holds));
});

it('connections of old terms are refused when ordinary TLS is taken away, and beyond the bound', () => {
  const standing = new OrdinaryStanding();
  assert.deepEqual(
    standing.under(terms()).map(({ holds }) => holds),
    [true],
  );
  assert.deepEqual(
    standing.under(null).map(({ holds }) => holds),
    [false],
  );
  assert.deepEqual(
    standing.under(terms()).map(({ holds }) => holds),
    [true],
  );
  const many = Array.from({ length: MAX_ORDINARY_TERMS }, (_, i) => terms({ lists: makeList(one, [], i + 1) }));
  const last = many.map((some) => standing.under(some)).at(-1)!;
  assert.deepEqual([last[0]!.holds, last[1]!.holds, last.length], [false, true, MAX_ORDINARY_TERMS + 1]);
  assert.equal(standing.under(null).length, MAX_ORDINARY_TERMS);
});
