// Generates the modules' tables from filters/message/iso8583/specs/*.json and response-codes.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { banner, type Output } from './output.ts';

const FOLDER = 'filters/message/iso8583';
/** In the order of their numbers. A base comes before its extensions. */
export const SPECIFICATIONS = [
  'iso8583-1987',
  'iso8583-1993',
  'iso8583-2003',
  'unionpay-switch',
  'unionpay-terminal',
] as const;
const FORMATS = ['none', 'n', 'a', 'an', 'ans', 'b', 'z', 'x+n', 'ansb', 'zh'];
const ENCODINGS = ['Ascii', 'Ebcdic', 'Bcd', 'Binary', 'Hex'];
const PREFIXES = ['Fixed', 'L', 'LL', 'LLL', 'LLLL'];
const CONTENTS = ['Text', 'TLV'];
const FILLS = ['Left', 'Right'];
/** Fill of an element. 0 is the specification's default. */
const ELEMENT_FILLS = ['Default', ...FILLS];
const NETWORKS = ['None', 'Cups', 'Opaque'];
const PARTS = ['messageType', 'bitmap', 'lengths', 'digits', 'text', 'track', 'bytes'] as const;
const LAST_ELEMENT = 192;
const MAX_LENGTH = 9999;

interface SpecElement {
  element: number;
  format: string;
  length: number;
  prefix?: string;
  encoding?: string;
  lengthEncoding?: string;
  content?: string;
  fill?: string;
  name: string;
}

/** Content of a specification file. */
export interface SpecFile {
  name: string;
  title: string;
  extends?: string;
  sources: string[];
  reading: string;
  versions?: number[];
  encodings?: Partial<Record<(typeof PARTS)[number], string>> & { fill?: string; trackFill?: string };
  header: { tpdu?: boolean; network?: string; networkBytes?: number };
  elements: SpecElement[];
}

/** Reads the specification file of this name. Throws if it is malformed. */
export function readSpecification(repository: string, name: string): SpecFile {
  const path = `${FOLDER}/specs/${name}.json`;
  const spec = JSON.parse(readFileSync(join(repository, path), 'utf8')) as SpecFile;
  if (spec.name !== name) throw new Error(`${path}: the name is not that of the file`);
  if (spec.sources.length === 0 || spec.reading === '' || spec.title === '')
    throw new Error(`${path}: says neither its sources nor what is a reading`);
  let last = 1;
  for (const { element, length, name: meaning } of spec.elements) {
    if (element <= last || element > LAST_ELEMENT) throw new Error(`${path}: element ${element} is out of order`);
    if (!Number.isInteger(length) || length < 1 || length > MAX_LENGTH || meaning === '')
      throw new Error(`${path}: element ${element} has no length or name`);
    last = element;
  }
  return spec;
}

/** Index of a word in its list. `otherwise` for an absent word. */
function numberOf(list: readonly string[], word: string | undefined, otherwise: number): number {
  const at = word === undefined ? otherwise : list.indexOf(word);
  if (at < 0) throw new Error(`${FOLDER}: ${word} is not one of ${list.join(', ')}`);
  return at;
}

/** Bits as in `spec.ts`. Encoding 7: the specification's default for the format. */
function packed(row: SpecElement): number {
  const parts = [
    [row.length, 0],
    [numberOf(PREFIXES, row.prefix, 0), 14],
    [numberOf(FORMATS, row.format, -1), 17],
    [numberOf(ENCODINGS, row.encoding, 7), 21],
    [numberOf(ENCODINGS, row.lengthEncoding, 7), 24],
    [numberOf(CONTENTS, row.content, 0), 27],
    [numberOf(ELEMENT_FILLS, row.fill, 0), 28],
  ] as const;
  return parts.reduce((sum, [value, shift]) => sum + value * 2 ** shift, 0);
}

/** One specification's row of HEADS. */
function head(repository: string, name: string, from: number, count: number): number[] {
  const spec = readSpecification(repository, name);
  const base = spec.extends === undefined ? undefined : readSpecification(repository, spec.extends);
  if (base?.extends !== undefined) throw new Error(`${name}: extends what extends another`);
  const encodings = { ...base?.encodings, ...spec.encodings };
  const versions = (spec.versions ?? base?.versions ?? []).reduce((bits, version) => bits | (1 << version), 0);
  const parts = PARTS.map((part) => numberOf(ENCODINGS, encodings[part], -1));
  return [
    spec.extends === undefined ? 255 : SPECIFICATIONS.indexOf(spec.extends as (typeof SPECIFICATIONS)[number]),
    from,
    count,
    versions,
    ...parts,
    numberOf(FILLS, encodings.fill, 0),
    numberOf(FILLS, encodings.trackFill ?? encodings.fill, 0),
    Number(spec.header.tpdu ?? false),
    numberOf(NETWORKS, spec.header.network, 0),
    spec.header.networkBytes ?? 0,
  ];
}

function lines(values: number[], perLine: number): string {
  const rows: string[] = [];
  for (let i = 0; i < values.length; i += perLine) rows.push(`  ${values.slice(i, i + perLine).join(', ')},`);
  return rows.join('\n');
}

function specTables(repository: string): string {
  const rows: number[] = [];
  const heads: number[] = [];
  for (const name of SPECIFICATIONS) {
    const { elements } = readSpecification(repository, name);
    heads.push(...head(repository, name, rows.length / 2, elements.length));
    for (const row of elements) rows.push(row.element, packed(row));
  }
  return `${banner(`${FOLDER}/specs/*.json`)}

/** Number of specifications: ${SPECIFICATIONS.join(', ')}. */
export const SPECIFICATION_COUNT: u32 = ${SPECIFICATIONS.length};
/**
 * Columns of SPEC_HEADS: the specification that this one extends (255: none), first row, rows, versions of the message
 * type (bits), encodings (message type, bitmap, lengths, digits, text, track, bytes), fill of digits and of tracks,
 * TPDU, network header and its bytes.
 */
export const SPEC_COLUMNS: u32 = ${heads.length / SPECIFICATIONS.length};
export const SPEC_HEADS: usize = memory.data<u16>([
${lines(heads, heads.length / SPECIFICATIONS.length)}
]);

/** Data element, and its row as \`spec.ts\` packs it. */
export const SPEC_ROWS: usize = memory.data<u32>([
${lines(rows, 16)}
]);
`;
}

/** Response codes (DE39) for failures at an element. */
interface ResponseCodes {
  sources: string[];
  reading: string;
  elements: { element: number; code: string; meaning: string }[];
}

function responseTables(repository: string): string {
  const path = `${FOLDER}/response-codes.json`;
  const table = JSON.parse(readFileSync(join(repository, path), 'utf8')) as ResponseCodes;
  const cases = table.elements.map(({ element, code, meaning }) => {
    if (!/^[0-9A-Z]{2}$/.test(code)) throw new Error(`${path}: ${code} is no response code`);
    return `    case ${element}: return 0x${Buffer.from(code).reverse().toString('hex')}; // ${code}: ${meaning}`;
  });
  return `${banner(path)}

/**
 * The response code (DE39) that fits a failure at a data element: two characters, the first in the low byte; 0 where
 * "format error" says it all.
 */
export function elementResponseCode(element: u32): u32 {
  switch (element) {
${cases.join('\n')}
  }
  return 0;
}
`;
}

/** Files generated from the specifications and the response codes. */
export function isoSpecOutputs(repository: string): Output[] {
  return [
    { path: `${FOLDER}/specs.gen.ts`, text: specTables(repository) },
    { path: `${FOLDER}/response-codes.gen.ts`, text: responseTables(repository) },
  ];
}
