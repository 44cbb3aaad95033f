// Rules on messages, wherever they stand: in a route, or in a profile.
import { MAX_VALIDATION_CHARACTERS } from '../../limits.ts';
import { fieldSteps, fitsTogether, placeOf } from '../field-place.ts';
import type {
  FieldCondition,
  ProfileSpec,
  RouteValidation,
  ValidationField,
  ValidationRule,
} from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import { pbocVersions } from '../profiles.ts';

import { checkPlace, checkPlacesUnique } from '../rules-fields.ts';
import { checkPattern } from '../rules-match.ts';
import type { Report } from '../schema-check.ts';
import type { Section } from '../sections.ts';

const NOT_TEXT: ReadonlySet<string | undefined> = new Set(['boolean', 'object', 'array']);
const NUMBERS: ReadonlySet<string | undefined> = new Set(['number', 'integer', 'decimal']);
/** Types beside which a check says more. */
const CHECKED: ReadonlySet<string | undefined> = new Set([undefined, 'string', 'any', 'n', 'a', 'an', 'ans', 'b']);
/** Types whose texts may be numbers. */
const RANGED: ReadonlySet<string | undefined> = new Set([
  undefined,
  'string',
  'any',
  'number',
  'integer',
  'decimal',
  'n',
  'amount',
]);
const AMOUNTS: ReadonlySet<string | undefined> = new Set(['Amount', 'IsoAmount']);
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const TESTS = ['pattern', 'length', 'minLength', 'maxLength', 'min', 'max', 'enum', 'check'] as const;

/** A decimal of the schema's form in units of its eighteenth decimal. */
function exact(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.replace('-', '').split('.');
  const size = BigInt(whole + fraction.padEnd(18, '0'));
  return decimal.startsWith('-') ? -size : size;
}

/** Fields outside the body are named and are text. */
function checkOutside(field: { in?: string; name?: string; path?: string }, at: Path, report: Report): void {
  if (field.in === undefined || field.in === 'Body') return;
  if (field.path !== undefined) report('FIM-CFG-1023', [...at, 'path'], `in: ${field.in} goes with name`);
  if (
    field.in === 'Header' &&
    field.name !== undefined &&
    (!TOKEN.test(field.name) || field.name.toLowerCase() === 'host')
  )
    report('FIM-CFG-1029', [...at, 'name']);
}

function checkCondition(condition: FieldCondition, at: Path, report: Report): void {
  checkPlace(condition, at, report);
  checkOutside(condition, at, report);
  if (condition.path !== undefined && fieldSteps(condition.path).some((step) => 'any' in step))
    report('FIM-CFG-1058', [...at, 'path'], 'a condition is on one field, without wildcards');
  const tests = (['equals', 'enum', 'present'] as const).filter((test) => condition[test] !== undefined);
  if (tests.length > 1) report('FIM-CFG-1058', at, `at most one of ${tests.join(' and ')}`);
}

function checkLengths(field: ValidationField, at: Path, report: Report): void {
  const { length, minLength, maxLength } = field;
  if (length !== undefined && (minLength !== undefined || maxLength !== undefined))
    report('FIM-CFG-1038', [...at, 'length'], 'length goes without minLength and maxLength');
  if (minLength !== undefined && maxLength !== undefined && minLength > maxLength)
    report('FIM-CFG-1038', [...at, 'minLength'], 'minLength is greater than maxLength');
  field.enum?.forEach((text, index) => {
    const characters = [...text].length;
    if (characters < (length ?? minLength ?? 0) || characters > (length ?? maxLength ?? Infinity))
      report('FIM-CFG-1038', [...at, 'enum', index], 'it breaks the length rules of the field');
  });
}

function checkRange({ type, min, max }: ValidationField, at: Path, report: Report): void {
  if (min === undefined && max === undefined) return;
  if (!RANGED.has(type) && !NOT_TEXT.has(type))
    report('FIM-CFG-1038', [...at, min === undefined ? 'max' : 'min'], `a range is for numbers, not for type ${type}`);
  if (min !== undefined && max !== undefined && exact(min) > exact(max))
    report('FIM-CFG-1038', [...at, 'min'], 'min is greater than max');
}

function checkField(field: ValidationField, at: Path, report: Report): void {
  const { type, check, pattern } = field;
  checkPlace(field, at, report);
  checkOutside(field, at, report);
  if (field.in !== undefined && field.in !== 'Body' && NOT_TEXT.has(type) && type !== 'boolean')
    report('FIM-CFG-1038', [...at, 'type'], `${field.in} holds no ${type}`);
  for (const test of TESTS) {
    if (field[test] === undefined) continue;
    if (NOT_TEXT.has(type)) report('FIM-CFG-1038', [...at, test], `type ${type} has no text`);
    else if (field.forbidden === true) report('FIM-CFG-1038', [...at, test], 'a forbidden field has no other test');
  }
  if (check !== undefined && !NOT_TEXT.has(type) && !CHECKED.has(type) && !(NUMBERS.has(type) && AMOUNTS.has(check)))
    report('FIM-CFG-1038', [...at, 'check'], `${check} needs type string`);
  checkLengths(field, at, report);
  checkRange(field, at, report);
  if (pattern !== undefined) checkPattern(pattern, [...at, 'pattern'], report);
  field.when?.forEach((condition, index) => checkCondition(condition, [...at, 'when', index], report));
}

/** The sides of a rule, by the names of their members. */
function sidesOf({ compare, sum, currencyExponent }: ValidationRule): {
  kind: string;
  sides: [string, string | undefined][];
} {
  if (compare !== undefined)
    return {
      kind: 'compare',
      sides: [
        ['left', compare.left],
        ['right', compare.right],
      ],
    };
  if (sum !== undefined)
    return {
      kind: 'sum',
      sides: [
        ['items', sum.items],
        ['total', sum.total],
      ],
    };
  return {
    kind: 'currencyExponent',
    sides: [
      ['amount', currencyExponent?.amount],
      ['currency', currencyExponent?.currency],
    ],
  };
}

const CONSTANTS: Record<string, RegExp> = {
  Number: /^-?[0-9]{1,36}([.][0-9]{1,18})?$/,
  Date: /^([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})$/,
  DateTime: /^([0-9]{14}|[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?)$/,
};

function checkRule(rule: ValidationRule, at: Path, report: Report): void {
  const kinds = (['compare', 'sum', 'currencyExponent'] as const).filter((kind) => rule[kind] !== undefined);
  if (kinds.length !== 1) {
    report(
      'FIM-CFG-1058',
      at,
      kinds.length === 0
        ? 'none of compare, sum and currencyExponent'
        : `${kinds.join(' and ')}: a rule is one of them`,
    );
    return;
  }
  const { compare } = rule;
  if (compare !== undefined && (compare.right === undefined) === (compare.value === undefined))
    report('FIM-CFG-1058', [...at, 'compare'], 'exactly one of right and value');
  const form = CONSTANTS[compare?.as ?? 'Number'];
  if (compare?.value !== undefined && form !== undefined && !form.test(compare.value))
    report('FIM-CFG-1058', [...at, 'compare', 'value'], `it is no ${compare.as ?? 'Number'}`);
  const { kind, sides } = sidesOf(rule);
  const [left, right] = sides.map(([, path]) => path);
  if (left !== undefined && right !== undefined && !fitsTogether(left, right, kind === 'sum'))
    report(
      'FIM-CFG-1058',
      [...at, kind, sides[1]?.[0] ?? ''],
      `its wildcards must stand in ${sides[0]?.[0]} at the same places`,
    );
  rule.when?.forEach((condition, index) => checkCondition(condition, [...at, 'when', index], report));
}

/** Characters that each text of a list counts in addition to its own. */
const LISTED_CHARACTERS = 4;

/** Characters by code point, as the API server's rules count them. */
function characters(...texts: (string | undefined)[]): number {
  return texts.reduce((sum, text) => sum + [...(text ?? '')].length, 0);
}

function listed(texts: readonly string[] = []): number {
  return characters(...texts) + LISTED_CHARACTERS * texts.length;
}

function conditionCharacters(conditions: readonly FieldCondition[] = []): number {
  return conditions.reduce(
    (sum, { name, path, equals, enum: texts }) => sum + characters(name, path, equals) + listed(texts),
    0,
  );
}

/** Characters of the user's texts in fields and rules. */
function entryCharacters({
  fields = [],
  rules = [],
}: {
  fields?: ValidationField[];
  rules?: ValidationRule[];
}): number {
  const ofFields = fields.reduce(
    (sum, field) =>
      sum +
      characters(field.name, field.path, field.pattern, field.note) +
      listed(field.enum) +
      conditionCharacters(field.when),
    0,
  );
  return rules.reduce((sum, rule) => sum + characters(rule.note) + conditionCharacters(rule.when), ofFields);
}

/** Fields and rules of a route or a profile. */
function checkEntries(
  value: { fields?: ValidationField[]; rules?: ValidationRule[] },
  path: Path,
  report: Report,
): void {
  const all = entryCharacters(value);
  if (all > MAX_VALIDATION_CHARACTERS)
    report('FIM-CFG-1002', path, `fields and rules have ${all} characters, at most ${MAX_VALIDATION_CHARACTERS}`);
  value.fields?.forEach((field, index) => checkField(field, [...path, 'fields', index], report));
  const places = (value.fields ?? []).map((field) =>
    field.path === undefined && field.name === undefined
      ? undefined
      : `${placeOf(field)} ${JSON.stringify(field.when ?? [])}`,
  );
  checkPlacesUnique(places, [...path, 'fields'], report);
  value.rules?.forEach((rule, index) => checkRule(rule, [...path, 'rules', index], report));
  checkPlacesUnique(
    (value.rules ?? []).map((rule) => rule.name),
    [...path, 'rules'],
    report,
  );
}

/** Rules on messages of a route. */
export function checkValidation({ value, path }: Section<RouteValidation>, report: Report): void {
  if (
    value.pboc === undefined &&
    value.profile === undefined &&
    value.fields === undefined &&
    value.rules === undefined &&
    value.extract === undefined &&
    value.mac === undefined &&
    value.tagDictionary !== true
  )
    report('FIM-CFG-1036', path);
  if (value.pboc !== undefined && !pbocVersions().includes(value.pboc))
    report('FIM-CFG-1034', [...path, 'pboc'], `known: ${pbocVersions().join(', ')}`);
  checkEntries(value, path, report);
  value.extract?.forEach((entry, index) => {
    if (fieldSteps(entry.path).some((step) => 'any' in step))
      report('FIM-CFG-1058', [...path, 'extract', index, 'path'], 'one value is handed on, without wildcards');
  });
  checkPlacesUnique(value.extract?.map((entry) => entry.name) ?? [], [...path, 'extract'], report);
}

/** Checks the spec of a profile. */
export function checkProfileSpec(spec: ProfileSpec, report: Report): void {
  if (spec.extends === undefined && spec.fields === undefined && spec.rules === undefined)
    report('FIM-CFG-1036', ['spec']);
  checkEntries(spec, ['spec'], report);
}
