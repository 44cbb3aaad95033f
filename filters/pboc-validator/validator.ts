// Pure core of validation: takes the fields of a message and returns findings. A rule costs as much as the number of
// values that it names.
import { Arena } from '../memory/arena';
import { FieldKind, FieldTree } from '../message/field-tree';
import { FieldMatches } from '../message/field-matches';
import { FieldSet } from '../message/field-set';
import { ErrorId } from '../errors.gen';
import { Conditions } from './condition';
import { CrossFinding, CrossRule } from './cross-rule';
import { Extracts } from './extracts';
import { Findings } from './findings';
import { Operands } from './operands';
import { Found, Places, errorOf } from './places';
import { Rule } from './rule';
import { StreamRules } from './stream-rules';

export { Findings } from './findings';

const operands: Operands = new Operands();
const crossFinding: CrossFinding = new CrossFinding();

/** Verdict on a message as a whole. */
export const enum Judgement {
  Valid = 0,
  /** `findings` says why. */
  Invalid = 1,
  /** The arena is full, or the rules name more values than a match can hold. Nothing is known. */
  OutOfMemory = 2,
}

/** Compiled rules of a route. */
export class Validator {
  /**
   * Order of the fields in `fields`: the values of rule i of `rules` at i; the body fields that conditions read, with
   * numbers in `bodyConditions`; the `operandCount` operands of `crossRules`; the values of `extracts`. `placeRules`
   * are for parameters and headers. `maxErrors`: findings after which checking stops.
   */
  constructor(
    private readonly fields: FieldSet,
    private readonly rules: StaticArray<Rule>,
    private readonly placeRules: StaticArray<Rule>,
    private readonly conditions: Conditions,
    private readonly bodyConditions: StaticArray<i32>,
    private readonly crossRules: StaticArray<CrossRule>,
    private readonly operandCount: i32,
    readonly extracts: Extracts,
    private readonly maxErrors: u32,
  ) {}

  /** Rules for streamed messages. Null if some rules need the whole message. */
  streamed(): StreamRules | null {
    if (this.conditions.list.length + this.crossRules.length + this.extracts.count != 0) return null;
    return new StreamRules(this.fields, this.rules);
  }

  /** Whether the body is examined. */
  get readsBody(): bool {
    return (
      this.rules.length + this.crossRules.length + this.bodyConditions.length + this.extracts.count != 0 ||
      this.placeRules.length == 0
    );
  }

  /** Whether parameters or headers are examined on their own. */
  get readsPlaces(): bool {
    return this.placeRules.length != 0;
  }

  /**
   * Tests an indexed message. `matches` is working memory. `places`: its parameters and headers; null skips rules on
   * them.
   */
  judge(
    tree: FieldTree,
    matches: FieldMatches,
    findings: Findings,
    arena: Arena,
    places: Places | null = null,
  ): Judgement {
    findings.clear();
    this.conditions.begin(places);
    if (!this.fields.match(tree, matches, arena)) return Judgement.OutOfMemory;
    if (this.bodyConditions.length + this.operandCount + this.extracts.count != 0 && !this.survey(tree, matches, arena))
      return Judgement.OutOfMemory;
    let known =
      this.judgeFields(tree, matches, findings, arena) &&
      this.conditions.reportFields(tree, findings, this.maxErrors, arena);
    known = known && this.judgeTogether(tree, findings, arena);
    if (!known) return Judgement.OutOfMemory;
    if (places != null) this.testPlaces(places, findings);
    return findings.count == 0 ? Judgement.Valid : Judgement.Invalid;
  }

  /** Tests the parameters and headers of a request without body. */
  judgePlaces(places: Places, findings: Findings): Judgement {
    findings.clear();
    this.conditions.begin(places);
    this.testPlaces(places, findings);
    return findings.count == 0 ? Judgement.Valid : Judgement.Invalid;
  }

  /** Reads the values of conditions, counts those of operands, records those to extract. */
  private survey(tree: FieldTree, matches: FieldMatches, arena: Arena): bool {
    const first = <u32>this.rules.length;
    const firstOperand = this.rules.length + this.bodyConditions.length;
    const firstExtract = firstOperand + this.operandCount;
    operands.begin(this.operandCount);
    this.extracts.begin();
    while (matches.next()) {
      if (matches.rule < first || matches.repeated) continue;
      if (<i32>matches.rule >= firstExtract) this.extracts.note(<i32>matches.rule - firstExtract, matches.node);
      else if (<i32>matches.rule >= firstOperand) operands.expect(<i32>matches.rule - firstOperand);
      else if (!this.settle(unchecked(this.bodyConditions[matches.rule - first]), tree, matches.node, arena))
        return false;
    }
    matches.rewind();
    return operands.makeRoom(this.operandCount, arena);
  }

  private settle(number: i32, tree: FieldTree, node: u32, arena: Arena): bool {
    const condition = unchecked(this.conditions.list[number]);
    const isContainer = tree.kind(node) >= FieldKind.Array;
    if (!condition.readsText || isContainer) {
      this.conditions.note(number, node, !condition.readsText && condition.holdsOf(0, 0));
      return true;
    }
    const text = tree.text(node, arena);
    if (text == 0) return false;
    this.conditions.note(number, node, condition.holdsOf(text, tree.textLength));
    return true;
  }

  private judgeFields(tree: FieldTree, matches: FieldMatches, findings: Findings, arena: Arena): bool {
    const count = <u32>this.rules.length;
    const firstOperand = this.rules.length + this.bodyConditions.length;
    while (matches.next()) {
      if (matches.repeated) {
        if (!this.reportRepeated(tree, matches, findings, arena)) return false;
        continue;
      }
      if (matches.rule >= count) {
        const operand = <i32>matches.rule - firstOperand;
        if (operand >= 0 && operand < this.operandCount) operands.add(operand, matches.node);
        continue;
      }
      const rule = unchecked(this.rules[matches.rule]);
      if (rule.when.length != 0 && !this.conditions.hold(rule.when)) continue;
      const error = matches.missing ? ErrorId.FIM_PBOC_0005 : rule.test(tree, matches.node, arena);
      if (error == ErrorId.None) continue;
      if (error == ErrorId.FIM_RT_0006) return false;
      if (!this.report(error, tree, matches, findings, arena)) return false;
      if (findings.count >= this.maxErrors) return true;
    }
    return true;
  }

  /**
   * Reports a second element where the path of a rule, a condition or an operand expects one. Which of them counts
   * would be a guess.
   */
  private reportRepeated(tree: FieldTree, matches: FieldMatches, findings: Findings, arena: Arena): bool {
    const isRule = matches.rule < <u32>this.rules.length;
    if (isRule && !this.conditions.hold(unchecked(this.rules[matches.rule]).when)) return true;
    const pointer = this.fields.pointer(tree, matches, arena);
    if (pointer == 0) return false;
    if (findings.count < this.maxErrors) findings.add(ErrorId.FIM_PBOC_0040, pointer, tree.pointerLength);
    return true;
  }

  private judgeTogether(tree: FieldTree, findings: Findings, arena: Arena): bool {
    for (let i = 0; i < this.crossRules.length && findings.count < this.maxErrors; i++) {
      const rule = unchecked(this.crossRules[i]);
      if (!this.conditions.hold(rule.when)) continue;
      rule.rewind();
      while (findings.count < this.maxErrors && rule.next(tree, operands, arena, crossFinding)) {
        if (crossFinding.error == ErrorId.FIM_RT_0006) return false;
        const pointer = tree.pointer(crossFinding.node, arena);
        if (pointer == 0) return false;
        if (!findings.addHidden(crossFinding.error, pointer, tree, crossFinding.wildcards, arena)) return false;
      }
    }
    return true;
  }

  private testPlaces(places: Places, findings: Findings): void {
    this.conditions.reportPlaces(findings, this.maxErrors);
    for (let i = 0; i < this.placeRules.length && findings.count < this.maxErrors; i++) {
      const rule = unchecked(this.placeRules[i]);
      if (!this.conditions.hold(rule.when)) continue;
      const found = places.find(rule.place, rule.path);
      let error = errorOf(found);
      if (found == Found.Absent) error = rule.required ? ErrorId.FIM_PBOC_0005 : ErrorId.None;
      else if (found == Found.Once) error = rule.testValue(places.valuePointer, places.valueLength);
      if (error != ErrorId.None) findings.add(error, rule.path.pointer, rule.path.length, rule.place);
    }
  }

  private report(error: ErrorId, tree: FieldTree, matches: FieldMatches, findings: Findings, arena: Arena): bool {
    const pointer = this.fields.pointer(tree, matches, arena);
    if (pointer == 0) return false;
    const length = tree.pointerLength;
    if (matches.missing) {
      // If nothing names the missing part below an existing value, it is the items of a wildcard: the value is not a
      // list.
      if (tree.pointer(matches.node, arena) == 0) return false;
      if (tree.pointerLength == length) error = ErrorId.FIM_PBOC_0006;
      tree.pointerLength = length;
    }
    const rule = unchecked(this.rules[matches.rule]);
    return findings.addHidden(error, pointer, tree, tree.repeats ? rule.levelWildcards : rule.wildcards, arena);
  }
}
