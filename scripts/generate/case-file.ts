// Generates the types and the reference of test cases from envoy/cases/case-file.schema.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JsonTypes, type TypedNode } from './json-types.ts';
import { banner, cell, type Output } from './output.ts';

const SOURCE = 'envoy/cases/case-file.schema.json';

/** Types of a file of cases, and `docs/test-cases.md`. */
export function caseFileOutputs(repository: string): Output[] {
  if (!existsSync(join(repository, SOURCE))) return [];
  const root = JSON.parse(readFileSync(join(repository, SOURCE), 'utf8')) as TypedNode;
  const { named } = new JsonTypes(root, SOURCE);
  return [
    { path: 'envoy/cases/case-file.gen.ts', text: `${banner(SOURCE)}\n\n${[...named.values()].join('\n\n')}\n` },
    { path: 'docs/test-cases.md', text: reference(root) },
  ];
}

function reference(root: TypedNode): string {
  const lines = [
    `${banner(SOURCE, '<!--')} -->`,
    '',
    '# Test cases of policies',
    '',
    `${root.description ?? ''} How they are run: [envoy/cases](../envoy/cases/README.md).`,
  ];
  for (const [name, node] of [['file', root], ...Object.entries(root.$defs ?? {})] as [string, TypedNode][])
    lines.push(
      '',
      `## ${name}`,
      '',
      node.description ?? '',
      '',
      '| word | type | meaning |',
      '|---|---|---|',
      ...rows(root, node, ''),
    );
  return `${lines.join('\n')}\n`;
}

function rows(root: TypedNode, { properties = {}, required = [] }: TypedNode, before: string): string[] {
  return Object.entries(properties).flatMap(([name, node]) => {
    const target = node.$ref === undefined ? node : (root.$defs?.[nameOf(node)] ?? node);
    const about = node.description ?? target.description ?? '';
    const type = `${typeCell(node)}${required.includes(name) ? ', required' : ''}`;
    return [`| \`${before}${name}\` | ${type} | ${cell(about)} |`, ...rows(root, node, `${before}${name}.`)];
  });
}

const nameOf = ({ $ref = '' }: TypedNode): string => $ref.replace('#/$defs/', '');

function typeCell(node: TypedNode): string {
  if (node.$ref !== undefined) return `[${nameOf(node)}](#${nameOf(node)})`;
  if (node.anyOf !== undefined) return node.anyOf.map(typeCell).join(' or ');
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(', ');
  if (node.type === 'array') return `list of ${typeCell(node.items ?? {})}`;
  if (node.type === 'object') return node.properties === undefined ? 'map' : 'object';
  return node.type ?? 'any value';
}
