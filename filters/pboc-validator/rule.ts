// A compiled rule, and its test of one value.
import { Ascii } from '../memory/ascii';
import { Arena } from '../memory/arena';
import { Bytes, hashBytes } from '../memory/bytes';
import { Pattern } from '../match/pattern';
import { FieldKind, FieldTree } from '../message/field-tree';
import { codePoints } from '../message/code-points';
import { PathParser, StepKind } from '../message/field-path';
import { ErrorId } from '../errors.gen';
import { PbocCheck, PbocPlace, PbocRule, PbocType } from './config.gen';
import { Decimal, isDecimalText } from './decimal';
import { breachOf } from './text-tests';
import { collapse, collapsed } from './white-space';

/** The current value. */
const number: Decimal = new Decimal();

export class Rule {
  private readonly type: PbocType;
  private readonly minLength: u32;
  private readonly maxLength: u32;
  private readonly allowed: StaticArray<Bytes>;
  private readonly form: PbocCheck;
  private readonly min: Decimal | null;
  private readonly max: Decimal | null;
  private readonly check: PbocCheck;
  private readonly forbidden: bool;
  private readonly readsText: bool;
  /** A string must be written like a number. No other test needs this. */
  private readonly readsDecimal: bool;
  /** White space around the value does not count in XML. */
  private readonly collapses: bool;
  /** Level of the elements below which a value has the namespace of its parent. 0: any namespace. */
  private readonly namespaceLevel: u32;
  readonly required: bool;
  readonly place: PbocPlace;
  /** Place of the field. For a parameter or header its name (headers in lower case). */
  readonly path: Bytes;
  /** Numbers of the conditions that must hold. */
  readonly when: StaticArray<i32>;
  /** Bit n: step n of the path is a wildcard. */
  readonly wildcards: u32;
  /** The same for a tree with repeated names: bit n is level n. */
  readonly levelWildcards: u32;

  /** `pattern`: the rule's compiled pattern. */
  constructor(
    config: PbocRule,
    private readonly pattern: Pattern | null,
  ) {
    this.type = config.type;
    this.minLength = <u32>config.minLength;
    this.maxLength = config.maxLength == 0 ? u32.MAX_VALUE : <u32>config.maxLength;
    this.allowed = config.enum;
    this.form = config.form;
    this.min = decimalOf(config.min);
    this.max = decimalOf(config.max);
    this.check = config.check;
    this.forbidden = config.forbidden;
    this.collapses = collapses(config);
    this.namespaceLevel = <u32>config.namespaceLevel;
    this.required = config.required;
    this.place = config.in;
    this.path = config.path;
    this.when = config.when;
    this.readsDecimal =
      config.type == PbocType.decimal &&
      config.form == PbocCheck.None &&
      config.check == PbocCheck.None &&
      this.min == null &&
      this.max == null;
    this.readsText = this.readsDecimal || asksForText(config);
    this.wildcards = config.in == PbocPlace.Body ? wildcardsOf(config.path) : 0;
    this.levelWildcards = this.wildcards == 0 ? 0 : wildcardsOf(config.path, true);
  }

  /** Error of the value, or ErrorId.None. FIM-RT-0006 if the arena is full. */
  test(document: FieldTree, node: u32, arena: Arena): ErrorId {
    if (this.forbidden) return ErrorId.FIM_PBOC_0019;
    if (this.namespaceLevel != 0 && isForeign(document, node, this.namespaceLevel)) return ErrorId.FIM_PBOC_0044;
    if (document.isText(node)) return this.testUntyped(document, node, arena);
    const kind = document.kind(node);
    if (!fits(this.type, kind)) return ErrorId.FIM_PBOC_0006;
    if (!this.readsText && this.type != PbocType.integer) return ErrorId.None;
    if (kind != FieldKind.String && kind != FieldKind.Number) return ErrorId.FIM_PBOC_0006;
    const text = document.text(node, arena);
    if (text == 0) return ErrorId.FIM_RT_0006;
    return this.testText(text, document.textLength);
  }

  /** Error of a JSON value with this kind and, for a string or number, this text. */
  testTyped(kind: FieldKind, text: usize, length: u32): ErrorId {
    if (this.forbidden) return ErrorId.FIM_PBOC_0019;
    if (!fits(this.type, kind)) return ErrorId.FIM_PBOC_0006;
    if (!this.readsText && this.type != PbocType.integer) return ErrorId.None;
    return kind == FieldKind.String || kind == FieldKind.Number ? this.testText(text, length) : ErrorId.FIM_PBOC_0006;
  }

  /** Text of a format without types. Its characters must fit the rule's type. */
  private testUntyped(document: FieldTree, node: u32, arena: Arena): ErrorId {
    const text = document.text(node, arena);
    if (text == 0) return ErrorId.FIM_RT_0006;
    if (!document.repeats || !this.collapses) return this.testValue(text, document.textLength);
    const length = collapse(text, document.textLength);
    return this.testValue(collapsed(), length);
  }

  /** Error of an untyped text: of such a format, of a query parameter, of a header. */
  testValue(text: usize, length: u32): ErrorId {
    if (this.forbidden) return ErrorId.FIM_PBOC_0019;
    if (!reads(this.type, text, length)) return ErrorId.FIM_PBOC_0006;
    return this.testText(text, length);
  }

  private testText(text: usize, length: u32): ErrorId {
    if (this.type == PbocType.integer && !isIntegerText(text, length)) return ErrorId.FIM_PBOC_0006;
    if (this.readsDecimal && !isDecimalText(text, length)) return ErrorId.FIM_PBOC_0006;
    if (this.minLength != 0 || this.maxLength != u32.MAX_VALUE) {
      const points = codePoints(text, length);
      if (points < this.minLength) return ErrorId.FIM_PBOC_0008;
      if (points > this.maxLength) return ErrorId.FIM_PBOC_0009;
    }
    const pattern = this.pattern;
    if (pattern != null && !pattern.matches(text, length)) return ErrorId.FIM_PBOC_0007;
    if (this.allowed.length != 0 && !this.isAllowed(text, length)) return ErrorId.FIM_PBOC_0010;
    const error = breachOf(this.form, text, length);
    if (error != ErrorId.None) return error;
    if (this.min != null || this.max != null) {
      const outside = this.testRange(text, length);
      if (outside != ErrorId.None) return outside;
    }
    return breachOf(this.check, text, length);
  }

  private testRange(text: usize, length: u32): ErrorId {
    if (!number.read(text, length)) return ErrorId.FIM_PBOC_0020;
    const min = this.min;
    if (min != null && number.compare(min) < 0) return ErrorId.FIM_PBOC_0021;
    const max = this.max;
    return max != null && number.compare(max) > 0 ? ErrorId.FIM_PBOC_0022 : ErrorId.None;
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

function decimalOf(text: Bytes): Decimal | null {
  const value = new Decimal();
  return text.length != 0 && value.read(text.pointer, text.length) ? value : null;
}

/**
 * Bit n: step n of the path is a wildcard. `levels`: count only steps that are a level where names repeat (`[*]` is
 * none, because it belongs to the preceding name).
 */
export function wildcardsOf(path: Bytes, levels: bool = false): u32 {
  const steps = new PathParser().parse(path);
  if (steps == null) return 0;
  let bits: u32 = 0;
  let at = 0;
  for (let i = 0; i < steps.length; i++) {
    if (levels && steps[i].items) continue;
    if (steps[i].kind == StepKind.Any) bits |= 1 << at;
    at++;
  }
  return bits;
}

/** Whether XML Schema collapses the white space of values of the rule's type. */
function collapses(config: PbocRule): bool {
  return (
    isCollapsed(config.form) ||
    isCollapsed(config.check) ||
    config.type == PbocType.number ||
    config.type == PbocType.integer ||
    config.type == PbocType.decimal ||
    config.type == PbocType.boolean
  );
}

function isCollapsed(form: PbocCheck): bool {
  return (
    form == PbocCheck.IsoDate ||
    form == PbocCheck.IsoDateTime ||
    form == PbocCheck.Amount ||
    form == PbocCheck.IsoAmount
  );
}

/** Name of the field of an element that has another namespace than its parent. */
const XMLNS: Bytes = Bytes.from('@xmlns');

/** Whether the element, or one around it below the level, has another namespace than its parent. */
function isForeign(document: FieldTree, node: u32, level: u32): bool {
  let depth: u32 = 0;
  for (let at = document.parent(node); at != 0; at = document.parent(at)) depth++;
  for (; depth > level; depth--) {
    const first = document.firstChild(node);
    if (
      first != 0 &&
      document.isAttribute(first) &&
      document.key(first) != 0 &&
      XMLNS.equals(document.key(first), document.keyLength(first))
    )
      return true;
    node = document.parent(node);
  }
  return false;
}

/** Whether a rule tests more than the type. */
export function asksForText(config: PbocRule): bool {
  if (config.pattern.length != 0 || config.minLength != 0 || config.maxLength != 0 || config.enum.length != 0)
    return true;
  return (
    config.form != PbocCheck.None || config.min.length != 0 || config.max.length != 0 || config.check != PbocCheck.None
  );
}

function fits(type: PbocType, kind: FieldKind): bool {
  switch (type) {
    case PbocType.string:
      return kind == FieldKind.String;
    case PbocType.number:
      return kind == FieldKind.Number;
    case PbocType.integer:
      return kind == FieldKind.Number;
    case PbocType.decimal:
      return kind == FieldKind.Number || kind == FieldKind.String;
    case PbocType.boolean:
      return kind == FieldKind.True || kind == FieldKind.False;
    case PbocType.object:
      return kind == FieldKind.Object;
    case PbocType.array:
      return kind == FieldKind.Array;
  }
  return true;
}

/** Whether an untyped text fits the type. */
function reads(type: PbocType, text: usize, length: u32): bool {
  switch (type) {
    case PbocType.number:
      return number.read(text, length);
    case PbocType.integer:
      return isIntegerText(text, length) && <u32>load<u8>(text + length - 1) - 48 < 10;
    case PbocType.boolean:
      return isBooleanText(text, length);
    case PbocType.object:
      return false;
    case PbocType.array:
      return false;
  }
  return true;
}

/** `true` or `false`, or 1 or 0 (xs:boolean). */
function isBooleanText(text: usize, length: u32): bool {
  if (length == 1) return <u32>load<u8>(text) - 48 < 2;
  if (length == 4) return load<u32>(text) == 0x65757274;
  return length == 5 && load<u32>(text) == 0x736c6166 && load<u8>(text, 4) == Ascii.LowerE;
}

/** For a valid JSON number: no fraction and no exponent. For a text: digits with an optional sign (xs:integer). */
function isIntegerText(text: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(text + i);
    if (byte - 48 >= 10 && (i != 0 || (byte != Ascii.Minus && byte != Ascii.Plus))) return false;
  }
  return length != 0;
}
