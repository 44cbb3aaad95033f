// Generates the error tables of the modules (AssemblyScript), the tooling (TypeScript) and the documentation
// (docs/errors.md) from filters/errors.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { banner, cell, type Output } from './output.ts';

interface ErrorEntry {
  code: string;
  status?: number;
  /** ISO 8583 response code (DE 39) of a reply to this error. */
  responseCode?: string;
  title: string;
  titleZh: string;
  advice: string;
  adviceZh: string;
}

const SOURCE = 'filters/errors.json';
/** Families of the tooling: no module has their texts, so that a new code of theirs leaves the modules as they are. */
const OF_TOOLING = ['UP', 'OP'];
const CODE = /^FIM-[A-Z0-9]{2,5}-[0-9]{4}$/;

interface ErrorTable {
  /** Meaning of the second part of a code, in the order of the document. */
  families: Record<string, string>;
  errors: ErrorEntry[];
}

function readTable(repository: string): ErrorTable {
  const table = JSON.parse(readFileSync(join(repository, SOURCE), 'utf8')) as ErrorTable;
  const { families, errors: entries } = table;
  const seen = new Set<string>();
  for (const entry of entries) {
    const family = entry.code.split('-')[1] ?? '';
    if (!CODE.test(entry.code) || !Object.hasOwn(families, family))
      throw new Error(`${SOURCE}: bad code ${entry.code}`);
    if (seen.has(entry.code)) throw new Error(`${SOURCE}: ${entry.code} appears twice`);
    if (!/^[\x20-\x7e]+$/.test(entry.title)) throw new Error(`${SOURCE}: the title of ${entry.code} is not ASCII`);
    if (/["\\]/.test(entry.title)) throw new Error(`${SOURCE}: the title of ${entry.code} needs escaping in JSON`);
    if (/["\\\x00-\x1f]/.test(entry.titleZh))
      throw new Error(`${SOURCE}: the Chinese title of ${entry.code} needs escaping in JSON`);
    if (entry.responseCode !== undefined && !/^[0-9A-Z]{2}$/.test(entry.responseCode))
      throw new Error(`${SOURCE}: bad response code of ${entry.code}`);
    if (!entry.titleZh || !entry.advice || !entry.adviceZh)
      throw new Error(`${SOURCE}: ${entry.code} lacks titleZh, advice or adviceZh`);
    seen.add(entry.code);
  }
  return table;
}

function numbers(values: number[]): string {
  const lines: string[] = [];
  for (let i = 0; i < values.length; i += 32) lines.push(`  ${values.slice(i, i + 32).join(', ')},`);
  return lines.join('\n');
}

/** Functions by which the modules read a row. */
const ACCESSORS = `// @ts-ignore: decorator
@inline
function column(id: u32, index: usize): u32 {
  return load<u16>(ROWS + ((id < ERROR_COUNT ? <usize>id : 0) * 8 + index) * 2);
}

/** Address of the code's ASCII text, static; length 0 for an unknown id. */
export function errorCode(id: ErrorId): usize {
  return TEXT + column(id, 0);
}

/** Bytes. */
export function errorCodeLength(id: ErrorId): u32 {
  return column(id, 1);
}

/** Address of the title's text: ASCII without characters that JSON escapes. */
export function errorTitle(id: ErrorId): usize {
  return TEXT + column(id, 2);
}

/** Bytes. */
export function errorTitleLength(id: ErrorId): u32 {
  return column(id, 3);
}

/** HTTP status of a local reply; 0 if the error is never one. */
export function errorStatus(id: ErrorId): u32 {
  return column(id, 4);
}

/** Address of the Chinese title's text: UTF-8 without characters that JSON escapes. */
export function errorTitleZh(id: ErrorId): usize {
  return TEXT + column(id, 5);
}

/** Bytes. */
export function errorTitleZhLength(id: ErrorId): u32 {
  return column(id, 6);
}

/** ISO 8583 response code (DE 39), two characters, the first in the low byte; 0 if none applies. */
export function errorResponseCode(id: ErrorId): u32 {
  return column(id, 7);
}
`;

/** Bytes of all texts, and a row of numbers for each id. */
function textAndRows(entries: ErrorEntry[]): { text: number[]; rows: number[] } {
  const text: number[] = [];
  const rows = [0, 0, 0, 0, 0, 0, 0, 0];
  for (const entry of entries) {
    const code = Buffer.from(entry.code);
    const title = Buffer.from(entry.title);
    const titleZh = Buffer.from(entry.titleZh);
    const after = text.length + code.length + title.length;
    const [first = '', second = ''] = entry.responseCode ?? '';
    rows.push(
      text.length,
      code.length,
      text.length + code.length,
      title.length,
      entry.status ?? 0,
      after,
      titleZh.length,
      (first.charCodeAt(0) || 0) + (second.charCodeAt(0) || 0) * 256,
    );
    text.push(...code, ...title, ...titleZh);
  }
  if (text.length > 0xffff) throw new Error(`${SOURCE}: the texts exceed 64 KiB`);
  return { text, rows };
}

function assemblyScript(entries: ErrorEntry[]): string {
  const { text, rows } = textAndRows(entries);
  const members = entries.map((entry, index) => `  ${entry.code.replaceAll('-', '_')} = ${index + 1},`).join('\n');
  return `${banner(SOURCE)}

/** Position in the table plus one: stable within one build only; what leaves the module is the code. */
export const enum ErrorId {
  None = 0,
${members}
}

/** Ids are below this. */
export const ERROR_COUNT: u32 = ${entries.length + 1};

const TEXT: usize = memory.data<u8>([
${numbers(text)}
]);

/**
 * Per id: code offset, code length, title offset, title length, HTTP status (0: never a reply), Chinese title offset,
 * its length, response code (0: none).
 */
const ROWS: usize = memory.data<u16>([
${numbers(rows)}
]);

${ACCESSORS}`;
}

function typeScript(entries: ErrorEntry[]): string {
  const rows = entries.map(
    (entry) =>
      `  '${entry.code}': ${JSON.stringify({ status: entry.status ?? 0, title: entry.title, titleZh: entry.titleZh, advice: entry.advice, adviceZh: entry.adviceZh })},`,
  );
  return `${banner(SOURCE)}

/** Entry of the table for one code; \`status\` 0: never an HTTP reply. */
export interface ErrorInfo {
  status: number;
  title: string;
  titleZh: string;
  advice: string;
  adviceZh: string;
}

export type ErrorCode =
${entries.map((entry) => `  | '${entry.code}'`).join('\n')};

export const ERRORS: Record<ErrorCode, ErrorInfo> = {
${rows.join('\n')}
};

`;
}

function markdown({ families, errors: entries }: ErrorTable): string {
  const lines = [
    banner(SOURCE, '<!--') + ' -->',
    '',
    '# Errors',
    '',
    'Every error of FIM has one code. It appears in HTTP replies (`application/problem+json`), logs, conditions and on the terminal, with a path and never with a value. Codes are never reused.',
  ];
  for (const [family, name] of Object.entries(families)) {
    const members = entries
      .filter((entry) => entry.code.split('-')[1] === family)
      .sort((a, b) => (a.code < b.code ? -1 : 1));
    if (members.length === 0) continue;
    lines.push(
      '',
      `## ${family}: ${name}`,
      '',
      '| code | status | title | 标题 | what to do | 处理建议 |',
      '|---|---|---|---|---|---|',
    );
    for (const entry of members)
      lines.push(
        `| <a id="${entry.code.toLowerCase()}"></a>\`${entry.code}\` | ${entry.status ?? ''} | ${cell(entry.title)} | ${cell(entry.titleZh)} | ${cell(entry.advice)} | ${cell(entry.adviceZh)} |`,
      );
  }
  return `${lines.join('\n')}\n`;
}

/** Files generated from the error table. */
export function errorOutputs(repository: string): Output[] {
  const table = readTable(repository);
  const ofModules = table.errors.filter(({ code }) => !OF_TOOLING.includes(code.split('-')[1]!));
  return [
    { path: 'filters/errors.gen.ts', text: assemblyScript(ofModules) },
    { path: 'envoy/route/errors.gen.ts', text: typeScript(table.errors) },
    { path: 'docs/errors.md', text: markdown(table) },
  ];
}
