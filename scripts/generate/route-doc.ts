// Generates docs/financial-route.md from the public schema: every field with its type, bounds, default and meaning.
import { banner, cell, type Output } from './output.ts';
import { readRouteSchema, resolveNode, ROUTE_SCHEMA, type RouteNode } from './route-schema.ts';

function typeCell(root: RouteNode, given: RouteNode): string {
  const node = resolveNode(root, given);
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(', ');
  const range = node.minimum !== undefined ? `, ${node.minimum} to ${node.maximum}` : '';
  switch (node.type) {
    case 'array':
      return `list, ${node.minItems ?? 0} to ${node.maxItems}, of: ${typeCell(root, node.items ?? {})}`;
    case 'string':
      return `string, at most ${node.maxLength}`;
    case 'object':
      return node.properties === undefined ? 'map' : 'object';
    default:
      return `${node.type}${range}`;
  }
}

/** `isBrief`: members that a route has, too, are not opened. */
function rows(root: RouteNode, owner: RouteNode, prefix: string, isBrief = false): string[] {
  const required = new Set(owner.required ?? []);
  return Object.entries(owner.properties ?? {}).flatMap(([key, given]) => {
    const node = resolveNode(root, given);
    const name = `${prefix}${key}${node.type === 'array' ? '[]' : ''}`;
    const { default: value } = node;
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    const preset = required.has(key) ? 'required' : value === undefined ? '' : `\`${shown}\``;
    const row = `| \`${name}\` | ${typeCell(root, given)} | ${preset} | ${cell(given.description ?? node.description ?? '')} |`;
    const inner = resolveNode(root, node.items ?? node);
    const isOpened = inner.properties !== undefined && !(isBrief && isSection(root, given));
    return isOpened ? [row, ...rows(root, inner, `${name}.`, isBrief)] : [row];
  });
}

/** Whether a node is a section of a route. */
function isSection(root: RouteNode, { $ref }: RouteNode): boolean {
  const spec = resolveNode(root, root.properties?.spec ?? {});
  return $ref !== undefined && Object.values(spec.properties ?? {}).some((section) => section.$ref === $ref);
}

function rules(root: RouteNode): string[] {
  return Object.entries(root.$defs ?? {}).flatMap(([name, node]) =>
    (node['x-kubernetes-validations'] ?? []).map(
      (rule) => `| \`${rule['x-fim-code']}\` | \`${name}\` | ${cell(rule.message)} |`,
    ),
  );
}

/** `docs/financial-route.md`. */
export function routeDocOutputs(repository: string): Output[] {
  const root = readRouteSchema(repository);
  const profile = resolveNode(root, { $ref: '#/$defs/validationProfile' });
  const baseline = resolveNode(root, { $ref: '#/$defs/financialBaseline' });
  const header = ['| field | type | default | meaning |', '|---|---|---|---|'];
  const lines = [
    `${banner(ROUTE_SCHEMA, '<!--')} -->`,
    '',
    '# FinancialRoute, ValidationProfile and FinancialBaseline',
    '',
    root.description ?? '',
    '',
    'Unknown fields are errors. `fim validate FILE` names the code, the JSON path and the line of each mistake; [errors.md](errors.md) says what to do.',
    '',
    '## metadata',
    '',
    ...header,
    ...rows(root, resolveNode(root, root.properties?.metadata ?? {}), ''),
    '',
    '## spec',
    '',
    ...header,
    ...rows(root, resolveNode(root, root.properties?.spec ?? {}), ''),
    '',
    '## status',
    '',
    ...header,
    ...rows(root, resolveNode(root, root.properties?.status ?? {}), ''),
    '',
    '## ValidationProfile',
    '',
    `${profile.description ?? ''} It stands in the same files and folders as routes.`,
    '',
    ...header,
    ...rows(root, resolveNode(root, profile.properties?.spec ?? {}), 'spec.'),
    '',
    '## FinancialBaseline',
    '',
    `${baseline.description ?? ''} Its sections are those of a route. It stands in the same files and folders as routes.`,
    '',
    ...header,
    ...rows(root, resolveNode(root, baseline.properties?.spec ?? {}), 'spec.', true),
    '',
    '## Rules between fields',
    '',
    'An API server enforces these by CEL, `fim` by the same rules.',
    '',
    '| code | where | rule |',
    '|---|---|---|',
    ...rules(root),
  ];
  return [{ path: 'docs/financial-route.md', text: `${lines.join('\n')}\n` }];
}
