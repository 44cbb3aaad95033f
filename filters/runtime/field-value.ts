// One field of the body that a stage reads the value of.
import { ErrorId } from '../errors.gen';
import { FieldList, isFieldPath } from '../message/field-list';
import { FieldMatches } from '../message/field-matches';
import { PathParser, StepKind } from '../message/field-path';
import { FieldSet } from '../message/field-set';
import { FieldKind, FieldTree } from '../message/field-tree';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { ConfigReader } from './config-reader';

const matches: FieldMatches = new FieldMatches();
const fields: FieldList = new FieldList();
const paths: PathParser = new PathParser();

/** Place named by a path without wildcards. On an error calls `reader.fail` at the member `field` of `node`. */
export function compileField(reader: ConfigReader, node: u32, path: Bytes): FieldSet | null {
  const steps = paths.parse(path);
  let plain = steps != null && isFieldPath(path, reader.format);
  if (steps != null) for (let i = 0; i < steps.length; i++) plain = plain && steps[i].kind != StepKind.Any;
  if (!plain) {
    reader.failMember(ErrorId.FIM_CFG_0020, node, 'field');
    return null;
  }
  fields.begin(reader.format);
  fields.addPath(path, false);
  const set = fields.build(reader.parts);
  if (set == null) reader.failMember(ErrorId.FIM_CFG_0021, node, 'field');
  return set;
}

/** The node of the only scalar that the field names. 0: there is none, or no single one. */
export function findField(tree: FieldTree | null, field: FieldSet): u32 {
  if (tree == null || !field.match(tree, matches, scratch)) return 0;
  while (matches.next()) {
    if (matches.missing || matches.repeated) continue;
    const kind = tree.kind(matches.node);
    return kind == FieldKind.String || kind == FieldKind.Number ? matches.node : 0;
  }
  return 0;
}
