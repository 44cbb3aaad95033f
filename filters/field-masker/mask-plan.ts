// Masking of one direction of a route, compiled.
import { FieldSet } from '../message/field-set';
import { FieldSetBuilder } from '../message/field-set-builder';
import { LABELLED } from './detect/candidates';
import { FIRST_HOUSE, House } from './detect/house';
import { HouseNames, kindOfElement, NO_KIND } from './dictionary';
import { MaskKey } from './method/keyed';
import { Mask } from './method/mask';

/** Rules for what is found by content. `masks`: by kind; null: it is not looked for. */
export class Detections {
  /** The kinds as bits. */
  readonly kinds: u32;

  /** `house`: detectors of the house, with a mask for each. */
  constructor(
    readonly masks: StaticArray<Mask | null>,
    readonly house: House | null,
    readonly houseMasks: StaticArray<Mask>,
  ) {
    let kinds: u32 = 0;
    for (let kind = 0; kind < masks.length; kind++) if (masks[kind] != null) kinds |= (<u32>1) << kind;
    this.kinds = kinds;
  }
}

/** Rules for what is found by the names of the dictionary. */
export class Named {
  /** `masks`: by kind; null: fields of the kind stay. `tagged`: elements and tags have names of their own. */
  constructor(
    readonly masks: StaticArray<Mask | null>,
    readonly house: HouseNames,
    readonly tagged: bool,
  ) {}

  /** Mask of the kind that the dictionary has for a name; null if there is none. */
  maskOf(name: usize, length: u32): Mask | null {
    let kind = this.tagged ? kindOfElement(name, length) : NO_KIND;
    if (kind == NO_KIND) kind = this.house.kindOf(name, length);
    return kind == NO_KIND ? null : unchecked(this.masks[kind]);
  }
}

/** Shortest text that is looked at for what it holds, bytes: a name of two characters. */
const FOUND_MIN_LENGTH: u32 = 6;

/** Immutable, but for the versions of its keys. */
export class MaskPlan {
  /** Levels of messages inside strings. */
  nested: i32 = 0;
  /** Whether nothing is hidden: what is found is counted. */
  onlyCounts: bool = false;
  /** Keys that must be there before a message is masked. */
  keys: StaticArray<MaskKey> = new StaticArray<MaskKey>(0);

  /**
   * `masks`: mask of each rule of `fields`. `names`: the rules by name alone, under the same numbers, for messages
   * inside strings.
   */
  constructor(
    readonly fields: FieldSet,
    readonly names: FieldSet,
    readonly masks: StaticArray<Mask>,
    private readonly detections: Detections | null,
    private readonly named: Named | null = null,
  ) {}

  /** Whether numbers are detected by content. */
  get detects(): bool {
    return this.detections != null;
  }

  /** Detectors of the house. */
  get house(): House | null {
    const detections = this.detections;
    return detections == null ? null : detections.house;
  }

  /** Shortest text that is looked at for what it holds, bytes. */
  get shortest(): u32 {
    return this.house == null ? FOUND_MIN_LENGTH : 1;
  }

  /** Detection by content. */
  get kinds(): u32 {
    const detections = this.detections;
    return detections == null ? 0 : detections.kinds;
  }

  /** Whether the name of a field may make its value be found. */
  get seeks(): bool {
    return (this.kinds & LABELLED) != 0;
  }

  /** Mask of a kind that was found, or of a detector of the house. */
  maskOf(kind: u32): Mask | null {
    const detections = this.detections;
    if (detections == null) return null;
    return kind < FIRST_HOUSE
      ? unchecked(detections.masks[kind])
      : unchecked(detections.houseMasks[kind - FIRST_HOUSE]);
  }

  /** Whether names of the dictionary count. */
  get hasDictionary(): bool {
    return this.named != null;
  }

  /** Mask of the kind that the dictionary has for a name; null if there is none. */
  maskNamed(name: usize, length: u32): Mask | null {
    const named = this.named;
    return named == null ? null : named.maskOf(name, length);
  }

  /** Whether anything may be hidden. */
  get acts(): bool {
    return this.masks.length != 0 || this.detects || this.hasDictionary;
  }
}

const NO_FIELDS: FieldSet = new FieldSetBuilder().build()!;
/** Masks nothing. */
export const NO_PLAN: MaskPlan = new MaskPlan(NO_FIELDS, NO_FIELDS, [], null);
