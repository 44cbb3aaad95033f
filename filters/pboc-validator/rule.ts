// One rule, compiled, and its test of one value.
import { Arena } from '../memory/arena';
import { Bytes, hashBytes } from '../memory/bytes';
import { Pattern } from '../match/pattern';
import { isGb11643, isLuhn } from '../message/checks';
import { FieldKind, FieldTree } from '../message/field-tree';
import { codePoints } from '../message/code-points';
import { PathParser, StepKind } from '../message/field-path';
import { ErrorId } from '../errors.gen';
import { PbocCheck, PbocRule, PbocType } from './config.gen';
import {
  isAlphanumeric, isAmount, isCurrency, isDate, isDateTime, isHex, isMonthDayTime, isNumeric, isPrintable, isTime,
} from './formats';

export class Rule {
  private readonly type: PbocType;
  private readonly minLength: u32;
  private readonly maxLength: u32;
  private readonly allowed: StaticArray<Bytes>;
  private readonly check: PbocCheck;
  private readonly readsText: bool;
  /** Bit n: step n of the path is a wildcard. */
  readonly wildcards: u32;

  /** `pattern`: that of the rule, compiled. */
  constructor(config: PbocRule, private readonly pattern: Pattern | null) {
    this.type = config.type;
    this.minLength = <u32>config.minLength;
    this.maxLength = config.maxLength == 0 ? u32.MAX_VALUE : <u32>config.maxLength;
    this.allowed = config.enum;
    this.check = config.check;
    this.readsText = asksForText(config);
    this.wildcards = wildcardsOf(config.path);
  }

  /** The error of the value, or ErrorId.None; FIM-RT-0006 if the arena is full. */
  test(document: FieldTree, node: u32, arena: Arena): ErrorId {
    const kind = document.kind(node);
    if (!fits(this.type, kind)) return ErrorId.FIM_PBOC_0006;
    if (!this.readsText && this.type != PbocType.integer) return ErrorId.None;
    if (kind != FieldKind.String && kind != FieldKind.Number) return ErrorId.FIM_PBOC_0006;
    const text = document.text(node, arena);
    if (text == 0) return ErrorId.FIM_RT_0006;
    return this.testText(text, document.textLength);
  }

  private testText(text: usize, length: u32): ErrorId {
    if (this.type == PbocType.integer && !isIntegerText(text, length)) return ErrorId.FIM_PBOC_0006;
    if (this.minLength != 0 || this.maxLength != u32.MAX_VALUE) {
      const points = codePoints(text, length);
      if (points < this.minLength) return ErrorId.FIM_PBOC_0008;
      if (points > this.maxLength) return ErrorId.FIM_PBOC_0009;
    }
    const pattern = this.pattern;
    if (pattern != null && !pattern.matches(text, length)) return ErrorId.FIM_PBOC_0007;
    if (this.allowed.length != 0 && !this.isAllowed(text, length)) return ErrorId.FIM_PBOC_0010;
    return breachOf(this.check, text, length);
  }

  private isAllowed(text: usize, length: u32): bool {
    const hash = hashBytes(text, length);
    for (let i = 0; i < this.allowed.length; i++) {
      const value = unchecked(this.allowed[i]);
      if (value.hash == hash && value.equals(text, length)) return true;
    }
    return false;
  }
}

function wildcardsOf(path: Bytes): u32 {
  const steps = new PathParser().parse(path);
  if (steps == null) return 0;
  let bits: u32 = 0;
  for (let i = 0; i < steps.length; i++) if (steps[i].kind == StepKind.Any) bits |= 1 << i;
  return bits;
}

/** Whether a rule tests more than the type. */
export function asksForText(config: PbocRule): bool {
  return config.pattern.length != 0 || config.minLength != 0 || config.maxLength != 0 || config.enum.length != 0 || config.check != PbocCheck.None;
}

function fits(type: PbocType, kind: FieldKind): bool {
  switch (type) {
    case PbocType.string: return kind == FieldKind.String;
    case PbocType.number: return kind == FieldKind.Number;
    case PbocType.integer: return kind == FieldKind.Number;
    case PbocType.decimal: return kind == FieldKind.Number || kind == FieldKind.String;
    case PbocType.boolean: return kind == FieldKind.True || kind == FieldKind.False;
    case PbocType.object: return kind == FieldKind.Object;
    case PbocType.array: return kind == FieldKind.Array;
  }
  return true;
}

/** Of a valid JSON number: neither fraction nor exponent. */
function isIntegerText(text: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(text + i);
    if (byte - 48 >= 10 && (i != 0 || byte != 45)) return false;
  }
  return true;
}

function breachOf(check: PbocCheck, text: usize, length: u32): ErrorId {
  switch (check) {
    case PbocCheck.None: return ErrorId.None;
    case PbocCheck.Luhn: return length >= 13 && length <= 19 && isLuhn(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0011;
    case PbocCheck.Gb11643: return isGb11643(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0012;
    case PbocCheck.Numeric: return isNumeric(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0018;
    case PbocCheck.Alphanumeric: return isAlphanumeric(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0018;
    case PbocCheck.Printable: return isPrintable(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0018;
    case PbocCheck.Hex: return isHex(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0016;
    case PbocCheck.Amount: return isAmount(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0014;
    case PbocCheck.Currency: return isCurrency(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0015;
    case PbocCheck.Date: return isDate(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0013;
    case PbocCheck.Time: return isTime(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0013;
    case PbocCheck.DateTime: return isDateTime(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0013;
    case PbocCheck.MonthDayTime: return isMonthDayTime(text, length) ? ErrorId.None : ErrorId.FIM_PBOC_0013;
  }
  return ErrorId.FIM_PBOC_0006;
}
