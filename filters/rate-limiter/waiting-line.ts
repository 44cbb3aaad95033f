// Requests that wait for their time. When that is was settled when they came, by the bucket that all workers share; each
// worker holds those that came to it until then.
import { MAX_WAITING_REQUESTS } from '../limits';
import { wakeAt } from '../runtime/alarm';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { resume } from '../runtime/resume';
import { Resumer, Service } from '../runtime/service';
import { TICKS_PER_NANO } from './bucket';
import { Waiter } from './waiter';

/** Whoever waits here. */
const SHAPE: Resumer = new Resumer('shape');

class WaitingLine extends Service {
  /** In the order in which they came. */
  private first: Waiter | null = null;
  private last: Waiter | null = null;
  private size: i32 = 0;
  /** The one that is looked at next while the line is gone through. */
  private cursor: Waiter | null = null;

  get full(): bool {
    return this.size >= MAX_WAITING_REQUESTS;
  }

  /** The request waits until `dueTicks`. The stage answers `Wait`. */
  add(exchange: Exchange, waiter: Waiter, dueTicks: u64): void {
    const caller = exchange.caller;
    waiter.streamId = caller.contextId;
    waiter.dueTicks = dueTicks;
    waiter.waits = true;
    waiter.behind = null;
    const last = this.last;
    waiter.ahead = last;
    if (last == null) this.first = waiter;
    else last.behind = waiter;
    this.last = waiter;
    this.size++;
    exchange.resumer = SHAPE;
    wakeAt(caller.rootId, caller.contextId, nanosOf(dueTicks));
  }

  /** Resumes those whose time has come. */
  wake(nowNanos: u64): u64 {
    let next: u64 = 0;
    let waiter = this.first;
    while (waiter != null) {
      this.cursor = waiter.behind;
      const due = nanosOf(waiter.dueTicks);
      if (due <= nowNanos) {
        this.unlink(waiter);
        resume(SHAPE, waiter.streamId, Direction.Request);
      } else if (next == 0 || due < next) next = due;
      waiter = this.cursor;
    }
    return next;
  }

  /**
   * Takes out a request whose client left. Those behind it that wait here for the same buckets move up. What the last of
   * them has no use for any more is then in the claims of the one that left.
   */
  leave(left: Waiter): void {
    let behind = left.behind;
    this.unlink(left);
    while (behind != null) {
      behind.moveUp(left);
      behind = behind.behind;
    }
  }

  private unlink(waiter: Waiter): void {
    const ahead = waiter.ahead;
    const behind = waiter.behind;
    if (this.cursor == waiter) this.cursor = behind;
    if (ahead == null) this.first = behind;
    else ahead.behind = behind;
    if (behind == null) this.last = ahead;
    else behind.ahead = ahead;
    waiter.ahead = null;
    waiter.behind = null;
    waiter.waits = false;
    this.size--;
  }
}

export const waitingLine: WaitingLine = new WaitingLine();

function nanosOf(ticks: u64): u64 {
  return (ticks + TICKS_PER_NANO - 1) / TICKS_PER_NANO;
}
