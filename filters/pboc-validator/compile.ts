// Compiles the configuration to the rules of a route.
import { Pattern } from '../match/pattern';
import { sharedPattern } from '../match/shared-pattern';
import { Bytes } from '../memory/bytes';
import { PartKind } from '../memory/parts';
import { FieldList, isFieldPath } from '../message/field-list';
import { PathParser, PathStep } from '../message/field-path';
import { FieldSet } from '../message/field-set';
import { FieldSetBuilder } from '../message/field-set-builder';
import { ConfigReader } from '../runtime/config-reader';
import { extractionKey } from '../runtime/extraction';
import { ErrorId } from '../errors.gen';
import { Condition, Conditions } from './condition';
import { PbocCrossRule, PbocPlace, PbocRule, PbocType, PbocValidatorConfig, decodePbocRule } from './config.gen';
import { CrossRule, fitsTogether } from './cross-rule';
import { Decimal } from './decimal';
import { Extracts } from './extracts';
import { Rule, asksForText, wildcardsOf } from './rule';
import { Validator } from './validator';

const fieldList: FieldList = new FieldList();
const paths: PathParser = new PathParser();
const bound: Decimal = new Decimal();

/** Compiled rules. On an error it calls `reader.fail` at the rule, and the validator must not be used. */
export function compileValidator(reader: ConfigReader, config: PbocValidatorConfig): Validator {
  const all = compileRules(reader, config);
  const conditions = compileConditions(reader, config);
  const bodyRules = new Array<Rule>();
  const placeRules = new Array<Rule>();
  const bodyConditions = new Array<i32>();
  fieldList.begin(reader.format);
  for (let i = 0; i < all.length && !reader.failed; i++) {
    const rule = all[i];
    if (!isKnown(rule.when, conditions.length)) reader.fail(ErrorId.FIM_PBOC_0034, config.rules[i]);
    if (rule.place == PbocPlace.Body) bodyRules.push(rule);
    else placeRules.push(rule);
    if (rule.place != PbocPlace.Body) continue;
    if (!isFieldPath(rule.path, reader.format)) reader.failMember(ErrorId.FIM_CFG_0020, config.rules[i], 'path'); // shared with a route of another format
    fieldList.addPath(rule.path, rule.required);
  }
  for (let i = 0; i < conditions.length && !reader.failed; i++) {
    if (conditions[i].place != PbocPlace.Body) continue;
    bodyConditions.push(i);
    fieldList.addPath(conditions[i].path, false);
  }
  const crossRules = compileCrossRules(reader, config, conditions.length);
  const operands = listOperands(crossRules);
  const extracts = compileExtracts(reader, config);
  let fields: FieldSet | null = null;
  if (!reader.failed) fields = fieldList.build(reader.parts);
  if (fields == null) {
    reader.fail(ErrorId.FIM_CFG_0021, config.node);
    fields = new FieldSetBuilder().build()!;
  }
  return new Validator(
    fields,
    StaticArray.fromArray(bodyRules),
    StaticArray.fromArray(placeRules),
    new Conditions(conditions),
    StaticArray.fromArray(bodyConditions),
    crossRules,
    operands,
    extracts,
    <u32>config.maxErrors,
  );
}

/** Numbers the operands and lists their fields. Returns their number. */
function listOperands(crossRules: StaticArray<CrossRule>): i32 {
  let operands = 0;
  for (let i = 0; i < crossRules.length; i++) {
    crossRules[i].operand = operands;
    fieldList.addPath(crossRules[i].leftPath, false);
    operands++;
    if (!crossRules[i].hasRight) continue;
    fieldList.addPath(crossRules[i].rightPath, false);
    operands++;
  }
  return operands;
}

function compileExtracts(reader: ConfigReader, config: PbocValidatorConfig): Extracts {
  const keys = new StaticArray<Bytes>(config.extracts.length);
  for (let i = 0; i < keys.length; i++) {
    const entry = config.extracts[i];
    keys[i] = extractionKey(entry.name);
    if (!isFieldPath(entry.path, reader.format)) reader.failMember(ErrorId.FIM_CFG_0020, entry.node, 'path');
    else if (wildcardsOf(entry.path) != 0) reader.failMember(ErrorId.FIM_PBOC_0034, entry.node, 'path');
    if (!reader.failed) fieldList.addPath(entry.path, false);
  }
  return new Extracts(keys);
}

/** Whether values of the type have no text. */
function hasNoText(type: PbocType): bool {
  return type == PbocType.boolean || type == PbocType.object || type == PbocType.array;
}

/** The rule of this text, if an earlier route has it. */
function knownRule(reader: ConfigReader, node: u32): Rule | null {
  const known = reader.parts.find(PartKind.Rule, reader.rawPointer(node), reader.rawLength(node));
  return known == null ? null : <Rule>known;
}

/** All rules, or fewer after an error. Routes share equal rules. */
function compileRules(reader: ConfigReader, config: PbocValidatorConfig): StaticArray<Rule> {
  const count = config.rules.length;
  const shared = new StaticArray<Rule | null>(count);
  const decoded = new StaticArray<PbocRule | null>(count);
  // All rules are decoded before the first is compiled, so that errors of form come first.
  for (let i = 0; i < count; i++) {
    shared[i] = knownRule(reader, config.rules[i]);
    if (shared[i] == null) decoded[i] = decodePbocRule(reader, config.rules[i]);
  }
  const rules = new Array<Rule>();
  for (let i = 0; i < count && !reader.failed; i++) {
    let compiled = shared[i];
    const rule = decoded[i];
    if (compiled == null && rule != null) compiled = compileRule(reader, rule);
    if (compiled != null) rules.push(compiled);
  }
  return StaticArray.fromArray(rules);
}

function compileRule(reader: ConfigReader, config: PbocRule): Rule {
  const pattern = compilePattern(reader, config);
  if (hasNoText(config.type) && asksForText(config)) reader.fail(ErrorId.FIM_PBOC_0017, config.node);
  if (config.in == PbocPlace.Body ? !isFieldPath(config.path, reader.format) : config.path.length == 0)
    reader.failMember(ErrorId.FIM_CFG_0020, config.node, 'path');
  if (!isBound(config.min)) reader.failMember(ErrorId.FIM_PBOC_0034, config.node, 'min');
  if (!isBound(config.max)) reader.failMember(ErrorId.FIM_PBOC_0034, config.node, 'max');
  const compiled = new Rule(config, pattern);
  if (!reader.failed)
    reader.parts.add(PartKind.Rule, reader.rawPointer(config.node), reader.rawLength(config.node), compiled);
  return compiled;
}

function isBound(text: Bytes): bool {
  return text.length == 0 || bound.read(text.pointer, text.length);
}

function compilePattern(reader: ConfigReader, rule: PbocRule): Pattern | null {
  if (rule.pattern.length == 0) return null;
  const pattern = sharedPattern(reader.parts, rule.pattern, false);
  if (pattern == null) reader.failMember(<ErrorId>Pattern.lastError, rule.node, 'pattern');
  return pattern;
}

function compileConditions(reader: ConfigReader, config: PbocValidatorConfig): StaticArray<Condition> {
  const list = new Array<Condition>();
  for (let i = 0; i < config.conditions.length; i++) {
    const condition = config.conditions[i];
    if (condition.in == PbocPlace.Body) {
      if (!isFieldPath(condition.path, reader.format)) reader.failMember(ErrorId.FIM_CFG_0020, condition.node, 'path');
      else if (wildcardsOf(condition.path) != 0) reader.failMember(ErrorId.FIM_PBOC_0034, condition.node, 'path');
    }
    if (!condition.present && condition.equals.length != 0) reader.fail(ErrorId.FIM_PBOC_0034, condition.node);
    list.push(new Condition(condition));
  }
  return StaticArray.fromArray(list);
}

function compileCrossRules(reader: ConfigReader, config: PbocValidatorConfig, conditions: i32): StaticArray<CrossRule> {
  const list = new Array<CrossRule>();
  for (let i = 0; i < config.crossRules.length && !reader.failed; i++) {
    const rule = config.crossRules[i];
    const left = stepsOf(reader, rule, rule.left, 'left');
    const right = rule.right.length == 0 ? new StaticArray<PathStep>(0) : stepsOf(reader, rule, rule.right, 'right');
    if (!reader.failed && (!isKnown(rule.when, conditions) || !fitsTogether(rule, left, right)))
      reader.fail(ErrorId.FIM_PBOC_0034, rule.node);
    if (!reader.failed) list.push(new CrossRule(rule, left, right));
  }
  return StaticArray.fromArray(list);
}

function stepsOf(reader: ConfigReader, rule: PbocCrossRule, path: Bytes, member: string): StaticArray<PathStep> {
  const steps = paths.parse(path);
  if (steps != null) return steps;
  reader.failMember(ErrorId.FIM_CFG_0020, rule.node, member);
  return new StaticArray<PathStep>(0);
}

/** Whether the numbers are valid condition numbers. */
function isKnown(numbers: StaticArray<i32>, conditions: i32): bool {
  for (let i = 0; i < numbers.length; i++) if (numbers[i] >= conditions) return false;
  return true;
}
