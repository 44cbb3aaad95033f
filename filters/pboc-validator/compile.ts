// From the configuration to the rules of a route.
import { Pattern } from '../match/pattern';
import { FieldSetBuilder } from '../message/json/field-set-builder';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../runtime/errors.gen';
import { PbocRule, PbocType, PbocValidatorConfig } from './config.gen';
import { Rule, asksForText } from './rule';
import { Validator } from './validator';

/** The rules, compiled; on a mistake `reader.fail` at the rule, and a validator that is not to be used. */
export function compileValidator(reader: ConfigReader, config: PbocValidatorConfig): Validator {
  const count = config.rules.length;
  const rules = new StaticArray<Rule>(count);
  const builder = new FieldSetBuilder();
  for (let i = 0; i < count; i++) {
    const rule = config.rules[i];
    rules[i] = new Rule(rule, compilePattern(reader, rule));
    if (hasNoText(rule.type) && asksForText(rule)) reader.fail(ErrorId.FIM_PBOC_0017, rule.node);
    if (builder.addPath(i, rule.path, rule.required) != 0) reader.failMember(ErrorId.FIM_CFG_0020, rule.node, 'path');
  }
  let fields = builder.build();
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

function compilePattern(reader: ConfigReader, rule: PbocRule): Pattern | null {
  if (rule.pattern.length == 0) return null;
  const pattern = Pattern.compile(rule.pattern);
  if (pattern == null) reader.failMember(<ErrorId>Pattern.lastError, rule.node, 'pattern');
  return pattern;
}
