// Random XML documents with all the liberties of the syntax, and damage to them.
import type { Random } from './guest.ts';

const NAMES = ['a', 'b', 'Amt', 'Id', 'x-1', '_y', '金额', 'CdtTrfTxInf', 'averylongnameofanelementinamessage', 'é'];
const PREFIXES = ['p', 'q', 'ns2'];
const URIS = ['u', 'urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08', 'v&amp;w', 'u'];
const TEXTS = [
  '',
  '1',
  ' ',
  'x y',
  '12.00',
  '一亿元',
  '\n',
  '\r\n  ',
  '😀',
  ']]',
  '>',
  'abcdefghijklmnopqrstuvwxyz',
  "it's",
  '"q"',
  '\t',
];
const MISC = ['<!---->', '<!-- <c> & -->', '<?p?>', '<?p <x> ?>', '<!--一-->'];

/** Text as it may stand in an element. */
function content(random: Random): string {
  let text = '';
  for (let i = random.below(3); i > 0; i--) {
    const dice = random.below(10);
    if (dice === 0)
      text += random.pick(['&lt;', '&gt;', '&amp;', '&quot;', '&apos;', '&#65;', '&#x4e2d;', '&#13;', '&#10;']);
    else if (dice === 1) text += `<![CDATA[${random.pick(['', '<b>', '&amp;', ']]', 'x\r\ny', '中'])}]]>`;
    else if (dice === 2) text += random.pick(MISC);
    else text += random.pick(TEXTS);
  }
  return text
    .replaceAll(']]>', ']] >')
    .replaceAll('<![CDATA[]] >', '<![CDATA[]]>')
    .replaceAll(/(<!\[CDATA\[(?:(?!\]\] >).)*)\]\] >/gsu, '$1]]>');
}

function attributes(random: Random, prefixes: readonly string[]): string {
  const taken = new Set<string>();
  let text = '';
  for (let i = random.chance(60) ? 0 : 1 + random.below(3); i > 0; i--) {
    const name = `${prefixes.length > 0 && random.chance(20) ? `${random.pick(prefixes)}:` : ''}${random.pick(NAMES)}`;
    if (taken.has(name.replace(/^.*:/, ''))) continue;
    taken.add(name.replace(/^.*:/, ''));
    const quote = random.pick(['"', "'"]);
    const value = random.pick([
      '',
      '1',
      'CNY',
      'a b',
      'x\ty\r\nz',
      '&lt;',
      '&#10;',
      '中',
      quote === '"' ? "'" : '"',
      '>',
      '&amp;amp;',
    ]);
    text += `${random.pick([' ', '  ', '\n', '\t'])}${name}${random.pick(['=', ' = ', '=\n'])}${quote}${value}${quote}`;
  }
  return text;
}

function element(random: Random, depth: number, prefixes: readonly string[]): string {
  let inner = prefixes;
  let declared = '';
  if (random.chance(25)) {
    if (random.chance(40)) declared = ` xmlns="${random.pick(['', ...URIS])}"`;
    else {
      const prefix = random.pick(PREFIXES);
      declared = ` xmlns:${prefix}="${prefix === 'q' ? 'u' : prefix}"`;
      inner = [...new Set([...prefixes, prefix])];
    }
  }
  const name = `${inner.length > 0 && random.chance(30) ? `${random.pick(inner)}:` : ''}${random.pick(NAMES)}`;
  const given = attributes(random, inner);
  const tag = `${name}${random.chance(50) ? declared + given : given + declared}${random.pick(['', '', ' ', '\n'])}`;
  let text = content(random);
  if (depth > 0)
    for (let i = random.below(4); i > 0; i--)
      text +=
        element(random, depth - 1, inner) +
        (random.chance(30) ? content(random) : random.pick(['', '', '\n  ', '\r\n']));
  if (text === '' && random.chance(50)) return `<${tag}/>`;
  return `<${tag}>${text}</${name}${random.pick(['', '', ' ', '\n'])}>`;
}

/** A document of at most `depth` + 1 levels. */
export function randomXml(random: Random, depth: number): string {
  const declaration = random.pick([
    '',
    '',
    '<?xml version="1.0"?>',
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    "<?xml version='1.0' encoding='utf-8' standalone='no' ?>",
  ]);
  const misc = (): string => (random.chance(30) ? random.pick([...MISC, '\n', ' ']) : '');
  return `${declaration}${misc()}${element(random, depth, [])}${misc()}`;
}

const DAMAGE = [
  '<',
  '>',
  '&',
  ';',
  '"',
  "'",
  '/',
  '=',
  ' ',
  ']',
  ']]>',
  '<!',
  '<!--',
  '--',
  '?',
  '<?',
  ':',
  'a',
  'xmlns',
  '<a>',
  '</a>',
  '\u0000',
  '\u0001',
  '\r',
  '&#0;',
  '&lt',
  '<![CDATA[',
  '中',
  '-',
  '.',
  '1',
];

/** A text with some characters changed, removed, doubled or added. */
export function damageXml(random: Random, text: string): string {
  let characters = [...text];
  for (let hits = 1 + random.below(2); hits > 0; hits--) {
    const at = random.below(characters.length + 1);
    const kind = random.below(5);
    if (kind === 0) characters.splice(at, 1 + random.below(3));
    else if (kind === 1) characters.splice(at, 0, random.pick(DAMAGE));
    else if (kind === 2) characters = characters.slice(0, at);
    else if (kind === 3) characters.splice(at, 0, ...characters.slice(Math.max(0, at - random.below(12)), at));
    else if (at < characters.length) characters[at] = random.pick(DAMAGE);
  }
  return characters.join('');
}
