// Streams that wait for a key, and the selection of those to resume.
import { monotonicMillis } from '../runtime/host';
import { resume } from '../runtime/resume';
import { Resumer } from '../runtime/service';
import { Freshness } from './freshness';
import { KeyState } from './key-state';
import { KeyVersions } from './key-versions';
import { waitMillis } from './stats';
import { NEWEST, Waiter, WaiterList } from './waiter';

/** Resumes the messages that wait for a key. */
export const KEYS: Resumer = new Resumer('keys');

/** Choice of those that are resumed. */
export const enum Those {
  /** Waiters for one version. */
  OfVersion = 0,
  /** Waiters for the newest version, and for its number. */
  OfNewest = 1,
  /** Waiters for any version that they name. */
  OfVersions = 2,
  /**
   * Waiters for the newest version, or for a version from some number on, about which only a look-up of the newest can
   * tell.
   */
  OfLater = 3,
  /** Waiters that named a version above the newest before the KMS was asked for it. */
  Above = 4,
  /** Waiters that have waited too long. */
  Overdue = 5,
  /** Waiters that a held version can serve. */
  Served = 6,
  /** Waiters that a held version can serve and that have waited long enough for the KMS's confirmation. */
  Patient = 7,
  All = 8,
}

export class WaitingLine extends WaiterList {
  /**
   * State given to a resumed waiter that still finds no key. Pending: it may wait again. Ready: the held version serves
   * it.
   */
  verdict: KeyState = KeyState.Pending;

  /** `dataKeys`: numbers are this VM's own, and say nothing about age. */
  constructor(
    private readonly versions: KeyVersions,
    private readonly freshness: Freshness,
    private readonly dataKeys: bool,
  ) {
    super();
  }

  private isChosen(waiter: Waiter, those: Those, value: u64): bool {
    switch (those) {
      case Those.OfVersion:
        return waiter.version == value;
      case Those.OfNewest:
        return waiter.version == NEWEST || waiter.version == value;
      case Those.OfVersions:
        return waiter.version != NEWEST;
      case Those.OfLater:
        return waiter.version == NEWEST || (!this.dataKeys && waiter.version >= value);
      case Those.Above:
        return !this.dataKeys && waiter.version > value && waiter.sinceMs <= this.freshness.askedAtMs;
      case Those.Overdue:
        return waiter.sinceMs <= value;
      case Those.Served:
        return this.holds(waiter);
      case Those.Patient:
        return waiter.sinceMs <= value && this.holds(waiter);
      default:
        return true;
    }
  }

  private holds(waiter: Waiter): bool {
    if (waiter.version != NEWEST) return this.versions.find(waiter.version) != null;
    return this.versions.active != null || this.freshness.ended;
  }

  /**
   * Resumes selected waiters and returns their number. Resumed streams may wait again, unless `verdict` gives their
   * result.
   */
  release(those: Those, value: u64, verdict: KeyState): u32 {
    if (this.length == 0) return 0;
    const nowMs = monotonicMillis();
    let going: Waiter | null = null;
    let end: Waiter | null = null;
    let waiter = this.takeAll();
    while (waiter != null) {
      const next: Waiter | null = waiter.next;
      if (!this.isChosen(waiter, those, value)) this.append(waiter);
      else {
        waiter.next = null;
        if (end == null) going = waiter;
        else end.next = waiter;
        end = waiter;
      }
      waiter = next;
    }
    let count: u32 = 0;
    while (going != null) {
      const next: Waiter | null = going.next;
      const contextId = going.contextId;
      const direction = going.direction;
      waitMillis.record(nowMs - going.sinceMs);
      this.recycle(going);
      this.verdict = verdict;
      resume(KEYS, contextId, direction);
      count++;
      going = next;
    }
    this.verdict = KeyState.Pending;
    return count;
  }
}
