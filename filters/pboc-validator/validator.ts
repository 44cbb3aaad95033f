// The pure core: the index of a JSON message in, findings out. The cost of a rule is the number of values that it names.
import { MAX_PATH_STEPS, MAX_REPLY_ERRORS } from '../limits';
import { Arena } from '../memory/arena';
import { equalBytes } from '../memory/bytes';
import { FieldTree } from '../message/field-tree';
import { FieldMatches } from '../message/field-matches';
import { FieldSet } from '../message/field-set';
import { ErrorId } from '../errors.gen';
import { Rule } from './rule';

/** What is wrong with a message: codes with JSON Pointers. The pointers live in the arena. */
export class Findings {
  count: u32 = 0;
  private readonly errors: StaticArray<ErrorId> = new StaticArray<ErrorId>(<i32>MAX_REPLY_ERRORS);
  private readonly pointers: StaticArray<usize> = new StaticArray<usize>(<i32>MAX_REPLY_ERRORS);
  private readonly lengths: StaticArray<u32> = new StaticArray<u32>(<i32>MAX_REPLY_ERRORS);

  error(index: u32): ErrorId {
    return index < this.count ? unchecked(this.errors[index]) : ErrorId.None;
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

  /** Adds a finding unless it is there already or MAX_REPLY_ERRORS are. */
  add(error: ErrorId, pointer: usize, length: u32): void {
    for (let i: u32 = 0; i < this.count; i++) {
      if (unchecked(this.errors[i]) == error && unchecked(this.lengths[i]) == length && equalBytes(unchecked(this.pointers[i]), pointer, length)) return;
    }
    if (this.count >= MAX_REPLY_ERRORS) return;
    unchecked((this.errors[this.count] = error));
    unchecked((this.pointers[this.count] = pointer));
    unchecked((this.lengths[this.count] = length));
    this.count++;
  }
}

/** What the validator found of a message as a whole. */
export const enum Judgement {
  Valid = 0,
  /** `findings` says why. */
  Invalid = 1,
  /** The arena is full, or the rules name more values than a match can hold: nothing is known. */
  OutOfMemory = 2,
}

/** The rules of a route, compiled. */
export class Validator {
  /** `fields` names the values of rule i of `rules` by the number i. `maxErrors`: findings after which the rest is not looked at. */
  constructor(
    private readonly fields: FieldSet,
    private readonly rules: StaticArray<Rule>,
    private readonly maxErrors: u32,
  ) {}

  /**
   * Tests an indexed message. `matches` is working memory. `hideNames`: in the pointers of the findings stands `*` for what a wildcard found. Member names
   * there are the message's own (a card number, in a map by card), and who reads the findings has not sent the message.
   */
  judge(document: FieldTree, matches: FieldMatches, findings: Findings, arena: Arena, hideNames: bool = false): Judgement {
    findings.clear();
    if (!this.fields.match(document, matches, arena)) return Judgement.OutOfMemory;
    while (matches.next()) {
      const error = matches.missing ? ErrorId.FIM_PBOC_0005 : unchecked(this.rules[matches.rule]).test(document, matches.node, arena);
      if (error == ErrorId.None) continue;
      if (error == ErrorId.FIM_RT_0006) return Judgement.OutOfMemory;
      if (!this.report(error, document, matches, findings, arena, hideNames)) return Judgement.OutOfMemory;
      if (findings.count >= this.maxErrors) break;
    }
    return findings.count == 0 ? Judgement.Valid : Judgement.Invalid;
  }

  private report(error: ErrorId, document: FieldTree, matches: FieldMatches, findings: Findings, arena: Arena, hideNames: bool): bool {
    let pointer = this.fields.pointer(document, matches, arena);
    if (pointer == 0) return false;
    let length = document.pointerLength;
    if (matches.missing) {
      // What is missing below a value that is there, if nothing names it, are the items of a wildcard: the value is not a list.
      if (document.pointer(matches.node, arena) == 0) return false;
      if (document.pointerLength == length) error = ErrorId.FIM_PBOC_0006;
    }
    const wildcards = hideNames ? unchecked(this.rules[matches.rule]).wildcards : 0;
    if (wildcards != 0) {
      const shown = arena.allocate(<usize>length + MAX_PATH_STEPS);
      if (shown == 0) return false;
      length = withoutNames(pointer, length, wildcards, shown);
      pointer = shown;
    }
    findings.add(error, pointer, length);
    return true;
  }
}

/** Writes a JSON Pointer to `to` with `*` for each token whose bit of `wildcards` is set, at most a byte longer for each; returns its length. */
function withoutNames(pointer: usize, length: u32, wildcards: u32, to: usize): u32 {
  let out: u32 = 0;
  let token: u32 = 0;
  let hidden = false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(pointer + i);
    if (byte == 47) {
      hidden = token < MAX_PATH_STEPS && ((wildcards >> token) & 1) != 0;
      token++;
      store<u8>(to + out++, byte);
      if (hidden) store<u8>(to + out++, 42);
    } else if (!hidden) store<u8>(to + out++, byte);
  }
  return out;
}
