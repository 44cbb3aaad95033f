// Serialised list of the fields that rules name. Equal lists are compiled once.
import { Bytes } from '../memory/bytes';
import { PartKind, Parts } from '../memory/parts';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { elementSteps, PathParser } from './field-path';
import { FieldSet } from './field-set';
import { FieldSetBuilder } from './field-set-builder';
import { MessageFormat } from './format';

/** First byte of a list: the kind of its compiled form. */
const VALUES: u8 = 1;
const ELEMENTS: u8 = 2;

/** An entry: kind (1 byte), length of the text (4), text. */
const ENTRY_BYTES: u32 = 5;
const FIRST_BYTES: u32 = 2048;

const enum EntryKind {
  Path = 0,
  RequiredPath = 1,
  Name = 2,
}

const parser: PathParser = new PathParser();

/** Whether a text is a field path that this format supports. If not: FIM-CFG-0020. */
export function isFieldPath(path: Bytes, format: MessageFormat): bool {
  const steps = parser.parse(path);
  return steps != null && (!hasElements(format) || elementSteps(steps) != null);
}

/** Whether messages of the format may be trees with repeated names. */
function hasElements(format: MessageFormat): bool {
  return format == MessageFormat.Xml || format == MessageFormat.Cnaps2 || format == MessageFormat.Detect;
}

/** Whether messages of the format may be trees without repeated names. */
function hasValues(format: MessageFormat): bool {
  return !hasElements(format) || format == MessageFormat.Detect;
}

/** Builds one list at a time in scratch memory: `begin`, the fields in order of their rule numbers from 0, `build`. */
export class FieldList {
  private readonly text: Writer = new Writer(scratch);
  private format: MessageFormat = MessageFormat.Json;

  /** `format`: format of the messages in which the fields are looked up. */
  begin(format: MessageFormat): void {
    this.format = format;
    this.text.begin(FIRST_BYTES);
    this.text.byte((hasValues(format) ? VALUES : 0) | (hasElements(format) ? ELEMENTS : 0));
  }

  /**
   * Adds a rule for the values that `path` names (`isFieldPath`). `required`: matches report containers that lack the
   * value.
   */
  addPath(path: Bytes, required: bool): void {
    this.add(required ? EntryKind.RequiredPath : EntryKind.Path, path);
  }

  /** Adds a rule for members of this name at any depth. */
  addName(name: Bytes): void {
    this.add(EntryKind.Name, name);
  }

  private add(kind: EntryKind, text: Bytes): void {
    const length = text.length;
    const to = this.text.reserve(ENTRY_BYTES + length);
    if (to == 0) return;
    store<u8>(to, kind);
    store<u32>(to, length, 1);
    memory.copy(to + ENTRY_BYTES, text.pointer, length);
    this.text.advance(ENTRY_BYTES + length);
  }

  /** Compiled set, from `parts` if it has one. Null if it is too large (FIM-CFG-0021). */
  build(parts: Parts): FieldSet | null {
    const pointer = this.text.pointer;
    const length = this.text.length;
    if (this.text.overflowed) return null;
    const known = parts.find(PartKind.FieldSet, pointer, length);
    if (known != null) return <FieldSet>known;
    const fields = this.compileAll(pointer, pointer + length);
    if (fields != null) parts.add(PartKind.FieldSet, pointer, length, fields);
    return fields;
  }

  private compileAll(at: usize, end: usize): FieldSet | null {
    const elements = hasElements(this.format) ? this.compile(at + 1, end, true) : null;
    if (!hasValues(this.format)) return elements;
    const fields = this.compile(at + 1, end, false);
    if (fields == null || (elements == null && hasElements(this.format))) return null;
    fields.elements = elements;
    return fields;
  }

  private compile(at: usize, end: usize, elements: bool): FieldSet | null {
    const builder = new FieldSetBuilder(elements);
    for (let rule: u32 = 0; at < end; rule++) {
      const kind = <EntryKind>load<u8>(at);
      const length = load<u32>(at, 1);
      const text = Bytes.copy(at + ENTRY_BYTES, length);
      if (kind == EntryKind.Name) builder.addName(rule, text);
      else if (builder.addPath(rule, text, kind == EntryKind.RequiredPath) != 0) return null;
      at += ENTRY_BYTES + length;
    }
    return builder.build();
  }
}
