// The validator's README in TypeScript, over values instead of bytes: the oracle of the random test. It shares nothing
// with the module.
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
  form?: string;
  forbidden?: boolean;
  min?: string;
  max?: string;
  /** Numbers of conditions. */
  when?: number[];
}

export interface OracleCondition {
  steps: (string | number | null)[];
  path: string;
  present?: boolean;
  equals?: string[];
}

const CODES = {
  missing: '0005',
  type: '0006',
  pattern: '0007',
  short: '0008',
  long: '0009',
  enum: '0010',
  forbidden: '0019',
  number: '0020',
  less: '0021',
  greater: '0022',
};
const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const COUNTRIES = new Set(['CN', 'CHN', '156', 'DE', 'DEU', '276', 'GB', 'GBR', '826', 'NO', 'US', 'XE', 'ZZ', 'EU']);
const IBAN_LENGTHS: Record<string, number> = { DE: 22, GB: 22, NO: 15 };

function isUscc(text: string): boolean {
  if (!/^[0-9A-Z]{2}[0-9]{6}[0-9A-Z]{10}$/.test(text) || [...text].some((letter) => !ALPHABET.includes(letter)))
    return false;
  const sum = [...text.slice(0, 17)].reduce(
    (total, letter, i) => total + BigInt(ALPHABET.indexOf(letter)) * 3n ** BigInt(i),
    0n,
  );
  return ALPHABET.indexOf(text[17]!) === Number((31n - (sum % 31n)) % 31n);
}

/** ISO 7064 MOD 11,10. */
function isMod1110(text: string): boolean {
  let rest = 10;
  for (const digit of text.slice(0, -1)) rest = (((rest + Number(digit)) % 10 || 10) * 2) % 11;
  return (rest + Number(text.at(-1))) % 10 === 1;
}

function remainder97(text: string): bigint {
  return BigInt([...text].map((letter) => parseInt(letter, 36)).join('')) % 97n;
}

function isIban(text: string): boolean {
  return (
    /^[A-Z]{2}[0-9]{2}[0-9A-Za-z]+$/.test(text) &&
    IBAN_LENGTHS[text.slice(0, 2)] === text.length &&
    remainder97(text.slice(4) + text.slice(0, 4)) === 1n
  );
}

/** A decimal in units of 10^-18. Undefined if it is malformed or has too many digits. */
export function decimalOf(text: string): bigint | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (whole + fraction === '' || Math.abs(Number(exponent)) > 9999) return undefined;
  const digits = BigInt(whole + fraction);
  const places = 18 - fraction.length + Number(exponent);
  if (digits === 0n) return 0n;
  const units =
    places >= 0
      ? digits * 10n ** BigInt(places)
      : digits % 10n ** BigInt(-places) === 0n
        ? digits / 10n ** BigInt(-places)
        : undefined;
  if (units === undefined || units >= 10n ** 54n) return undefined;
  return sign === '-' ? -units : units;
}
const CURRENCIES = new Set(Intl.supportedValuesOf('currency'));
const CHECKS: Record<string, { code: string; good: (text: string) => boolean }> = {
  Luhn: {
    code: '0011',
    good: (text) =>
      /^\d{13,19}$/.test(text) &&
      [...text]
        .reverse()
        .reduce(
          (sum, digit, i) => sum + (i % 2 === 0 ? Number(digit) : [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][Number(digit)]!),
          0,
        ) %
        10 ===
        0,
  },
  CardNumber: { code: '0011', good: (text) => /^(62|81)\d{11,17}$/.test(text) || CHECKS.Luhn!.good(text) },
  Uscc: { code: '0023', good: isUscc },
  CnapsBankCode: { code: '0024', good: (text) => /^\d{12}$/.test(text) && isMod1110(text) },
  Iban: { code: '0025', good: isIban },
  Bic: { code: '0026', good: (text) => /^[A-Z0-9]{4}(CN|DE|US|GB|NO|XE|ZZ|EU)[A-Z0-9]{2}([A-Z0-9]{3})?$/.test(text) },
  Lei: { code: '0027', good: (text) => /^[A-Z0-9]{18}\d\d$/.test(text) && remainder97(text) === 1n },
  Country: { code: '0028', good: (text) => COUNTRIES.has(text) },
  Alphabetic: { code: '0018', good: (text) => /^[A-Za-z]+$/.test(text) },
  IsoAmount: { code: '0014', good: isIsoAmount },
  MonthDay: { code: '0013', good: (text) => /^\d{4}$/.test(text) && exists('2000', text.slice(0, 2), text.slice(2)) },
  YearMonth: { code: '0013', good: (text) => /^\d\d(0[1-9]|1[0-2])$/.test(text) },
  ShortDate: {
    code: '0013',
    good: (text) => /^\d{6}$/.test(text) && exists(`20${text.slice(0, 2)}`, text.slice(2, 4), text.slice(4)),
  },
  IsoDate: { code: '0013', good: (text) => dayOf(text) !== undefined && text.length >= 10 },
  IsoDateTime: { code: '0013', good: (text) => text.length >= 19 && instantOf(text) !== undefined },
  Numeric: { code: '0018', good: (text) => /^[0-9]+$/.test(text) },
  Alphanumeric: { code: '0018', good: (text) => /^[0-9A-Za-z]+$/.test(text) },
  Printable: { code: '0018', good: (text) => /^[\x20-\x7e]+$/.test(text) },
  Hex: { code: '0016', good: (text) => /^([0-9a-fA-F]{2})+$/.test(text) },
  Amount: { code: '0014', good: (text) => /^(\d{1,12}|\d{1,13}\.\d{1,4})$/.test(text) },
  Currency: {
    code: '0015',
    good: (text) => text === '156' || text === 'XAU' || (/^[A-Z]{3}$/.test(text) && CURRENCIES.has(text)),
  },
  Date: {
    code: '0013',
    good: (text) => /^\d{8}$/.test(text) && exists(text.slice(0, 4), text.slice(4, 6), text.slice(6)),
  },
  Time: { code: '0013', good: isTime },
  DateTime: {
    code: '0013',
    good: (text) =>
      /^\d{14}$/.test(text) && exists(text.slice(0, 4), text.slice(4, 6), text.slice(6, 8)) && isTime(text.slice(8)),
  },
  MonthDayTime: {
    code: '0013',
    good: (text) =>
      /^\d{10}$/.test(text) && exists('2000', text.slice(0, 2), text.slice(2, 4)) && isTime(text.slice(4)),
  },
};

export const CHECK_NAMES = Object.keys(CHECKS);

/** The value, not its spelling, has the bounds: 18 digits, 5 of them decimals, not below zero. */
function isIsoAmount(text: string): boolean {
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text)) return false;
  const [whole = '', fraction = ''] = text
    .replace(/^[+-]/, '')
    .split('.')
    .map((part, i) => (i === 0 ? part.replace(/^0+/, '') : part.replace(/0+$/, '')));
  return (
    whole.length + fraction.length <= 18 && fraction.length <= 5 && (!text.startsWith('-') || whole + fraction === '')
  );
}

function isTime(text: string): boolean {
  return /^([01]\d|2[0-3])[0-5]\d[0-5]\d$/.test(text);
}

function exists(year: string, month: string, day: string): boolean {
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return year !== '0000' && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${year}-${month}-${day}`);
}

/** Days since 1970. */
export function dayOf(text: string): number | undefined {
  const [, year, month, day] =
    /^(\d{4})(\d\d)(\d\d)$/.exec(text) ??
    /^(\d{4})-(\d\d)-(\d\d)(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?$/.exec(text) ??
    [];
  if (year === undefined || !exists(year, month!, day!)) return undefined;
  return new Date(`${year}-${month}-${day}T00:00:00Z`).getTime() / 86_400_000;
}

/** Nanoseconds since 1970; a time without offset is China's. */
export function instantOf(text: string): bigint | undefined {
  const day = dayOf(text);
  if (day !== undefined) {
    const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(text) ?? [];
    const offset = text.endsWith('Z')
      ? 0
      : sign === undefined
        ? 28_800
        : (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
    return (BigInt(day) * 86_400n - BigInt(offset)) * 1_000_000_000n;
  }
  const compact = /^(\d{8})(\d\d)(\d\d)(\d\d)$/.exec(text);
  const parts = compact ?? /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  const [, date = '', hour, minute, second, fraction = '', zone = '+08:00'] = parts ?? [];
  const days = dayOf(date);
  const last =
    Number(hour) === 24 &&
    compact === null &&
    Number(minute) === 0 &&
    Number(second) === 0 &&
    /^0*$/.test(fraction.slice(0, 9));
  if (days === undefined || (Number(hour) > 23 && !last) || Number(minute) > 59 || Number(second) > 59)
    return undefined;
  const [sign, hours, minutes] =
    zone === 'Z' ? [1, 0, 0] : [zone[0] === '-' ? -1 : 1, Number(zone.slice(1, 3)), Number(zone.slice(4))];
  if (minutes > 59 || hours * 60 + minutes > 840) return undefined;
  const seconds =
    days * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - sign * (hours * 60 + minutes) * 60;
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
}

function isType(type: string, value: Json): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'number':
      return value instanceof RawNumber;
    case 'integer':
      return value instanceof RawNumber && /^-?\d+$/.test(value.text);
    case 'decimal':
      return value instanceof RawNumber || typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'object':
      return value instanceof Map;
    case 'array':
      return Array.isArray(value);
    default:
      return true;
  }
}

/** Code of the rule's error on a value; null if there is none. */
function breach(rule: OracleRule, value: Json): string | null {
  if (rule.forbidden === true) return CODES.forbidden;
  if (!isType(rule.type ?? 'string', value)) return CODES.type;
  const { minLength = 0, maxLength = 0, pattern = '', check, form, min, max } = rule;
  const bare = check === undefined && form === undefined && min === undefined && max === undefined;
  if (
    rule.type === 'decimal' &&
    bare &&
    typeof value === 'string' &&
    !/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(value)
  )
    return CODES.type;
  const allowed = rule.enum ?? [];
  if (minLength === 0 && maxLength === 0 && pattern === '' && allowed.length === 0 && bare) return null;
  if (typeof value !== 'string' && !(value instanceof RawNumber)) return CODES.type;
  const text = typeof value === 'string' ? value : value.text;
  const length = [...text].length;
  if (length < minLength) return CODES.short;
  if (maxLength !== 0 && length > maxLength) return CODES.long;
  if (pattern !== '' && !new RegExp(pattern, 'u').test(text)) return CODES.pattern;
  if (allowed.length !== 0 && !allowed.includes(text)) return CODES.enum;
  if (form !== undefined && !CHECKS[form]!.good(text)) return CHECKS[form]!.code;
  if (min !== undefined || max !== undefined) {
    const number = decimalOf(text);
    if (number === undefined) return CODES.number;
    if (min !== undefined && number < decimalOf(min)!) return CODES.less;
    if (max !== undefined && number > decimalOf(max)!) return CODES.greater;
  }
  return check === undefined || CHECKS[check]!.good(text) ? null : CHECKS[check]!.code;
}

/** A trail of names and indexes as a JSON Pointer. */
export function pointer(trail: (string | number)[]): string {
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
  const child =
    typeof step === 'number'
      ? Array.isArray(value)
        ? value[step]
        : undefined
      : value instanceof Map
        ? value.get(step)
        : undefined;
  if (child !== undefined && isContainer) walk(rule, child, [...trail, step], found);
  else if (rule.required === true) found.add(`${CODES.missing} ${pointer([...trail, ...untilWildcard(rest)])}`);
}

/** Whether a condition holds for a document. */
function holds({ steps, present = true, equals = [] }: OracleCondition, document: Json): boolean {
  let value: Json | undefined = document;
  for (const step of steps) {
    if (typeof step === 'number') value = Array.isArray(value) ? value[step] : undefined;
    else value = value instanceof Map ? value.get(step!) : undefined;
  }
  if (value === undefined) return !present;
  if (!present || Array.isArray(value) || value instanceof Map) return present && equals.length === 0;
  return equals.length === 0 || equals.includes(value instanceof RawNumber ? value.text : String(value));
}

/** Expected findings about single fields, as `CODE POINTER`, in any order. */
export function findingsOf(rules: OracleRule[], document: Json, conditions: OracleCondition[] = []): string[] {
  const found = new Set<string>();
  const met = conditions.map((condition) => holds(condition, document));
  for (const rule of rules) if ((rule.when ?? []).every((number) => met[number])) walk(rule, document, [], found);
  return [...found].sort();
}
