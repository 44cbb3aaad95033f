// The outbox of a VM as a service: records go in batches through a cluster of the proxy, are kept until a collector has
// them on disk, and sent again until it has. One batch is under way at a time, so that an acknowledgement is a number.
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { wakeAt } from '../runtime/alarm';
import { Caller } from '../runtime/caller';
import { CalloutHandler, CalloutHeader, CalloutRequest, sendCallout } from '../runtime/callout';
import { Exchange } from '../runtime/exchange';
import { monotonicNanos, wallNanos } from '../runtime/host';
import { resume } from '../runtime/resume';
import { Resumer, Service } from '../runtime/service';
import { readAcknowledged, retryAfterMs } from './answer';
import { SOURCE_TEXT_BYTES, nextBits, openIdentity, sourceName } from './identity';
import { Estate, leaveEstate, openEstate } from './estate';
import { AuditNote, Awaits, NoteKeeper } from './note';
import { NoteLine } from './note-line';
import { Outbox } from './outbox';
import { BATCH_BYTES, BATCH_MS, CALL_MS, FIRST_RETRY_MS, LONGEST_RETRY_MS } from './pace';
import { AuditPolicy } from './policy';
import { Gap, lineLength, linePointer, writeGap, writeMessage, writeStopped } from './record';
import { BATCH_PATH, BATCH_TYPE, HEADER_COUNT, HEADER_FIRST, HEADER_SOURCE, MAX_BATCH_RECORDS } from './record.gen';
import {
  auditAcknowledged,
  auditBlocked,
  auditCallsFailed,
  auditCallsSent,
  auditLost,
  auditRefused,
  auditWaiting,
  auditWritten,
} from './stats';

const NANOS_PER_MILLI: u64 = 1_000_000;
const OK: u32 = 200;
const BAD_REQUEST: u32 = 400;
const TOO_LARGE: u32 = 413;
/** Room for the line of a gap, bytes. */
const GAP_BYTES: u32 = 512;

const ROOM: Resumer = new Resumer('audit-room');
const RECORD: Resumer = new Resumer('audit-record');

const path: Bytes = Bytes.from(BATCH_PATH);
const request: CalloutRequest = new CalloutRequest();
const first: CalloutHeader = new CalloutHeader(Bytes.from(HEADER_FIRST));
const count: CalloutHeader = new CalloutHeader(Bytes.from(HEADER_COUNT));
const source: CalloutHeader = new CalloutHeader(Bytes.from(HEADER_SOURCE));
const gap: Gap = new Gap();
const numbers: Writer = new Writer(scratch);

/** The answer to a batch. */
class Batch extends CalloutHandler {
  onAnswer(rootId: u32, status: u32, body: usize, bodyLength: u32): void {
    auditor.onAnswer(status, body, bodyLength);
  }

  onLost(): void {
    auditor.onAnswer(0, 0, 0);
  }
}

const batch: Batch = new Batch();

/** Notes whose streams are over. */
class Keeper extends NoteKeeper {
  hold(note: AuditNote, caller: Caller): Resumer | null {
    return auditor.hold(note, caller);
  }

  end(note: AuditNote): void {
    auditor.end(note);
  }
}

class Auditor extends Service {
  readonly keeper: Keeper = new Keeper();
  private readonly outbox: Outbox = new Outbox();
  /** Root context under which batches are sent. 0: none is known. */
  private rootId: u32 = 0;
  private cluster: Bytes = Bytes.EMPTY;
  private authority: Bytes = Bytes.EMPTY;
  /** Number of the last record of the batch under way. 0: none is. */
  private sentTo: u64 = 0;
  private sentRecords: i32 = 0;
  /** Records of the next batch at most. */
  private batchRecords: i32 = MAX_BATCH_RECORDS;
  private failures: u32 = 0;
  /** Monotonic time before which nothing is sent, nanoseconds. 0: now. */
  private dueNanos: u64 = 0;
  private readonly forRoom: NoteLine = new NoteLine();
  private readonly forRecord: NoteLine = new NoteLine();
  /** The host has no random bytes: without a name there are no records. */
  private nameless: bool = false;
  /** Records left by VMs that are gone. */
  private readonly estate: Estate = new Estate();
  /** The batch under way is of the estate. */
  private ofEstate: bool = false;

  tick(rootId: u32): void {
    this.rootId = rootId;
    if (this.cluster.length == 0 || !this.estate.isEmpty || !this.estate.take()) return;
    if (this.sentTo == 0 && this.dueNanos == 0) this.send(monotonicNanos(), rootId);
  }

  forget(rootId: u32, last: bool): void {
    if (this.rootId == rootId) this.rootId = 0;
    if (last) this.leave();
  }

  /** The VM goes: what waits, with a last record, is left to another one. */
  private leave(): void {
    const outbox = this.outbox;
    if (outbox.isOpen && outbox.next != 1) {
      const now = wallNanos();
      this.tellLoss(now);
      writeStopped(outbox.next, now);
      if (lineLength() != 0 && outbox.fits(lineLength(), true)) this.append(lineLength());
    }
    const kept = leaveEstate(outbox, this.estate);
    if (!kept) auditLost.add(outbox.size);
    auditWaiting.add(-outbox.size);
  }

  /** A configuration names a collector: what VMs that are gone have left can be sent there. */
  meet(policy: AuditPolicy): void {
    this.cluster = policy.cluster;
    this.authority = policy.authority;
    openEstate();
  }

  /** Keeps room for the record of a message. */
  reserve(note: AuditNote, policy: AuditPolicy): bool {
    if (!this.open()) return false;
    this.cluster = policy.cluster;
    this.authority = policy.authority;
    if (!this.forRoom.isEmpty && !note.late) return false; // those who came before wait for the same room
    note.reserved = this.outbox.reserve(policy.roomBytes);
    return note.reserved;
  }

  private open(): bool {
    if (this.nameless) return false;
    if (this.outbox.isOpen) return true;
    this.nameless = !openIdentity();
    if (this.nameless) return false;
    this.outbox.open();
    return true;
  }

  /** A request waits for room. The stage answers `Wait`. */
  awaitRoom(exchange: Exchange, note: AuditNote, policy: AuditPolicy): void {
    auditBlocked.add(1);
    this.await(exchange.caller, note, policy, Awaits.Room);
    exchange.resumer = ROOM;
  }

  /** Writes the record of an answer that is held, which waits for it. False: there is no room. */
  awaitRecord(exchange: Exchange, note: AuditNote, policy: AuditPolicy): bool {
    exchange.recordWhole();
    if (note.number == 0 && !this.write(note)) return false;
    this.awaitDurable(exchange.caller, note, policy);
    exchange.resumer = RECORD;
    return true;
  }

  /** Writes the record of a refusal, whose answer waits for it. Null: there is no room, or no need. */
  hold(note: AuditNote, caller: Caller): Resumer | null {
    const policy = note.policy;
    if (policy == null || !this.write(note)) return null;
    this.awaitDurable(caller, note, policy);
    return RECORD;
  }

  private awaitDurable(caller: Caller, note: AuditNote, policy: AuditPolicy): void {
    this.await(caller, note, policy, Awaits.Record);
    if (this.sentTo == 0) this.send(monotonicNanos(), caller.contextId);
  }

  private await(caller: Caller, note: AuditNote, policy: AuditPolicy, what: Awaits): void {
    if (this.rootId == 0) this.rootId = caller.rootId;
    note.awaits = what;
    note.untilNanos = monotonicNanos() + policy.waitNanos;
    (what == Awaits.Room ? this.forRoom : this.forRecord).add(note);
    note.direction = caller.direction;
    wakeAt(caller.rootId, caller.contextId, note.untilNanos);
  }

  /** The stream is over: its record is written, unless that is done. */
  end(note: AuditNote): void {
    if (note.awaits == Awaits.Room) this.forRoom.remove(note);
    else if (note.awaits == Awaits.Record) this.forRecord.remove(note);
    note.awaits = Awaits.Nothing;
    if (note.number != 0 && !note.late) return;
    if (note.number != 0) note.beginAnother(); // a second record says that its answer was refused
    if (this.write(note)) this.schedule(note.contextId);
  }

  /** Writes the record of a stream. False: it is lost. */
  private write(note: AuditNote): bool {
    const policy = note.policy;
    if (policy == null || !this.open()) {
      auditLost.add(1);
      return false;
    }
    const outbox = this.outbox;
    const now = wallNanos();
    this.tellLoss(now);
    writeMessage(note, outbox.next, now);
    const length = lineLength();
    const kept = note.reserved;
    if (kept) {
      outbox.release(policy.roomBytes);
      note.reserved = false;
    }
    if (length == 0 || ((length > policy.roomBytes || !kept) && !outbox.fits(length, false))) {
      outbox.lose();
      auditLost.add(1);
      return false;
    }
    note.number = outbox.next;
    this.append(length);
    return true;
  }

  private append(length: u32): void {
    this.outbox.append(linePointer(), length);
    auditWritten.add(1);
    auditWaiting.add(1);
  }

  /** Writes down what was lost, as soon as there is room for a line and for what comes after it. */
  private tellLoss(now: u64): void {
    const outbox = this.outbox;
    if (outbox.lost == 0 || !outbox.fits(GAP_BYTES * 2, false)) return;
    writeGap(gap.tell(outbox.lostFrom, outbox.lostTo, outbox.lost, 'the outbox was full'), outbox.next, now);
    if (lineLength() == 0) return;
    outbox.forgetLoss();
    this.append(lineLength());
  }

  /** Sees to it that what was written is sent soon. */
  private schedule(streamId: u32): void {
    if (this.sentTo != 0 || this.rootId == 0) return;
    const outbox = this.outbox;
    const full = outbox.size >= this.batchRecords || outbox.held >= BATCH_BYTES;
    if (this.dueNanos == 0) {
      this.dueNanos = monotonicNanos() + BATCH_MS * NANOS_PER_MILLI;
      wakeAt(this.rootId, streamId, this.dueNanos);
    } else if (full && this.failures == 0 && !this.hurried) {
      this.hurried = true;
      this.dueNanos = 1;
      wakeAt(this.rootId, streamId, 1);
    }
  }

  private hurried: bool = false;

  private get hasMore(): bool {
    return this.outbox.size != 0 || !this.estate.isEmpty;
  }

  wake(nowNanos: u64): u64 {
    this.giveUp(this.forRoom, ROOM, nowNanos);
    this.giveUp(this.forRecord, RECORD, nowNanos);
    if (this.hasMore && this.sentTo == 0 && nowNanos >= this.dueNanos) this.send(nowNanos, 0);
    let next = this.hasMore && this.sentTo == 0 ? max(this.dueNanos, 1) : 0;
    next = sooner(next, this.forRoom.nextNanos);
    return sooner(next, this.forRecord.nextNanos);
  }

  /** Resumes those that have waited as long as they may. */
  private giveUp(line: NoteLine, resumer: Resumer, nowNanos: u64): void {
    for (let note = line.takeLate(nowNanos); note != null; note = line.takeLate(nowNanos)) {
      note.awaits = Awaits.Nothing;
      note.late = true;
      resume(resumer, note.contextId, note.direction);
    }
  }

  /** Sends the oldest records. `streamId`: the context to return to, 0 outside streams. */
  private send(nowNanos: u64, streamId: u32): void {
    const outbox = this.outbox;
    this.hurried = false;
    if (this.rootId == 0) {
      // A tick of a root context in force names one.
      this.dueNanos = nowNanos + FIRST_RETRY_MS * NANOS_PER_MILLI;
      return;
    }
    this.ofEstate = !this.estate.isEmpty;
    if (this.ofEstate ? !this.fillFromEstate() : !this.fillFromOutbox()) return;
    request.cluster = this.cluster;
    request.authority = this.authority;
    request.path = path.pointer;
    request.pathLength = path.length;
    request.contentType = TYPE;
    request.timeoutMs = CALL_MS;
    request.headers = HEADERS;
    auditCallsSent.add(1);
    if (!sendCallout(this.rootId, streamId, request, batch)) {
      this.fail(0);
      return;
    }
    this.sentTo = this.ofEstate ? this.estate.batchLast : outbox.spanLast;
    this.sentRecords = this.ofEstate ? this.estate.batchRecords : outbox.spanRecords;
    this.dueNanos = 0;
  }

  private fillFromOutbox(): bool {
    const outbox = this.outbox;
    request.bodyLength = outbox.span(this.batchRecords, BATCH_BYTES);
    request.body = outbox.pointer;
    this.nameBatch(sourceName(), outbox.firstNumber, outbox.spanRecords);
    return request.bodyLength != 0;
  }

  private fillFromEstate(): bool {
    const estate = this.estate;
    if (!estate.fill(this.batchRecords, BATCH_BYTES)) return false;
    request.body = estate.batch;
    request.bodyLength = estate.batchBytes;
    this.nameBatch(estate.source, estate.batchFirst, estate.batchRecords);
    return true;
  }

  private nameBatch(from: usize, number: u64, records: i32): void {
    numbers.begin(64);
    numbers.decimal(number);
    first.valueLength = numbers.length;
    numbers.decimal(records);
    first.value = numbers.pointer;
    count.value = numbers.pointer + first.valueLength;
    count.valueLength = numbers.length - first.valueLength;
    source.value = from;
    source.valueLength = SOURCE_TEXT_BYTES;
  }

  /** Answer of the collector to the batch under way. */
  onAnswer(status: u32, body: usize, bodyLength: u32): void {
    const sentTo = this.sentTo;
    this.sentTo = 0;
    if (sentTo == 0) return;
    if (status == OK) {
      const number = min(readAcknowledged(body, bodyLength), sentTo);
      if (this.ofEstate ? this.acknowledgeEstate(number) : number >= this.outbox.firstNumber) {
        if (!this.ofEstate) this.acknowledge(number);
        return;
      }
    }
    if (status == BAD_REQUEST || status == TOO_LARGE) this.divide(status);
    else this.fail(retryAfterMs());
  }

  private acknowledgeEstate(number: u64): bool {
    const records = this.estate.acknowledge(number);
    if (records == 0) return false;
    auditAcknowledged.add(records);
    this.failures = 0;
    this.dueNanos = 0;
    this.sendRest();
    return true;
  }

  private acknowledge(number: u64): void {
    const outbox = this.outbox;
    const before = outbox.size;
    outbox.acknowledge(number);
    this.failures = 0;
    this.dueNanos = 0;
    this.batchRecords = min(this.batchRecords * 2, MAX_BATCH_RECORDS);
    auditAcknowledged.add(before - outbox.size);
    auditWaiting.add(outbox.size - before);
    if (outbox.lost != 0) this.tellLoss(wallNanos());
    this.sendRest();
    this.release(number);
  }

  /** After a batch is done with: sends what is worth a batch at once, else soon. */
  private sendRest(): void {
    const outbox = this.outbox;
    if (!this.hasMore) return;
    const now = monotonicNanos();
    if (!this.estate.isEmpty || !this.forRecord.isEmpty || outbox.size * 4 >= MAX_BATCH_RECORDS) this.send(now, 0);
    if (this.sentTo != 0 || this.rootId == 0) return;
    if (this.dueNanos == 0) this.dueNanos = now + BATCH_MS * NANOS_PER_MILLI;
    wakeAt(this.rootId, this.rootId, this.dueNanos);
  }

  /** Lets go on who waited for these records, or for room. */
  private release(number: u64): void {
    for (let note = this.forRecord.takeUpTo(number); note != null; note = this.forRecord.takeUpTo(number)) {
      note.awaits = Awaits.Nothing;
      note.durable = true;
      resume(RECORD, note.contextId, note.direction);
    }
    let note = this.forRoom.first;
    while (note != null) {
      const policy = note.policy;
      if (policy == null || !this.outbox.reserve(policy.roomBytes)) return;
      note.reserved = true;
      this.forRoom.remove(note);
      note.awaits = Awaits.Nothing;
      resume(ROOM, note.contextId, note.direction);
      note = this.forRoom.first;
    }
  }

  /** The collector can never take this batch: half of it is tried, down to the record that it is about. */
  private divide(status: u32): void {
    auditCallsFailed.add(1);
    if (this.sentRecords > 1) this.batchRecords = this.sentRecords >> 1;
    else if (this.ofEstate) {
      auditRefused.add(1); // the collector sees the hole in the numbers of one that cannot tell any more
      this.estate.acknowledge(this.estate.batchLast);
    } else {
      const outbox = this.outbox;
      const number = outbox.firstNumber;
      outbox.dropFirst();
      auditWaiting.add(-1);
      auditRefused.add(1);
      const why = status == TOO_LARGE ? 'the collector refused it as too large' : 'the collector refused it';
      writeGap(gap.tell(number, number, 1, why), outbox.next, wallNanos());
      if (lineLength() != 0 && outbox.fits(lineLength(), true)) this.append(lineLength());
      this.forRecord.lateUpTo(number);
    }
    this.dueNanos = 0;
    this.sendRest();
  }

  /** The collector is away, or cannot take anything now. */
  private fail(afterMs: u64): void {
    auditCallsFailed.add(1);
    const wait = min((<u64>FIRST_RETRY_MS) << min(this.failures, 16), LONGEST_RETRY_MS);
    this.failures++;
    // So that proxies do not come back together.
    const spread = wait - (nextBits() % (wait / 4 + 1));
    this.dueNanos = monotonicNanos() + max(spread, afterMs) * NANOS_PER_MILLI;
    if (this.rootId != 0) wakeAt(this.rootId, this.rootId, this.dueNanos);
  }
}

const TYPE: Bytes = Bytes.from(BATCH_TYPE);
const HEADERS: StaticArray<CalloutHeader> = [first, count, source];

export const auditor: Auditor = new Auditor();

/** The earlier of two times, of which 0 is none. */
function sooner(a: u64, b: u64): u64 {
  return a == 0 ? b : b == 0 ? a : min(a, b);
}
