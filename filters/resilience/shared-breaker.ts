// A breaker whose state all workers share. There is a fixed number of places, since shared data is never forgotten.
import { BREAKER_PLACES, BREAKER_TRIES, MAX_SWAP_TRIES } from '../limits';
import { Bytes, hashBytes64 } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { LogLevel } from '../runtime/abi';
import { log, monotonicMillis } from '../runtime/host';
import { AnswerWatcher, Judgement, Sent } from '../runtime/sent';
import { SharedValue, Swap, createShared } from '../runtime/shared-data';
import {
  Admission,
  BREAKER_BYTES,
  BreakerOrder,
  BreakerPhase,
  BreakerTerms,
  admit,
  beginBreaker,
  epochOf,
  faultsIn,
  forget,
  obeyOrder,
  orderOf,
  ownerOf,
  phaseOf,
  record,
  resultsIn,
  touchedMs,
  waitsMs,
} from './breaker';
import { Faults } from './faults';
import { breakerClosed, breakerDegraded, breakerFailed, breakerOpened, breakerProbes } from './stats';

// "fim.breaker1" + number in four bytes
const KEY: usize = memory.data<u8>([102, 105, 109, 46, 98, 114, 101, 97, 107, 101, 114, 49, 0, 0, 0, 0]);
const KEY_LENGTH: u32 = 16;

const value: SharedValue = new SharedValue();
const line: Writer = new Writer(scratch);

function keyOf(place: u32): usize {
  store<u32>(KEY, place, 12);
  return KEY;
}

function read(place: u32): bool {
  return value.read(keyOf(place), KEY_LENGTH) && value.length == BREAKER_BYTES;
}

/** The place of an owner's state, made if there is none. Where all that it may have are taken, the one longest unused. */
function openPlace(owner: u64): u32 {
  const nowMs = monotonicMillis();
  const first = <u32>(owner % BREAKER_PLACES);
  let oldest = first;
  let oldestMs = u64.MAX_VALUE;
  for (let i: u32 = 0; i < BREAKER_TRIES; i++) {
    const place = (first + i) % BREAKER_PLACES;
    if (!read(place)) {
      const empty = scratch.allocate(BREAKER_BYTES);
      if (empty == 0) return place;
      beginBreaker(empty, owner, nowMs);
      createShared(keyOf(place), KEY_LENGTH, empty, BREAKER_BYTES);
      if (!read(place)) return place;
    }
    if (ownerOf(value.pointer) == owner) return place;
    const touched = touchedMs(value.pointer);
    if (touched >= oldestMs) continue;
    oldest = place;
    oldestMs = touched;
  }
  if (read(oldest)) {
    beginBreaker(value.pointer, owner, nowMs);
    value.swap(keyOf(oldest), KEY_LENGTH);
  }
  return oldest;
}

export class SharedBreaker extends AnswerWatcher {
  private readonly owner: u64;
  private readonly place: u32;
  /** Milliseconds until a request that was refused may come again. */
  waitsMs: u64 = 0;
  // How it stood at the last `read`.
  phase: BreakerPhase = BreakerPhase.Normal;
  order: BreakerOrder = BreakerOrder.None;
  requests: u64 = 0;
  faulty: u64 = 0;

  /** `slowMs`: an answer that took longer is a fault; 0: none is. */
  constructor(
    private readonly id: Bytes,
    private readonly terms: BreakerTerms,
    private readonly slowMs: u64,
    readonly faults: Faults,
  ) {
    super();
    const owner = max<u64>(1, hashBytes64(id.pointer, id.length));
    this.owner = owner;
    this.place = openPlace(owner);
  }

  /** Whether the request is sent; its answer is then waited for. */
  admit(sent: Sent): bool {
    const nowMs = monotonicMillis();
    for (let i = 0; i < MAX_SWAP_TRIES && this.look(); i++) {
      const state = value.pointer;
      const order = orderOf(state);
      if (order == BreakerOrder.Closed) return true;
      if (order == BreakerOrder.Open) {
        this.waitsMs = this.terms.openForMs;
        return false;
      }
      const admission = admit(state, this.terms, nowMs);
      if (admission == Admission.Refused) {
        this.waitsMs = min(waitsMs(state, this.terms, nowMs), this.terms.openForMs);
        return false;
      }
      if (admission == Admission.Probe) {
        const swap = value.swap(keyOf(this.place), KEY_LENGTH);
        if (swap == Swap.Lost) continue;
        if (swap == Swap.Failed) break;
        breakerProbes.add(1);
      }
      sent.watcher = this;
      sent.note = epochOf(state);
      sent.atMs = nowMs;
      return true;
    }
    breakerFailed.add(1);
    return true;
  }

  /** Reads how it stands. False: it cannot be read. */
  read(): bool {
    if (!this.look()) return false;
    const nowMs = monotonicMillis();
    const state = value.pointer;
    this.phase = phaseOf(state);
    this.order = orderOf(state);
    this.requests = resultsIn(state, this.terms, nowMs);
    this.faulty = faultsIn(state, this.terms, nowMs);
    this.waitsMs =
      this.phase < BreakerPhase.Open || this.order != BreakerOrder.None ? 0 : waitsMs(state, this.terms, nowMs);
    return true;
  }

  /** Sets it by hand, and reads how it stands then. False: it cannot be written. */
  obey(order: BreakerOrder): bool {
    for (let i = 0; i < MAX_SWAP_TRIES && this.look(); i++) {
      obeyOrder(value.pointer, order, monotonicMillis());
      const swap = value.swap(keyOf(this.place), KEY_LENGTH);
      if (swap == Swap.Done) return this.read();
      if (swap == Swap.Failed) return false;
    }
    return false;
  }

  judgeHeaders(sent: Sent, status: usize): Judgement {
    return this.faults.judgeHeaders(sent, status);
  }

  judgeTrailers(): bool {
    return this.faults.judgeTrailers();
  }

  onAnswer(sent: Sent, fault: bool): void {
    if (fault) sent.asks = false;
    const nowMs = monotonicMillis();
    const bad = fault || this.isSlow(sent, nowMs);
    for (let i = 0; i < MAX_SWAP_TRIES && this.look(); i++) {
      const before = phaseOf(value.pointer);
      if (!record(value.pointer, this.terms, nowMs, sent.note, bad)) return;
      const after = phaseOf(value.pointer);
      const swap = value.swap(keyOf(this.place), KEY_LENGTH);
      if (swap == Swap.Lost) continue;
      if (swap == Swap.Failed) break;
      if (before != after) this.tell(before, after);
      return;
    }
    breakerFailed.add(1);
  }

  onNoAnswer(sent: Sent): void {
    const nowMs = monotonicMillis();
    // Who waits no longer has waited long enough to tell.
    if (this.isSlow(sent, nowMs)) return this.onAnswer(sent, true);
    for (let i = 0; i < MAX_SWAP_TRIES && this.look(); i++) {
      if (!forget(value.pointer, sent.note, nowMs)) return;
      if (value.swap(keyOf(this.place), KEY_LENGTH) != Swap.Lost) return;
    }
  }

  /** A sender that takes its time over the body does not make the upstream slow. */
  private isSlow(sent: Sent, nowMs: u64): bool {
    const untilMs = sent.answeredMs == 0 ? nowMs : sent.answeredMs;
    return this.slowMs != 0 && sent.whole && untilMs - sent.atMs > this.slowMs;
  }

  /** Reads the state. False: it cannot be read, or another breaker has its place. */
  private look(): bool {
    return read(this.place) && ownerOf(value.pointer) == this.owner;
  }

  private tell(before: BreakerPhase, after: BreakerPhase): void {
    if (after == BreakerPhase.Open) breakerOpened.add(1);
    else if (after == BreakerPhase.Degraded) breakerDegraded.add(1);
    else if (before == BreakerPhase.HalfOpen) breakerClosed.add(1);
    line.begin(256);
    line.ascii('{"event":"breaker","route":"');
    line.jsonText(this.id.pointer, this.id.length);
    line.ascii('","state":"');
    line.ascii(after == BreakerPhase.Open ? 'Open' : after == BreakerPhase.Degraded ? 'Degraded' : 'Normal');
    line.ascii('"}');
    log(after == BreakerPhase.Normal ? LogLevel.Info : LogLevel.Warn, line);
  }
}
