// Random JSON texts, written in all the ways that JSON allows.
import type { Random } from './guest.ts';

const TEXTS = [
  '',
  'a',
  'transCode',
  '0123456789abcdef',
  'x'.repeat(15),
  'y'.repeat(16),
  'z'.repeat(33),
  '中文',
  'é',
  '😀',
  '"',
  '\\',
  '/',
  '\b',
  '\n',
  '\u0000',
  '\u001f',
  '\u007f',
  '\u2028',
  '~',
  'a/b',
  '__proto__',
];
const NUMBERS = [
  '0',
  '-0',
  '1',
  '-1',
  '10',
  '3.25',
  '-0.5',
  '1e3',
  '1E-3',
  '0.1e+2',
  '12345678901234567890',
  '1e400',
  '100000000000000000.01',
];
const SPACES = ['', '', '', '', ' ', '\n', '\t', '\r\n', '  ', `\n${' '.repeat(18)}`];

/** A JSON string of the text, with some needless escapes. */
export function randomString(random: Random, text: string): string {
  let written = '';
  for (const character of text) {
    const plain = JSON.stringify(character).slice(1, -1);
    if (!random.chance(15)) written += plain;
    else
      for (let i = 0; i < character.length; i++)
        written += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return `"${written}"`;
}

function randomText(random: Random): string {
  let text = '';
  for (let i = random.below(3); i >= 0; i--) text += random.pick(TEXTS);
  return text;
}

/** A random JSON text. `depth`: nesting of containers. Names within an object differ most of the time. */
export function randomJson(random: Random, depth: number): string {
  const space = (): string => random.pick(SPACES);
  const kind = random.below(depth > 0 ? 10 : 6);
  let value: string;
  if (kind < 2) value = random.pick(NUMBERS);
  else if (kind < 5) value = randomString(random, randomText(random));
  else if (kind < 6) value = random.pick(['true', 'false', 'null']);
  else {
    const count = random.below(5);
    const items: string[] = [];
    for (let i = 0; i < count; i++) {
      const item = randomJson(random, depth - 1);
      const name = random.chance(97) ? `${randomText(random)}${i}` : 'a';
      items.push(kind < 8 ? item : `${space()}${randomString(random, name)}${space()}:${item}`);
    }
    value = kind < 8 ? `[${items.join(',') || space()}]` : `{${items.join(',') || space()}}`;
  }
  return `${space()}${value}${space()}`;
}
