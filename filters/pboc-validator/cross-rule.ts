// Compiled rules between fields, and their tests. The two sides are paired within the innermost item that a wildcard of
// the right side matched.
import { Arena } from '../memory/arena';
import { Bytes } from '../memory/bytes';
import { FieldKind, FieldTree } from '../message/field-tree';
import { PathStep, StepKind } from '../message/field-path';
import { ErrorId } from '../errors.gen';
import { instantNanoseconds, NO_TIME, readDay, readInstant } from './calendar';
import { PbocComparison, PbocCrossKind, PbocCrossRule, PbocOperator } from './config.gen';
import { Decimal, writtenDecimals } from './decimal';
import { MINOR_UNITS_NOT_APPLICABLE } from './codes.gen';
import { minorUnits, NO_CODE } from './identifiers';
import { Operands } from './operands';
import { wildcardsOf } from './rule';
import { collapse, collapsed } from './white-space';

/** A value in the form of the comparison. */
class Comparable {
  readonly number: Decimal = new Decimal();
  time: i64 = 0;
  nanoseconds: u32 = 0;
  text: usize = 0;
  length: u32 = 0;

  /** False if the text cannot be compared in this way. */
  read(as: PbocComparison, text: usize, length: u32): bool {
    switch (as) {
      case PbocComparison.Number:
        return this.number.read(text, length);
      case PbocComparison.Date:
        this.time = readDay(text, length);
        return this.time != NO_TIME;
      case PbocComparison.DateTime:
        this.time = readInstant(text, length);
        this.nanoseconds = instantNanoseconds;
        return this.time != NO_TIME;
    }
    this.text = text;
    this.length = length;
    return true;
  }

  /** Negative, zero or positive: this one is less than, equal to, or greater than the other. */
  compare(as: PbocComparison, other: Comparable): i32 {
    switch (as) {
      case PbocComparison.Number:
        return this.number.compare(other.number);
      case PbocComparison.Date:
        return order(this.time, other.time);
      case PbocComparison.DateTime:
        return this.time != other.time ? order(this.time, other.time) : order(this.nanoseconds, other.nanoseconds);
    }
    const common = memory.compare(this.text, other.text, min(this.length, other.length));
    return common != 0 ? common : order(this.length, other.length);
  }
}

function order(a: i64, b: i64): i32 {
  return a == b ? 0 : a < b ? -1 : 1;
}

const leftValue: Comparable = new Comparable();
const rightValue: Comparable = new Comparable();
const sum: Decimal = new Decimal();

/** Result of testing one pair or one total. */
export class CrossFinding {
  error: ErrorId = ErrorId.None;
  /** Value at fault. */
  node: u32 = 0;
  /** Wildcards of the path that matched it: bit n is step n, or level n in a tree with repeated names. */
  wildcards: u32 = 0;
}

/** A rule between fields. The validator numbers its operands. */
export class CrossRule {
  readonly kind: PbocCrossKind;
  readonly when: StaticArray<i32>;
  readonly leftPath: Bytes;
  /** Empty if the right side is a constant. */
  readonly rightPath: Bytes;
  /** Operand of the left side. That of the right side is the next one. */
  operand: i32 = 0;
  private readonly operator: PbocOperator;
  private readonly as: PbocComparison;
  private readonly leftUp: u32;
  private readonly rightUp: u32;
  /** The same in a tree where an element and its index are one level (XML). */
  private readonly leftUpRepeated: u32;
  private readonly leftWildcards: u32;
  private readonly rightWildcards: u32;
  private readonly leftLevelWildcards: u32;
  private readonly rightLevelWildcards: u32;
  private readonly constant: Comparable = new Comparable();
  /** Keeps the constant's text alive. */
  private readonly value: Bytes;
  private at: u32 = 0;

  /** `left`, `right`: steps of the paths. `right` is empty for a constant. `fitsTogether` must have returned true. */
  constructor(config: PbocCrossRule, left: StaticArray<PathStep>, right: StaticArray<PathStep>) {
    this.kind = config.kind;
    this.when = config.when;
    this.leftPath = config.left;
    this.rightPath = config.right;
    this.operator = config.operator;
    this.as = config.as;
    this.value = config.value;
    if (config.right.length == 0) this.constant.read(config.as, config.value.pointer, config.value.length);
    const shared = sharedSteps(right);
    this.leftUp = left.length - shared;
    this.rightUp = right.length - shared;
    this.leftUpRepeated = this.leftUp - itemSteps(left, shared);
    this.leftWildcards = wildcardsOf(config.left);
    this.rightWildcards = wildcardsOf(config.right);
    this.leftLevelWildcards = wildcardsOf(config.left, true);
    this.rightLevelWildcards = wildcardsOf(config.right, true);
  }

  get hasRight(): bool {
    return this.rightPath.length != 0;
  }

  /** Moves before the first `next`. */
  rewind(): void {
    this.at = 0;
    this.cursor = 0;
  }

  private cursor: u32 = 0;

  /**
   * Writes the next finding of the rule to `out`. False if there is none left. FIM-RT-0006 in `out.error`: the arena is
   * full.
   */
  next(tree: FieldTree, operands: Operands, arena: Arena, out: CrossFinding): bool {
    out.error = ErrorId.None;
    const count = operands.count(this.kind == PbocCrossKind.Sum ? this.operand + 1 : this.operand);
    if (this.at == 0 && this.hasRight && this.rightWildcards == 0 && operands.count(this.operand + 1) > 1) {
      // The data object is repeated, so the partner of the left values would be a guess.
      this.at = count;
      at(out, ErrorId.FIM_PBOC_0040, operands.node(this.operand + 1, 1), 0);
      return count != 0;
    }
    while (this.at < count) {
      const index = this.at++;
      switch (this.kind) {
        case PbocCrossKind.Sum:
          this.testSum(tree, operands, operands.node(this.operand + 1, index), arena, out);
          break;
        case PbocCrossKind.CurrencyExponent:
          this.testExponent(tree, operands, operands.node(this.operand, index), arena, out);
          break;
        default:
          this.testCompare(tree, operands, operands.node(this.operand, index), arena, out);
      }
      if (out.error != ErrorId.None) {
        if (tree.repeats && out.wildcards != 0)
          out.wildcards = out.wildcards == this.leftWildcards ? this.leftLevelWildcards : this.rightLevelWildcards;
        return true;
      }
    }
    return false;
  }

  private upFromLeft(tree: FieldTree): u32 {
    return tree.repeats ? this.leftUpRepeated : this.leftUp;
  }

  /**
   * Right value in the item of the left one. 0 if it has none. Left values come in message order, so one cursor
   * suffices.
   */
  private partner(tree: FieldTree, operands: Operands, left: u32): u32 {
    const item = ancestor(tree, left, this.upFromLeft(tree));
    const count = operands.count(this.operand + 1);
    while (this.cursor < count) {
      const node = operands.node(this.operand + 1, this.cursor);
      const own = ancestor(tree, node, this.rightUp);
      if (own == item) return node;
      if (own > item) return 0;
      this.cursor++;
    }
    return 0;
  }

  private testCompare(tree: FieldTree, operands: Operands, left: u32, arena: Arena, out: CrossFinding): void {
    let right: u32 = 0;
    if (this.hasRight) {
      right = this.partner(tree, operands, left);
      if (right == 0) return;
      if (!this.readRight(tree, right, arena, out)) return;
    }
    if (!this.readLeft(tree, left, arena, out)) return;
    const found = leftValue.compare(this.as, right == 0 ? this.constant : rightValue);
    if (!this.satisfies(found)) at(out, ErrorId.FIM_PBOC_0029, left, this.leftWildcards);
  }

  private satisfies(found: i32): bool {
    switch (this.operator) {
      case PbocOperator.Equal:
        return found == 0;
      case PbocOperator.NotEqual:
        return found != 0;
      case PbocOperator.Less:
        return found < 0;
      case PbocOperator.LessOrEqual:
        return found <= 0;
      case PbocOperator.Greater:
        return found > 0;
    }
    return found >= 0;
  }

  private testSum(tree: FieldTree, operands: Operands, total: u32, arena: Arena, out: CrossFinding): void {
    const item = ancestor(tree, total, this.rightUp);
    const up = this.upFromLeft(tree);
    sum.clear();
    const count = operands.count(this.operand);
    while (this.cursor < count) {
      const node = operands.node(this.operand, this.cursor);
      const own = ancestor(tree, node, up);
      if (own > item) break;
      this.cursor++;
      if (own != item) continue;
      if (!this.readLeft(tree, node, arena, out)) return;
      sum.add(leftValue.number);
    }
    if (!this.readRight(tree, total, arena, out)) return;
    if (sum.compare(rightValue.number) != 0) at(out, ErrorId.FIM_PBOC_0030, total, this.rightWildcards);
  }

  private testExponent(tree: FieldTree, operands: Operands, amount: u32, arena: Arena, out: CrossFinding): void {
    const currency = this.partner(tree, operands, amount);
    if (currency == 0 || !isScalar(tree, currency)) return;
    const code = tree.text(currency, arena);
    if (code == 0) return at(out, ErrorId.FIM_RT_0006, currency, 0);
    const units = minorUnits(code, tree.textLength);
    if (units == NO_CODE) return at(out, ErrorId.FIM_PBOC_0015, currency, this.rightWildcards);
    if (!this.readLeft(tree, amount, arena, out)) return;
    const text = tree.text(amount, arena);
    if (text == 0) return at(out, ErrorId.FIM_RT_0006, amount, 0);
    if (units != MINOR_UNITS_NOT_APPLICABLE && writtenDecimals(text, tree.textLength) > units)
      at(out, ErrorId.FIM_PBOC_0031, amount, this.leftWildcards);
  }

  private readLeft(tree: FieldTree, node: u32, arena: Arena, out: CrossFinding): bool {
    return this.wasRead(this.read(tree, node, leftValue, arena), node, this.leftWildcards, out);
  }

  private readRight(tree: FieldTree, node: u32, arena: Arena, out: CrossFinding): bool {
    return this.wasRead(this.read(tree, node, rightValue, arena), node, this.rightWildcards, out);
  }

  /** Reads a value. FIM-PBOC-0020: it cannot be compared. */
  private read(tree: FieldTree, node: u32, to: Comparable, arena: Arena): ErrorId {
    if (!isScalar(tree, node)) return ErrorId.FIM_PBOC_0020;
    const text = tree.text(node, arena);
    if (text == 0) return ErrorId.FIM_RT_0006;
    const as = this.kind == PbocCrossKind.Compare ? this.as : PbocComparison.Number;
    return readValue(tree, as, text, to) ? ErrorId.None : ErrorId.FIM_PBOC_0020;
  }

  private wasRead(error: ErrorId, node: u32, wildcards: u32, out: CrossFinding): bool {
    if (error != ErrorId.None) at(out, error, node, error == ErrorId.FIM_RT_0006 ? 0 : wildcards);
    return out.error == ErrorId.None;
  }
}

/** Reads a text. White space around numbers and times of XML does not count. */
function readValue(tree: FieldTree, as: PbocComparison, text: usize, to: Comparable): bool {
  if (!tree.repeats || as == PbocComparison.Text) return to.read(as, text, tree.textLength);
  const length = collapse(text, tree.textLength);
  return to.read(as, collapsed(), length);
}

function at(out: CrossFinding, error: ErrorId, node: u32, wildcards: u32): void {
  out.error = error;
  out.node = node;
  out.wildcards = wildcards;
}

function isScalar(tree: FieldTree, node: u32): bool {
  const kind = tree.kind(node);
  return kind == FieldKind.String || kind == FieldKind.Number;
}

function ancestor(tree: FieldTree, node: u32, levels: u32): u32 {
  for (; levels > 0 && node != 0; levels--) node = tree.parent(node);
  return node;
}

/** Steps up to and including the last wildcard. */
function sharedSteps(steps: StaticArray<PathStep>): i32 {
  for (let i = steps.length - 1; i >= 0; i--) if (steps[i].kind == StepKind.Any) return i + 1;
  return 0;
}

/** Wildcards, from a step on, that follow a name. Name and wildcard are one level where elements repeat. */
function itemSteps(steps: StaticArray<PathStep>, from: i32): i32 {
  let count = 0;
  for (let i = from; i < steps.length; i++)
    if (steps[i].kind == StepKind.Any && i > 0 && steps[i - 1].kind == StepKind.Name) count++;
  return count;
}

/**
 * Whether the sides can be paired: the right path up to its last wildcard is a prefix of the left one, and a constant
 * can be read.
 */
export function fitsTogether(config: PbocCrossRule, left: StaticArray<PathStep>, right: StaticArray<PathStep>): bool {
  if (config.right.length == 0) {
    return config.kind == PbocCrossKind.Compare && leftValue.read(config.as, config.value.pointer, config.value.length);
  }
  const shared = sharedSteps(right);
  if (config.value.length != 0 || shared > left.length) return false;
  if (config.kind != PbocCrossKind.Sum && sharedSteps(left) < shared) return false;
  for (let i = 0; i < shared; i++) {
    const a = left[i];
    const b = right[i];
    if (a.kind != b.kind || a.index != b.index || !a.name.equals(b.name.pointer, b.name.length)) return false;
  }
  return true;
}
