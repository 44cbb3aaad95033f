// The times that a route gives its stages, and those that wait under them.
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { wakeAt } from '../runtime/alarm';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { resume } from '../runtime/resume';
import { Sent, SentPlace, Standing } from '../runtime/sent';
import { Resumer, Service } from '../runtime/service';
import { TimeBudgets } from '../runtime/time-budgets';
import { BudgetConfig } from './config.gen';
import { SentList } from './sent-list';
import { budgetOver } from './stats';

const NANOS_PER_MILLI: u64 = 1_000_000;
const KEYS: string = 'keys';

export class Budgets extends TimeBudgets {
  constructor(private readonly budgets: StaticArray<BudgetConfig>) {
    super();
  }

  ofSection(section: string): u64 {
    const name = Bytes.from(section);
    for (let i = 0; i < this.budgets.length; i++) {
      const budget = this.budgets[i];
      if (budget.section.equals(name.pointer, name.length)) return <u64>budget.budgetMs * NANOS_PER_MILLI;
    }
    return 0;
  }

  ofKeys(): u64 {
    return this.ofSection(KEYS);
  }

  refuse(exchange: Exchange): void {
    budgetOver.add(1);
    exchange.reply.begin(ErrorId.FIM_RES_0013);
  }

  onWait(exchange: Exchange, resumer: Resumer, dueNanos: u64): void {
    budgetWatch.add(exchange, resumer, dueNanos);
  }
}

/** Requests that wait under a budget. */
class WatchPlace extends SentPlace {
  readonly list: SentList = new SentList();

  leave(sent: Sent): void {
    sent.place = null;
    sent.standing = Standing.None;
    this.list.remove(sent);
  }
}

class BudgetWatch extends Service {
  private readonly waits: WatchPlace = new WatchPlace();

  add(exchange: Exchange, resumer: Resumer, dueNanos: u64): void {
    const sent = exchange.sent;
    const caller = exchange.caller;
    sent.leavePlace();
    sent.place = this.waits;
    sent.standing = Standing.Waits;
    sent.streamId = caller.contextId;
    sent.resumer = resumer;
    // The first whole millisecond at which the budget is over.
    sent.dueMs = dueNanos / NANOS_PER_MILLI + 1;
    this.waits.list.add(sent);
    wakeAt(caller.rootId, caller.contextId, sent.dueMs * NANOS_PER_MILLI);
  }

  wake(nowNanos: u64): u64 {
    const nowMs = nowNanos / NANOS_PER_MILLI;
    let sent = this.firstDue(nowMs);
    while (sent != null) {
      const resumer = sent.resumer;
      sent.leavePlace();
      if (resumer != null) resume(resumer, sent.streamId, Direction.Request);
      sent = this.firstDue(nowMs);
    }
    return this.nextMs() * NANOS_PER_MILLI;
  }

  private firstDue(nowMs: u64): Sent | null {
    let sent = this.waits.list.first;
    while (sent != null && sent.dueMs > nowMs) sent = sent.behind;
    return sent;
  }

  private nextMs(): u64 {
    let next: u64 = 0;
    let sent = this.waits.list.first;
    while (sent != null) {
      if (next == 0 || sent.dueMs < next) next = sent.dueMs;
      sent = sent.behind;
    }
    return next;
  }
}

export const budgetWatch: BudgetWatch = new BudgetWatch();
