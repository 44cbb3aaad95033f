// The public schema → the CustomResourceDefinition: a structural OpenAPI v3 schema with CEL rules.
import { stringify } from 'yaml';
import { banner, type Output } from './output.ts';
import { readRouteSchema, resolveNode, ROUTE_SCHEMA, type RouteNode } from './route-schema.ts';

/** What an API server takes as it stands; everything else is dropped or translated. */
const KEPT = ['description', 'type', 'format', 'enum', 'default', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'required', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-preserve-unknown-fields'] as const;

type Structural = Record<string, unknown>;

function structural(root: RouteNode, given: RouteNode): Structural {
  const node = resolveNode(root, given);
  const result: Structural = {};
  for (const key of KEPT) {
    const value = (node as Record<string, unknown>)[key];
    if (value !== undefined) result[key] = value;
  }
  if (node.properties !== undefined) {
    result.properties = Object.fromEntries(Object.entries(node.properties).map(([name, child]) => [name, structural(root, child)]));
  }
  if (node.items !== undefined) result.items = structural(root, node.items);
  if (typeof node.additionalProperties === 'object') result.additionalProperties = structural(root, node.additionalProperties);
  const rules = node['x-kubernetes-validations'];
  if (rules !== undefined) result['x-kubernetes-validations'] = rules.map(({ rule, message, 'x-fim-code': code }) => ({ rule, message: `${code}: ${message}` }));
  return result;
}

function printerColumn(type: string): Structural {
  return { name: type, type: 'string', description: `Whether the condition ${type} holds.`, jsonPath: `.status.conditions[?(@.type=="${type}")].status` };
}

function definition(root: RouteNode): Structural {
  const properties = root.properties ?? {};
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'financialroutes.fim.financial' },
    spec: {
      group: 'fim.financial',
      names: { kind: 'FinancialRoute', listKind: 'FinancialRouteList', plural: 'financialroutes', singular: 'financialroute', shortNames: ['froute'], categories: ['fim'] },
      scope: 'Namespaced',
      versions: [{
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [printerColumn('Accepted'), printerColumn('Programmed'), { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
        schema: {
          openAPIV3Schema: {
            description: root.description,
            type: 'object',
            required: ['spec'],
            properties: {
              apiVersion: { type: 'string', description: 'Version of this form.' },
              kind: { type: 'string', description: 'Kind of the object.' },
              metadata: { type: 'object' },
              spec: structural(root, properties.spec ?? {}),
              status: structural(root, properties.status ?? {}),
            },
          },
        },
      }],
    },
  };
}

/** `istio/crd/financialroutes.fim.financial.yaml`. */
export function crdOutputs(repository: string): Output[] {
  const text = stringify(definition(readRouteSchema(repository)), { lineWidth: 0, aliasDuplicateObjects: false });
  return [{ path: 'istio/crd/financialroutes.fim.financial.yaml', text: `${banner(ROUTE_SCHEMA, '#')}\n${text}` }];
}
