import { MAX_VALIDATION_CONDITIONS } from '../limits';
import { Arena } from '../memory/arena';
import { Bytes } from '../memory/bytes';
import { FieldTree } from '../message/field-tree';
import { ErrorId } from '../errors.gen';
import { PbocCondition, PbocPlace } from './config.gen';
import { Findings } from './findings';
import { Found, Places, errorOf } from './places';

/** Whether each condition of the current validator holds. One VM judges one message at a time. */
const STATES: StaticArray<bool> = new StaticArray<bool>(<i32>MAX_VALIDATION_CONDITIONS);
/** Error that makes a condition undecidable, and the body field of its last match. */
const ERRORS: StaticArray<ErrorId> = new StaticArray<ErrorId>(<i32>MAX_VALIDATION_CONDITIONS);
const NODES: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_VALIDATION_CONDITIONS);

/** A compiled condition. */
export class Condition {
  readonly place: PbocPlace;
  /** Path of a body field, or name of a parameter or header. */
  readonly path: Bytes;
  private readonly present: bool;
  private readonly allowed: StaticArray<Bytes>;

  constructor(config: PbocCondition) {
    this.place = config.in;
    this.path = config.path;
    this.present = config.present;
    this.allowed = config.equals;
  }

  /** Whether it compares the text with a list. */
  get readsText(): bool {
    return this.allowed.length != 0;
  }

  /** Whether it holds for an absent field. */
  get holdsOfNothing(): bool {
    return !this.present;
  }

  /** Whether it holds for a field with this text (for any text, if it does not compare). */
  holdsOf(text: usize, length: u32): bool {
    if (!this.present) return false;
    if (this.allowed.length == 0) return true;
    for (let i = 0; i < this.allowed.length; i++) if (unchecked(this.allowed[i]).equals(text, length)) return true;
    return false;
  }
}

/** Conditions of one validator, with their state. */
export class Conditions {
  constructor(readonly list: StaticArray<Condition>) {}

  /**
   * Resets before a message. Body fields count as absent until they are found. Parameters and headers are looked up at
   * once; without `places` they are absent.
   */
  begin(places: Places | null): void {
    for (let i = 0; i < this.list.length; i++) {
      const condition = unchecked(this.list[i]);
      unchecked((ERRORS[i] = ErrorId.None));
      unchecked((NODES[i] = 0));
      if (condition.place == PbocPlace.Body) unchecked((STATES[i] = condition.holdsOfNothing));
      else if (places == null) unchecked((STATES[i] = false));
      else {
        const found = places.find(condition.place, condition.path);
        unchecked((ERRORS[i] = errorOf(found)));
        unchecked(
          (STATES[i] =
            found == Found.Absent
              ? condition.holdsOfNothing
              : found == Found.Once && condition.holdsOf(places.valuePointer, places.valueLength)),
        );
      }
    }
  }

  /**
   * Adds a finding for each repeated or malformed parameter or header. Its condition could only be guessed, which would
   * allow to evade rules that depend on it.
   */
  reportPlaces(findings: Findings, maxErrors: u32): void {
    for (let i = 0; i < this.list.length && findings.count < maxErrors; i++) {
      const error = unchecked(ERRORS[i]);
      const condition = unchecked(this.list[i]);
      if (error != ErrorId.None && condition.place != PbocPlace.Body)
        findings.add(error, condition.path.pointer, condition.path.length, condition.place);
    }
  }

  /** The same for body fields (data objects may repeat). False if the arena is full. */
  reportFields(tree: FieldTree, findings: Findings, maxErrors: u32, arena: Arena): bool {
    for (let i = 0; i < this.list.length && findings.count < maxErrors; i++) {
      if (unchecked(ERRORS[i]) == ErrorId.None || unchecked(this.list[i]).place != PbocPlace.Body) continue;
      const pointer = tree.pointer(unchecked(NODES[i]), arena);
      if (pointer == 0) return false;
      findings.add(unchecked(ERRORS[i]), pointer, tree.pointerLength);
    }
    return true;
  }

  /** Records a body field that was found. */
  note(index: i32, node: u32, holds: bool): void {
    if (unchecked(NODES[index]) != 0) unchecked((ERRORS[index] = ErrorId.FIM_PBOC_0040));
    unchecked((NODES[index] = node));
    unchecked((STATES[index] = holds));
  }

  /** Whether all of these conditions hold. */
  hold(numbers: StaticArray<i32>): bool {
    for (let i = 0; i < numbers.length; i++) if (!unchecked(STATES[unchecked(numbers[i])])) return false;
    return true;
  }
}
