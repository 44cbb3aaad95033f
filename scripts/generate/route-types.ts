// The public schema → TypeScript types of a FinancialRoute and of a ValidationProfile.
import { banner, type Output } from './output.ts';
import { readRouteSchema, resolveNode, ROUTE_SCHEMA, type RouteNode } from './route-schema.ts';

function typeOf(root: RouteNode, given: RouteNode, named: Map<string, string>): string {
  const node = resolveNode(root, given);
  if (node.enum !== undefined) {
    const union = node.enum.map((value) => `'${value}'`).join(' | ');
    if (node.title === undefined) return union;
    named.set(node.title, `/** ${node.description ?? node.title} */\nexport type ${node.title} = ${union};`);
    return node.title;
  }
  if (Array.isArray(node.type)) return node.type.map((type) => (type === 'null' ? 'null' : type === 'integer' ? 'number' : type)).join(' | ');
  switch (node.type) {
    case 'integer': return 'number';
    case 'string': case 'boolean': return node.type;
    case 'array': return `${typeOf(root, node.items ?? {}, named)}[]`;
    case 'object':
      if (node.properties !== undefined) return interfaceOf(root, node, named);
      return typeof node.additionalProperties === 'object' ? `Record<string, ${typeOf(root, node.additionalProperties, named)}>` : 'Record<string, unknown>';
    default: throw new Error(`${ROUTE_SCHEMA}: no type for ${JSON.stringify(node)}`);
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

/** `envoy/route/financial-route.gen.ts`. */
export function routeTypeOutputs(repository: string): Output[] {
  const root = readRouteSchema(repository);
  const named = new Map<string, string>();
  interfaceOf(root, root, named);
  interfaceOf(root, resolveNode(root, { $ref: '#/$defs/validationProfile' }), named);
  return [{ path: 'envoy/route/financial-route.gen.ts', text: `${banner(ROUTE_SCHEMA)}\n\n${[...named.values()].join('\n\n')}\n` }];
}
