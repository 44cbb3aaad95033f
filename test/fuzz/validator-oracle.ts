// The validator's README in TypeScript, over values instead of bytes: the oracle of the random test. It shares nothing with the module.
import { RawNumber, type Json } from './documents.ts';

export interface OracleRule {
  steps: (string | number | null)[];
  path: string;
  required?: boolean;
  type?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  enum?: string[];
  check?: string;
}

const CODES = { missing: '0005', type: '0006', pattern: '0007', short: '0008', long: '0009', enum: '0010' };
const CURRENCIES = new Set(Intl.supportedValuesOf('currency'));
const CHECKS: Record<string, { code: string; good: (text: string) => boolean }> = {
  Luhn: { code: '0011', good: (text) => /^\d{13,19}$/.test(text) && [...text].reverse().reduce((sum, digit, i) => sum + (i % 2 === 0 ? Number(digit) : [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][Number(digit)]!), 0) % 10 === 0 },
  Numeric: { code: '0018', good: (text) => /^[0-9]+$/.test(text) },
  Alphanumeric: { code: '0018', good: (text) => /^[0-9A-Za-z]+$/.test(text) },
  Printable: { code: '0018', good: (text) => /^[\x20-\x7e]+$/.test(text) },
  Hex: { code: '0016', good: (text) => /^([0-9a-fA-F]{2})+$/.test(text) },
  Amount: { code: '0014', good: (text) => /^(\d{1,12}|\d{1,13}\.\d{1,4})$/.test(text) },
  Currency: { code: '0015', good: (text) => text === '156' || (/^[A-Z]{3}$/.test(text) && CURRENCIES.has(text)) },
  Date: { code: '0013', good: (text) => /^\d{8}$/.test(text) && exists(text.slice(0, 4), text.slice(4, 6), text.slice(6)) },
  Time: { code: '0013', good: isTime },
  DateTime: { code: '0013', good: (text) => /^\d{14}$/.test(text) && exists(text.slice(0, 4), text.slice(4, 6), text.slice(6, 8)) && isTime(text.slice(8)) },
  MonthDayTime: { code: '0013', good: (text) => /^\d{10}$/.test(text) && exists('2000', text.slice(0, 2), text.slice(2, 4)) && isTime(text.slice(4)) },
};

export const CHECK_NAMES = Object.keys(CHECKS);

function isTime(text: string): boolean {
  return /^([01]\d|2[0-3])[0-5]\d[0-5]\d$/.test(text);
}

function exists(year: string, month: string, day: string): boolean {
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return year !== '0000' && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${year}-${month}-${day}`);
}

function isType(type: string, value: Json): boolean {
  switch (type) {
    case 'string': return typeof value === 'string';
    case 'number': return value instanceof RawNumber;
    case 'integer': return value instanceof RawNumber && /^-?\d+$/.test(value.text);
    case 'decimal': return value instanceof RawNumber || typeof value === 'string';
    case 'boolean': return typeof value === 'boolean';
    case 'object': return value instanceof Map;
    case 'array': return Array.isArray(value);
    default: return true;
  }
}

/** Code of the rule's error on a value; null if there is none. */
function breach(rule: OracleRule, value: Json): string | null {
  if (!isType(rule.type ?? 'string', value)) return CODES.type;
  const { minLength = 0, maxLength = 0, pattern = '', check } = rule;
  const allowed = rule.enum ?? [];
  if (minLength === 0 && maxLength === 0 && pattern === '' && allowed.length === 0 && check === undefined) return null;
  if (typeof value !== 'string' && !(value instanceof RawNumber)) return CODES.type;
  const text = typeof value === 'string' ? value : value.text;
  const length = [...text].length;
  if (length < minLength) return CODES.short;
  if (maxLength !== 0 && length > maxLength) return CODES.long;
  if (pattern !== '' && !new RegExp(pattern, 'u').test(text)) return CODES.pattern;
  if (allowed.length !== 0 && !allowed.includes(text)) return CODES.enum;
  return check === undefined || CHECKS[check]!.good(text) ? null : CHECKS[check]!.code;
}

function pointer(trail: (string | number)[]): string {
  return trail.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** Part of a path before its first wildcard. */
function untilWildcard(steps: (string | number | null)[]): (string | number)[] {
  const at = steps.indexOf(null);
  return (at < 0 ? steps : steps.slice(0, at)) as (string | number)[];
}

function walk(rule: OracleRule, value: Json, trail: (string | number)[], found: Set<string>): void {
  const rest = rule.steps.slice(trail.length);
  if (rest.length === 0) {
    const code = breach(rule, value);
    if (code !== null) found.add(`${code} ${pointer(trail)}`);
    return;
  }
  const step = rest[0]!;
  const isContainer = Array.isArray(value) || value instanceof Map;
  if (step === null) {
    if (Array.isArray(value)) value.forEach((item, i) => walk(rule, item, [...trail, i], found));
    else if (value instanceof Map) for (const [name, item] of value) walk(rule, item, [...trail, name], found);
    else if (rule.required === true) found.add(`${CODES.type} ${pointer(trail)}`);
    return;
  }
  const child = typeof step === 'number' ? (Array.isArray(value) ? value[step] : undefined) : value instanceof Map ? value.get(step) : undefined;
  if (child !== undefined && isContainer) walk(rule, child, [...trail, step], found);
  else if (rule.required === true) found.add(`${CODES.missing} ${pointer([...trail, ...untilWildcard(rest)])}`);
}

/** What the validator must find, as `CODE POINTER`, in any order. */
export function findingsOf(rules: OracleRule[], document: Json): string[] {
  const found = new Set<string>();
  for (const rule of rules) walk(rule, document, [], found);
  return [...found].sort();
}
