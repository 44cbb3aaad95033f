// Random JSON documents: values for the oracles, texts with all the liberties of the syntax for the modules.
import type { Random } from './guest.ts';

export type Json = null | boolean | string | RawNumber | Json[] | Map<string, Json>;

/** A number as it is written: its text matters, not its value. */
export class RawNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Parts of a document. */
export interface Ingredients {
  names: readonly string[];
  strings: readonly string[];
  numbers: readonly string[];
}

/** A document of at most `depth` nested containers. */
export function randomJson(random: Random, from: Ingredients, depth: number): Json {
  const dice = random.below(depth > 0 ? 100 : 55);
  if (dice < 30) return random.pick(from.strings);
  if (dice < 45) return new RawNumber(random.pick(from.numbers));
  if (dice < 50) return random.chance(50);
  if (dice < 55) return null;
  const size = random.below(5);
  if (dice < 72) return Array.from({ length: size }, () => randomJson(random, from, depth - 1));
  const object = new Map<string, Json>();
  for (let i = 0; i < size; i++) object.set(random.pick(from.names), randomJson(random, from, depth - 1));
  return object;
}

const SPACES = ['', '', '', '', ' ', '\n', '\t ', '\r\n  ', '                    '];

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** A string token, with each character plain where allowed, or escaped. */
function stringText(random: Random, text: string): string {
  const escapes = random.chance(25);
  let token = '"';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const must = unit < 32 || unit === 34 || unit === 92;
    token += must || (escapes && random.chance(20) && (unit & 0xf800) !== 0xd800) ? escapeUnit(unit) : text[i];
  }
  return `${token}"`;
}

/** A text of the document, with random whitespace and escapes. */
export function jsonText(random: Random, value: Json): string {
  const space = (): string => random.pick(SPACES);
  let text = '';
  if (value === null || typeof value === 'boolean') text = String(value);
  else if (typeof value === 'string') text = stringText(random, value);
  else if (value instanceof RawNumber) text = value.text;
  else if (Array.isArray(value)) text = `[${value.map((item) => jsonText(random, item)).join(',') || space()}]`;
  else
    text = `{${[...value].map(([name, item]) => `${space()}${stringText(random, name)}${space()}:${jsonText(random, item)}`).join(',') || space()}}`;
  return `${space()}${text}${space()}`;
}

/** A value in the form of JSON.parse, for comparison. Numbers become `#` and their text. */
export function plain(value: Json): unknown {
  if (value instanceof RawNumber) return `#${value.text}`;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, item]) => [name, plain(item)]));
  return value;
}

/** JSON.parse with the source text of a value (ES2026), which TypeScript's library does not declare yet. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/** Parses a text to the same form. */
export function parsePlain(text: string): unknown {
  return (JSON.parse as ParseWithSource)(text, (_key, value, context) =>
    typeof value === 'number' ? `#${context.source}` : value,
  );
}

/** A text with some bytes changed, lost, doubled or added. */
export function mutate(random: Random, text: string): Uint8Array {
  const bytes = [...new TextEncoder().encode(text)];
  for (let i = 1 + random.below(3); i > 0; i--) {
    const at = random.below(bytes.length + 1);
    const dice = random.below(4);
    if (dice === 0) bytes.splice(at, 1);
    else if (dice === 1) bytes.splice(at, 0, random.below(256));
    else if (dice === 2) bytes.splice(at, 0, ...bytes.slice(at, at + 1 + random.below(4)));
    else if (at < bytes.length)
      bytes[at] = random.chance(50)
        ? random.below(256)
        : random.pick([34, 92, 44, 58, 91, 93, 123, 125, 48, 45, 46, 101]);
  }
  return Uint8Array.from(bytes);
}
