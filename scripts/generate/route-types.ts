// Generates TypeScript types of the public resources, as they are after reading, from the public schema.
import { banner, type Output } from './output.ts';
import { readRouteSchema, resolveNode, ROUTE_SCHEMA, type RouteNode } from './route-schema.ts';

function typeOf(root: RouteNode, given: RouteNode, named: Map<string, string>): string {
  const node = resolveNode(root, given);
  if (node.enum !== undefined) {
    // A synonym has been replaced by its canonical word once a resource has been read.
    const union = node.enum
      .filter((value) => node['x-fim-means']?.[value] === undefined)
      .map((value) => `'${value}'`)
      .join(' | ');
    if (node.title === undefined) return union;
    named.set(node.title, `/** ${node.description ?? node.title} */\nexport type ${node.title} = ${union};`);
    return node.title;
  }
  if (Array.isArray(node.type))
    return node.type.map((type) => (type === 'null' ? 'null' : type === 'integer' ? 'number' : type)).join(' | ');
  switch (node.type) {
    case 'integer':
      return 'number';
    case 'string':
    case 'boolean':
      return node.type;
    case 'array':
      return `${typeOf(root, node.items ?? {}, named)}[]`;
    case 'object':
      if (node.properties !== undefined) return interfaceOf(root, node, named);
      return typeof node.additionalProperties === 'object'
        ? `Record<string, ${typeOf(root, node.additionalProperties, named)}>`
        : 'Record<string, unknown>';
    default:
      throw new Error(`${ROUTE_SCHEMA}: no type for ${JSON.stringify(node)}`);
  }
}

function interfaceOf(root: RouteNode, node: RouteNode, named: Map<string, string>): string {
  const name = node.title;
  if (name === undefined) throw new Error(`${ROUTE_SCHEMA}: an object without title`);
  const required = new Set(node.required ?? []);
  const fields = Object.entries(node.properties ?? {}).map(([key, child]) => {
    const type = typeOf(root, child, named);
    const text = child.description ?? resolveNode(root, child).description ?? '';
    return `  /** ${text} */\n  ${key}${required.has(key) ? '' : '?'}: ${type};`;
  });
  named.set(name, `/** ${node.description ?? name} */\nexport interface ${name} {\n${fields.join('\n')}\n}`);
  return name;
}

/** Error of a malformed key id. It marks the schema nodes that hold keys. */
const KEY_ID_CODE = 'FIM-CFG-1033';

/** Places of keys in a spec, as steps. `*` is each item of a list. */
function keyIdPlaces(root: RouteNode, given: RouteNode, steps: string[] = []): string[][] {
  const node = resolveNode(root, given);
  if (node['x-fim-code'] === KEY_ID_CODE) return [steps];
  const children: [string, RouteNode][] = [
    ...Object.entries(node.properties ?? {}),
    ...(node.items === undefined ? [] : [['*', node.items] as [string, RouteNode]]),
  ];
  return children.flatMap(([name, child]) => keyIdPlaces(root, child, [...steps, name]));
}

function keyIdConstant(root: RouteNode): string {
  const places = keyIdPlaces(root, { $ref: '#/$defs/spec' });
  if (places.length === 0 || places.some((steps) => steps.at(-1) === '*'))
    throw new Error(`${ROUTE_SCHEMA}: key ids are members, and there are some`);
  const lines = places.map((steps) => `  [${steps.map((step) => `'${step}'`).join(', ')}],`);
  return `/** Every place of a spec that names a key; \`*\` is each item of a list. */\nexport const KEY_ID_PLACES: readonly (readonly string[])[] = [\n${lines.join('\n')}\n];`;
}

/** `envoy/route/financial-route.gen.ts`. */
export function routeTypeOutputs(repository: string): Output[] {
  const root = readRouteSchema(repository);
  const named = new Map<string, string>();
  interfaceOf(root, root, named);
  interfaceOf(root, resolveNode(root, { $ref: '#/$defs/validationProfile' }), named);
  interfaceOf(root, resolveNode(root, { $ref: '#/$defs/financialBaseline' }), named);
  return [
    {
      path: 'envoy/route/financial-route.gen.ts',
      text: `${banner(ROUTE_SCHEMA)}\n\n${[...named.values(), keyIdConstant(root)].join('\n\n')}\n`,
    },
  ];
}
