// Times of requests to a KMS.
import { randomBytes } from '../crypto/random';
import { FAILED_FETCH_REFILL_MS, MAX_FAILED_FETCHES, MAX_KMS_BACKOFF_MS, MIN_KMS_BACKOFF_MS } from '../limits';

/** Shortest look-up period of a key near its expiry, milliseconds. */
const LEAST_PERIOD_MS: u64 = 500;

const DRAWN: usize = memory.data(4, 4);

/** A random time from three quarters of `milliseconds` to all of it, so that many workers do not ask at once. */
export function spread(milliseconds: u64): u64 {
  const part = milliseconds / 4;
  if (!randomBytes(DRAWN, 4)) return milliseconds;
  return milliseconds - (<u64>load<u32>(DRAWN) * part) / u32.MAX_VALUE;
}

/** Refresh period, or half of the remaining life of a key that expires soon, so that its successor is seen in time. */
export function soonest(period: u64, expiresAtMs: u64, nowMs: u64): u64 {
  if (expiresAtMs <= nowMs) return min(period, LEAST_PERIOD_MS);
  return min(period, max((expiresAtMs - nowMs) / 2, LEAST_PERIOD_MS));
}

/** Whether the KMS answers, and the pauses while it does not. */
export class Backoff {
  /** Whether the last request failed. */
  failing: bool = false;
  private retryAtMs: u64 = 0;
  private pauseMs: u64 = 0;

  /** Whether it may be asked now. */
  allows(nowMs: u64): bool {
    return nowMs >= this.retryAtMs;
  }

  /** Doubles the pause before the next try. */
  fail(nowMs: u64): void {
    this.failing = true;
    this.pauseMs = min(max(this.pauseMs * 2, MIN_KMS_BACKOFF_MS), MAX_KMS_BACKOFF_MS);
    this.retryAtMs = nowMs + spread(this.pauseMs) + this.pauseMs / 4;
  }

  recover(): void {
    this.failing = false;
    this.pauseMs = 0;
    this.retryAtMs = 0;
  }
}

/**
 * Budget of requests for versions and data keys that do not exist: MAX_FAILED_FETCHES, and one more every
 * FAILED_FETCH_REFILL_MS.
 */
export class FailureBudget {
  private left: u64 = MAX_FAILED_FETCHES;
  private filledAtMs: u64 = 0;

  /** Whether a version that was never genuine may be requested. `underWay`: number of running requests. */
  allows(nowMs: u64, underWay: u32): bool {
    const parts = (nowMs - this.filledAtMs) / FAILED_FETCH_REFILL_MS;
    if (parts > 0) {
      this.left = min(<u64>MAX_FAILED_FETCHES, this.left + parts);
      this.filledAtMs += parts * FAILED_FETCH_REFILL_MS;
    }
    return this.left > underWay;
  }

  /** Records a request for one that does not exist. */
  spend(): void {
    if (this.left > 0) this.left--;
  }
}
