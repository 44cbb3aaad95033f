import { Bytes } from '../memory/bytes';

/** A path as a JSON Pointer, with the rest of it below each of its steps. */
export class PathTail {
  constructor(
    readonly text: Bytes,
    private readonly offsets: StaticArray<u32>,
    private readonly ends: StaticArray<u32>,
  ) {}

  /** Offset in `text` of the rest below `depth` steps. */
  offset(depth: i32): u32 {
    return depth < this.offsets.length ? this.offsets[depth] : this.text.length;
  }

  /** Offset in `text` of the end of that rest: the next wildcard, or the end. */
  end(depth: i32): u32 {
    return depth < this.ends.length ? this.ends[depth] : this.text.length;
  }
}
