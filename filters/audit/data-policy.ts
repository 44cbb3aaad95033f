// Fields of messages that the records of a route hold: taken when a message is decrypted and before it is judged, so that
// the record of a refused one has them.
import { ErrorId } from '../errors.gen';
import { MAX_AUDIT_DATA_BYTES } from '../limits';
import { FieldList, isFieldPath } from '../message/field-list';
import { FieldSet } from '../message/field-set';
import { FieldSetBuilder } from '../message/field-set-builder';
import { ConfigReader } from '../runtime/config-reader';
import { KmsConfig } from '../runtime/config.gen';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { Rank, StagePolicy, Verdict } from '../runtime/stage';
import { AuditConfig, AuditWithoutKey } from './config.gen';
import { DataField, Place } from './data-field';

const fieldList: FieldList = new FieldList();

export class DataPolicy extends StagePolicy {
  readonly fields: StaticArray<DataField>;
  /** Room that is kept in a record for its data, bytes. */
  readonly roomBytes: u32;
  /** Room of all members together beyond the least of each, bytes. */
  readonly poolBytes: u32;
  private readonly request: FieldSet;
  private readonly response: FieldSet;
  /** Records tell of a missing key, and messages go on. */
  private readonly tells: bool;

  /** On an error calls `reader.fail`. */
  constructor(reader: ConfigReader, config: AuditConfig) {
    super();
    const data = config.data;
    this.tells = config.withoutKey == AuditWithoutKey.Tell;
    const fields = new StaticArray<DataField>(data.length);
    let least: u32 = 0;
    let most: u32 = 0;
    for (let i = 0; i < data.length; i++) {
      const field = new DataField(reader, data[i]);
      fields[i] = field;
      if (data[i].path.length != 0 && !isFieldPath(data[i].path, reader.format))
        reader.failMember(ErrorId.FIM_CFG_0020, data[i].node, 'path');
      least += field.leastBytes;
      most += field.mostBytes;
    }
    const pool = min(most, MAX_AUDIT_DATA_BYTES);
    this.fields = fields;
    this.poolBytes = pool;
    this.roomBytes = least + pool;
    this.request = setOf(reader, config, fields, Direction.Request);
    this.response = setOf(reader, config, fields, Direction.Response);
  }

  set(direction: Direction): FieldSet {
    return direction == Direction.Request ? this.request : this.response;
  }

  acts(direction: Direction): bool {
    return this.has(direction, false);
  }

  needsBody(direction: Direction): bool {
    return this.has(direction, true);
  }

  private has(direction: Direction, inBody: bool): bool {
    for (let i = 0; i < this.fields.length; i++) {
      const field = this.fields[i];
      if (field.direction == direction && (!inBody || field.place == Place.Body)) return true;
    }
    return false;
  }

  /** It has no objection to a message that cannot be read. */
  unread(direction: Direction): u32 {
    return u32.MAX_VALUE;
  }

  records(): bool {
    return true;
  }

  needsKeys(): bool {
    for (let i = 0; i < this.fields.length; i++) if (this.fields[i].keyed) return true;
    return false;
  }

  rank(direction: Direction): Rank {
    return Rank.Look;
  }

  prepare(kms: KmsConfig, rootId: u32): void {
    for (let i = 0; i < this.fields.length; i++) this.fields[i].prepare(kms, rootId);
  }

  /** Fields whose keys are away, as bits, after `findKeys`. */
  keyless: u32 = 0;

  /** Finds the keys of a direction. Not Continue: one is being fetched, or there is none. */
  findKeys(exchange: Exchange): Verdict {
    this.keyless = 0;
    for (let i = 0; i < this.fields.length; i++) {
      const field = unchecked(this.fields[i]);
      if (field.direction != exchange.direction || !field.keyed) continue;
      const verdict = field.ready(exchange);
      if (verdict == Verdict.Wait) return Verdict.Wait;
      if (verdict != Verdict.Reject) continue;
      if (!this.tells) return Verdict.Reject;
      this.keyless |= 1 << i;
    }
    return Verdict.Continue;
  }
}

/** Places in bodies of a direction; each field learns the number of its rule. */
function setOf(
  reader: ConfigReader,
  config: AuditConfig,
  data: StaticArray<DataField>,
  direction: Direction,
): FieldSet {
  let rule: u32 = 0;
  fieldList.begin(reader.format);
  for (let i = 0; i < data.length; i++) {
    const field = data[i];
    if (field.direction != direction || field.place != Place.Body) continue;
    field.rule = rule++;
    if (config.data[i].path.length != 0) fieldList.addPath(config.data[i].path, false);
    else fieldList.addName(config.data[i].name);
  }
  let fields: FieldSet | null = null;
  if (!reader.failed) fields = fieldList.build(reader.parts);
  if (fields != null) return fields;
  reader.fail(ErrorId.FIM_CFG_0021, config.node);
  return new FieldSetBuilder().build()!;
}
