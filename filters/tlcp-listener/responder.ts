// The OCSP responder of a listener: questions go out through a cluster of the proxy, answers come back to the
// connections that wait for them.
import { MAX_OCSP_ANSWER_BYTES, MAX_OCSP_CALLS } from '../limits';
import { Bytes } from '../memory/bytes';
import { monotonicMillis } from '../runtime/host';
import { CalloutHandler, CalloutRequest, sendCallout } from '../runtime/callout';
import { Question } from '../tlcp/revocation-check';
import { TlcpOcspConfig } from './config.gen';
import { Listed } from './connection-list';

const CONTENT_TYPE: Bytes = Bytes.from('application/ocsp-request');
const OK: u32 = 200;
const request: CalloutRequest = new CalloutRequest();
/** Questions of this machine that are under way. */
let underWay: i32 = 0;

/** Someone who waits for an answer. */
export abstract class Asker extends Listed {
  /** An answer, DER, or no bytes: there is none. */
  abstract onVerdict(question: Question, der: usize, length: u32, nowMs: u64): void;
}

/** One question under way. */
class OcspCall extends CalloutHandler {
  constructor(
    private readonly asker: Asker,
    private readonly question: Question,
  ) {
    super();
  }

  onAnswer(rootId: u32, status: u32, body: usize, bodyLength: u32): void {
    underWay--;
    const isOne = status == OK && bodyLength <= MAX_OCSP_ANSWER_BYTES;
    this.asker.onVerdict(this.question, isOne ? body : 0, isOne ? bodyLength : 0, monotonicMillis());
  }

  onLost(): void {
    underWay--;
    this.asker.onVerdict(this.question, 0, 0, monotonicMillis());
  }
}

export class Responder {
  /** Root context that the calls belong to; it is there before the first connection. */
  rootId: u32 = 0;
  private readonly path: Bytes;

  constructor(private readonly config: TlcpOcspConfig) {
    this.path = config.path.length == 0 ? Bytes.from('/') : config.path;
  }

  /** Whether as many questions are under way as there may be. */
  get isBusy(): bool {
    return underWay >= MAX_OCSP_CALLS;
  }

  /** Sends a question, from the context `contextId`. False: it could not be sent, and no answer will come. */
  ask(asker: Asker, question: Question, contextId: u32): bool {
    if (this.rootId == 0) return false;
    const config = this.config;
    request.path = this.path.pointer;
    request.pathLength = this.path.length;
    request.body = changetype<usize>(question.request);
    request.bodyLength = question.request.length;
    request.contentType = CONTENT_TYPE;
    request.timeoutMs = config.timeoutMs;
    request.cluster = config.cluster;
    request.authority = config.authority;
    const sent = sendCallout(this.rootId, contextId, request, new OcspCall(asker, question));
    if (sent) underWay++;
    return sent;
  }
}
