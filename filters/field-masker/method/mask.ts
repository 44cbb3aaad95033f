// A compiled mask: what a value is, and what becomes of it.
import { Bytes } from '../../memory/bytes';
import { Writer } from '../../memory/writer';
import { MaskKind, MaskMethod } from '../config.gen';
import { KIND_FULL, KIND_KEEP_FIRST, KIND_KEEP_LAST } from '../kinds.gen';
import { Counter } from '../../runtime/metrics';
import { KeepDomain, KeepEnds, repeat } from './keep';
import { MaskKey } from './keyed';
import { Method } from './method';

/** Mask characters for `true` and `false`, whose lengths would tell them apart. */
const BOOLEAN_LENGTH: u32 = 3;

/** Fate of a value's place. */
export const enum Action {
  /** Another text stands in it. */
  Replace = 0,
  /** The member, element or part is taken out. */
  Remove = 1,
  /** `null`, or what the format has for it. */
  Null = 2,
}

export class Mask {
  /** Hides every character. */
  readonly whole: KeepEnds;

  /** Fate of the place. */
  readonly action: Action;
  /** Bit of what callers must be shown to see such values: that of the kind, or of a class for detectors of the house. */
  shownBy: u64;
  /** Key that must be there before a message is masked. */
  key: MaskKey | null = null;
  /** The place of the rule in the section (`fields[2]`), and whether it is a detector of the house. For explanations. */
  rule: string = '';
  house: bool = false;
  /** Whether such values are counted and stay. */
  observes: bool = false;
  /** Values masked so, or counted. */
  counter: Counter | null = null;

  /** `char`: stands for a hidden character where the method cannot do as asked. */
  constructor(
    readonly kind: MaskKind,
    readonly methodName: MaskMethod,
    private readonly method: Method,
    readonly char: Bytes,
  ) {
    this.whole = new KeepEnds(0, 0, char);
    this.shownBy = (<u64>1) << (<u64>kind);
    this.action =
      methodName == MaskMethod.Remove ? Action.Remove : methodName == MaskMethod.Null ? Action.Null : Action.Replace;
  }

  /** Writes what stands for a value. An empty one stays empty. */
  text(pointer: usize, length: u32, out: Writer): void {
    if (length == 0) return;
    const mark = out.length;
    if (this.method.hide(pointer, length, out)) return;
    out.rewind(mark);
    this.whole.hide(pointer, length, out);
  }

  /** Writes what stands for a number amid text; separators of its groups stay. */
  found(pointer: usize, length: u32, out: Writer): void {
    const mark = out.length;
    if (this.method.hideFound(pointer, length, out)) return;
    out.rewind(mark);
    this.whole.hideFound(pointer, length, out);
  }

  /** Writes the replacement of `true` and `false`. */
  boolean(out: Writer): void {
    if (this.methodName == MaskMethod.Replace) this.text(this.char.pointer, this.char.length, out);
    else repeat(this.char, BOOLEAN_LENGTH, out);
  }
}

/** The mask that a kind has unless something else is said. Negative: as the kind says. */
export function keepMask(kind: MaskKind, method: MaskMethod, first: i32, last: i32, char: Bytes): Mask {
  const full = method == MaskMethod.Full || (method == MaskMethod.ByKind && load<u8>(KIND_FULL + kind) != 0);
  const front = full ? 0 : first < 0 ? <u32>load<u8>(KIND_KEEP_FIRST + kind) : <u32>first;
  const back = full ? 0 : last < 0 ? <u32>load<u8>(KIND_KEEP_LAST + kind) : <u32>last;
  const domain = !full && kind == MaskKind.Email;
  const way: Method = domain ? new KeepDomain(front, back, char) : new KeepEnds(front, back, char);
  return new Mask(kind, method, way, char);
}
