// Controlled delay: a line that never runs empty for a while holds nothing but delay, and those in it that have waited long
// are given up, so that the others are answered in time (after RFC 8289, for requests instead of packets). Pure.

/** Part of the longest wait that is as good as none. */
const TARGET_PART: u64 = 10;
/** Times the target, beyond which a request is given up while the line is overloaded. */
const PATIENCE: u64 = 2;

export class SojournWatch {
  /** Milliseconds; 0: it does not watch. */
  private targetMs: u64 = 0;
  private intervalMs: u64 = 0;
  /** Since when no request has left the line after less than the target; 0: one just has. */
  private aboveSinceMs: u64 = 0;

  /** `longestMs`: wait after which requests are given up anyway. */
  begin(longestMs: u64): void {
    this.targetMs = max<u64>(1, longestMs / TARGET_PART);
    this.intervalMs = max<u64>(1, longestMs);
  }

  end(): void {
    this.targetMs = 0;
    this.aboveSinceMs = 0;
  }

  /** Whether a request that leaves the line after `waitedMs` is given up. `last`: none is behind it. */
  isTooOld(waitedMs: u64, nowMs: u64, last: bool): bool {
    const target = this.targetMs;
    if (target == 0) return false;
    if (waitedMs < target || last) {
      this.aboveSinceMs = 0;
      return false;
    }
    if (this.aboveSinceMs == 0) this.aboveSinceMs = nowMs;
    return nowMs - this.aboveSinceMs >= this.intervalMs && waitedMs > PATIENCE * target;
  }
}
