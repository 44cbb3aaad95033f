// From the configuration to the rules of a route.
import { Pattern } from '../match/pattern';
import { sharedPattern } from '../match/shared-pattern';
import { Bytes } from '../memory/bytes';
import { PartKind } from '../memory/parts';
import { FieldList, isFieldPath } from '../message/field-list';
import { FieldSet } from '../message/field-set';
import { FieldSetBuilder } from '../message/field-set-builder';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { PbocRule, PbocType, PbocValidatorConfig, decodePbocRule } from './config.gen';
import { Rule, asksForText } from './rule';
import { Validator } from './validator';

const fieldList: FieldList = new FieldList();

/** A rule and what it asks of the field set. Routes that have the rule share it. */
class CompiledRule {
  constructor(
    readonly rule: Rule,
    readonly path: Bytes,
    readonly required: bool,
  ) {}
}

/** The rules, compiled; on a mistake `reader.fail` at the rule, and a validator that is not to be used. */
export function compileValidator(reader: ConfigReader, config: PbocValidatorConfig): Validator {
  const count = config.rules.length;
  const rules = new StaticArray<Rule>(count);
  const shared = new StaticArray<CompiledRule | null>(count);
  const decoded = new StaticArray<PbocRule | null>(count);
  // All rules are decoded before the first is compiled: mistakes of form come first.
  for (let i = 0; i < count; i++) {
    shared[i] = knownRule(reader, config.rules[i]);
    if (shared[i] == null) decoded[i] = decodePbocRule(reader, config.rules[i]);
  }
  fieldList.begin();
  for (let i = 0; i < count && !reader.failed; i++) {
    let compiled = shared[i];
    const rule = decoded[i];
    if (compiled == null && rule != null) compiled = compileRule(reader, rule);
    if (compiled == null) continue;
    rules[i] = compiled.rule;
    fieldList.addPath(compiled.path, compiled.required);
  }
  let fields: FieldSet | null = null;
  if (!reader.failed) fields = fieldList.build(reader.parts);
  if (fields == null) {
    reader.fail(ErrorId.FIM_CFG_0021, config.node);
    fields = new FieldSetBuilder().build()!;
  }
  return new Validator(fields, rules, <u32>config.maxErrors);
}

/** Whether values of the type have no text. */
function hasNoText(type: PbocType): bool {
  return type == PbocType.boolean || type == PbocType.object || type == PbocType.array;
}

/** The rule of this text, if a route before had it. */
function knownRule(reader: ConfigReader, node: u32): CompiledRule | null {
  const known = reader.parts.find(PartKind.Rule, reader.rawPointer(node), reader.rawLength(node));
  return known == null ? null : <CompiledRule>known;
}

function compileRule(reader: ConfigReader, rule: PbocRule): CompiledRule {
  const compiled = new CompiledRule(new Rule(rule, compilePattern(reader, rule)), rule.path, rule.required);
  if (hasNoText(rule.type) && asksForText(rule)) reader.fail(ErrorId.FIM_PBOC_0017, rule.node);
  if (!isFieldPath(rule.path)) reader.failMember(ErrorId.FIM_CFG_0020, rule.node, 'path');
  if (!reader.failed) reader.parts.add(PartKind.Rule, reader.rawPointer(rule.node), reader.rawLength(rule.node), compiled);
  return compiled;
}

function compilePattern(reader: ConfigReader, rule: PbocRule): Pattern | null {
  if (rule.pattern.length == 0) return null;
  const pattern = sharedPattern(reader.parts, rule.pattern, false);
  if (pattern == null) reader.failMember(<ErrorId>Pattern.lastError, rule.node, 'pattern');
  return pattern;
}
