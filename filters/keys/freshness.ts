// What the KMS said of a key last, for how long that counts, and when it is asked again.
import { ABSENT_KEY_MS, MAX_IDLE_RETRY_MS, MAX_KEY_AGE_MS, MAX_KMS_BACKOFF_MS, MIN_KEY_RECHECK_MS } from '../limits';
import { KeyState } from './key-state';
import { Backoff, soonest, spread } from './pace';

/** A refusal of the KMS, believed for a while. */
export class Refusal {
  private state: KeyState = KeyState.Ready;
  private untilMs: u64 = 0;

  note(state: KeyState, untilMs: u64): void {
    this.state = state;
    this.untilMs = untilMs;
  }

  clear(): void {
    this.state = KeyState.Ready;
  }

  /** What was refused; Ready: nothing, or too long ago to count. */
  at(nowMs: u64): KeyState {
    return nowMs < this.untilMs ? this.state : KeyState.Ready;
  }
}

export class Freshness {
  /** Whether the KMS answers. */
  readonly backoff: Backoff = new Backoff();
  /** The pauses while the KMS answers, and refuses the newest version: old ones that it gives do not shorten them. */
  private readonly refusals: Backoff = new Backoff();
  /** The version to encrypt with has ended. */
  ended: bool = false;
  /** When the KMS last named the newest version, and when it was asked; 0: never. */
  checkedAtMs: u64 = 0;
  askedAtMs: u64 = 0;
  /** Why there is no key, and why no version of it is given that somebody names. */
  readonly key: Refusal = new Refusal();
  readonly versions: Refusal = new Refusal();
  private dueAtMs: u64 = 0;
  private usedAtMs: u64 = 0;
  private usedSinceCheck: bool = false;

  use(nowMs: u64): void {
    this.usedAtMs = nowMs;
    this.usedSinceCheck = true;
  }

  /**
   * Whether what the KMS said then still counts: for `patienceMs` as long as it answers, and for MAX_KEY_AGE_MS while
   * it does not.
   */
  isCurrent(saidAtMs: u64, nowMs: u64, patienceMs: u64): bool {
    if (saidAtMs == 0) return false;
    return nowMs - saidAtMs <= (this.backoff.failing ? MAX_KEY_AGE_MS : patienceMs);
  }

  /** Whether the KMS may be asked for the newest version. */
  mayAsk(nowMs: u64): bool {
    return (
      this.backoff.allows(nowMs) &&
      this.refusals.allows(nowMs) &&
      (this.askedAtMs == 0 || nowMs - this.askedAtMs >= MIN_KEY_RECHECK_MS)
    );
  }

  /** Whether a key that is held, or has ended, is to be looked up. One that nobody used since the last look is not. */
  isDue(nowMs: u64, refreshMs: u64): bool {
    return (
      this.checkedAtMs != 0 &&
      this.usedSinceCheck &&
      nowMs >= this.dueAtMs &&
      nowMs - this.usedAtMs <= refreshMs + MAX_IDLE_RETRY_MS
    );
  }

  /** The KMS named a newest version that can be used. `confirmed`: it is in use; if not, it is looked at once more. */
  named(nowMs: u64, refreshMs: u64, expiresAtMs: u64, confirmed: bool): void {
    this.checkedAtMs = nowMs;
    this.ended = false;
    this.key.clear();
    this.refusals.recover();
    this.dueAtMs = nowMs + spread(soonest(refreshMs, expiresAtMs, nowMs));
    this.usedSinceCheck = !confirmed;
    if (!confirmed) this.usedAtMs = nowMs;
  }

  /** The KMS named a newest version that has ended or was taken back. */
  closed(state: KeyState, nowMs: u64, refreshMs: u64): void {
    this.checkedAtMs = nowMs;
    this.ended = state == KeyState.Expired;
    this.refusals.recover();
    this.key.note(state, nowMs + ABSENT_KEY_MS);
    this.dueAtMs = nowMs + max(spread(refreshMs), ABSENT_KEY_MS);
    this.usedSinceCheck = false;
  }

  /**
   * The KMS refused the newest version, or gave something that is no key: believed until the next answers must be
   * there.
   */
  refused(state: KeyState, nowMs: u64, timeoutMs: u64): void {
    this.refusals.fail(nowMs);
    this.key.note(state, this.believedUntil(nowMs, timeoutMs));
  }

  /** Whether `closed` was said and still counts. */
  isClosed(nowMs: u64): bool {
    const said = this.key.at(nowMs);
    return said == KeyState.Expired || said == KeyState.Revoked;
  }

  /** What waiting will not change is believed until the next answers must be there. */
  believedUntil(nowMs: u64, timeoutMs: u64): u64 {
    return nowMs + (MAX_KMS_BACKOFF_MS * 3) / 2 + timeoutMs;
  }
}
