// Generates what modules, schemas and documents know of the kinds of values from filters/field-masker/kinds.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { banner, cell, section, type Output } from './output.ts';

const SOURCE = 'filters/field-masker/kinds.json';
const SCHEMA = 'filters/field-masker/config.schema.json';
const CLASSES = ['C1', 'C2', 'C3'];
const METHODS = ['Full', 'KeepFirstLast', 'Email'];
const MAX_NAME_BYTES = 255;

/** One kind of value, as the file describes it. */
export interface Kind {
  kind: string;
  class: string;
  method: string;
  keepFirst?: number;
  keepLast?: number;
  content: boolean;
  title: string;
  titleZh: string;
  names?: string[];
  elements?: string[];
}

/** The kinds, in the order of their numbers. Throws at a row of another form. */
export function readKinds(repository: string): Kind[] {
  const { kinds }: { kinds: Kind[] } = JSON.parse(readFileSync(join(repository, SOURCE), 'utf8'));
  for (const row of kinds)
    if (!CLASSES.includes(row.class) || !METHODS.includes(row.method) || !/^[A-Z][A-Za-z0-9]*$/.test(row.kind))
      throw new Error(`${SOURCE}: bad kind ${row.kind}`);
  return kinds;
}

/** A name as the dictionary compares it: without letter case, blanks, points, hyphens and underscores. */
export function foldName(name: string): string {
  return name.replaceAll(/[-_. ]/g, '').replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** FNV-1a of 32 bits. */
function hashOf(bytes: Uint8Array): number {
  return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}

/** A table of names: entries of length, kind and bytes, and slots that hold an entry's offset plus one. */
function nameTable(name: string, about: string, rows: [string, number][]): string {
  const entries: number[] = [];
  let size = 1;
  while (size < rows.length * 2) size *= 2;
  const slots = new Array<number>(size).fill(0);
  const known = new Set<string>();
  for (const [text, kind] of rows) {
    if (known.has(text)) throw new Error(`${SOURCE}: ${text} stands twice`);
    known.add(text);
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length === 0 || bytes.length > MAX_NAME_BYTES) throw new Error(`${SOURCE}: bad name ${text}`);
    let slot = hashOf(bytes) & (size - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
    slots[slot] = entries.length + 1;
    entries.push(bytes.length, kind, ...bytes);
  }
  return [
    `/** ${about} An entry: bytes of the name, kind, name. */`,
    `export const ${name}: usize = memory.data<u8>([\n${lines(entries)}\n]);`,
    `/** Hash table of the entries (FNV-1a, open addressing): offset of the entry plus one, 0 for an empty slot. */`,
    `export const ${name}_SLOTS: usize = memory.data<u16>([\n${lines(slots)}\n]);`,
    `export const ${name}_MASK: u32 = ${size - 1};`,
  ].join('\n');
}

function lines(values: number[]): string {
  const out: string[] = [];
  for (let i = 0; i < values.length; i += 24) out.push(`  ${values.slice(i, i + 24).join(', ')},`);
  return out.join('\n');
}

function bytes(name: string, about: string, values: number[]): string {
  return `/** ${about} By kind. */\nexport const ${name}: usize = memory.data<u8>([\n${lines(values)}\n]);`;
}

function tables(kinds: Kind[]): string {
  const named = (key: 'names' | 'elements', fold: (name: string) => string): [string, number][] =>
    kinds.flatMap((row, index) => (row[key] ?? []).map((name): [string, number] => [fold(name), index]));
  return [
    banner(SOURCE),
    [
      `/** Number of kinds. */\nexport const KIND_COUNT: u32 = ${kinds.length};`,
      bytes(
        'KIND_CLASS',
        'Class of JR/T 0171: 1 to 3.',
        kinds.map((row) => Number(row.class.slice(1))),
      ),
      bytes(
        'KIND_FULL',
        '1: hidden whole unless a field says otherwise.',
        kinds.map((row) => (row.method === 'Full' ? 1 : 0)),
      ),
      bytes(
        'KIND_KEEP_FIRST',
        'Characters kept at the front.',
        kinds.map((row) => row.keepFirst ?? 0),
      ),
      bytes(
        'KIND_KEEP_LAST',
        'Characters kept at the end.',
        kinds.map((row) => row.keepLast ?? 0),
      ),
      nameTable('KIND_NAMES', 'Names of the dictionary, folded.', named('names', foldName)),
      nameTable(
        'KIND_ELEMENTS',
        'Data elements and tags.',
        named('elements', (name) => name),
      ),
    ].join('\n\n'),
    '',
  ].join('\n');
}

/** Names of kinds and methods for metrics. */
function labels(repository: string, kinds: Kind[]): string {
  const schema: { $defs: { MaskMethod: { enum: string[] } } } = JSON.parse(
    readFileSync(join(repository, SCHEMA), 'utf8'),
  );
  const list = (names: string[]): string => names.map((name) => `  '${name}',`).join('\n');
  return `${banner(`${SOURCE} and ${SCHEMA}`)}

/** By kind. */
export const KIND_LABELS: StaticArray<string> = [
${list(kinds.map(({ kind }) => kind))}
];
/** By method. */
export const METHOD_LABELS: StaticArray<string> = [
${list(schema.$defs.MaskMethod.enum)}
];
`;
}

/** A schema's text with the enumerations of the given titles replaced. */
function withEnums(text: string, values: Map<string, string[]>): string {
  return text.replaceAll(/("title": "(\w+)",[^{}]*?"enum": )\[[^\]]*\]/g, (all, head: string, title: string) => {
    const names = values.get(title);
    return names === undefined ? all : `${head}[${names.map((name) => `"${name}"`).join(', ')}]`;
  });
}

function left({ method, keepFirst = 0, keepLast = 0 }: Kind): string {
  if (method === 'Full') return 'nothing';
  return method === 'Email' ? `${keepFirst} and the domain` : `${keepFirst} + ${keepLast}`;
}

function document(kinds: Kind[]): string {
  const rows = kinds.map((row) => {
    const elements = (row.elements ?? []).map((name) => `\`${name}\``).join(', ');
    return `| \`${row.kind}\` | ${cell(row.title)}, ${row.titleZh} | ${row.class} | ${left(row)} | ${row.content ? 'yes' : ''} | ${row.names?.length ?? ''} | ${elements} |`;
  });
  return [
    '| kind | what it is | class | kept (first + last) | found by content | names in the dictionary | data elements and tags |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** `kinds.gen.ts`, the enumerations in both schemas, the table in the README. */
export function kindOutputs(repository: string): Output[] {
  const kinds = readKinds(repository);
  const names = kinds.map(({ kind }) => kind);
  const found = kinds.filter(({ content }) => content).map(({ kind }) => kind);
  // The stage counts on it.
  if (found.some((kind, index) => names[index + 1] !== kind))
    throw new Error(`${SOURCE}: kinds that are found by content come right behind the first one`);
  const enums = new Map([
    ['MaskKind', names],
    ['MaskingKind', names],
    ['DetectKind', found],
    ['DetectionKind', found],
  ]);
  const schemas = [SCHEMA, 'envoy/route/financial-route.schema.json'].map((path): Output => ({
    path,
    text: withEnums(readFileSync(join(repository, path), 'utf8'), enums),
  }));
  return [
    ...schemas,
    { path: 'filters/field-masker/kinds.gen.ts', text: tables(kinds) },
    { path: 'filters/field-masker/labels.gen.ts', text: labels(repository, kinds) },
    ...section(repository, 'filters/field-masker/README.md', 'kinds', document(kinds)),
  ];
}
