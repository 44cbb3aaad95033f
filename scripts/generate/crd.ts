// Generates the CustomResourceDefinitions from the public schema: structural OpenAPI v3 schemas with CEL rules.
import { stringify } from 'yaml';
import { banner, type Output } from './output.ts';
import { readRouteSchema, resolveNode, ROUTE_SCHEMA, type RouteNode } from './route-schema.ts';

/** Keywords that an API server accepts unchanged. All others are dropped or translated. */
const KEPT = [
  'description',
  'type',
  'format',
  'enum',
  'default',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-preserve-unknown-fields',
] as const;

type Structural = Record<string, unknown>;

function structural(root: RouteNode, given: RouteNode): Structural {
  const node = resolveNode(root, given);
  const result: Structural = {};
  for (const key of KEPT) {
    const value = (node as Record<string, unknown>)[key];
    if (value !== undefined) result[key] = value;
  }
  if (node.properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(node.properties).map(([name, child]) => [name, structural(root, child)]),
    );
  }
  if (node.items !== undefined) result.items = structural(root, node.items);
  if (typeof node.additionalProperties === 'object')
    result.additionalProperties = structural(root, node.additionalProperties);
  const rules = node['x-kubernetes-validations'];
  if (rules !== undefined)
    result['x-kubernetes-validations'] = rules.map(({ rule, message, 'x-fim-code': code }) => ({
      rule,
      message: `${code}: ${message}`,
    }));
  return result;
}

function conditionColumn(type: string): Structural {
  return {
    name: type,
    type: 'string',
    description: `Whether the condition ${type} holds.`,
    jsonPath: `.status.conditions[?(@.type=="${type}")].status`,
  };
}

/** Columns of `kubectl get` for a route: readiness, reason, and how many of its proxies run it. */
const ROUTE_COLUMNS: Structural[] = [
  conditionColumn('Ready'),
  {
    name: 'Reason',
    type: 'string',
    description: 'Why it is ready, or is not.',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
  },
  {
    name: 'Programmed',
    type: 'integer',
    description: 'Proxies that have proven that they run it.',
    jsonPath: '.status.proxies.programmed',
  },
  { name: 'Proxies', type: 'integer', description: 'Ready proxies that it is for.', jsonPath: '.status.proxies.total' },
  { ...conditionColumn('Accepted'), priority: 1 },
  { ...conditionColumn('ResolvedRefs'), priority: 1 },
  {
    name: 'Message',
    type: 'string',
    description: 'The condition in words.',
    jsonPath: '.status.conditions[?(@.type=="Ready")].message',
    priority: 1,
  },
];

/** Default status. A route is not ready until an operator has seen it, so that tools wait for it. */
const UNSEEN_STATUS = {
  conditions: [
    {
      type: 'Ready',
      status: 'Unknown',
      reason: 'Pending',
      message: 'Waiting for the operator.',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    },
  ],
};

/** Names and properties of one kind. */
interface Kind {
  kind: string;
  plural: string;
  shortName: string;
  /** Columns of `kubectl get` besides the age. */
  columns: Structural[];
  hasStatus: boolean;
  /** Whether its objects have no namespace. */
  isClusterScoped?: boolean;
  /** Policy kind that tools of the Gateway API discover (GEP-713). */
  policy?: 'Direct' | 'Inherited';
}

const POLICY_LABEL = 'gateway.networking.k8s.io/policy';

const FINANCIAL_ROUTE: Kind = {
  kind: 'FinancialRoute',
  plural: 'financialroutes',
  shortName: 'froute',
  columns: ROUTE_COLUMNS,
  hasStatus: true,
  policy: 'Direct',
};
const VALIDATION_PROFILE: Kind = {
  kind: 'ValidationProfile',
  plural: 'validationprofiles',
  shortName: 'vprofile',
  columns: [],
  hasStatus: false,
};

/** Columns of `kubectl get` for a baseline: whether it is valid and in force, and what it reaches. */
const BASELINE_COLUMNS: Structural[] = [
  conditionColumn('Accepted'),
  conditionColumn('Programmed'),
  {
    name: 'Namespaces',
    type: 'integer',
    description: 'Namespaces that it reaches.',
    jsonPath: '.status.namespaces',
  },
  { name: 'Routes', type: 'integer', description: 'Routes that it reaches.', jsonPath: '.status.routes' },
  {
    name: 'Message',
    type: 'string',
    description: 'The condition in words.',
    jsonPath: '.status.conditions[?(@.type=="Ready")].message',
    priority: 1,
  },
];

const FINANCIAL_BASELINE: Kind = {
  kind: 'FinancialBaseline',
  plural: 'financialbaselines',
  shortName: 'fbaseline',
  columns: BASELINE_COLUMNS,
  hasStatus: true,
  isClusterScoped: true,
  policy: 'Inherited',
};

function definition(
  root: RouteNode,
  resource: RouteNode,
  { kind, plural, shortName, columns, hasStatus, isClusterScoped = false, policy }: Kind,
): Structural {
  const properties = resource.properties ?? {};
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.fim.financial`,
      ...(policy === undefined ? {} : { labels: { [POLICY_LABEL]: policy } }),
    },
    spec: {
      group: 'fim.financial',
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ['fim'],
      },
      scope: isClusterScoped ? 'Cluster' : 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          ...(hasStatus ? { subresources: { status: {} } } : {}),
          additionalPrinterColumns: [
            ...columns,
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: {
              description: resource.description,
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string', description: 'Version of this form.' },
                kind: { type: 'string', description: 'Kind of the object.' },
                metadata: { type: 'object' },
                spec: structural(root, properties.spec ?? {}),
                ...(hasStatus
                  ? { status: { ...structural(root, properties.status ?? {}), default: UNSEEN_STATUS } }
                  : {}),
              },
            },
          },
        },
      ],
    },
  };
}

/** `istio/crd/<plural>.fim.financial.yaml` of each kind. */
export function crdOutputs(repository: string): Output[] {
  const root = readRouteSchema(repository);
  const resources: [RouteNode, Kind][] = [
    [root, FINANCIAL_ROUTE],
    [resolveNode(root, { $ref: '#/$defs/validationProfile' }), VALIDATION_PROFILE],
    [resolveNode(root, { $ref: '#/$defs/financialBaseline' }), FINANCIAL_BASELINE],
  ];
  return resources.map(([resource, kind]) => {
    const text = stringify(definition(root, resource, kind), { lineWidth: 0, aliasDuplicateObjects: false });
    return { path: `istio/crd/${kind.plural}.fim.financial.yaml`, text: `${banner(ROUTE_SCHEMA, '#')}\n${text}` };
  });
}
