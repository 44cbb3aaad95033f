import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { FieldTree } from '../message/field-tree';
import { MessageFormat } from '../message/format';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ConfigReader } from '../runtime/config-reader';
import { Direction } from '../runtime/direction';
import { keepDoor } from '../runtime/door';
import { Exchange } from '../runtime/exchange';
import { monotonicMillis } from '../runtime/host';
import { CONTENT_TYPE } from '../runtime/names';
import { Standing } from '../runtime/sent';
import { Service } from '../runtime/service';
import { Stage, StagePolicy, Verdict } from '../runtime/stage';
import { breakerDoor } from './breaker-door';
import { budgetWatch } from './budgets';
import { CannedAnswer } from './canned-answer';
import { DeadlineConfig } from './config.gen';
import { readGrpcTimeout, readMillis } from './deadline';
import { OBSERVABLE, SECTION } from './facts.gen';
import { ResiliencePolicy, compileResilience } from './policy';
import { refusalOf, sendLines } from './send-line';
import { Snapshots } from './snapshots';
import { breakerDiverted, breakerRefused, snapshotServed, deadlineOver, defineResilienceStats } from './stats';

const DEADLINE: Bytes = Bytes.from('x-fim-deadline');
const GRPC_TIMEOUT: Bytes = Bytes.from('grpc-timeout');
/** Header with the `grpc-timeout` of the next hop, which the route to a channel writes. */
const NEXT_GRPC_TIMEOUT: Bytes = Bytes.from('x-fim-grpc-timeout');
/** Envoy's router ends the request after it, tries included, and takes the header away. */
const ROUTER_TIMEOUT: Bytes = Bytes.from('x-envoy-upstream-rq-timeout-ms');
const GRPC_TYPE: Bytes = Bytes.from('application/grpc');
const MILLISECONDS: u8 = 109; // m

const text: Writer = new Writer(scratch);

/**
 * Has the last word on a request before it is sent: whether its time is over, and whether its breaker is open. Tells the
 * proxy and the next hop how much time is left.
 */
export class Resilience extends Stage {
  constructor() {
    super(SECTION, OBSERVABLE);
  }

  start(): bool {
    defineResilienceStats();
    keepDoor(breakerDoor);
    return true;
  }

  services(): Service[] {
    return [sendLines, budgetWatch];
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    return compileResilience(reader, node);
  }

  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    if (exchange.direction == Direction.Request && (<ResiliencePolicy>policy).deadline != null)
      exchange.sent.arrivedMs = monotonicMillis();
    return Verdict.Continue;
  }

  onSend(exchange: Exchange, policy: StagePolicy): Verdict {
    const terms = <ResiliencePolicy>policy;
    const line = terms.line;
    if (line == null) return sendNow(exchange, terms);
    const sent = exchange.sent;
    let standing = sent.standing;
    if (standing == Standing.None) {
      const deadline = terms.deadline;
      const left: i64 = deadline == null ? i64.MAX_VALUE : leftFor(exchange, deadline) - <i64>deadline.perHopMs;
      if (left < 1) return tooLate(exchange);
      standing = line.ask(exchange, sent, <u64>left, !exchange.observes);
    }
    if (standing == Standing.Waits) return Verdict.Wait;
    if (standing != Standing.UnderWay) {
      sent.leavePlace();
      exchange.reply.begin(refusalOf(standing));
      addNumber(exchange, 'retry-after', 1);
      return Verdict.Reject;
    }
    const verdict = sendNow(exchange, terms);
    if (verdict == Verdict.Reject) sent.leavePlace();
    return verdict;
  }

  /** The body of an answer that its headers left open. */
  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const terms = <ResiliencePolicy>policy;
    const sent = exchange.sent;
    const watcher = sent.watcher;
    const breaker = terms.breaker;
    let fault = false;
    if (watcher != null && breaker != null && sent.answeredMs != 0) {
      sent.watcher = null;
      fault = breaker.faults.judgeBody(bodyOf(exchange));
      watcher.onAnswer(sent, fault);
    }
    const snapshots = terms.snapshots;
    if (snapshots != null && !fault) snapshots.keep(exchange, sent);
    return Verdict.Continue;
  }
}

/** There is room for the request: whether its time is over, and what its breaker says. */
function sendNow(exchange: Exchange, terms: ResiliencePolicy): Verdict {
  const deadline = terms.deadline;
  if (deadline != null) {
    if (!giveTime(exchange, deadline, terms.upstreamMs)) return Verdict.Reject;
  } else if (terms.upstreamMs != 0) set(exchange, ROUTER_TIMEOUT, terms.upstreamMs, 0);
  const breaker = terms.breaker;
  const snapshots = terms.snapshots;
  if (snapshots != null) snapshots.ask(exchange, exchange.sent);
  let waitsMs = terms.openForMs;
  if (!terms.isOpen) {
    const sent = exchange.sent;
    sent.grpc = isGrpc(exchange);
    if (breaker == null || breaker.admit(sent)) {
      // What nobody judges is not kept.
      if (sent.watcher == null) sent.asks = false;
      return Verdict.Continue;
    }
    waitsMs = breaker.waitsMs;
  }
  if (snapshots != null && snapshots.find(exchange.sent)) return serve(exchange, snapshots);
  if (!terms.diverts || !exchange.divert()) return refuse(exchange, terms.answer, waitsMs);
  breakerDiverted.add(1);
  return Verdict.Continue;
}

/** Null: there is none, or it cannot be read. */
function bodyOf(exchange: Exchange): FieldTree | null {
  const format = exchange.format;
  return exchange.message.length == 0 || format == MessageFormat.Unknown ? null : exchange.message.tree(format);
}

function isGrpc(exchange: Exchange): bool {
  return (
    exchange.header(CONTENT_TYPE.pointer, CONTENT_TYPE.length) &&
    exchange.valueLength >= GRPC_TYPE.length &&
    GRPC_TYPE.equals(exchange.valuePointer, GRPC_TYPE.length)
  );
}

function refuse(exchange: Exchange, answer: CannedAnswer | null, waitsMs: u64): Verdict {
  const seconds = max<u64>(1, (waitsMs + 999) / 1000);
  breakerRefused.add(1);
  exchange.reply.begin(ErrorId.FIM_RES_0001);
  addNumber(exchange, 'retry-after', seconds);
  if (answer != null) answer.fill(exchange, seconds);
  return Verdict.Reject;
}

/** Answers with the snapshot that was found. */
function serve(exchange: Exchange, found: Snapshots): Verdict {
  snapshotServed.add(1);
  exchange.reply.begin(ErrorId.FIM_RES_0001);
  addNumber(exchange, 'age', found.ageMs / 1000);
  addNumber(exchange, 'x-fim-snapshot-age-ms', found.ageMs);
  exchange.reply.answerInstead(200, found.typePointer, found.typeLength, found.bodyPointer, found.bodyLength);
  return Verdict.Reject;
}

function addNumber(exchange: Exchange, name: string, value: u64): void {
  text.begin(32);
  text.decimal(value);
  exchange.reply.addHeader(name, text.pointer, text.length);
}

function tooLate(exchange: Exchange): Verdict {
  deadlineOver.add(1);
  exchange.reply.begin(ErrorId.FIM_RES_0002);
  return Verdict.Reject;
}

/** Milliseconds that are left of the request's time, by its route and its caller; notes whether that was the caller. */
function leftFor(exchange: Exchange, deadline: DeadlineConfig): i64 {
  const total = <i64>deadline.totalMs;
  let given = total;
  if (exchange.header(DEADLINE.pointer, DEADLINE.length))
    given = shorter(given, readMillis(exchange.valuePointer, exchange.valueLength));
  if (deadline.grpc && exchange.header(GRPC_TIMEOUT.pointer, GRPC_TIMEOUT.length))
    given = shorter(given, readGrpcTimeout(exchange.valuePointer, exchange.valueLength));
  const sent = exchange.sent;
  sent.hurried = given < total;
  return given - <i64>(monotonicMillis() - sent.arrivedMs);
}

/** Sets how much time the proxy and the next hop have. False: nothing is left. */
function giveTime(exchange: Exchange, deadline: DeadlineConfig, upstreamMs: i64): bool {
  const left = leftFor(exchange, deadline);
  const next = left - <i64>deadline.perHopMs;
  if (next < 1) {
    tooLate(exchange);
    return false;
  }
  const sent = exchange.sent;
  let most = left;
  // The upstream's budget is the route's time, whoever has given less.
  if (upstreamMs != 0 && upstreamMs < left) {
    most = upstreamMs;
    sent.hurried = false;
  }
  const grpc = deadline.grpc && exchange.header(GRPC_TIMEOUT.pointer, GRPC_TIMEOUT.length);
  set(exchange, DEADLINE, next, 0);
  if (exchange.hasChannels) timeChannel(exchange, grpc, most, next);
  else {
    set(exchange, ROUTER_TIMEOUT, most, 0);
    if (grpc) set(exchange, GRPC_TIMEOUT, next, MILLISECONDS);
  }
  return true;
}

/**
 * Of a request to a channel. The router counts a time that is over as a fault of the channel and holds it down after some:
 * right where the channel has had all of the route's time. Where the caller has given less, the stream as a whole ends
 * instead, which blames nobody. Envoy reads its time from `grpc-timeout`, from the stream's beginning, and its route to
 * the channel puts what the next hop gets in its place.
 */
function timeChannel(exchange: Exchange, grpc: bool, left: i64, next: i64): void {
  const sent = exchange.sent;
  const sinceMs = <i64>(monotonicMillis() - sent.arrivedMs);
  if (sent.hurried) set(exchange, GRPC_TIMEOUT, left + sinceMs, MILLISECONDS);
  else {
    set(exchange, ROUTER_TIMEOUT, left, 0);
    if (grpc) exchange.removeHeader(GRPC_TIMEOUT.pointer, GRPC_TIMEOUT.length);
  }
  if (grpc) set(exchange, NEXT_GRPC_TIMEOUT, next, MILLISECONDS);
}

/** `time`: negative if it is none. */
function shorter(given: i64, time: i64): i64 {
  return time < 0 ? given : min(given, time);
}

function set(exchange: Exchange, name: Bytes, time: i64, unit: u8): void {
  text.begin(32);
  text.decimal(<u64>time);
  if (unit != 0) text.byte(unit);
  exchange.setHeader(name.pointer, name.length, text.pointer, text.length);
}
