// Writes records: one JSON object a line. Names come from the schema of records; nothing of a message stands in one but
// what the route chose.
import { ErrorId, errorCode, errorCodeLength } from '../errors.gen';
import { MAX_AUDIT_RECORD_BYTES } from '../limits';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { BodyRecord, DIGEST_BYTES } from '../runtime/body-record';
import { Direction } from '../runtime/direction';
import { Outcome } from '../runtime/outcome';
import { UNNUMBERED } from '../runtime/stream-note';
import { AuditSubjectSource } from './config.gen';
import { EVENT_ID_BYTES, SOURCE_TEXT_BYTES, eventId, sourceName } from './identity';
import { AuditNote } from './note';
import { OP_TIME_BYTES, opTime } from './op-time';
import {
  MEMBER_BYTES_IN,
  MEMBER_BYTES_OUT,
  MEMBER_CHANNEL,
  MEMBER_CODE,
  MEMBER_DATA_MASKED,
  MEMBER_DIRECTION,
  MEMBER_EVENT_ID,
  MEMBER_FROM_SEQ,
  MEMBER_GENERATION,
  MEMBER_ID,
  MEMBER_KEYS,
  MEMBER_KIND,
  MEMBER_LANE,
  MEMBER_LOST,
  MEMBER_METHOD,
  MEMBER_OBSERVED,
  MEMBER_OP_TIME,
  MEMBER_REQUEST,
  MEMBER_RESPONSE,
  MEMBER_ROUTE,
  MEMBER_SEQ,
  MEMBER_SM3_IN,
  MEMBER_SM3_OUT,
  MEMBER_SOURCE,
  MEMBER_STAGE_US,
  MEMBER_STATUS,
  MEMBER_SUBJECT_FROM,
  MEMBER_SUBJECT_ID,
  MEMBER_TO_SEQ,
  MEMBER_TRACE_ID,
  MEMBER_TXN_ID,
  MEMBER_V,
  MEMBER_VERDICT,
  MEMBER_VERSION,
  MEMBER_WHY,
  RECORD_VERSION,
} from './record.gen';
import { TRACE_BYTES } from './note';

const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_MICRO: u64 = 1000;
const LINE_END: u8 = 10;
/** Bytes of a key beside its id, and of all keys at most; one that would exceed it is not named. */
const KEY_BYTES: u32 = 32;
const KEYS_BYTES: u32 = MAX_AUDIT_RECORD_BYTES / 4;
/** Status of the reply in the place of a response that is refused. */
const BAD_GATEWAY: u32 = 502;

const line: Writer = new Writer(scratch);
const DIGEST: usize = memory.data(32, 16);

/** Outcome of a message. */
export const enum Fate {
  Passed = 0,
  Refused = 1,
  Aborted = 2,
}

/** The line of the last record. */
export function linePointer(): usize {
  return line.pointer;
}

/** Its length, line end included. 0: there was no memory. */
export function lineLength(): u32 {
  return line.overflowed ? 0 : line.length;
}

/** `event`: the id of the event; 0: a new one. */
function begin(kind: string, seq: u64, wallNanos: u64, event: usize = 0): void {
  line.begin(2048);
  line.ascii('{"');
  line.ascii(MEMBER_V);
  line.ascii('":');
  line.decimal(RECORD_VERSION);
  name(MEMBER_EVENT_ID);
  quoted(event == 0 ? eventId(wallNanos / NANOS_PER_MILLI) : event, EVENT_ID_BYTES);
  name(MEMBER_OP_TIME);
  quoted(opTime(wallNanos), OP_TIME_BYTES);
  name(MEMBER_KIND);
  word(kind);
  name(MEMBER_SOURCE);
  quoted(sourceName(), SOURCE_TEXT_BYTES);
  name(MEMBER_SEQ);
  line.decimal(seq);
}

function end(): void {
  line.byte(125); // }
  line.byte(LINE_END);
}

function name(text: string): void {
  line.ascii(',"');
  line.ascii(text);
  line.ascii('":');
}

function word(text: string): void {
  line.byte(34);
  line.ascii(text);
  line.byte(34);
}

/** Text that needs no escapes. */
function quoted(pointer: usize, length: u32): void {
  line.byte(34);
  line.bytes(pointer, length);
  line.byte(34);
}

function text(pointer: usize, length: u32): void {
  line.byte(34);
  line.jsonText(pointer, length);
  line.byte(34);
}

/** Writes the record of a stream that is over, or whose answer waits for it. */
export function writeMessage(note: AuditNote, seq: u64, wallNanos: u64): void {
  const request = note.requestOutcome;
  const response = note.responseOutcome;
  begin('message', seq, wallNanos, note.hasEvent ? note.eventOf() : 0);
  writeIdentity(note, request);
  const outcome = request.enforced ? request : response;
  const fate = fateOf(note, request, response);
  name(MEMBER_VERDICT);
  word(fate == Fate.Passed ? 'Passed' : fate == Fate.Refused ? 'Refused' : 'Aborted');
  if (fate == Fate.Refused) {
    name(MEMBER_DIRECTION);
    word(outcome.direction == Direction.Request ? 'Request' : 'Response');
    name(MEMBER_CODE);
    code(outcome.code);
  }
  const status = response.enforced && note.response.bytesOut == 0 ? BAD_GATEWAY : note.status;
  if (status != 0) {
    name(MEMBER_STATUS);
    line.decimal(status);
  }
  writeObserved(request, response);
  writeBody(MEMBER_REQUEST, note.request, request.enforced);
  if (!request.enforced && note.status != 0) writeBody(MEMBER_RESPONSE, note.response, response.enforced);
  if (note.keyCount != 0) writeKeys(note);
  if (note.times) writeTimes(request, response);
  if (note.dataLength != 0) {
    name(MEMBER_DATA_MASKED);
    line.byte(123); // {
    line.bytes(note.data, note.dataLength);
    line.byte(125);
  }
  end();
}

/** `Passed`: nothing was refused, and an answer went to its end. */
function fateOf(note: AuditNote, request: Outcome, response: Outcome): Fate {
  if (request.enforced || response.enforced) return Fate.Refused;
  return note.status != 0 && note.response.ended ? Fate.Passed : Fate.Aborted;
}

function writeIdentity(note: AuditNote, request: Outcome): void {
  const policy = note.policy;
  if (policy == null) return;
  if (note.subjectLength != 0) {
    name(MEMBER_SUBJECT_ID);
    text(note.subject, note.subjectLength);
    name(MEMBER_SUBJECT_FROM);
    const from = policy.subjectFrom;
    word(
      from == AuditSubjectSource.Claim ? 'claim' : from == AuditSubjectSource.Certificate ? 'certificate' : 'header',
    );
  }
  member(MEMBER_ROUTE, request.route);
  name(MEMBER_GENERATION);
  line.byte(34);
  line.decimal(<u64>note.generation);
  line.byte(34);
  if (request.variant.length != 0) {
    name(MEMBER_LANE);
    word(request.variant);
  }
  if (note.channelLength != 0) {
    name(MEMBER_CHANNEL);
    text(note.channel, note.channelLength);
  }
  name(MEMBER_METHOD);
  text(note.method, note.methodLength);
  line.bytes(policy.prefix.pointer, policy.prefix.length);
  if (note.traceLength != 0) {
    name(MEMBER_TRACE_ID);
    quoted(note.trace, TRACE_BYTES);
  }
  if (note.transactionLength != 0) {
    name(MEMBER_TXN_ID);
    text(note.transaction, note.transactionLength);
  }
}

function member(called: string, value: Bytes): void {
  name(called);
  text(value.pointer, value.length);
}

function code(error: ErrorId): void {
  quoted(errorCode(error), errorCodeLength(error));
}

/** Codes of verdicts that were counted and not enforced. */
function writeObserved(request: Outcome, response: Outcome): void {
  if (request.observedCount + response.observedCount == 0) return;
  name(MEMBER_OBSERVED);
  line.byte(91); // [
  writeCodes(request, true);
  writeCodes(response, request.observedCount == 0);
  line.byte(93);
}

function writeCodes(outcome: Outcome, first: bool): void {
  for (let i = 0; i < outcome.observedCount; i++) {
    if (i != 0 || !first) line.byte(44);
    code(unchecked(outcome.observed[i]));
  }
}

/** Keys that the stages used, as many as have room. */
function writeKeys(note: AuditNote): void {
  let bytes: u32 = 0;
  name(MEMBER_KEYS);
  line.byte(91); // [
  for (let i = 0; i < note.keyCount; i++) {
    const id = unchecked(note.keyIds[i]);
    const version = unchecked(note.keyVersions[i]);
    bytes += id.length + KEY_BYTES;
    if (bytes > KEYS_BYTES) break;
    line.ascii(i == 0 ? '{"' : ',{"');
    line.ascii(MEMBER_ID);
    line.ascii('":');
    quoted(id.pointer, id.length);
    if (version != UNNUMBERED) {
      name(MEMBER_VERSION);
      line.decimal(version);
    }
    line.byte(125);
  }
  line.byte(93);
}

function writeBody(called: string, body: BodyRecord, refused: bool): void {
  name(called);
  line.ascii('{"');
  line.ascii(MEMBER_BYTES_IN);
  line.ascii('":');
  line.decimal(body.bytesIn);
  name(MEMBER_BYTES_OUT);
  line.decimal(body.bytesOut);
  // A digest of a part would be taken for that of the whole.
  if (body.digests && body.ended && body.bytesIn != 0) {
    body.digestIn(DIGEST);
    name(MEMBER_SM3_IN);
    hex();
    if (!refused) {
      if (body.differs) body.digestOut(DIGEST);
      name(MEMBER_SM3_OUT);
      hex();
    }
  }
  line.byte(125);
}

function hex(): void {
  line.byte(34);
  line.hex(DIGEST, DIGEST_BYTES);
  line.byte(34);
}

/** Microseconds by stage, both directions and all its steps together. */
function writeTimes(request: Outcome, response: Outcome): void {
  const sections = request.sections;
  const others = response.sections;
  let any = false;
  for (let i = 0; i < sections.length; i++) {
    const section = unchecked(sections[i]);
    if (sections.indexOf(section) != i) continue;
    any = writeTime(section, timeIn(request, section) + timeIn(response, section), any);
  }
  for (let j = 0; j < others.length; j++) {
    const section = unchecked(others[j]);
    if (others.indexOf(section) == j && !sections.includes(section))
      any = writeTime(section, timeIn(response, section), any);
  }
  if (any) line.byte(125);
}

function timeIn(outcome: Outcome, section: string): u64 {
  const sections = outcome.sections;
  let nanos: u64 = 0;
  for (let i = 0; i < sections.length; i++)
    if (unchecked(sections[i]) == section) nanos += unchecked(outcome.stepNanos[i]);
  return nanos;
}

function writeTime(section: string, nanos: u64, any: bool): bool {
  if (nanos == 0) return any;
  if (any) line.byte(44);
  else {
    name(MEMBER_STAGE_US);
    line.byte(123); // {
  }
  word(section);
  line.byte(58);
  line.decimal((nanos + NANOS_PER_MICRO / 2) / NANOS_PER_MICRO);
  return true;
}

/** Numbers that were used for nothing. */
export class Gap {
  from: u64 = 0;
  to: u64 = 0;
  lost: u64 = 0;
  why: string = '';

  tell(from: u64, to: u64, lost: u64, why: string): Gap {
    this.from = from;
    this.to = to;
    this.lost = lost;
    this.why = why;
    return this;
  }
}

/** Writes a record of numbers that were used for nothing. */
export function writeGap(gap: Gap, seq: u64, wallNanos: u64): void {
  begin('gap', seq, wallNanos);
  name(MEMBER_LOST);
  line.decimal(gap.lost);
  name(MEMBER_FROM_SEQ);
  line.decimal(gap.from);
  name(MEMBER_TO_SEQ);
  line.decimal(gap.to);
  name(MEMBER_WHY);
  word(gap.why);
  end();
}

/** Writes the last record of a source that ends in order. */
export function writeStopped(seq: u64, wallNanos: u64): void {
  begin('stopped', seq, wallNanos);
  end();
}
