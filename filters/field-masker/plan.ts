// Compiles the configuration to the masking of each direction.
import { Bytes } from '../memory/bytes';
import { FieldList, isFieldPath } from '../message/field-list';
import { PathParser, StepKind } from '../message/field-path';
import { FieldSet } from '../message/field-set';
import { FieldSetBuilder } from '../message/field-set-builder';
import { MessageFormat } from '../message/format';
import { ConfigReader } from '../runtime/config-reader';
import { ErrorId } from '../errors.gen';
import { Direction } from '../runtime/direction';
import { FieldMaskerConfig, MaskField, MaskKind, MaskMethod } from './config.gen';
import { HouseNames, NO_KIND } from './dictionary';
import { KIND_CLASS, KIND_COUNT } from './kinds.gen';
import { HeaderMasks } from './headers';
import { Detections, MaskPlan, Named } from './mask-plan';
import { HouseCompiler } from './compile-house';
import { compileMask, MaskKeys } from './compile-mask';
import { Mask } from './method/mask';
import { observedCounter } from './stats';

const fieldList: FieldList = new FieldList();

/** Compiles one direction of a section. */
export class PlanCompiler {
  private readonly keys: MaskKeys = new MaskKeys();
  private readonly masks: Mask[] = [];
  private readonly byName: bool[] = [];
  /** Masks outside of bodies. */
  readonly headers: HeaderMasks = new HeaderMasks();
  /** Whether what is masked can be masked value by value, without what stands beside it. */
  passes: bool = true;

  constructor(
    private readonly reader: ConfigReader,
    private readonly config: FieldMaskerConfig,
    private readonly direction: Direction,
  ) {}

  /** On an error calls `reader.fail` and returns an empty plan. */
  compile(): MaskPlan {
    const config = this.config;
    const reader = this.reader;
    const wanted = this.direction == Direction.Request ? config.request : config.response;
    fieldList.begin(reader.format);
    for (let i = 0; i < config.fields.length; i++) this.addField(config.fields[i], i, wanted);
    const fields = this.build();
    const detections = this.detections(wanted);
    const named = this.named(wanted);
    const plan = new MaskPlan(fields, this.names(), StaticArray.fromArray(this.masks), detections, named);
    plan.onlyCounts = this.config.inventory && this.masks.length == 0 && named == null;
    plan.nested = wanted ? config.nested : 0;
    plan.keys = this.keys.list();
    this.headers.seal(named);
    return plan;
  }

  private acts(field: MaskField, wanted: bool): bool {
    return wanted && (this.direction == Direction.Request ? field.request : field.response);
  }

  /** Checks a field, and adds it if it acts in this direction. */
  private addField(field: MaskField, number: i32, wanted: bool): void {
    const reader = this.reader;
    const outside = field.header.length + field.parameter.length + field.cookie.length != 0;
    if (placesOf(field) != 1) reader.fail(ErrorId.FIM_MASK_0005, field.node);
    const mask = compileMask(reader, field, this.keys, this.direction);
    mask.rule = 'fields[' + number.toString() + ']';
    if (field.path.length != 0 && !isFieldPath(field.path, reader.format))
      reader.failMember(ErrorId.FIM_CFG_0020, field.node, 'path');
    if (!this.acts(field, wanted)) return;
    if (!outside && (field.method == MaskMethod.Remove || hasIndex(field.path))) this.passes = false;
    if (outside) {
      this.headers.add(field, mask);
      return;
    }
    this.masks.push(mask);
    this.byName.push(field.path.length == 0);
    if (field.path.length == 0) fieldList.addName(field.name);
    else fieldList.addPath(field.path, false);
  }

  private build(): FieldSet {
    const reader = this.reader;
    let fields: FieldSet | null = null;
    if (!reader.failed) fields = fieldList.build(reader.parts);
    if (fields != null) return fields;
    reader.fail(ErrorId.FIM_CFG_0021, this.config.node);
    return new FieldSetBuilder().build()!;
  }

  /** The rules by name, for messages inside strings. A rule by path names nothing there. */
  private names(): FieldSet {
    const config = this.config;
    fieldList.begin(MessageFormat.Detect);
    for (let i = 0, rule = 0; i < config.fields.length && rule < this.masks.length; i++) {
      const field = config.fields[i];
      if (!this.acts(field, true) || field.header.length + field.parameter.length + field.cookie.length != 0) continue;
      fieldList.addName(this.byName[rule] ? field.name : NOTHING);
      rule++;
    }
    return this.build();
  }

  private detections(wanted: bool): Detections | null {
    const masks = new StaticArray<Mask | null>(<i32>KIND_COUNT);
    let any = false;
    for (let i = 0; i < this.config.detect.length; i++) {
      const detection = this.config.detect[i];
      const way = new MaskField();
      way.kind = <MaskKind>(detection.kind + FIRST_FOUND);
      way.keepFirst = detection.keepFirst;
      way.keepLast = detection.keepLast;
      way.char = detection.char;
      way.node = detection.node;
      const mask = compileMask(this.reader, way, this.keys, this.direction);
      mask.rule = 'detect[' + i.toString() + ']';
      if (!wanted || !(this.direction == Direction.Request ? detection.request : detection.response)) continue;
      if (this.config.inventory) {
        mask.observes = true;
        if (!this.reader.failed) mask.counter = observedCounter(way.kind, false, this.direction);
      }
      masks[way.kind] = mask;
      any = true;
    }
    const compiler = new HouseCompiler(this.reader, this.keys, this.direction, this.config.inventory);
    const house = compiler.compile(this.config.detectors);
    return any || (house != null && wanted)
      ? new Detections(masks, house, StaticArray.fromArray(compiler.masks))
      : null;
  }

  private named(wanted: bool): Named | null {
    const config = this.config;
    const masks = new StaticArray<Mask | null>(<i32>KIND_COUNT);
    let any = this.addClasses(masks, wanted);
    for (let i = 0; i < config.dictionary.length; i++) {
      const way = config.dictionary[i];
      if (placesOf(way) != 0) this.reader.fail(ErrorId.FIM_MASK_0005, way.node);
      const mask = compileMask(this.reader, way, this.keys, this.direction);
      mask.rule = 'dictionary';
      if (!this.acts(way, wanted)) continue;
      if (way.method == MaskMethod.Remove) this.passes = false;
      masks[way.kind] = mask;
      any = true;
    }
    const house = new HouseNames();
    for (let i = 0; i < config.except.length; i++) this.addName(house, config.except[i], NO_KIND, config.node);
    for (let i = 0; i < config.names.length; i++)
      this.addName(house, config.names[i].name, config.names[i].kind, config.names[i].node);
    house.seal();
    const format = this.reader.format;
    return any ? new Named(masks, house, format == MessageFormat.Iso8583 || format == MessageFormat.Tlv) : null;
  }

  /** Default masks of the kinds of the classes that are masked. False: there are none. */
  private addClasses(masks: StaticArray<Mask | null>, wanted: bool): bool {
    let any = false;
    for (let i = 0; i < this.config.classes.length; i++) {
      const rule = this.config.classes[i];
      if (!wanted || !(this.direction == Direction.Request ? rule.request : rule.response)) continue;
      any = true;
      for (let kind = 0; kind < <i32>KIND_COUNT; kind++) {
        if (load<u8>(KIND_CLASS + kind) != <u8>rule.class + 1) continue;
        const way = new MaskField();
        way.kind = <MaskKind>kind;
        const mask = compileMask(this.reader, way, this.keys, this.direction);
        mask.rule = 'dictionary';
        masks[kind] = mask;
      }
    }
    return any;
  }

  private addName(house: HouseNames, name: Bytes, kind: i32, node: u32): void {
    if (!house.add(name, kind)) this.reader.fail(ErrorId.FIM_MASK_0007, node);
  }
}

/** Whether a path names an item by its number. */
function hasIndex(path: Bytes): bool {
  if (path.length == 0) return false;
  const steps = new PathParser().parse(path);
  for (let i = 0; steps != null && i < steps.length; i++) if (steps[i].kind == StepKind.Index) return true;
  return false;
}

/** The kinds that are found by content follow each other in the table of kinds, from this one on. */
const FIRST_FOUND: i32 = 1;
/** A name that no message has: its first character is none of XML, and members of it would be masked as asked. */
const NOTHING: Bytes = Bytes.from('\u0000');

/** Number of places that an entry names. */
function placesOf(field: MaskField): i32 {
  return (
    i32(field.path.length != 0) +
    i32(field.name.length != 0) +
    i32(field.header.length != 0) +
    i32(field.parameter.length != 0) +
    i32(field.cookie.length != 0)
  );
}
