// Times that the stages of a route may take for one request, their waits included.
import { Exchange } from './exchange';
import { Resumer } from './service';

/** Name of the one that resumes those that wait for keys. */
const KEYS: string = 'keys';

/** Times as a route gives them to its stages. Nothing here may throw or allocate. */
export abstract class TimeBudgets {
  /** Nanoseconds of a stage, by its section; 0: it has no budget. */
  abstract ofSection(section: string): u64;
  /** Nanoseconds that a request may wait for keys, in all stages together; 0: it may wait as long as they do. */
  abstract ofKeys(): u64;
  /** Prepares the refusal of a request of which a stage has taken too long. */
  abstract refuse(exchange: Exchange): void;
  /** A request waits for `resumer`, and its budget ends at `dueNanos`, monotonic: the stage is called again then. */
  abstract onWait(exchange: Exchange, resumer: Resumer, dueNanos: u64): void;
}

/** The budgets of the steps of one plan. */
export class StepBudgets {
  private readonly nanos: StaticArray<u64>;
  private readonly keysNanos: u64;

  constructor(
    readonly budgets: TimeBudgets,
    sections: StaticArray<string>,
    /** Whether being over is only counted where the route observes. */
    readonly observable: bool,
    /** Section of the stage that says it. */
    readonly section: string,
  ) {
    const nanos = new StaticArray<u64>(sections.length);
    for (let i = 0; i < sections.length; i++) nanos[i] = budgets.ofSection(sections[i]);
    this.nanos = nanos;
    this.keysNanos = budgets.ofKeys();
  }

  /** Whether a step that took `spent`, its waits included, and a request that waited for keys so long, take too long. */
  isOver(place: i32, spent: u64, keys: u64): bool {
    const most = unchecked(this.nanos[place]);
    return (most != 0 && spent > most) || (this.keysNanos != 0 && keys > this.keysNanos);
  }

  /** Rest of a wait, nanoseconds; 0: it has no bound. */
  leftOf(place: i32, spent: u64, keys: u64, resumer: Resumer): u64 {
    const most = unchecked(this.nanos[place]);
    let left: u64 = most == 0 ? 0 : most > spent ? most - spent : 1;
    if (this.keysNanos == 0 || resumer.name != KEYS) return left;
    const ofKeys: u64 = this.keysNanos > keys ? this.keysNanos - keys : 1;
    return left == 0 ? ofKeys : min(left, ofKeys);
  }
}

/** Time that one leg has spent on waiting. */
export class Waited {
  /** Step that waits or has waited last. */
  private place: i32 = -1;
  private sinceNanos: u64 = 0;
  private nanos: u64 = 0;
  keysNanos: u64 = 0;

  /** Nanoseconds that the step has waited. */
  of(place: i32): u64 {
    return this.place == place ? this.nanos : 0;
  }

  begin(place: i32, nowNanos: u64): void {
    if (this.place != place) this.nanos = 0;
    this.place = place;
    this.sinceNanos = nowNanos;
  }

  end(resumer: Resumer, nowNanos: u64): void {
    const nanos = nowNanos - this.sinceNanos;
    this.nanos += nanos;
    if (resumer.name == KEYS) this.keysNanos += nanos;
  }

  clear(): void {
    this.place = -1;
    this.nanos = 0;
    this.keysNanos = 0;
  }
}
