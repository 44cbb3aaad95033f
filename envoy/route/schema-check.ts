// Applies the public schema: strict validation with codes and places, and defaults as an API server sets them. It reads
// the schema file itself, so that the two cannot differ. Contract tests compare it with a general validator.
import { closestMatch } from 'leven';
import schemaFile from './financial-route.schema.json' with { type: 'json' };
import { MAX_TYPO_LETTERS, MAX_TYPO_NAME_CHARACTERS } from '../limits.ts';
import type { ErrorCode } from './errors.gen.ts';
import type { RouteSpec } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';

interface SchemaNode {
  $ref?: string;
  type?: string | string[];
  enum?: string[];
  pattern?: string;
  properties?: Record<string, SchemaNode>;
  required?: string[];
  additionalProperties?: boolean | SchemaNode;
  items?: SchemaNode;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  'x-fim-code'?: string;
  'x-fim-means'?: Record<string, string>;
  'x-fim-former'?: Record<string, string>;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-list-type'?: string;
}

/** Receives an issue. False: no more are wanted. */
export type Report = (code: ErrorCode, path: Path, detail?: string) => boolean;

/** Parts of the schema that can be applied alone: the whole resource, and the content of `wasm.config`. */
export type SchemaPart = 'route' | 'profile' | 'baseline' | keyof RouteSpec;

const definitions = (schemaFile as unknown as { $defs: Record<string, SchemaNode> }).$defs;
/** Definitions of the resources besides the route. */
const OTHER_RESOURCES: Record<string, string> = { profile: 'validationProfile', baseline: 'financialBaseline' };
const patterns = new Map<string, RegExp>();

function partOf(part: SchemaPart): SchemaNode {
  if (part === 'route') return schemaFile as unknown as SchemaNode;
  return resolve({ $ref: `#/$defs/${OTHER_RESOURCES[part] ?? part}` });
}

function resolve(node: SchemaNode): SchemaNode {
  if (node.$ref === undefined) return node;
  const target = definitions[node.$ref.slice('#/$defs/'.length)];
  if (target === undefined) throw new Error(`schema: unknown ${node.$ref}`);
  return target;
}

function patternOf(source: string): RegExp {
  const known = patterns.get(source);
  if (known !== undefined) return known;
  const compiled = new RegExp(source, 'u');
  patterns.set(source, compiled);
  return compiled;
}

/** Name of the JSON type. `integer` for exact whole numbers. */
function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isSafeInteger(value) ? 'integer' : typeof value;
}

/** A plain object, as YAML mappings and JSON objects become. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The name that is at most `maxDistance` changes away; two neighbours that changed places are one change. */
function nearest(found: string, names: readonly string[], maxDistance: number): string | undefined {
  const direct = closestMatch(found, names, { maxDistance });
  if (direct !== undefined || maxDistance < 1) return direct;
  for (let i = 1; i < found.length; i++) {
    const swapped = `${found.slice(0, i - 1)}${found[i]}${found[i - 1]}${found.slice(i + 1)}`;
    const near = closestMatch(swapped, names, { maxDistance: maxDistance - 1 });
    if (near !== undefined) return near;
  }
  return undefined;
}

/** Suggestion for the unknown name `found`, or the list of known names. Case is ignored. `about`: kind of the names. */
function knownNames(found: string, names: readonly string[], about: string): string {
  if (names.length === 0) return '';
  const byLetters = new Map(names.map((name) => [name.toLowerCase(), name]));
  // Changing half of a short name gives another name.
  const maxDistance = Math.min(MAX_TYPO_LETTERS, Math.floor(found.length / 2));
  const near =
    found.length > MAX_TYPO_NAME_CHARACTERS
      ? undefined
      : nearest(found.toLowerCase(), [...byLetters.keys()], maxDistance);
  return `${near === undefined ? '' : `did you mean \`${byLetters.get(near)}\`? `}${about}: ${names.join(', ')}`;
}

function checkText(value: string, node: SchemaNode, path: Path, report: Report): void {
  const own = node['x-fim-code'] as ErrorCode | undefined;
  if (node.enum !== undefined) {
    if (!node.enum.includes(value)) report(own ?? 'FIM-CFG-0015', path, knownNames(value, node.enum, 'allowed'));
    return;
  }
  // A text of more than twice the bound in code units is too long in code points too.
  const length = value.length > 2 * (node.maxLength ?? Infinity) ? Infinity : codePoints(value);
  if (length > (node.maxLength ?? Infinity)) report('FIM-CFG-0014', path, `at most ${node.maxLength} characters`);
  else if (length < (node.minLength ?? 0)) report('FIM-CFG-1011', path);
  else if (node.pattern !== undefined && !patternOf(node.pattern).test(value)) report(own ?? 'FIM-CFG-1010', path);
}

function checkCount(
  count: number,
  least: number | undefined,
  most: number | undefined,
  path: Path,
  report: Report,
): boolean {
  if (count < (least ?? 0)) report('FIM-CFG-1011', path);
  if (count <= (most ?? Infinity)) return true;
  report('FIM-CFG-0014', path, `at most ${most} entries`);
  return false;
}

function checkObject(value: Record<string, unknown>, node: SchemaNode, path: Path, report: Report): void {
  const keys = Object.keys(value);
  if (!checkCount(keys.length, node.minProperties, node.maxProperties, path, report)) return;
  for (const name of node.required ?? []) {
    if (!Object.hasOwn(value, name)) report('FIM-CFG-0012', path, name);
  }
  for (const name of keys) {
    const property =
      node.properties !== undefined && Object.hasOwn(node.properties, name) ? node.properties[name] : undefined;
    const below = [...path, name];
    if (property !== undefined) check(value[name], property, below, report);
    else if (typeof node.additionalProperties === 'object')
      check(value[name], node.additionalProperties, below, report);
    else if (
      node.additionalProperties === false &&
      !report('FIM-CFG-0010', below, knownNames(name, Object.keys(node.properties ?? {}), 'known'))
    )
      return;
  }
}

function check(value: unknown, given: SchemaNode, path: Path, report: Report): void {
  const node = resolve(given);
  const wanted = node.type === undefined ? [] : [node.type].flat();
  const actual = typeName(value);
  if (!wanted.includes(actual) && !(actual === 'integer' && wanted.includes('number'))) {
    report('FIM-CFG-0011', path, `expected ${wanted.join(' or ')}, found ${actual}`);
    return;
  }
  if (typeof value === 'string') checkText(value, node, path, report);
  if (typeof value === 'number' && (value < (node.minimum ?? -Infinity) || value > (node.maximum ?? Infinity)))
    report('FIM-CFG-0013', path, `${node.minimum} to ${node.maximum}`);
  if (
    Array.isArray(value) &&
    checkCount(value.length, node.minItems, node.maxItems, path, report) &&
    node.items !== undefined
  ) {
    const { items } = node;
    value.forEach((item, index) => check(item, items, [...path, index], report));
    if (node['x-kubernetes-list-type'] === 'set')
      for (const [index, item] of value.entries())
        if (value.indexOf(item) < index) report('FIM-CFG-1022', [...path, index]);
  }
  if (isRecord(value)) checkObject(value, node, path, report);
}

/** Reports everything in `value` that does not fit the part of the schema. `path`: place of `value` in its resource. */
export function checkSchema(part: SchemaPart, value: unknown, path: Path, report: Report): void {
  check(value, partOf(part), path, report);
}

/** Canonical word for a value with several spellings. */
function meant(value: unknown, given: SchemaNode): unknown {
  const words = resolve(given)['x-fim-means'];
  return typeof value === 'string' && words !== undefined && Object.hasOwn(words, value) ? words[value] : value;
}

function filled(value: unknown, given: SchemaNode): unknown {
  const node = resolve(given);
  if (Array.isArray(value))
    return node.items === undefined ? value : value.map((item) => filled(item, node.items as SchemaNode));
  if (!isRecord(value) || node.properties === undefined) return meant(value, node);
  const result: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(node.properties)) {
    if (Object.hasOwn(value, name)) result[name] = filled(value[name], property);
    else if (resolve(property).default !== undefined) result[name] = meant(resolve(property).default, property);
  }
  return result;
}

/**
 * Copy of a fitting value with the schema's defaults and with canonical words. Only present members get defaults inside
 * them.
 */
export function withDefaults(part: SchemaPart, value: unknown): unknown {
  return filled(value, partOf(part));
}

/** Values under former names, with their places. */
export function formerNames(part: SchemaPart, value: unknown): { path: Path; former: string; name: string }[] {
  const found: { path: Path; former: string; name: string }[] = [];
  const walk = (one: unknown, given: SchemaNode, path: Path): void => {
    const node = resolve(given);
    const names = node['x-fim-former'];
    if (typeof one === 'string' && names !== undefined && Object.hasOwn(names, one))
      found.push({ path, former: one, name: names[one] ?? one });
    if (Array.isArray(one) && node.items !== undefined)
      for (const [index, item] of one.entries()) walk(item, node.items, [...path, index]);
    if (!isRecord(one)) return;
    for (const [name, property] of Object.entries(node.properties ?? {}))
      if (Object.hasOwn(one, name)) walk(one[name], property, [...path, name]);
  };
  walk(value, partOf(part), []);
  return found;
}
