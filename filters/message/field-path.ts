// Field paths: the subset of JSONPath (RFC 9535) that can be matched while a message is walked once.
//
//   $            the message            .name  ['name']  ["name"]   a member
//   [3]          an item                .*     [*]                  every item, or the value of every member
//
// In XML a step is an element; `x[*]` is every element x, `x` alone the only one, `.*` every element whatever its name,
// `['@a']` an attribute.
//
// `$` and the first dot may be left out: `a.b[*].c`. Bare names hold letters, digits, `_`, `-` and characters beyond
// ASCII; others are quoted, with `\'`, `\"` and `\\` inside. Refused: `..`, negative indexes, slices, filters, unions.
import { Ascii } from '../memory/ascii';
import { Bytes } from '../memory/bytes';
import { MAX_PATH_BYTES, MAX_PATH_STEPS } from '../limits';
import { utf8Length } from './utf8';

/** Selection of a step among the children of a value. */
export const enum StepKind {
  Name = 0,
  Index = 1,
  Any = 2,
}

/** One step of a path. */
export class PathStep {
  constructor(
    readonly kind: StepKind,
    readonly name: Bytes,
    readonly index: u32,
    /** Whether it is written `[*]` and not `.*`. */
    readonly items: bool = false,
  ) {}
}

/**
 * Steps of a path for a format with repeated names: one for each level of elements, with `items` set where several
 * elements may match. Null for `[3]`, or a `[*]` that does not follow a name.
 */
export function elementSteps(steps: StaticArray<PathStep>): StaticArray<PathStep> | null {
  const levels: PathStep[] = [];
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i];
    if (step.kind == StepKind.Index) return null;
    const repeats = step.kind == StepKind.Any || (i + 1 < steps.length && steps[i + 1].items);
    if (!step.items) levels.push(new PathStep(step.kind, step.name, 0, repeats));
    else if (i == 0 || steps[i - 1].items) return null;
  }
  return StaticArray.fromArray(levels);
}

/** Parses one path. */
export class PathParser {
  private at: usize = 0;
  private end: usize = 0;

  /** Steps of the path. Null if the text is outside the subset or exceeds MAX_PATH_BYTES or MAX_PATH_STEPS. */
  parse(path: Bytes): StaticArray<PathStep> | null {
    if (path.length == 0 || path.length > MAX_PATH_BYTES) return null;
    this.at = path.pointer;
    this.end = path.pointer + path.length;
    const steps: PathStep[] = [];
    if (this.peek() == Ascii.Dollar) this.at++;
    else if (this.peek() != Ascii.OpenBracket) {
      const first = this.bareName();
      if (first == null) return null;
      steps.push(first);
    }
    while (this.at < this.end) {
      const step = this.step();
      if (step == null || <u32>steps.length >= MAX_PATH_STEPS) return null;
      steps.push(step);
    }
    return StaticArray.fromArray(steps);
  }

  /** Current byte. 0 at the end. */
  private peek(): u32 {
    return this.at < this.end ? <u32>load<u8>(this.at) : 0;
  }

  private step(): PathStep | null {
    const byte = this.peek();
    this.at++;
    if (byte == Ascii.Point) return this.bareName();
    if (byte != Ascii.OpenBracket) return null;
    const inside = this.peek();
    let step: PathStep | null = null;
    if (inside == 39 || inside == 34) step = this.quotedName(<u8>inside);
    else if (inside == 42) step = this.any(true);
    else step = this.index();
    if (step == null || this.peek() != Ascii.CloseBracket) return null;
    this.at++;
    return step;
  }

  private any(items: bool): PathStep {
    this.at++;
    return new PathStep(StepKind.Any, Bytes.EMPTY, 0, items);
  }

  private bareName(): PathStep | null {
    if (this.peek() == Ascii.Asterisk) return this.any(false);
    const start = this.at;
    while (this.at < this.end) {
      const byte = <u32>load<u8>(this.at);
      if (!((byte | 32) - 97 < 26 || byte - 48 < 10 || byte == Ascii.Underscore || byte == Ascii.Minus || byte >= 0x80))
        break;
      const bytes = utf8Length(this.at, this.end);
      if (bytes == 0) return null;
      this.at += bytes;
    }
    return this.at == start ? null : new PathStep(StepKind.Name, Bytes.copy(start, <u32>(this.at - start)), 0);
  }

  private quotedName(quote: u8): PathStep | null {
    const name = new StaticArray<u8>(<i32>(this.end - this.at));
    let length = 0;
    this.at++;
    while (this.at < this.end) {
      let byte = load<u8>(this.at++);
      if (byte == quote) return new PathStep(StepKind.Name, Bytes.copy(changetype<usize>(name), length), 0);
      if (byte == Ascii.Backslash) {
        byte = <u8>this.peek();
        if (byte != Ascii.Apostrophe && byte != Ascii.Quote && byte != Ascii.Backslash) return null;
        this.at++;
      }
      name[length++] = byte;
    }
    return null;
  }

  private index(): PathStep | null {
    let value: u64 = 0;
    const start = this.at;
    while (this.peek() - 48 < 10 && value <= u32.MAX_VALUE) value = value * 10 + (<u64>load<u8>(this.at++) - 48);
    const digits = this.at - start;
    if (digits == 0 || value > <u64>i32.MAX_VALUE || (digits > 1 && load<u8>(start) == Ascii.Zero)) return null;
    return new PathStep(StepKind.Index, Bytes.EMPTY, <u32>value);
  }
}
