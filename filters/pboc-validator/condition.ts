import { MAX_VALIDATION_CONDITIONS } from '../limits';
import { Arena } from '../memory/arena';
import { Bytes } from '../memory/bytes';
import { FieldTree } from '../message/field-tree';
import { ErrorId } from '../errors.gen';
import { PbocCondition, PbocPlace } from './config.gen';
import { Findings } from './findings';
import { Found, Places, errorOf } from './places';

/** Whether each condition of the validator at hand holds. One VM judges one message at a time. */
const STATES: StaticArray<bool> = new StaticArray<bool>(<i32>MAX_VALIDATION_CONDITIONS);
/** Why it cannot be known; the field of the body that it was last noted of. */
const ERRORS: StaticArray<ErrorId> = new StaticArray<ErrorId>(<i32>MAX_VALIDATION_CONDITIONS);
const NODES: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_VALIDATION_CONDITIONS);

/** One condition, compiled. */
export class Condition {
  readonly place: PbocPlace;
  /** Path of a field of the body, or name of a parameter or header. */
  readonly path: Bytes;
  private readonly present: bool;
  private readonly allowed: StaticArray<Bytes>;

  constructor(config: PbocCondition) {
    this.place = config.in;
    this.path = config.path;
    this.present = config.present;
    this.allowed = config.equals;
  }

  /** Whether it asks for one of several texts. */
  get readsText(): bool {
    return this.allowed.length != 0;
  }

  /** Whether it holds of a field that is not there. */
  get holdsOfNothing(): bool {
    return !this.present;
  }

  /** Whether it holds of a field with this text (of any, if it does not read it). */
  holdsOf(text: usize, length: u32): bool {
    if (!this.present) return false;
    if (this.allowed.length == 0) return true;
    for (let i = 0; i < this.allowed.length; i++) if (unchecked(this.allowed[i]).equals(text, length)) return true;
    return false;
  }
}

/** The conditions of one validator and what is known of them. */
export class Conditions {
  constructor(readonly list: StaticArray<Condition>) {}

  /**
   * Before a message: fields of the body count as absent until they are met; parameters and headers are looked up, and
   * hold nothing if there are none.
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
   * Adds a finding for each parameter or header that stands twice or is broken: whether its condition holds would be a
   * guess, and a way round what depends on it.
   */
  reportPlaces(findings: Findings, maxErrors: u32): void {
    for (let i = 0; i < this.list.length && findings.count < maxErrors; i++) {
      const error = unchecked(ERRORS[i]);
      const condition = unchecked(this.list[i]);
      if (error != ErrorId.None && condition.place != PbocPlace.Body)
        findings.add(error, condition.path.pointer, condition.path.length, condition.place);
    }
  }

  /** The same for fields of the body (data objects may come twice); false if the arena is full. */
  reportFields(tree: FieldTree, findings: Findings, maxErrors: u32, arena: Arena): bool {
    for (let i = 0; i < this.list.length && findings.count < maxErrors; i++) {
      if (unchecked(ERRORS[i]) == ErrorId.None || unchecked(this.list[i]).place != PbocPlace.Body) continue;
      const pointer = tree.pointer(unchecked(NODES[i]), arena);
      if (pointer == 0) return false;
      findings.add(unchecked(ERRORS[i]), pointer, tree.pointerLength);
    }
    return true;
  }

  /** Notes a field of the body that was met. */
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
