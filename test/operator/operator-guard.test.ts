// The operator's bounds on EnvoyFilters, whatever its role lets it: the rules of the guard, by a CEL implementation in
// JavaScript. That the API server has them is tried in the mesh tier.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Environment } from '@marcbachmann/cel-js';
import { parseAllDocuments } from 'yaml';

interface Policy {
  kind: string;
  metadata: { name: string };
  spec: {
    failurePolicy: string;
    policyName: string;
    validationActions: string[];
    matchConstraints: { resourceRules: { operations: string[]; resources: string[] }[] };
    matchConditions: { expression: string }[];
    validations: { expression: string; message: string }[];
  };
}

const FILE = path.resolve(import.meta.dirname, '../../istio/manifests/base/operator-guard.yaml');
const [policy, binding] = parseAllDocuments(readFileSync(FILE, 'utf8')).map((document) => document.toJS() as Policy);
const OPERATOR = 'system:serviceaccount:fim-system:fim-operator';
const OURS = { metadata: { labels: { 'app.kubernetes.io/managed-by': 'fim-operator' } } };
const UNLABELLED = { metadata: {} };
const OTHERS = { metadata: { labels: { 'app.kubernetes.io/managed-by': 'Helm' } } };

interface Change {
  name: string;
  object: object | null;
  oldObject: object | null;
  username?: string;
}

const holds = (expression: string, { name, object, oldObject, username = OPERATOR }: Change): boolean =>
  new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true }).evaluate(expression, {
    request: { name, userInfo: { username } },
    object,
    oldObject,
  }) as boolean;

/** The guard's words against a change; empty: none. */
function refusals(change: Change): string[] {
  const { matchConditions, validations } = policy!.spec;
  if (!matchConditions.every(({ expression }) => holds(expression, change))) return [];
  return validations.filter(({ expression }) => !holds(expression, change)).map(({ message }) => message);
}

const CASES: { what: string; change: Change; refused: RegExp[] }[] = [
  { what: 'makes its own', change: { name: 'fim-gateways', object: OURS, oldObject: null }, refused: [] },
  { what: 'changes its own', change: { name: 'fim-gateways', object: OURS, oldObject: OURS }, refused: [] },
  { what: 'deletes its own', change: { name: 'fim-gateways', object: null, oldObject: OURS }, refused: [] },
  {
    what: 'makes one of another name',
    change: { name: 'ingress', object: OURS, oldObject: null },
    refused: [/begin with fim-/],
  },
  {
    what: 'makes one without its label',
    change: { name: 'fim-x', object: UNLABELLED, oldObject: null },
    refused: [/have app/],
  },
  { what: 'takes its label away', change: { name: 'fim-x', object: OTHERS, oldObject: OURS }, refused: [/have app/] },
  {
    what: "takes over what is another's",
    change: { name: 'fim-x', object: OURS, oldObject: OTHERS },
    refused: [/of others/],
  },
  {
    what: "deletes what is another's",
    change: { name: 'fim-x', object: null, oldObject: UNLABELLED },
    refused: [/of others/],
  },
  {
    what: "deletes what is another's by name and label",
    change: { name: 'tenants', object: null, oldObject: OTHERS },
    refused: [/begin with fim-/, /of others/],
  },
];

describe('the guard of the operator', () => {
  for (const { what, change, refused } of CASES)
    it(`${refused.length === 0 ? 'lets it go on' : 'refuses it'} when it ${what}`, () => {
      const said = refusals(change);
      assert.equal(said.length, refused.length, said.join('; '));
      for (const [index, pattern] of refused.entries()) assert.match(said[index]!, pattern);
    });

  it('says nothing to others', () =>
    assert.deepEqual(refusals({ name: 'x', object: OTHERS, oldObject: OTHERS, username: 'tenant' }), []));

  it('is in force for every way of writing one, and refuses when it cannot be asked', () => {
    const [rule] = policy!.spec.matchConstraints.resourceRules;
    assert.deepEqual(rule?.operations, ['CREATE', 'UPDATE', 'DELETE']);
    assert.deepEqual(rule?.resources, ['envoyfilters']);
    assert.equal(policy!.spec.failurePolicy, 'Fail');
    assert.deepEqual([binding?.spec.policyName, binding?.spec.validationActions], [policy!.metadata.name, ['Deny']]);
  });
});
