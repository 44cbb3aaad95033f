// Notes kept of a stream of an audited route, from its route to its end. Notes are used again from stream to stream.
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { hasRoom } from '../memory/room';
import { Writer } from '../memory/writer';
import { HeaderMap } from '../runtime/abi';
import { Caller } from '../runtime/caller';
import { readClientSubject } from '../runtime/client-certificate';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { readHeader, readProperty, resultLength, resultPointer, wallNanos } from '../runtime/host';
import { METHOD, STATUS } from '../runtime/names';
import { Resumer } from '../runtime/service';
import { StreamNote } from '../runtime/stream-note';
import { AuditSubjectSource } from './config.gen';
import { EVENT_ID_BYTES, eventId } from './identity';
import { copyPlain } from './plain-text';
import { AuditPolicy } from './policy';
import { auditWithheld } from './stats';

const TRACEPARENT: Bytes = Bytes.from('traceparent');
/** `00-<32 digits>-<16 digits>-<2 digits>` (W3C Trace Context). */
const TRACEPARENT_BYTES: u32 = 55;
const TRACE_AT: u32 = 3;
export const TRACE_BYTES: u32 = 32;
/** Length kept of each, bytes; the rest is cut. */
const METHOD_BYTES: u32 = 32;
const SUBJECT_BYTES: u32 = 256;
const TRANSACTION_BYTES: u32 = 128;
const CHANNEL_BYTES: u32 = 64;

const METHOD_PLACE: u32 = 0;
const TRACE_PLACE: u32 = METHOD_PLACE + METHOD_BYTES;
const SUBJECT_PLACE: u32 = TRACE_PLACE + TRACE_BYTES;
const TRANSACTION_PLACE: u32 = SUBJECT_PLACE + SUBJECT_BYTES;
const CHANNEL_PLACE: u32 = TRANSACTION_PLACE + TRANSACTION_BYTES;
const EVENT_PLACE: u32 = CHANNEL_PLACE + CHANNEL_BYTES;
const TEXT_BYTES: u32 = EVENT_PLACE + EVENT_ID_BYTES;
const NANOS_PER_MILLI: u64 = 1_000_000;
/** The channel that took the request, by Envoy's own knowledge: `localityOf` of envoy/xds/lane.ts. */
const CHANNEL: Bytes = Bytes.from(
  'xds\0upstream_host_metadata\0filter_metadata\0envoy.transport_socket_match\0channel',
);

/** Event that a note waits for. */
export const enum Awaits {
  Nothing = 0,
  /** Its request: room in the outbox. */
  Room = 1,
  /** Its answer: that its record is durable. */
  Record = 2,
}

/** Who writes records, and lets notes wait. */
export abstract class NoteKeeper {
  /** A refusal is ready: whether its answer waits for its record, by this resumer. Null: it does not. */
  abstract hold(note: AuditNote, caller: Caller): Resumer | null;
  /** The stream is over. */
  abstract end(note: AuditNote): void;
}

export class AuditNote extends StreamNote {
  keeper: NoteKeeper | null = null;
  /** Envoy's id of the stream. */
  contextId: u32 = 0;
  generation: i64 = 0;
  policy: AuditPolicy | null = null;
  /** Room is kept for its record. */
  reserved: bool = false;
  /** Its record has its number. 0: it is not written. */
  number: u64 = 0;
  awaits: Awaits = Awaits.Nothing;
  /** Of the message that waits. */
  direction: Direction = Direction.Request;
  /** Monotonic time at which it waits no longer, nanoseconds. */
  untilNanos: u64 = 0;
  /** It has waited as long as it may. */
  late: bool = false;
  /** Its record is durable. */
  durable: bool = false;
  before: AuditNote | null = null;
  after: AuditNote | null = null;
  /** Next free note of the pool. */
  next: AuditNote | null = null;
  methodLength: u32 = 0;
  traceLength: u32 = 0;
  subjectLength: u32 = 0;
  transactionLength: u32 = 0;
  channelLength: u32 = 0;
  /** Its event has its id already. */
  hasEvent: bool = false;
  /** Requests of its route go to one of several channels. */
  private channelled: bool = false;
  /** Members of `data_masked`, joined by commas, in a block that lasts as long as the stream. */
  data: usize = 0;
  dataLength: u32 = 0;
  /** Bytes that members may still have beyond the least of each. */
  private dataPool: u32 = 0;
  /** Fields that were taken, as bits. */
  private taken: u32 = 0;
  private readonly text: StaticArray<u8> = new StaticArray<u8>(<i32>TEXT_BYTES);

  get method(): usize {
    return changetype<usize>(this.text) + METHOD_PLACE;
  }

  get trace(): usize {
    return changetype<usize>(this.text) + TRACE_PLACE;
  }

  get subject(): usize {
    return changetype<usize>(this.text) + SUBJECT_PLACE;
  }

  get transaction(): usize {
    return changetype<usize>(this.text) + TRANSACTION_PLACE;
  }

  get channel(): usize {
    return changetype<usize>(this.text) + CHANNEL_PLACE;
  }

  /** The id of its event, from now on. */
  eventOf(): usize {
    const place = changetype<usize>(this.text) + EVENT_PLACE;
    if (!this.hasEvent) memory.copy(place, eventId(wallNanos() / NANOS_PER_MILLI), EVENT_ID_BYTES);
    this.hasEvent = true;
    return place;
  }

  /** Makes room for members of `data_masked`. False: no memory. */
  openData(bytes: u32, pool: u32): bool {
    if (this.data != 0) return true;
    if (!hasRoom(bytes)) return false;
    this.data = heap.alloc(bytes);
    this.dataPool = pool;
    return true;
  }

  /** Whether a field was taken before the message waited. */
  hasTaken(field: i32): bool {
    return ((this.taken >> field) & 1) != 0;
  }

  /** Takes the member of a field. False: it is too long. `least`: bytes that are always there for it. */
  takeData(field: i32, member: Writer, least: u32): bool {
    const bytes = member.length + 1;
    const more = bytes > least ? bytes - least : 0;
    if (more > this.dataPool) return false;
    this.dataPool -= more;
    this.taken |= 1 << field;
    if (this.dataLength != 0) store<u8>(this.data + this.dataLength++, 44);
    memory.copy(this.data + this.dataLength, member.pointer, member.length);
    this.dataLength += member.length;
    return true;
  }

  /** Begins with a request whose headers were fetched. */
  begin(exchange: Exchange, policy: AuditPolicy, generation: i64): void {
    this.contextId = exchange.caller.contextId;
    this.generation = generation;
    this.policy = policy;
    this.times = policy.times;
    this.channelled = exchange.hasChannels;
    this.request.digests = policy.digests;
    this.response.digests = policy.digests;
    if (exchange.header(METHOD.pointer, METHOD.length))
      this.methodLength = copyText(this.method, METHOD_BYTES, exchange.valuePointer, exchange.valueLength);
    if (exchange.header(TRACEPARENT.pointer, TRACEPARENT.length) && exchange.valueLength == TRACEPARENT_BYTES) {
      const trace = exchange.valuePointer + TRACE_AT;
      if (isLowerHex(trace, TRACE_BYTES)) this.traceLength = copyText(this.trace, TRACE_BYTES, trace, TRACE_BYTES);
    }
    const header = policy.transactionHeader;
    if (header.length != 0 && single(exchange, header))
      this.takeTransaction(exchange.valuePointer, exchange.valueLength);
    if (policy.hasSubject) this.readSubject(exchange, policy);
  }

  private readSubject(exchange: Exchange, policy: AuditPolicy): void {
    const name = policy.subjectName;
    let found = false;
    if (policy.subjectFrom == AuditSubjectSource.Header) {
      if (!single(exchange, name)) return;
      this.subjectLength = copyText(this.subject, SUBJECT_BYTES, exchange.valuePointer, exchange.valueLength);
      return;
    }
    if (policy.subjectFrom == AuditSubjectSource.Certificate) found = readClientSubject();
    else if (readProperty(name.pointer, name.length)) {
      const number = claimNumber(resultPointer(), resultLength());
      if (number >= 0) this.subjectLength = writeNumber(this.subject, <u64>number);
      else found = number != NO_SUBJECT;
    }
    if (found) this.subjectLength = copyText(this.subject, SUBJECT_BYTES, resultPointer(), resultLength());
  }

  takeTransaction(pointer: usize, length: u32): void {
    this.transactionLength = copyText(this.transaction, TRANSACTION_BYTES, pointer, length);
  }

  holdReply(caller: Caller, status: u32): Resumer | null {
    const keeper = this.keeper;
    const policy = this.policy;
    if (keeper == null || policy == null || !policy.sync || !this.reserved || this.late || this.number != 0)
      return null;
    this.status = status;
    return keeper.hold(this, caller);
  }

  replyError(): ErrorId {
    if (this.durable) return ErrorId.None;
    auditWithheld.add(1);
    return this.direction == Direction.Request ? ErrorId.FIM_AUD_0104 : ErrorId.FIM_AUD_0103;
  }

  onAnswer(): void {
    if (this.channelled && readProperty(CHANNEL.pointer, CHANNEL.length))
      this.channelLength = copyText(this.channel, CHANNEL_BYTES, resultPointer(), resultLength());
    if (!readHeader(HeaderMap.ResponseHeaders, STATUS.pointer, STATUS.length) || resultLength() != 3) return;
    const digits = resultPointer();
    this.status =
      (<u32>load<u8>(digits) - 48) * 100 + (<u32>load<u8>(digits, 1) - 48) * 10 + (<u32>load<u8>(digits, 2) - 48);
  }

  end(): void {
    const keeper = this.keeper;
    if (keeper != null) keeper.end(this);
    giveNote(this);
  }

  /** For another record of the same message. */
  beginAnother(): void {
    this.request.digests = false;
    this.response.digests = false;
    this.hasEvent = false;
    this.dataLength = 0;
  }

  clear(): void {
    this.request.clear();
    this.response.clear();
    this.status = 0;
    this.policy = null;
    this.reserved = false;
    this.number = 0;
    this.awaits = Awaits.Nothing;
    this.late = false;
    this.durable = false;
    memory.fill(changetype<usize>(this.text), 0, TEXT_BYTES);
    if (this.data != 0) heap.free(this.data);
    this.data = 0;
    this.dataLength = 0;
    this.taken = 0;
    this.hasEvent = false;
    this.channelLength = 0;
    this.keyCount = 0;
    this.methodLength = 0;
    this.traceLength = 0;
    this.subjectLength = 0;
    this.transactionLength = 0;
  }
}

let free: AuditNote | null = null;

export function takeNote(): AuditNote {
  const note = free;
  if (note == null) return new AuditNote();
  free = note.next;
  note.next = null;
  return note;
}

function giveNote(note: AuditNote): void {
  note.clear();
  note.next = free;
  free = note;
}

/** The only header of its name. False: there is none, or there are two, of which nobody knows which counts. */
function single(exchange: Exchange, name: Bytes): bool {
  return !exchange.hasTwice(name.pointer, name.length) && exchange.header(name.pointer, name.length);
}

/** Copies at most `room` bytes of text. Returns the length. */
function copyText(to: usize, room: u32, from: usize, length: u32): u32 {
  let taken = min(length, room);
  // Not in the middle of a character.
  if (taken < length) while (taken > 0 && (load<u8>(from + taken) & 0xc0) == 0x80) taken--;
  copyPlain(to, from, taken);
  return taken;
}

function isLowerHex(at: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = <u32>load<u8>(at + i);
    if (byte - 48 > 9 && byte - 97 > 5) return false;
  }
  return true;
}

/** The claim is a text. */
const TEXT: f64 = -1;
/** It is `true`, `false`, or a number that is no id. */
const NO_SUBJECT: f64 = -2;
/** Beyond it not every whole number is one of 64 bits. */
const MAX_WHOLE: f64 = 9007199254740991;

/**
 * Number that a claim is. The host gives texts as they are, numbers as eight bytes and truth values as one, and does not
 * say which it was: eight bytes are a number if one of them is a control character. A whole number below 2^45 has one:
 * its lowest byte is zero.
 */
function claimNumber(pointer: usize, length: u32): f64 {
  if (length == 1 && load<u8>(pointer) < 32) return NO_SUBJECT;
  if (length != 8) return TEXT;
  let isText = true;
  for (let i: u32 = 0; i < length; i++) if (load<u8>(pointer + i) < 32) isText = false;
  if (isText) return TEXT;
  const number = load<f64>(pointer);
  return number >= 0 && number <= MAX_WHOLE && number == Math.floor(number) ? number : NO_SUBJECT;
}

function writeNumber(to: usize, value: u64): u32 {
  let digits: u32 = 1;
  for (let rest = value; rest >= 10; rest /= 10) digits++;
  for (let i = digits; i > 0; i--) {
    store<u8>(to + i - 1, <u8>(48 + (value % 10)));
    value /= 10;
  }
  return digits;
}
