/** The last finding. One object for all detectors of a scanner. */
export class Finding {
  /** Addresses in the text as it is written. */
  start: usize = 0;
  end: usize = 0;
  kind: u32 = 0;
  /** Bits of `Why`. */
  why: u32 = 0;

  /** Notes what was found. Always true. */
  set(kind: u32, start: usize, end: usize, why: u32): bool {
    this.kind = kind;
    this.start = start;
    this.end = end;
    this.why = why;
    return true;
  }
}
