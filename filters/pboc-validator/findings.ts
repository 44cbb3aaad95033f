import { Ascii } from '../memory/ascii';
import { MAX_PATH_STEPS, MAX_REPLY_ERRORS } from '../limits';
import { Arena } from '../memory/arena';
import { equalBytes } from '../memory/bytes';
import { ErrorId } from '../errors.gen';
import { FieldTree } from '../message/field-tree';
import { PbocPlace } from './config.gen';

/**
 * Errors of a message: codes with JSON Pointers (or names of parameters and headers). The texts are in the arena or in
 * the configuration.
 */
export class Findings {
  count: u32 = 0;
  /** Names that a wildcard matched come from the message, and the reader of the findings did not send it. */
  hidesNames: bool = false;
  private readonly errors: StaticArray<ErrorId> = new StaticArray<ErrorId>(<i32>MAX_REPLY_ERRORS);
  private readonly places: StaticArray<PbocPlace> = new StaticArray<PbocPlace>(<i32>MAX_REPLY_ERRORS);
  private readonly pointers: StaticArray<usize> = new StaticArray<usize>(<i32>MAX_REPLY_ERRORS);
  private readonly lengths: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_REPLY_ERRORS);

  error(index: u32): ErrorId {
    return index < this.count ? unchecked(this.errors[index]) : ErrorId.None;
  }

  place(index: u32): PbocPlace {
    return index < this.count ? unchecked(this.places[index]) : PbocPlace.Body;
  }

  pointer(index: u32): usize {
    return index < this.count ? unchecked(this.pointers[index]) : 0;
  }

  pointerLength(index: u32): u32 {
    return index < this.count ? unchecked(this.lengths[index]) : 0;
  }

  clear(): void {
    this.count = 0;
  }

  /** Adds a finding unless it is a duplicate or there are MAX_REPLY_ERRORS already. */
  add(error: ErrorId, pointer: usize, length: u32, place: PbocPlace = PbocPlace.Body): void {
    for (let i: u32 = 0; i < this.count; i++) {
      if (
        unchecked(this.errors[i]) != error ||
        unchecked(this.places[i]) != place ||
        unchecked(this.lengths[i]) != length
      )
        continue;
      if (equalBytes(unchecked(this.pointers[i]), pointer, length)) return;
    }
    if (this.count >= MAX_REPLY_ERRORS) return;
    unchecked((this.errors[this.count] = error));
    unchecked((this.places[this.count] = place));
    unchecked((this.pointers[this.count] = pointer));
    unchecked((this.lengths[this.count] = length));
    this.count++;
  }

  /**
   * Adds a finding at the last pointer of `tree`; while names are hidden, with `*` for each token whose bit of
   * `wildcards` is set. False if the arena is full.
   */
  addHidden(error: ErrorId, pointer: usize, tree: FieldTree, wildcards: u32, arena: Arena): bool {
    let length = tree.pointerLength;
    if (this.hidesNames && wildcards != 0) {
      const shown = arena.allocate(<usize>length + MAX_PATH_STEPS);
      if (shown == 0) return false;
      length = withoutNames(pointer, length, wildcards, tree.repeats, shown);
      pointer = shown;
    }
    this.add(error, pointer, length);
    return true;
  }
}

/**
 * Writes a JSON Pointer to `to` with `*` for each token whose bit of `wildcards` is set. It grows by at most a byte for
 * each. `repeats`: names repeat, and their indexes are no tokens of their own. Returns its length.
 */
function withoutNames(pointer: usize, length: u32, wildcards: u32, repeats: bool, to: usize): u32 {
  let out: u32 = 0;
  let token: u32 = 0;
  let hidden = false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(pointer + i);
    if (byte == Ascii.Slash) {
      // Names of elements do not begin with a digit.
      const isIndex = repeats && i + 1 < length && <u32>load<u8>(pointer + i + 1) - 48 < 10;
      hidden = !isIndex && token < MAX_PATH_STEPS && ((wildcards >> token) & 1) != 0;
      if (!isIndex) token++;
      store<u8>(to + out++, byte);
      if (hidden) store<u8>(to + out++, 42);
    } else if (!hidden) store<u8>(to + out++, byte);
  }
  return out;
}
