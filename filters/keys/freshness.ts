// Last response of the KMS about a key, its validity, and the time of the next request.
import { ABSENT_KEY_MS, MAX_IDLE_RETRY_MS, MAX_KEY_AGE_MS, MAX_KMS_BACKOFF_MS, MIN_KEY_RECHECK_MS } from '../limits';
import { KeyState } from './key-state';
import { Backoff, soonest, spread } from './pace';

/** A refusal of the KMS, cached for a while. */
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

  /** Cached refusal. Ready if there is none or it is too old. */
  at(nowMs: u64): KeyState {
    return nowMs < this.untilMs ? this.state : KeyState.Ready;
  }
}

export class Freshness {
  /** Whether the KMS answers. */
  readonly backoff: Backoff = new Backoff();
  /**
   * Pauses while the KMS answers and refuses the newest version. Successful fetches of old versions do not shorten
   * them.
   */
  private readonly refusals: Backoff = new Backoff();
  /** Whether the version to encrypt with has expired. */
  ended: bool = false;
  /** Time at which the KMS last named the newest version, and time of the last request; 0: never. */
  checkedAtMs: u64 = 0;
  askedAtMs: u64 = 0;
  /** Reason why there is no key, and why no version that messages name is returned. */
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
   * Whether the KMS's last response still counts: for `patienceMs` while it answers, and for MAX_KEY_AGE_MS while it
   * does not.
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

  /** Whether a held or expired key must be looked up. One that nobody has used since the last look-up need not. */
  isDue(nowMs: u64, refreshMs: u64): bool {
    return (
      this.checkedAtMs != 0 &&
      this.usedSinceCheck &&
      nowMs >= this.dueAtMs &&
      nowMs - this.usedAtMs <= refreshMs + MAX_IDLE_RETRY_MS
    );
  }

  /** The KMS named a usable newest version. `confirmed`: it is in use. If not, it is checked once more. */
  named(nowMs: u64, refreshMs: u64, expiresAtMs: u64, confirmed: bool): void {
    this.checkedAtMs = nowMs;
    this.ended = false;
    this.key.clear();
    this.refusals.recover();
    this.dueAtMs = nowMs + spread(soonest(refreshMs, expiresAtMs, nowMs));
    this.usedSinceCheck = !confirmed;
    if (!confirmed) this.usedAtMs = nowMs;
  }

  /** The KMS named a newest version that has expired or was revoked. */
  closed(state: KeyState, nowMs: u64, refreshMs: u64): void {
    this.checkedAtMs = nowMs;
    this.ended = state == KeyState.Expired;
    this.refusals.recover();
    this.key.note(state, nowMs + ABSENT_KEY_MS);
    this.dueAtMs = nowMs + max(spread(refreshMs), ABSENT_KEY_MS);
    this.usedSinceCheck = false;
  }

  /**
   * The KMS refused the newest version, or returned something that is no key. The refusal is cached until the next
   * response is due.
   */
  refused(state: KeyState, nowMs: u64, timeoutMs: u64): void {
    this.refusals.fail(nowMs);
    this.key.note(state, this.believedUntil(nowMs, timeoutMs));
  }

  /** Whether a `closed` still counts. */
  isClosed(nowMs: u64): bool {
    const said = this.key.at(nowMs);
    return said == KeyState.Expired || said == KeyState.Revoked;
  }

  /** A refusal that waiting will not change is cached until the next response is due. */
  believedUntil(nowMs: u64, timeoutMs: u64): u64 {
    return nowMs + (MAX_KMS_BACKOFF_MS * 3) / 2 + timeoutMs;
  }
}
