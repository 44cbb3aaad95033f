// A route's validation and its profiles → the validator's section: conditions are numbered, shorthands written out.
import { MAX_RULE_CONDITIONS, MAX_RULES_BETWEEN_FIELDS, MAX_VALIDATION_RULES } from '../../limits.ts';
import { fieldSteps, topLevelPath, underRoot } from '../field-place.ts';
import type {
  FieldCondition,
  FieldType,
  RouteValidation,
  ValidationField,
  ValidationRule,
} from '../financial-route.gen.ts';
import type { Path } from '../json-path.ts';
import type {
  PbocCheck,
  PbocCondition,
  PbocCrossRule,
  PbocRule,
  PbocType,
  PbocValidatorConfig,
} from '../plugin-config.gen.ts';
import type { ResolvedProfile } from '../profiles.ts';
import type { Note } from './stage-row.ts';

/** Validator types of the public schema's types. */
const TYPES: Record<FieldType, { type: PbocType; form?: PbocCheck }> = {
  string: { type: 'string' },
  number: { type: 'number' },
  integer: { type: 'integer' },
  decimal: { type: 'decimal' },
  boolean: { type: 'boolean' },
  object: { type: 'object' },
  array: { type: 'array' },
  any: { type: 'any' },
  n: { type: 'string', form: 'Numeric' },
  a: { type: 'string', form: 'Alphabetic' },
  an: { type: 'string', form: 'Alphanumeric' },
  ans: { type: 'string', form: 'Printable' },
  b: { type: 'string', form: 'Hex' },
  amount: { type: 'decimal', form: 'Amount' },
  date: { type: 'string', form: 'Date' },
  time: { type: 'string', form: 'Time' },
  dateTime: { type: 'string', form: 'DateTime' },
  isoDate: { type: 'string', form: 'IsoDate' },
  isoDateTime: { type: 'string', form: 'IsoDateTime' },
  currency: { type: 'string', form: 'Currency' },
  country: { type: 'string', form: 'Country' },
};

function pathOf(place: { name?: string; path?: string; in?: string }): string {
  if (place.in === 'Header') return (place.name ?? '').toLowerCase();
  if (place.in === 'Query') return place.name ?? '';
  return place.path ?? topLevelPath(place.name ?? '');
}

/** Conditions by number: equal ones once. */
class ConditionList {
  readonly list: PbocCondition[] = [];
  private readonly numbers = new Map<string, number>();

  number(condition: FieldCondition): number {
    const config: PbocCondition = { path: pathOf(condition) };
    if (condition.in !== undefined && condition.in !== 'Body') config.in = condition.in;
    if (condition.present === false) config.present = false;
    const equals = condition.enum ?? (condition.equals === undefined ? undefined : [condition.equals]);
    if (equals !== undefined) config.equals = equals;
    const text = JSON.stringify(config);
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    this.numbers.set(text, this.list.length);
    return this.list.push(config) - 1;
  }

  numbersOf(when: readonly FieldCondition[] | undefined): number[] | undefined {
    return when?.map((condition) => this.number(condition));
  }
}

function ruleOf(field: ValidationField, conditions: ConditionList, required: boolean): PbocRule {
  const { type, form } = TYPES[field.type ?? 'string'];
  const rule: PbocRule = {
    path: pathOf(field),
    required: field.forbidden === true ? false : (field.required ?? required),
    type: field.forbidden === true ? 'any' : type,
  };
  if (field.in !== undefined && field.in !== 'Body') rule.in = field.in;
  if (field.forbidden === true) rule.forbidden = true;
  const when = conditions.numbersOf(field.when);
  if (when !== undefined) rule.when = when;
  if (field.pattern !== undefined) rule.pattern = field.pattern;
  const least = field.length ?? field.minLength;
  const most = field.length ?? field.maxLength;
  if (least !== undefined) rule.minLength = least;
  if (most !== undefined) rule.maxLength = most;
  if (field.enum !== undefined) rule.enum = field.enum;
  if (form !== undefined && field.forbidden !== true) rule.form = form;
  if (field.min !== undefined) rule.min = field.min;
  if (field.max !== undefined) rule.max = field.max;
  if (field.check !== undefined) rule.check = field.check;
  return rule;
}

function crossRuleOf(
  { when, compare, sum, currencyExponent }: ValidationRule,
  conditions: ConditionList,
): PbocCrossRule {
  const numbers = conditions.numbersOf(when);
  const common = numbers === undefined ? {} : { when: numbers };
  if (sum !== undefined) return { kind: 'Sum', left: sum.items, right: sum.total, ...common };
  if (currencyExponent !== undefined)
    return { kind: 'CurrencyExponent', left: currencyExponent.amount, right: currencyExponent.currency, ...common };
  const { left = '', operator = 'Equal', right, value, as } = compare ?? {};
  return {
    kind: 'Compare',
    left,
    operator,
    as: as ?? 'Number',
    ...(right === undefined ? { value: value ?? '' } : { right }),
    ...common,
  };
}

/** An entry of a profile with its places in the body meant from `root`. */
function fieldUnder(root: string, field: ValidationField): ValidationField {
  return {
    ...placeUnder(root, field),
    ...(field.when === undefined ? {} : { when: field.when.map((condition) => placeUnder(root, condition)) }),
  };
}

function placeUnder<Place extends { name?: string; path?: string; in?: string }>(root: string, place: Place): Place {
  if (place.in === 'Query' || place.in === 'Header') return place;
  const { name: _, ...rest } = place;
  return { ...rest, path: underRoot(root, pathOf(place)) } as Place;
}

function ruleUnder(root: string, { when, compare, sum, currencyExponent, ...rest }: ValidationRule): ValidationRule {
  const under = (path: string): string => underRoot(root, path);
  return {
    ...rest,
    ...(when === undefined ? {} : { when: when.map((condition) => placeUnder(root, condition)) }),
    ...(compare === undefined
      ? {}
      : {
          compare: {
            ...compare,
            left: under(compare.left),
            ...(compare.right === undefined ? {} : { right: under(compare.right) }),
          },
        }),
    ...(sum === undefined ? {} : { sum: { items: under(sum.items), total: under(sum.total) } }),
    ...(currencyExponent === undefined
      ? {}
      : { currencyExponent: { amount: under(currencyExponent.amount), currency: under(currencyExponent.currency) } }),
  };
}

/** Limit that a route exceeds. Undefined if none. */
export function excessOf({ rules, conditions = [], crossRules = [] }: PbocValidatorConfig): string | undefined {
  if (rules.length > MAX_VALIDATION_RULES) return `more than ${MAX_VALIDATION_RULES} rules with those of the profiles`;
  if (conditions.length > MAX_RULE_CONDITIONS) return `more than ${MAX_RULE_CONDITIONS} conditions`;
  return crossRules.length > MAX_RULES_BETWEEN_FIELDS
    ? `more than ${MAX_RULES_BETWEEN_FIELDS} rules between fields`
    : undefined;
}

/**
 * The validator's section. `path`: of the validation in its route. `profiles`: what it names, resolved.
 * `responseCodes`: replies name DE 39.
 */
export function validatorSection(
  value: RouteValidation,
  path: Path,
  profiles: readonly ResolvedProfile[],
  responseCodes: boolean,
  note: Note,
): PbocValidatorConfig {
  const conditions = new ConditionList();
  const rules: PbocRule[] = [];
  const crossRules: PbocCrossRule[] = [];
  note([], path);
  const { root = '$' } = value;
  const namespaceLevel = fieldSteps(root).length + 1;
  for (const profile of profiles) {
    const named: Path = [...path, profile.name === value.profile ? 'profile' : 'pboc'];
    for (const entry of profile.fields) {
      note(['rules', rules.length], named, entry);
      const rule: PbocRule = { ...ruleOf(fieldUnder(root, entry.value), conditions, true), profile: true };
      if (profile.namespaces === 'OfParent' && rule.in === undefined) rule.namespaceLevel = namespaceLevel;
      rules.push(rule);
    }
    for (const entry of profile.rules) {
      note(['crossRules', crossRules.length], named, entry);
      crossRules.push(crossRuleOf(ruleUnder(root, entry.value), conditions));
    }
  }
  value.fields?.forEach((field, index) => {
    note(['rules', rules.length], [...path, 'fields', index]);
    if (field.path === undefined) note(['rules', rules.length, 'path'], [...path, 'fields', index, 'name']);
    rules.push(ruleOf(field, conditions, true));
  });
  value.rules?.forEach((rule, index) => {
    note(['crossRules', crossRules.length], [...path, 'rules', index]);
    crossRules.push(crossRuleOf(rule, conditions));
  });
  note(['mac'], [...path, 'mac']);
  value.extract?.forEach((_, index) => note(['extracts', index], [...path, 'extract', index]));
  return {
    profile: value.profile ?? value.pboc ?? '',
    maxErrors: value.maxErrors ?? 16,
    ...(value.mode === 'Stream' ? { stream: true } : {}),
    request: true,
    response: value.response ?? false,
    ...(responseCodes ? { responseCodes } : {}),
    ...(value.tagDictionary === true ? { tagDictionary: true } : {}),
    ...(value.rejectStatus === undefined ? {} : { rejectStatus: value.rejectStatus }),
    ...(value.verdictHeader === undefined ? {} : { verdictHeader: value.verdictHeader.toLowerCase() }),
    rules,
    ...(conditions.list.length === 0 ? {} : { conditions: conditions.list }),
    ...(crossRules.length === 0 ? {} : { crossRules }),
    ...(value.mac === undefined
      ? {}
      : { mac: { ...value.mac, encoding: value.mac.encoding ?? (value.mac.header === undefined ? 'Binary' : 'Hex') } }),
    ...(value.extract === undefined ? {} : { extracts: value.extract }),
  };
}
