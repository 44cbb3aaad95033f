// Requests under way at a route's upstream, and those that wait to be sent. Each worker counts its own and has its share of
// what the route allows, so that no request costs a look at shared data.
import { ErrorId } from '../errors.gen';
import { MAX_SEND_LINES } from '../limits';
import { Bytes } from '../memory/bytes';
import { AfterCall, afterCall } from '../runtime/after-call';
import { wakeAt } from '../runtime/alarm';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { monotonicMillis } from '../runtime/host';
import { resume } from '../runtime/resume';
import { Sent, SentPlace, Standing } from '../runtime/sent';
import { Resumer, Service } from '../runtime/service';
import { QueueConfig } from './config.gen';
import { liveWorkers } from './live-workers';
import { SentList } from './sent-list';
import { SojournWatch } from './sojourn';
import { queueAged, queueRefused, queueWaited } from './stats';

const NANOS_PER_MILLI: u64 = 1_000_000;

/** Whoever waits here. */
const SEND: Resumer = new Resumer('send');

/** Requests of which it is settled what becomes of them, and whose stages have to be called again. */
const settled: SentList = new SentList();

class ResumeSettled extends AfterCall {
  run(): void {
    for (let sent = settled.first; sent != null; sent = settled.first) {
      settled.remove(sent);
      sent.isListed = false;
      resume(SEND, sent.streamId, Direction.Request);
    }
  }
}

const resumeSettled: ResumeSettled = new ResumeSettled();

function settle(sent: Sent, standing: Standing): void {
  sent.standing = standing;
  sent.isListed = true;
  settled.add(sent);
  afterCall(resumeSettled);
}

/** The requests of one route in this worker. */
export class SendLine extends SentPlace {
  private terms!: QueueConfig;
  private underWay: i32 = 0;
  private readonly waiting: SentList = new SentList();
  private readonly watch: SojournWatch = new SojournWatch();

  constructor(readonly id: Bytes) {
    super();
  }

  get idle(): bool {
    return this.underWay == 0 && this.waiting.size == 0;
  }

  /** Takes the numbers of the newest configuration. */
  obey(terms: QueueConfig): void {
    this.terms = terms;
    if (terms.codel) this.watch.begin(<u64>terms.maxWaitMs);
    else this.watch.end();
  }

  /**
   * Where the request stands; asked again when that was settled. `mostMs`: it may not wait longer. `mayWait`: false
   * where a full house is only counted.
   */
  ask(exchange: Exchange, sent: Sent, mostMs: u64, mayWait: bool): Standing {
    if (sent.standing != Standing.None) return sent.standing;
    liveWorkers.note();
    const terms = this.terms;
    sent.place = this;
    if (this.waiting.size == 0 && this.underWay < liveWorkers.shareOf(terms.inFlight)) {
      this.underWay++;
      return (sent.standing = Standing.UnderWay);
    }
    if (!mayWait || terms.max == 0) return this.turnAway(sent);
    if (this.waiting.size >= liveWorkers.shareOf(terms.max)) {
      const oldest = this.waiting.first;
      if (!terms.dropOldest || oldest == null) return this.turnAway(sent);
      this.waiting.remove(oldest);
      queueRefused.add(1);
      settle(oldest, Standing.Refused);
    }
    const nowMs = monotonicMillis();
    const caller = exchange.caller;
    sent.streamId = caller.contextId;
    sent.sinceMs = nowMs;
    sent.dueMs = nowMs + min(<u64>terms.maxWaitMs, mostMs);
    sent.standing = Standing.Waits;
    this.waiting.add(sent);
    queueWaited.add(1);
    exchange.resumer = SEND;
    wakeAt(caller.rootId, caller.contextId, sent.dueMs * NANOS_PER_MILLI);
    return Standing.Waits;
  }

  private turnAway(sent: Sent): Standing {
    queueRefused.add(1);
    return (sent.standing = Standing.Refused);
  }

  /** The request is answered, or will not be. */
  leave(sent: Sent): void {
    const standing = sent.standing;
    sent.place = null;
    sent.standing = Standing.None;
    if (sent.isListed) {
      settled.remove(sent);
      sent.isListed = false;
    } else if (standing == Standing.Waits) {
      this.waiting.remove(sent);
      return;
    }
    if (standing != Standing.UnderWay) return;
    this.underWay--;
    this.callNext();
  }

  /** Sends those that wait while there is room. */
  callNext(): void {
    const waiting = this.waiting;
    if (waiting.size == 0) return;
    const most = liveWorkers.shareOf(this.terms.inFlight);
    const nowMs = monotonicMillis();
    for (let sent = waiting.first; sent != null && this.underWay < most; sent = waiting.first) {
      waiting.remove(sent);
      if (this.watch.isTooOld(nowMs - sent.sinceMs, nowMs, waiting.size == 0)) this.giveUp(sent);
      else {
        this.underWay++;
        settle(sent, Standing.UnderWay);
      }
    }
  }

  private giveUp(sent: Sent): void {
    queueAged.add(1);
    settle(sent, Standing.Late);
  }

  /** Gives up those that have waited too long. Returns when the next one will have, milliseconds; 0: none waits. */
  expire(nowMs: u64): u64 {
    // Room may have come without a request that ended: another worker has gone, or an edit allows more.
    this.callNext();
    let next: u64 = 0;
    for (let sent = this.waiting.first; sent != null;) {
      const behind = sent.behind;
      if (sent.dueMs <= nowMs) {
        this.waiting.remove(sent);
        this.giveUp(sent);
      } else if (next == 0 || sent.dueMs < next) next = sent.dueMs;
      sent = behind;
    }
    return next;
  }
}

/** The lines of all routes of this VM. They live on over edits, since their requests do. */
class SendLines extends Service {
  private readonly lines: SendLine[] = [];

  /** The line of that name, made if there is none. Null: there are too many. */
  open(id: Bytes): SendLine | null {
    let idle = -1;
    for (let i = 0; i < this.lines.length; i++) {
      const line = unchecked(this.lines[i]);
      if (line.id.equals(id.pointer, id.length)) return line;
      if (line.idle) idle = i;
    }
    const line = new SendLine(id);
    if (this.lines.length < MAX_SEND_LINES) this.lines.push(line);
    else if (idle >= 0) this.lines[idle] = line;
    else return null;
    return line;
  }

  tick(rootId: u32): void {
    liveWorkers.tick();
  }

  wake(nowNanos: u64): u64 {
    let next: u64 = 0;
    for (let i = 0; i < this.lines.length; i++) {
      const due = unchecked(this.lines[i]).expire(nowNanos / NANOS_PER_MILLI);
      if (due != 0 && (next == 0 || due < next)) next = due;
    }
    return next * NANOS_PER_MILLI;
  }
}

export const sendLines: SendLines = new SendLines();

/** Why a request that does not go on is refused. */
export function refusalOf(standing: Standing): ErrorId {
  return standing == Standing.Late ? ErrorId.FIM_RES_0012 : ErrorId.FIM_RES_0011;
}
