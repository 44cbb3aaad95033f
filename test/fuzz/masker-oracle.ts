// The masker's README in TypeScript, over values instead of bytes: the oracle of the random test. It shares nothing
// with the module but the scanner, which finds what is hidden by content.
import { RawNumber, type Json } from './documents.ts';
import { ScannerGuest, setOf } from './scanner-guest.ts';

const scanner = await ScannerGuest.start();

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
const EMAIL = /^(?<local>[^]+)(?<domain>@(?=[^@]*\.)[A-Za-z0-9.-]*[A-Za-z])$/u;

function hide(text: string, first: number, last: number, char: string): string {
  const characters = [...text];
  const hidden = characters.length - first - last;
  if (hidden <= 0 || hidden * 3 < characters.length) return char.repeat(characters.length);
  return characters.map((character, i) => (i < first || i >= characters.length - last ? character : char)).join('');
}

function maskText(field: MaskField, text: string): string {
  const char = field.char ?? '*';
  const own = field.keepFirst !== undefined || field.keepLast !== undefined;
  const method = field.method ?? (field.kind === 'Generic' && !own ? 'Full' : 'KeepFirstLast');
  if (method === 'Full') return hide(text, 0, 0, char);
  const [first, last] = [field.keepFirst ?? DEFAULTS[field.kind][0], field.keepLast ?? DEFAULTS[field.kind][1]];
  if (field.kind !== 'Email') return hide(text, first, last, char);
  const email = EMAIL.exec(text)?.groups;
  return email === undefined ? hide(text, 0, 0, char) : hide(email['local']!, first, last, char) + email['domain'];
}

const PLACE = /[0-9０-９A-Za-z]/g;

function hideDigits(text: string, kind: DetectionKind): string {
  const [first, last] = DEFAULTS[kind === 'IdCard' ? 'IdCard' : 'BankCard'];
  const masked = [...hide(text.match(PLACE)!.join(''), first, last, '*')];
  return text.replaceAll(PLACE, () => masked.shift()!);
}

/** The text with what is found in it hidden. What is found is the matter of other tests. */
export function detectIn(text: string, config: MaskConfig): string {
  const bytes = Buffer.from(text);
  let result = '';
  let at = 0;
  for (const { kind, start, end } of scanner.scan(bytes, setOf(config.detect.map((detection) => detection.kind)))) {
    result += bytes.toString('utf8', at, start) + hideDigits(bytes.toString('utf8', start, end), kind as DetectionKind);
    at = end;
  }
  return result + bytes.toString('utf8', at);
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
