// Compiles the configuration to the masking of each direction.
import { Bytes } from '../memory/bytes';
import { FieldList, isFieldPath } from '../message/field-list';
import { FieldSet } from '../message/field-set';
import { FieldSetBuilder } from '../message/field-set-builder';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Direction } from '../runtime/direction';
import { DetectKind, FieldMaskerConfig, MaskDetection, MaskField, MaskKind, MaskMethod } from './config.gen';
import { Mask, isMaskCharacter } from './mask';
import { MaskPlan } from './masker';

const fieldList: FieldList = new FieldList();

/** Masking of one direction in `config`. On an error calls `reader.fail` and returns an empty plan. */
export function compilePlan(reader: ConfigReader, config: FieldMaskerConfig, direction: Direction): MaskPlan {
  const wanted = direction == Direction.Request ? config.request : config.response;
  const masks: Mask[] = [];
  fieldList.begin(reader.format);
  for (let i = 0; i < config.fields.length; i++) {
    const field = config.fields[i];
    const acts = wanted && (direction == Direction.Request ? field.request : field.response);
    addField(reader, field, acts ? masks : null);
  }
  let idCard: Mask | null = null;
  let bankCard: Mask | null = null;
  let unionPay: Mask | null = null;
  for (let i = 0; i < config.detect.length; i++) {
    const detection = config.detect[i];
    const mask = detectionMask(reader, detection);
    if (!wanted || !(direction == Direction.Request ? detection.request : detection.response)) continue;
    if (detection.kind == DetectKind.IdCard) idCard = mask;
    else if (detection.kind == DetectKind.BankCard) bankCard = mask;
    else unionPay = mask;
  }
  let fields: FieldSet | null = null;
  if (!reader.failed) fields = fieldList.build(reader.parts);
  if (fields == null) {
    reader.fail(ErrorId.FIM_CFG_0021, config.node);
    fields = new FieldSetBuilder().build()!;
  }
  return new MaskPlan(fields, StaticArray.fromArray(masks), idCard, bankCard, unionPay);
}

/** Checks a field, and adds it to the plan if `masks` is given. */
function addField(reader: ConfigReader, field: MaskField, masks: Mask[] | null): void {
  if ((field.path.length == 0) == (field.name.length == 0)) reader.fail(ErrorId.FIM_MASK_0005, field.node);
  checkCharacter(reader, field.char, field.node);
  if (field.path.length != 0 && !isFieldPath(field.path, reader.format))
    reader.failMember(ErrorId.FIM_CFG_0020, field.node, 'path');
  if (masks == null) return;
  masks.push(new Mask(field.kind, field.method, field.keepFirst, field.keepLast, field.char));
  if (field.path.length == 0) fieldList.addName(field.name);
  else fieldList.addPath(field.path, false);
}

function detectionMask(reader: ConfigReader, detection: MaskDetection): Mask {
  checkCharacter(reader, detection.char, detection.node);
  const kind = detection.kind == DetectKind.IdCard ? MaskKind.IdCard : MaskKind.BankCard;
  return new Mask(kind, MaskMethod.KeepFirstLast, detection.keepFirst, detection.keepLast, detection.char);
}

function checkCharacter(reader: ConfigReader, char: Bytes, node: u32): void {
  if (!isMaskCharacter(char)) reader.failMember(ErrorId.FIM_MASK_0004, node, 'char');
}
