// Rules between fields as the validator's README states them, over values: pairs are found by comparing trails, numbers
// are BigInt.
import { RawNumber, type Json } from './documents.ts';
import { dayOf, decimalOf, instantOf, pointer } from './validator-oracle.ts';

type Steps = (string | number | null)[];
type Trail = (string | number)[];

export interface OracleCrossRule {
  kind: 'Compare' | 'Sum' | 'CurrencyExponent';
  leftSteps: Steps;
  /** Undefined: there is a constant. */
  rightSteps?: Steps;
  left: string;
  right?: string;
  value?: string;
  operator?: string;
  as?: string;
}

interface Place {
  trail: Trail;
  value: Json;
}

function placesOf(steps: Steps, value: Json, trail: Trail = []): Place[] {
  if (steps.length === 0) return [{ trail, value }];
  const [step, ...rest] = steps;
  if (step === null) {
    const children: [string | number, Json][] = Array.isArray(value)
      ? value.map((item, i) => [i, item])
      : value instanceof Map
        ? [...value]
        : [];
    return children.flatMap(([name, child]) => placesOf(rest, child, [...trail, name]));
  }
  const child =
    typeof step === 'number'
      ? Array.isArray(value)
        ? value[step]
        : undefined
      : value instanceof Map
        ? value.get(step!)
        : undefined;
  return child === undefined ? [] : placesOf(rest, child, [...trail, step!]);
}

function textOf(value: Json): string | undefined {
  return value instanceof RawNumber ? value.text : typeof value === 'string' ? value : undefined;
}

function read(as: string, value: Json): bigint | number | Buffer | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  if (as === 'Number') return decimalOf(text);
  if (as === 'Date') return dayOf(text);
  return as === 'DateTime' ? instantOf(text) : Buffer.from(text);
}

function order(a: bigint | number | Buffer, b: bigint | number | Buffer): number {
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return Buffer.compare(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

const SATISFIED: Record<string, (found: number) => boolean> = {
  Equal: (found) => found === 0,
  NotEqual: (found) => found !== 0,
  Less: (found) => found < 0,
  LessOrEqual: (found) => found <= 0,
  Greater: (found) => found > 0,
  GreaterOrEqual: (found) => found >= 0,
};

/** Minor units of the currencies that the test writes; others are no currency. */
const MINOR_UNITS: Record<string, number> = { CNY: 2, 156: 2, USD: 2, JPY: 0, KWD: 3, XAU: Infinity };

function together(
  rule: OracleCrossRule,
  document: Json,
): { left: Place[]; right: Place[]; partner: (place: Place) => Place | undefined; itemsOf: (place: Place) => Place[] } {
  const shared = (rule.rightSteps ?? []).lastIndexOf(null) + 1;
  const left = placesOf(rule.leftSteps, document);
  const right = rule.rightSteps === undefined ? [] : placesOf(rule.rightSteps, document);
  const item = (place: Place): string => pointer(place.trail.slice(0, shared));
  return {
    left,
    right,
    partner: (place) => right.find((other) => item(other) === item(place)),
    itemsOf: (place) => left.filter((other) => item(other) === item(place)),
  };
}

function compareFindings(rule: OracleCrossRule, document: Json): string[] {
  const { left, partner } = together(rule, document);
  const as = rule.as ?? 'Number';
  return left.flatMap((place) => {
    const other = rule.rightSteps === undefined ? undefined : partner(place);
    if (rule.rightSteps !== undefined && other === undefined) return [];
    const b = other === undefined ? read(as, rule.value ?? '') : read(as, other.value);
    if (b === undefined) return [`0020 ${pointer(other!.trail)}`];
    const a = read(as, place.value);
    if (a === undefined) return [`0020 ${pointer(place.trail)}`];
    return SATISFIED[rule.operator ?? 'Equal']!(order(a, b)) ? [] : [`0029 ${pointer(place.trail)}`];
  });
}

function sumFindings(rule: OracleCrossRule, document: Json): string[] {
  const { right, itemsOf } = together(rule, document);
  return right.flatMap((total) => {
    let sum = 0n;
    for (const item of itemsOf(total)) {
      const number = read('Number', item.value);
      if (typeof number !== 'bigint') return [`0020 ${pointer(item.trail)}`];
      sum += number;
    }
    const expected = read('Number', total.value);
    if (expected === undefined) return [`0020 ${pointer(total.trail)}`];
    return sum === expected ? [] : [`0030 ${pointer(total.trail)}`];
  });
}

function exponentFindings(rule: OracleCrossRule, document: Json): string[] {
  const { left, partner } = together(rule, document);
  return left.flatMap((amount) => {
    const currency = partner(amount);
    const code = currency === undefined ? undefined : textOf(currency.value);
    if (currency === undefined || code === undefined) return [];
    const units = MINOR_UNITS[code];
    if (units === undefined) return [`0015 ${pointer(currency.trail)}`];
    const text = textOf(amount.value);
    if (text === undefined || decimalOf(text) === undefined) return [`0020 ${pointer(amount.trail)}`];
    const [, fraction = '', exponent = '0'] = /^[^.eE]*(?:\.(\d+))?(?:[eE](.+))?$/.exec(text) ?? [];
    const decimals = Math.max(0, fraction.length - Number(exponent));
    return decimals > units ? [`0031 ${pointer(amount.trail)}`] : [];
  });
}

/** Expected findings between fields, as `CODE POINTER`. */
export function crossFindingsOf(rules: OracleCrossRule[], document: Json): string[] {
  return rules.flatMap((rule) =>
    rule.kind === 'Sum'
      ? sumFindings(rule, document)
      : rule.kind === 'Compare'
        ? compareFindings(rule, document)
        : exponentFindings(rule, document),
  );
}
