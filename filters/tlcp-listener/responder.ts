// The OCSP responder of a listener: questions go out through a cluster of the proxy, answers come back to the
// connections that wait for them.
import { MAX_OCSP_ANSWER_BYTES, MAX_OCSP_CALLS, MAX_OCSP_WAIT_MS } from '../limits';
import { Sm3 } from '../crypto/sm3';
import { Bytes } from '../memory/bytes';
import { monotonicMillis } from '../runtime/host';
import { CalloutHandler, CalloutRequest, sendCallout } from '../runtime/callout';
import { Question } from '../tlcp/revocation-check';
import { Server } from '../tlcp/server';
import { TlcpOcspConfig } from './config.gen';
import { Listed } from './connection-list';

const CONTENT_TYPE: Bytes = Bytes.from('application/ocsp-request');
const OK: u32 = 200;
const POINT_BYTES: u32 = 64;
const NAME_BYTES: u32 = 32;
const NAME: usize = memory.data(32, 16);
const sm3: Sm3 = new Sm3();
const request: CalloutRequest = new CalloutRequest();
/** Questions of this machine that are under way, MAX_OCSP_CALLS at most. */
const underWay: Array<OcspCall> = new Array<OcspCall>();

/** Someone who waits for an answer. */
export abstract class Asker extends Listed {
  /** An answer, DER, or no bytes: there is none. */
  abstract onVerdict(question: Question, der: usize, length: u32, nowMs: u64): void;
}

/** Names the certificate of a question at NAME. The certificate itself goes with its connection. */
function nameIt(question: Question): void {
  sm3.reset();
  sm3.update(question.issuer.key.coordinates, POINT_BYTES);
  sm3.update(question.certificate.serial, question.certificate.serialLength);
  sm3.digest(NAME);
}

/** One question under way, for all who ask about the same certificate meanwhile. */
class OcspCall extends CalloutHandler {
  private readonly askers: Array<Asker> = new Array<Asker>();
  private readonly questions: Array<Question> = new Array<Question>();
  private readonly name: StaticArray<u8> = new StaticArray<u8>(<i32>NAME_BYTES);

  /** About the certificate that `nameIt` named last. */
  constructor(private readonly responder: Responder) {
    super();
    memory.copy(changetype<usize>(this.name), NAME, NAME_BYTES);
  }

  add(asker: Asker, question: Question): void {
    // The answer repeats the nonce of the question that was sent.
    if (this.questions.length > 0) {
      const sent = changetype<usize>(this.questions[0].nonce);
      memory.copy(changetype<usize>(question.nonce), sent, question.nonce.length);
    }
    this.askers.push(asker);
    this.questions.push(question);
  }

  /** Whether it is about the certificate that `nameIt` named last. */
  isOf(responder: Responder): bool {
    return this.responder === responder && memory.compare(changetype<usize>(this.name), NAME, NAME_BYTES) == 0;
  }

  onAnswer(rootId: u32, status: u32, body: usize, bodyLength: u32): void {
    const isOne = status == OK && bodyLength <= MAX_OCSP_ANSWER_BYTES;
    this.tell(isOne ? body : 0, isOne ? bodyLength : 0);
  }

  onLost(): void {
    this.tell(0, 0);
  }

  private tell(body: usize, length: u32): void {
    const at = underWay.indexOf(this);
    if (at >= 0) underWay.splice(at, 1);
    const now = monotonicMillis();
    for (let i = 0; i < this.askers.length; i++) this.askers[i].onVerdict(this.questions[i], body, length, now);
  }
}

/** The question under way about the same certificate. Null: there is none. */
function sameUnderWay(responder: Responder, question: Question): OcspCall | null {
  nameIt(question);
  for (let i = 0; i < underWay.length; i++) if (underWay[i].isOf(responder)) return underWay[i];
  return null;
}

export class Responder {
  /** Root context that the calls belong to; it is there before the first connection. */
  rootId: u32 = 0;
  private readonly path: Bytes;

  constructor(private readonly config: TlcpOcspConfig) {
    this.path = config.path.length == 0 ? Bytes.from('/') : config.path;
  }

  /** Whether as many questions are under way as there may be, and none about the same certificate. */
  isBusyFor(question: Question): bool {
    return underWay.length >= MAX_OCSP_CALLS && sameUnderWay(this, question) == null;
  }

  /** Sends a question, from the context `contextId`, or waits for the answer to the same one. False: it could not be sent, and no answer will come. */
  ask(asker: Asker, question: Question, contextId: u32): bool {
    if (this.rootId == 0) return false;
    const same = sameUnderWay(this, question);
    if (same != null) {
      same.add(asker, question);
      return true;
    }
    const config = this.config;
    request.path = this.path.pointer;
    request.pathLength = this.path.length;
    request.body = changetype<usize>(question.request);
    request.bodyLength = question.request.length;
    request.contentType = CONTENT_TYPE;
    request.timeoutMs = config.timeoutMs;
    request.cluster = config.cluster;
    request.authority = config.authority;
    const call = new OcspCall(this);
    call.add(asker, question);
    const sent = sendCallout(this.rootId, contextId, request, call);
    if (sent) underWay.push(call);
    return sent;
  }
}

/** The questions of one connection about its client's certificates. */
export class Questions {
  /** The one that was asked last. */
  private asked: Question | null = null;
  /** When the first came up, monotonic milliseconds; 0: none has. */
  private askedMs: u64 = 0;

  /** Of the connection with the context `id`. Without a responder nothing has an answer. */
  constructor(
    private readonly id: u32,
    private readonly responder: Responder | null,
  ) {}

  /**
   * Has questions asked; one that cannot be sent has no answer. Too many wait for a tick, or a crowd would decide for the
   * fallback.
   */
  carry(asker: Asker, core: Server, nowMs: u64): void {
    const responder = this.responder;
    while (core.isAsking) {
      const question = core.revocation!.question;
      if (question == null || question === this.asked) return;
      if (this.askedMs == 0) this.askedMs = nowMs;
      if (responder != null && responder.isBusyFor(question)) return;
      this.asked = question;
      if (responder == null || !responder.ask(asker, question, this.id)) core.answer(0, 0);
    }
  }

  /** The time counts from the question on: a client that is slow to say hello does not shorten the responder's. */
  isOverdue(nowMs: u64): bool {
    return nowMs - this.askedMs > MAX_OCSP_WAIT_MS;
  }
}
