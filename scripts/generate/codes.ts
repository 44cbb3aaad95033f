// Generates sorted tables from filters/pboc-validator/codes.json (ISO 4217, ISO 3166-1, the IBAN registry). The
// validator searches them by bisection.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { banner, type Output } from './output.ts';

const SOURCE = 'filters/pboc-validator/codes.json';
/** Minor units of a currency whose list entry says N.A. */
const NOT_APPLICABLE = 15;

interface CodeLists {
  currencies: string[];
  countries: string[];
  ibanLengths: string[];
  ibanLengthsElsewhere: string[];
}

function letters(text: string): number {
  return [...text].reduce((value, letter) => value * 26 + letter.charCodeAt(0) - 65, 0);
}

/** Rows of a list, split at blanks. Throws at a row of another form. */
function rows(list: string[], form: RegExp): string[][] {
  return list.map((row) => {
    if (!form.test(row)) throw new Error(`${SOURCE}: bad row ${row}`);
    return row.split(' ');
  });
}

function table(name: string, about: string, values: number[]): string {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  if (sorted.length !== values.length) throw new Error(`${SOURCE}: ${name} has an entry twice`);
  const lines: string[] = [];
  for (let i = 0; i < sorted.length; i += 16) lines.push(`  ${sorted.slice(i, i + 16).join(', ')},`);
  return `/** ${about} */\nexport const ${name}: usize = memory.data<u32>([\n${lines.join('\n')}\n]);\nexport const ${name}_COUNT: u32 = ${sorted.length};`;
}

/** `filters/pboc-validator/codes.gen.ts`. */
export function codeOutputs(repository: string): Output[] {
  const lists: CodeLists = JSON.parse(readFileSync(join(repository, SOURCE), 'utf8'));
  const currencies = rows(lists.currencies, /^[A-Z]{3} [0-9]{3} [0-9-]$/).map(([alpha = '', digits, minor]) => ({
    alpha: letters(alpha),
    digits: Number(digits),
    minor: minor === '-' ? NOT_APPLICABLE : Number(minor),
  }));
  const countries = rows(lists.countries, /^[A-Z]{2} [A-Z]{3} [0-9]{3}$/);
  const ibans = [lists.ibanLengths, lists.ibanLengthsElsewhere].flatMap((list) => rows(list, /^[A-Z]{2} [0-9]{2}$/));
  const parts = [
    banner(SOURCE),
    '',
    `/** Minor units of a currency that has none by its list. */\nexport const MINOR_UNITS_NOT_APPLICABLE: u32 = ${NOT_APPLICABLE};`,
    table(
      'CURRENCY_LETTERS',
      'ISO 4217: letters as a number of base 26, times 16, plus minor units; ascending.',
      currencies.map(({ alpha, minor }) => alpha * 16 + minor),
    ),
    table(
      'CURRENCY_DIGITS',
      'ISO 4217: numeric code times 16, plus minor units; ascending.',
      currencies.map(({ digits, minor }) => digits * 16 + minor),
    ),
    table(
      'COUNTRY_ALPHA_2',
      'ISO 3166-1 alpha-2, letters as a number of base 26; ascending.',
      countries.map(([alpha2 = '']) => letters(alpha2)),
    ),
    table(
      'COUNTRY_ALPHA_3',
      'ISO 3166-1 alpha-3, letters as a number of base 26; ascending.',
      countries.map(([, alpha3 = '']) => letters(alpha3)),
    ),
    table(
      'COUNTRY_DIGITS',
      'ISO 3166-1 numeric; ascending.',
      countries.map(([, , digits]) => Number(digits)),
    ),
    table(
      'IBAN_LENGTHS',
      'Countries with IBANs: letters as a number of base 26, times 64, plus characters of the IBAN; ascending.',
      ibans.map(([country = '', length]) => letters(country) * 64 + Number(length)),
    ),
  ];
  return [
    {
      path: 'filters/pboc-validator/codes.gen.ts',
      text: `${parts.slice(0, 2).join('\n')}\n${parts.slice(2).join('\n\n')}\n`,
    },
  ];
}
