// The CRD's CEL rules, by a CEL implementation in JavaScript. Kubernetes' own (and its cost budget) judges in the mesh
// tier.
import { Environment } from '@marcbachmann/cel-js';
import {
  walkStructural,
  withCrdDefaults,
  withoutDroppedNulls,
  BASELINE_CRD,
  CRD,
  schemaFor,
  schemaIn,
  type Structural,
} from './structural-schema.ts';

/** The declaration of a value for the type checker: as Kubernetes derives it from the schema. */
function declare(node: Structural): unknown {
  switch (node.type) {
    case 'integer':
      return 'int';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    case 'array':
      return 'list';
    default:
      return node.properties === undefined
        ? 'map'
        : Object.fromEntries(Object.entries(node.properties).map(([name, child]) => [name, declare(child)]));
  }
}

/** Integers of a JSON value are CEL ints. */
function celValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, celValue(member)]));
}

function environmentOf(node: Structural): Environment {
  // Function of Kubernetes' CEL list library.
  const environment = new Environment().registerFunction('list.sum(): int', (list: unknown) =>
    [...(list as Iterable<bigint>)].reduce((total, one) => total + one, 0n),
  );
  return environment.registerVariable({ name: 'self', schema: declare(node) } as Parameters<
    Environment['registerVariable']
  >[0]);
}

/** Every rule of the CRDs with what the type checker says of it. */
export function checkedRules(): { rule: string; valid: boolean; type?: string; error?: string }[] {
  const results: { rule: string; valid: boolean; type?: string; error?: string }[] = [];
  const visit = (node: Structural): void => {
    for (const { rule } of node['x-kubernetes-validations'] ?? []) {
      const { valid, type, error } = environmentOf(node).check(rule);
      results.push({ rule, valid, type: String(type), error: error?.message });
    }
    for (const child of [...Object.values(node.properties ?? {}), node.items]) if (child !== undefined) visit(child);
  };
  for (const crd of [CRD, BASELINE_CRD]) visit(schemaIn(crd));
  return results;
}

/** Messages of the rules that a structurally valid value breaks. */
export function celMistakes(value: unknown): string[] {
  const mistakes: string[] = [];
  walkStructural(schemaFor(value), withCrdDefaults(withoutDroppedNulls(value)), (node, part) => {
    for (const { rule, message } of node['x-kubernetes-validations'] ?? []) {
      if (environmentOf(node).evaluate(rule, { self: celValue(part) }) !== true) mistakes.push(message);
    }
  });
  return mistakes;
}
