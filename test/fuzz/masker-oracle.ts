// The masker's README in TypeScript, over values instead of bytes: the oracle of the random test. It shares nothing
// with the module.
import { RawNumber, type Json } from './documents.ts';

type DetectionKind = 'IdCard' | 'BankCard' | 'UnionPayCard';

export interface MaskConfig {
  fields: MaskField[];
  detect: { kind: DetectionKind }[];
}

export interface MaskField {
  path?: string;
  /** The path in steps, for the oracle; null stands for a wildcard. */
  steps?: (string | number | null)[];
  name?: string;
  kind: keyof typeof DEFAULTS;
  method?: 'Full' | 'KeepFirstLast';
  keepFirst?: number;
  keepLast?: number;
  char?: string;
}

const DEFAULTS = {
  Generic: [0, 0],
  IdCard: [3, 4],
  BankCard: [6, 4],
  Phone: [3, 4],
  Name: [1, 0],
  Email: [1, 0],
  Address: [6, 0],
} as const;
const PROVINCES = /^(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)/;
const EMAIL = /^(?<local>[^]+)(?<domain>@(?=[^@]*\.)[A-Za-z0-9.-]*[A-Za-z])$/u;

function hide(text: string, first: number, last: number, char: string): string {
  const characters = [...text];
  const hidden = characters.length - first - last;
  if (hidden <= 0 || hidden * 3 < characters.length) return char.repeat(characters.length);
  return characters.map((character, i) => (i < first || i >= characters.length - last ? character : char)).join('');
}

function maskText(field: MaskField, text: string): string {
  const char = field.char ?? '*';
  const method = field.method ?? (field.kind === 'Generic' ? 'Full' : 'KeepFirstLast');
  if (method === 'Full') return hide(text, 0, 0, char);
  const [first, last] = [field.keepFirst ?? DEFAULTS[field.kind][0], field.keepLast ?? DEFAULTS[field.kind][1]];
  if (field.kind !== 'Email') return hide(text, first, last, char);
  const email = EMAIL.exec(text)?.groups;
  return email === undefined ? hide(text, 0, 0, char) : hide(email['local']!, first, last, char) + email['domain'];
}

function isCard(digits: string): boolean {
  if (digits.length < 13 || digits.length > 19 || !/^(2[2-7]|[345689])/.test(digits)) return false;
  const sum = [...digits]
    .reverse()
    .reduce(
      (total, digit, i) =>
        total + (i % 2 === 0 ? Number(digit) : Number(digit) < 5 ? 2 * Number(digit) : 2 * Number(digit) - 9),
      0,
    );
  return sum % 10 === 0;
}

function isIdCard(text: string): boolean {
  if (!/^\d{17}[\dXx]$/.test(text) || !PROVINCES.test(text)) return false;
  const [year, month, day] = [text.slice(6, 10), text.slice(10, 12), text.slice(12, 14)].map(Number) as [
    number,
    number,
    number,
  ];
  const date = new Date(Date.UTC(2000, month - 1, day));
  date.setUTCFullYear(year, month - 1, day);
  if (year < 1800 || year > 2199 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return false;
  let power = 1;
  let sum = 0;
  for (let i = 17; i >= 0; i--) {
    sum += power * (/[Xx]/.test(text[i]!) ? 10 : Number(text[i]));
    power = (power * 2) % 11;
  }
  return sum % 11 === 1;
}

const DIGIT = '[0-9０-９]';
const SEPARATORS = {
  space: '[ \\u00a0\\u2000-\\u200a\\u202f\\u205f\\u3000]{1,2}',
  dash: '[-\\u2010-\\u2015\\u2212\\ufe63\\uff0d]',
  dot: '[.]',
};
/** Sizes of the groups in which cards are printed, longest first. */
const PRINTED = [
  ...[5, 4].flatMap((groups) => [4, 3, 2, 1].map((last) => [...Array<number>(groups - 1).fill(4), last])),
  [4, 6, 5],
  [4, 6, 4],
  ...[13, 12, 11, 10].map((rest) => [6, rest]),
];
const DECIMAL = new RegExp(
  `^[-+]?(?<whole>${DIGIT}+|${DIGIT}{1,3}((${SEPARATORS.space}|[.']|')${DIGIT}{3})+),(?<decimals>${DIGIT}+)$`,
);

const ascii = (text: string): string =>
  text.replaceAll(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xff10 + 48));
const significant = (text: string): number =>
  ascii(text)
    .replaceAll(/[^0-9]/g, '')
    .replace(/^0+/, '').length;

/** Whether [`from`, `to`) of the text is a part of one number with a decimal comma. */
function isDecimalPart(text: string, from: number, to: number): boolean {
  const parts = DECIMAL.exec(text)?.groups;
  if (parts === undefined) return false;
  const { whole = '', decimals = '' } = parts;
  const isDouble = significant(whole + decimals) <= 17;
  if (text[to] === ',') {
    if (/^0+$/.test(ascii(decimals))) return false;
    if (/^[-+]/.test(text) || decimals.length <= 2) return true;
    return isDouble && (to - from < 14 || (to - from === 14 && text[from] !== '3'));
  }
  return text[from - 1] === ',' && (/[^0-9０-９]/.test(whole) || isDouble);
}

function cardKind(digits: string, wants: (kind: DetectionKind) => boolean): DetectionKind | null {
  if (wants('BankCard') && isCard(digits)) return 'BankCard';
  const ofUnionPay = /^(62|81([0-6]\d|7[01]))\d*$/.test(digits) && digits.length >= 16 && digits.length <= 19;
  return wants('UnionPayCard') && ofUnionPay ? 'UnionPayCard' : null;
}

/** The number that begins at `at` of the text, as long as it can be; null if none does. */
function numberAt(text: string, at: number, config: MaskConfig): { text: string; kind: DetectionKind } | null {
  const rest = text.slice(at);
  const wants = (kind: DetectionKind): boolean => config.detect.some((detection) => detection.kind === kind);
  const ends = (length: number): boolean => !/^([0-9０-９A-Za-z_]|\.0*[1-9０-９])/.test(rest.slice(length));
  const run = new RegExp(`^${DIGIT}+`).exec(rest)![0];
  if (run.length !== 4 && run.length !== 6) {
    if (isDecimalPart(text, at, at + run.length)) return null;
    const id = rest.slice(0, 18);
    if (wants('IdCard') && run.length >= 17 && run.length <= 18 && isIdCard(ascii(id)) && ends(18))
      return { text: id, kind: 'IdCard' };
    const kind = ends(run.length) ? cardKind(ascii(run), wants) : null;
    return kind === null ? null : { text: run, kind };
  }
  let longest: { text: string; kind: DetectionKind } | null = null;
  for (const [name, separator] of Object.entries(SEPARATORS)) {
    for (const sizes of PRINTED) {
      const pattern = sizes.map((size) => `${DIGIT}{${size}}`).join(separator);
      const candidate = new RegExp(`^${pattern}(?!${DIGIT})`).exec(rest)?.[0];
      if (candidate === undefined || !ends(candidate.length)) continue;
      const digits = ascii(candidate).replaceAll(/[^0-9]/g, '');
      if (sizes[0] === 6 && (name === 'dot' || !/^(62|81([0-6]\d|7[01]))/.test(digits))) continue;
      if (sizes[1] === 6 && !digits.startsWith('3')) continue;
      const kind = cardKind(digits, wants);
      if (kind !== null && candidate.length > (longest?.text.length ?? 0)) longest = { text: candidate, kind };
    }
  }
  return longest;
}

const PLACE = /[0-9０-９A-Za-z]/g;

function hideDigits(text: string, kind: DetectionKind): string {
  const [first, last] = DEFAULTS[kind === 'IdCard' ? 'IdCard' : 'BankCard'];
  const masked = [...hide(text.match(PLACE)!.join(''), first, last, '*')];
  return text.replaceAll(PLACE, () => masked.shift()!);
}

/** The text with its numbers hidden. */
export function detectIn(text: string, config: MaskConfig): string {
  let result = '';
  let at = 0;
  while (at < text.length) {
    const begins =
      /[0-9０-９]/.test(text[at]!) &&
      !/([0-9０-９A-Za-z_]|(^|[0-9+\-\u0000-\u0020])\.)$/.test(text.slice(Math.max(0, at - 2), at));
    const found = begins ? numberAt(text, at, config) : null;
    result += found === null ? text[at] : hideDigits(found.text, found.kind);
    at += found === null ? 1 : found.text.length;
  }
  return result;
}

function names(field: MaskField, trail: (string | number)[]): boolean {
  if (field.name !== undefined) return trail.at(-1) === field.name;
  return field.steps!.length === trail.length && field.steps!.every((step, i) => step === null || step === trail[i]);
}

/** The document as it must come out. */
export function maskJson(
  value: Json,
  config: MaskConfig,
  trail: (string | number)[] = [],
  cover: MaskField | null = null,
): Json {
  const way = config.fields.find((field) => names(field, trail)) ?? cover;
  if (Array.isArray(value)) return value.map((item, i) => maskJson(item, config, [...trail, i], way));
  if (value instanceof Map)
    return new Map([...value].map(([name, item]) => [name, maskJson(item, config, [...trail, name], way)]));
  if (value === null) return null;
  if (way !== null && typeof value === 'boolean') return (way.char ?? '*').repeat(3);
  if (way !== null) return maskText(way, value instanceof RawNumber ? value.text : (value as string));
  if (typeof value === 'string') return detectIn(value, config);
  if (value instanceof RawNumber && /^\d{13,19}$/.test(value.text)) {
    const text = detectIn(value.text, config);
    return text === value.text ? value : text;
  }
  return value;
}
