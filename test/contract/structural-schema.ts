// Processing of the CRD's schema by an API server before CEL: strict field validation, structural checks, list types,
// defaults.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

/** A node of the CRD's OpenAPI schema. */
export interface Structural {
  type: string;
  properties?: Record<string, Structural>;
  items?: Structural;
  additionalProperties?: Structural;
  required?: string[];
  enum?: string[];
  default?: unknown;
  pattern?: string;
  maxItems?: number;
  maxLength?: number;
  maxProperties?: number;
  maximum?: number;
  minimum?: number;
  description?: string;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-validations'?: { rule: string; message: string }[];
}

interface Definition {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Structural } }[];
  };
}

function definition(plural: string): Definition {
  return parse(readFileSync(new URL(`../../istio/crd/${plural}.fim.financial.yaml`, import.meta.url), 'utf8'));
}

/** The CustomResourceDefinition as it is committed. */
export const CRD = definition('financialroutes');
export const BASELINE_CRD = definition('financialbaselines');

export function schemaIn(crd: Definition): Structural {
  return crd.spec.versions[0]!.schema.openAPIV3Schema;
}

/** Definition to whose address a resource goes: by its kind, else that of routes. */
function definitionFor(value: unknown): Definition {
  return (value as { kind?: unknown } | null)?.kind === BASELINE_CRD.spec.names.kind ? BASELINE_CRD : CRD;
}

/** Schema that judges a resource. */
export function schemaFor(value: unknown): Structural {
  return schemaIn(definitionFor(value));
}

const ANNOTATIONS = [
  'x-kubernetes-validations',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-preserve-unknown-fields',
];

/**
 * The schema under `fieldValidation=Strict`: an object takes no field that is not named. `metadata` is not the
 * schema's.
 */
function strict(node: Structural, root: boolean): Record<string, unknown> {
  const result: Record<string, unknown> = { ...node };
  if (node.properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(node.properties).map(([name, child]) => [
        name,
        root && name === 'metadata' ? {} : strict(child, false),
      ]),
    );
    result.additionalProperties = false;
  }
  if (node.items !== undefined) result.items = strict(node.items, false);
  if (typeof node.additionalProperties === 'object')
    result.additionalProperties = strict(node.additionalProperties, false);
  return result;
}

const ajv = new Ajv2020({
  strict: true,
  allErrors: true,
  validateFormats: false,
  formats: { int32: true, int64: true, 'date-time': true },
});
for (const keyword of ANNOTATIONS) ajv.addKeyword(keyword);
const validators = new Map([CRD, BASELINE_CRD].map((crd) => [crd, ajv.compile(strict(schemaIn(crd), true))]));

function walk(node: Structural, value: unknown, visit: (node: Structural, value: unknown) => void): void {
  visit(node, value);
  if (Array.isArray(value)) for (const item of value) walk(node.items as Structural, item, visit);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      const child = node.properties?.[name] ?? node.additionalProperties;
      if (child !== undefined) walk(child, member, visit);
    }
  }
}

function listMistakes(value: unknown): string[] {
  const mistakes: string[] = [];
  walk(schemaFor(value), value, (node, list) => {
    if (!Array.isArray(list) || !['set', 'map'].includes(node['x-kubernetes-list-type'] ?? '')) return;
    const keys = node['x-kubernetes-list-map-keys'];
    const names = list.map((item) => JSON.stringify(keys === undefined ? item : keys.map((key) => item[key])));
    if (new Set(names).size < names.length) mistakes.push(`duplicate item: ${names.join(', ')}`);
  });
  return mistakes;
}

/** An object is of the version and kind of its address. */
function addressMistakes(value: unknown): string[] {
  const { apiVersion, kind } = (value ?? {}) as Record<string, unknown>;
  const { group, names, versions } = definitionFor(value).spec;
  return apiVersion === `${group}/${versions[0]!.name}` && kind === names.kind
    ? []
    : ['apiVersion or kind is not that of the CRD'];
}

/**
 * The value without the nulls that an API server drops before it looks: members of objects whose schema has neither
 * `nullable` nor a default.
 */
export function withoutDroppedNulls(value: unknown, node: Structural | undefined = schemaFor(value)): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutDroppedNulls(item, node?.items));
  if (typeof value !== 'object' || value === null) return value;
  const schemaOf = (name: string): Structural | undefined => node?.properties?.[name] ?? node?.additionalProperties;
  const kept = Object.entries(value).filter(
    ([name, member]) => member !== null || schemaOf(name) === undefined || schemaOf(name)?.default !== undefined,
  );
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutDroppedNulls(member, schemaOf(name))]));
}

/** Violations of the CRD's names and schema by a value. Empty if there are none. */
export function structuralMistakes(sent: unknown): string[] {
  const value = withoutDroppedNulls(sent);
  if (addressMistakes(value).length > 0) return addressMistakes(value);
  const validate = validators.get(definitionFor(value))!;
  if (!validate(value)) return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  return listMistakes(value);
}

/** The value with the CRD's defaults, as an API server stores it. */
export function withCrdDefaults(value: unknown, node: Structural = schemaFor(value)): unknown {
  if (Array.isArray(value)) return value.map((item) => withCrdDefaults(item, node.items));
  if (typeof value !== 'object' || value === null || node.properties === undefined) return value;
  const result: Record<string, unknown> = { ...value };
  for (const [name, child] of Object.entries(node.properties)) {
    if (name in result) result[name] = withCrdDefaults(result[name], child);
    else if (child.default !== undefined) result[name] = child.default;
  }
  return result;
}

export { walk as walkStructural };
