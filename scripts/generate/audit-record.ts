// Generates what writers and readers of audit records share from services/audit/record.schema.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { JsonTypes, type TypedNode } from './json-types.ts';
import { banner, type Output } from './output.ts';

const SOURCE = 'services/audit/record.schema.json';

interface Node extends TypedNode {
  $defs?: Record<string, Node>;
  properties?: Record<string, Node>;
  items?: Node;
  'x-fim-kinds'?: Record<string, string>;
}

interface Fact {
  value: string | number;
  description: string;
}

interface Root extends Node {
  'x-fim-limits': Record<string, Fact>;
  'x-fim-batch': Record<string, Fact>;
}

const quoted = (value: string | number): string => (typeof value === 'string' ? `'${value}'` : String(value));

function kindsOf(root: Root): [string, string][] {
  return Object.entries(root.properties?.['kind']?.['x-fim-kinds'] ?? {});
}

function nodeSource(root: Root): string {
  const { named } = new JsonTypes(root, SOURCE);
  const facts = [...Object.entries(root['x-fim-limits']), ...Object.entries(root['x-fim-batch'])].map(
    ([name, { value, description }]) => `/** ${description} */\nexport const ${name} = ${quoted(value)};`,
  );
  const kinds = kindsOf(root).map(([kind, about]) => `  /** ${about} */\n  ${kind}: '${kind}',`);
  return `${banner(SOURCE)}\n\n${[...named.values(), ...facts].join('\n\n')}\n\n/** Kinds of records that are known. */\nexport const AUDIT_KINDS = {\n${kinds.join('\n')}\n} as const;\n`;
}

const constantOf = (name: string): string => name.replaceAll(/[^A-Za-z0-9]/g, '_').toUpperCase();

/** Names of members, of all objects together: one that stands in several is one constant. */
function membersOf(root: Root): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (node: Node): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      if (!found.has(name)) found.set(name, child.description ?? '');
      visit(child);
    }
    if (node.items !== undefined) visit(node.items);
  };
  for (const node of [root, ...Object.values(root.$defs ?? {})]) visit(node);
  return found;
}

function filterSource(root: Root): string {
  const line = (name: string, value: string | number, about: string): string =>
    `/** ${about} */\nexport const ${name}: ${typeof value === 'string' ? 'string' : 'i32'} = ${quoted(value)};`;
  const words = new Map<string, string[]>();
  const visit = (node: Node): void => {
    if (node.enum !== undefined && node.title !== undefined) words.set(node.title, node.enum);
    for (const child of Object.values(node.properties ?? {})) visit(child);
  };
  for (const node of [root, ...Object.values(root.$defs ?? {})]) visit(node);
  return `${[
    banner(SOURCE),
    '',
    line('RECORD_VERSION', root.properties?.['v']?.const ?? 0, 'Value of `v`.'),
    ...Object.entries(root['x-fim-limits']).map(([name, { value, description }]) => line(name, value, description)),
    ...Object.entries(root['x-fim-batch']).map(([name, { value, description }]) => line(name, value, description)),
    ...[...membersOf(root)].map(([name, about]) => line(`MEMBER_${constantOf(name)}`, name, about)),
    ...kindsOf(root).map(([kind, about]) => line(`KIND_${constantOf(kind)}`, kind, about)),
    ...[...words].flatMap(([title, values]) =>
      values.map((value) =>
        line(`${constantOf(title.replace(/^Audit/, ''))}_${constantOf(value)}`, value, `${title}.`),
      ),
    ),
  ].join('\n')}\n`;
}

/** Types and limits for Node, names for the modules. */
export function auditRecordOutputs(repository: string): Output[] {
  if (!existsSync(join(repository, SOURCE))) return [];
  const root = JSON.parse(readFileSync(join(repository, SOURCE), 'utf8')) as Root;
  return [
    { path: 'services/audit/record.gen.ts', text: nodeSource(root) },
    { path: 'filters/audit/record.gen.ts', text: filterSource(root) },
  ];
}
