// One connection of national TLS in the proxy: the core between the bytes of the network and those of the HTTP connection
// manager.
//
// A network filter cannot write by itself. So it makes up a request, whose answer makes the proxy write, and replaces the
// answer by what the core has to say (poke.ts). The HTTP filter of this module answers such requests before all other
// filters and in the same machine: at once, or when there is something to say.
import { MAX_CLOSING_MS, MAX_EARLY_BYTES, MAX_HANDSHAKE_MS, MAX_TLCP_HEAD_MS } from '../limits';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import {
  BufferType,
  NetworkStatus,
  Result,
  StreamType,
  proxy_close_stream,
  proxy_set_effective_context,
} from '../runtime/abi';
import { monotonicMillis, readBuffer, resultLength, resultPointer, wallMillis, writeBuffer } from '../runtime/host';
import { GrowingBytes } from '../tlcp/growing-bytes';
import { Alert } from '../tlcp/protocol';
import { Reason } from '../tlcp/reason';
import { Question } from '../tlcp/revocation-check';
import { Server } from '../tlcp/server';
import { State } from '../tlcp/state';
import { AnswerEnd } from './answer-end';
import { Refusal, RequestFraming } from './framing';
import { identityOf, tellOpen } from './identity';
import {
  answerStream,
  drawToken,
  endStream,
  isPathOf,
  MARK,
  MARK_BYTES,
  markedBytes,
  tellMaker,
  writePoke,
  writeRefusal,
} from './poke';
import { ConnectionPolicy } from './policy';
import { Asker, Questions } from './responder';
import { Standing } from './standing';
import {
  connectionsCut,
  connectionsOutdated,
  countHandshake,
  handshakeMillis,
  handshakesExpired,
  handshakesHeld,
  Outcome,
  requestsMalformed,
} from './stats';

const bytes: Writer = new Writer(scratch);

export class TlcpConnection extends Asker {
  /** Null until this side's keys are there. */
  private core: Server | null = null;
  /** Envoy's number of the connection, by which its requests are found; 0: unknown. */
  number: u64 = 0;
  /** Statements of the client's certificate, by the headers of identity.ts. Null: it has none. */
  identity: StaticArray<Bytes> | null = null;
  /** Whether the handshake has ended, in whatever way. */
  settled: bool = false;
  /** Whether the host has dropped it. */
  gone: bool = false;
  /** Whether it is among those that a tick looks at after their handshake. */
  isWatched: bool = false;
  /** Whether it is to be closed, because there are too many. */
  hasGivenWay: bool = false;
  /** The part of its heldBytes that was counted. */
  counted: u32 = 0;
  /** When it ended, monotonic milliseconds; 0: it lives. */
  private overMs: u64 = 0;
  /** Stream of the made-up request that waits for its answer; 0: none. */
  private heldPoke: u32 = 0;
  /** Whether a made-up request is on its way: the next bytes of the connection manager are its answer. */
  private isPoked: bool = false;
  /** Mark of the made-up request on its way, until it has come; 0: none is expected. */
  private token: u64 = 0;
  /** The client's live requests, and the stream of the latest. */
  private streams: i32 = 0;
  private stream: u32 = 0;
  /** Whether the last request that went on was made up. */
  private isMadeUp: bool = false;
  /** Whether the client's bytes went on, and the HTTP filter has not seen their request yet. */
  private isAwaited: bool = false;
  /** Whether MARK was put into the buffer. */
  private isMarked: bool = false;
  private readonly framing: RequestFraming = new RequestFraming();
  readonly answerEnd: AnswerEnd = new AnswerEnd();
  private readonly standing: Standing;
  /** Since when the beginning of something is held, monotonic milliseconds; 0: nothing is. */
  private heldMs: u64 = 0;
  private readonly questions: Questions;
  /** Bytes that came before there were keys. */
  private early: GrowingBytes | null = null;

  constructor(
    readonly id: u32,
    private readonly policy: ConnectionPolicy,
    readonly bornMs: u64,
  ) {
    super();
    this.standing = new Standing(policy);
    this.questions = new Questions(id, policy.responder);
  }

  get isOpen(): bool {
    const core = this.core;
    return core != null && core.state == State.Open;
  }

  /** Whether it has ended: then nothing but what the core has left to say goes to the client. */
  private get isOver(): bool {
    const core = this.core;
    return core != null && core.state > State.Open;
  }

  /** Whether time matters to it: it is in its handshake, at its end, or holds the beginning of a head. */
  get needsTicks(): bool {
    return !this.settled || this.overMs != 0 || this.heldMs != 0;
  }

  /** `length` bytes of the client in the host's buffer. `last`: it has gone, and nothing can be written. */
  onClient(length: u32, last: bool, nowMs: u64): NetworkStatus {
    if (length == 0) return NetworkStatus.StopIteration;
    if (this.hasGivenWay || this.isOver) return this.keepBack(length);
    if (!readBuffer(BufferType.DownstreamData, length)) {
      // A record that is not read is lost: without it no later one can be read either, and an end would not be seen.
      if (this.isOpen) connectionsCut.add(1);
      this.close();
      return this.keepBack(length);
    }
    if (this.core == null && !this.begin()) return this.hold(resultPointer(), resultLength(), length, last);
    const wasOpen = this.isOpen;
    const marked = this.isMarked ? markedBytes(resultPointer(), resultLength()) : 0;
    this.isMarked = false;
    this.feed(resultPointer() + marked, resultLength() - marked, nowMs);
    if (!this.isOver && this.passOn(length, !wasOpen && !last)) return NetworkStatus.Continue;
    if (this.framing.refusal != Refusal.None && !this.isOver) this.turnAway(this.framing.refusal, nowMs);
    return this.isOver ? this.sayEnd(length, last) : this.keepBack(length);
  }

  /** The end: said as the answer to the client's request, or to one of ours. */
  private sayEnd(length: u32, last: bool): NetworkStatus {
    if (this.streams > 0) {
      endStream(this.stream);
      proxy_set_effective_context(this.id);
    } else if (last || this.isAwaited || !this.framing.isBetween) {
      // Nobody would read it, or the proxy would take our request for the client's bytes.
      this.keepBack(length);
      this.close();
      return NetworkStatus.StopIteration;
    } else if (!this.isPoked && this.core!.output.length > 0 && this.replace(length, true, 0, 0))
      return NetworkStatus.Continue;
    return this.keepBack(length);
  }

  /** Ends it because of a request that is not read as it may be, or not served here: by an answer where there is none yet. */
  private turnAway(refusal: Refusal, nowMs: u64): void {
    const core = this.core!;
    const isOutdated = refusal == Refusal.Outdated;
    (isOutdated ? connectionsOutdated : requestsMalformed).add(1);
    if (this.streams == 0 && this.framing.isBetween) {
      writeRefusal(bytes, refusal);
      core.send(bytes.pointer, bytes.length);
      core.close();
    } else if (isOutdated) core.fail(Alert.CertificateUnknown, Reason.Certificate);
    else core.fail(Alert.DecodeError, Reason.MessageMalformed);
    core.plain.release();
    this.look(nowMs);
  }

  /** Starts the core, if this side's keys are there. */
  private begin(): bool {
    if (!this.policy.ready) return false;
    this.core = new Server(this.policy.settings);
    return true;
  }

  private feed(data: usize, length: u32, nowMs: u64): void {
    const core = this.core!;
    const wasOpen = core.state == State.Open;
    core.settings.now = wallMillis() / 1000;
    core.receive(data, length);
    this.questions.carry(this, core, nowMs);
    this.look(nowMs);
    if (wasOpen && core.state == State.Failed) connectionsCut.add(1);
  }

  /** The answer to a question, which the handshake may have waited for too long. The host's current context is another afterwards. */
  onVerdict(question: Question, der: usize, length: u32, nowMs: u64): void {
    const core = this.core;
    if (this.gone || core == null || !core.isAsking || core.revocation!.question !== question) return;
    core.settings.now = wallMillis() / 1000;
    core.answer(der, length);
    this.goOn(nowMs);
  }

  /** Asks what comes next, or ends the wait. The host's current context is another afterwards. */
  private goOn(nowMs: u64): void {
    const core = this.core!;
    this.questions.carry(this, core, nowMs);
    this.look(nowMs);
    // A made-up request that is still on its way will be answered: a call that fails at once is told before it comes.
    if (!core.isAsking && !this.answer() && !this.isPoked && this.isOver) this.close();
  }

  /** Looks whether the handshake, or the connection, has ended. */
  private look(nowMs: u64): void {
    const core = this.core!;
    if (core.state > State.Open && this.overMs == 0) this.overMs = nowMs;
    if (this.settled || core.state < State.Open) return;
    this.settled = true;
    const outcome = core.state != State.Open ? Outcome.Failed : core.resumed ? Outcome.Resumed : Outcome.Full;
    countHandshake(core.suite, outcome);
    if (outcome == Outcome.Failed) return;
    handshakeMillis.record(nowMs - this.bornMs);
    this.identity = identityOf(core.peerSign);
    tellOpen(this.identity, this.standing.under.terms);
  }

  /** Keeps the first bytes until there are keys. A made-up request waits meanwhile, so that it can go on. */
  private hold(data: usize, size: u32, length: u32, last: bool): NetworkStatus {
    let early = this.early;
    const first = early == null;
    if (early == null) {
      early = new GrowingBytes(MAX_EARLY_BYTES);
      this.early = early;
      handshakesHeld.add(1);
    }
    if (!early.append(data, size)) {
      this.fail(Alert.InternalError, Reason.TooMuchWaiting);
      this.answer();
      proxy_set_effective_context(this.id);
      return this.keepBack(length);
    }
    return first && !last && this.replace(length, true, 0, 0) ? NetworkStatus.Continue : this.keepBack(length);
  }

  /** Gives the connection manager what the client's bytes hold for it. False: nothing yet, or what is refused. */
  private passOn(length: u32, mayPoke: bool): bool {
    const core = this.core!;
    const plain = core.plain;
    const framing = this.framing;
    if (mayPoke && (core.output.length > 0 || core.isAsking) && !this.isPoked) return this.replace(length, true, 0, 0);
    // One request at a time, since the proxy gives back what comes behind it. A made-up one is one.
    const begins = framing.isBetween;
    const taken = framing.take(plain.start, plain.length);
    if (taken > framing.skipped && (begins || framing.isTunnel) && !this.holds()) framing.outdate();
    if (framing.refusal != Refusal.None) return false;
    const passes = taken > framing.skipped && this.replace(length, false, taken, framing.skipped);
    plain.consume(taken);
    if (!framing.isHolding) this.heldMs = 0;
    else if (this.heldMs == 0) this.heldMs = monotonicMillis();
    return passes;
  }

  /** Whether it may be served under the terms of now. A machine that comes is told which these are. */
  private holds(): bool {
    const before = this.standing.under;
    const holds = this.standing.holds(this.core!);
    if (this.standing.under !== before) tellOpen(null, this.standing.under.terms);
    return holds;
  }

  /** Puts a made-up request or the client's bytes, those `taken` but for the first, into the buffer. False: the host refuses, and it is closed. */
  private replace(length: u32, pokes: bool, taken: u32, skipped: u32): bool {
    const core = this.core;
    const size = taken - skipped;
    const more = core != null && !this.isOver && this.framing.isBetween && core.plain.length > taken;
    if (pokes != this.isMadeUp) tellMaker(pokes);
    this.isMadeUp = pokes;
    this.isAwaited = !pokes;
    bytes.begin(128 + size);
    if (pokes) {
      this.token = drawToken();
      writePoke(bytes, this.token);
      this.isPoked = true;
    }
    if (core != null) bytes.bytes(core.plain.start + skipped, size);
    if (more) bytes.bytes(MARK, MARK_BYTES);
    this.isMarked = more;
    if (!bytes.overflowed && writeBuffer(BufferType.DownstreamData, length, bytes.pointer, bytes.length)) return true;
    this.close();
    return false;
  }

  /** Nothing goes on to the connection manager. */
  private keepBack(length: u32): NetworkStatus {
    writeBuffer(BufferType.DownstreamData, length, 0, 0);
    return NetworkStatus.StopIteration;
  }

  /** `length` bytes of the connection manager: the answer to a made-up request, or one that the core seals. */
  onAnswer(length: u32, nowMs: u64): NetworkStatus {
    if (length == 0) return NetworkStatus.Continue;
    this.isAwaited = false;
    const core = this.core;
    if (core == null) {
      this.isPoked = false;
      return this.write(length, 0, 0);
    }
    if (this.isPoked) this.isPoked = false;
    else if (this.isOpen) {
      // Before the bytes are asked for: the host's results have one place.
      if (this.framing.isTunnel && !this.holds()) this.turnAway(Refusal.Outdated, nowMs);
      else if (!readBuffer(BufferType.UpstreamData, length)) core.fail(Alert.InternalError, Reason.TooMuchWaiting);
      else {
        const ends = this.answerEnd.take(resultPointer(), resultLength(), this.framing.isTunnel);
        core.send(resultPointer(), resultLength());
        if (ends) core.close();
      }
      this.look(nowMs);
      if (core.state == State.Failed) connectionsCut.add(1);
    }
    const output = core.output;
    const status = this.write(length, output.start, output.length);
    output.consume(output.length);
    return status;
  }

  /** Were the host to refuse, the answer would go out as it is: it is kept back. */
  private write(length: u32, data: usize, size: u32): NetworkStatus {
    if (writeBuffer(BufferType.UpstreamData, length, data, size)) return NetworkStatus.Continue;
    this.close();
    return NetworkStatus.StopIteration;
  }

  /** A made-up request has come to the HTTP filter, over this connection. False: it is not the one on its way. */
  onPoke(streamId: u32, path: usize, length: u32): bool {
    if (!this.isPoked || this.heldPoke != 0 || !isPathOf(path, length, this.token)) return false;
    this.token = 0;
    this.heldPoke = streamId;
    const core = this.core;
    if (core != null && !core.isAsking) this.answer();
    return true;
  }

  /** The stream of a made-up request is gone. */
  onPokeEnd(streamId: u32): void {
    if (this.heldPoke == streamId) this.heldPoke = 0;
  }

  /** Answers the made-up request that waits. False: there is none, or the host refuses, and it is closed. */
  private answer(): bool {
    const held = this.heldPoke;
    if (held == 0) return false;
    this.heldPoke = 0;
    if (answerStream(held, this.isOver)) return true;
    this.close(); // nothing else would have the proxy write what waits
    return false;
  }

  onStream(streamId: u32): void {
    this.isAwaited = false;
    this.streams++;
    this.stream = streamId;
  }

  onStreamEnd(): void {
    this.streams--;
  }

  /**
   * Takes what time brings: keys have come, or will not; a handshake takes too long; the client does not take the end. The
   * host's current context is another afterwards.
   */
  tick(nowMs: u64): void {
    if (this.hasGivenWay) return;
    const age = nowMs - this.bornMs;
    if (this.core == null) {
      const early = this.early;
      if (early != null && this.begin()) {
        this.feed(early.start, early.length, nowMs);
        this.dropEarly();
        if (!this.core!.isAsking) this.answer();
      } else if (early != null && age > this.policy.holdMs) this.expire(Reason.NoOwnKey, nowMs);
      else if (age > MAX_HANDSHAKE_MS) this.expire(Reason.Timeout, nowMs);
    } else if (!this.settled && age > MAX_HANDSHAKE_MS) this.expire(Reason.Timeout, nowMs);
    else if (this.core!.isAsking && this.questions.isOverdue(nowMs))
      this.onVerdict(this.core!.revocation!.question!, 0, 0, nowMs);
    else if (this.core!.isAsking) this.goOn(nowMs);
    else if (this.overMs != 0 && nowMs - this.overMs > MAX_CLOSING_MS) this.close();
    else if (this.heldMs != 0) this.lookAtHeld(nowMs);
  }

  /** A request that is on its way has time limits of the proxy's. */
  private lookAtHeld(nowMs: u64): void {
    if (this.streams > 0) this.heldMs = nowMs;
    else if (nowMs - this.heldMs > MAX_TLCP_HEAD_MS) {
      requestsMalformed.add(1);
      this.close();
    }
  }

  private expire(reason: Reason, nowMs: u64): void {
    handshakesExpired.add(1);
    this.fail(reason == Reason.NoOwnKey ? Alert.InternalError : Alert.HandshakeFailure, reason);
    this.look(nowMs);
    if (!this.answer()) this.close();
  }

  /** Ends by an alert, with or without keys. */
  private fail(alert: Alert, reason: Reason): void {
    let core = this.core;
    if (core == null) {
      core = new Server(this.policy.settings);
      this.core = core;
      this.dropEarly();
    }
    core.fail(alert, reason);
  }

  /** Has the host close it; nothing that waits is written. */
  close(): void {
    if (proxy_set_effective_context(this.id) == Result.Ok) proxy_close_stream(StreamType.Downstream);
  }

  private dropEarly(): void {
    const early = this.early;
    if (early != null) early.release();
    this.early = null;
  }

  /** Bytes of the heap that it holds. */
  get heldBytes(): u32 {
    const core = this.core;
    const early = this.early;
    return (core == null ? 0 : core.heldBytes) + (early == null ? 0 : early.room);
  }

  /** Gives back what it holds; nothing of the client is looked at any more. It has no handshake yet, and is to be closed. */
  giveWay(): void {
    this.hasGivenWay = true;
    this.release();
    this.core = null;
    this.settled = true;
  }

  /** The connection is gone. */
  release(): void {
    const core = this.core;
    if (!this.settled) countHandshake(core == null ? 0 : core.suite, Outcome.Failed);
    if (core != null) core.release();
    this.dropEarly();
  }
}
