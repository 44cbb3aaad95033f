// Runs the stages of one direction of one stream, from the headers to the verdict. Nothing goes on before the verdict:
// headers are held while the host collects the body, and the body is replaced in one mutation. Bodies that pass in
// pieces part here: see streaming.ts.
import { Coding } from '../message/compression/body';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { proxy_continue_stream, proxy_set_effective_context } from './abi';
import { refusalOf, tooLong } from './admission';
import { CompiledRoute } from './configuration';
import { OPENED_CODINGS, codingOf, openMessage } from './content-coding';
import { ErrorId } from '../errors.gen';
import { Exchange } from './exchange';
import { giveBack, hold } from './held-bytes';
import { readBuffer, resultLength, resultPointer, writeBuffer } from './host';
import { keepReply } from './late-reply';
import { CONTENT_LENGTH, IDENTITY } from './names';
import { isEmptyByNature } from './routing';
import { stamp } from './seal';
import { starvation } from './starvation';
import { Direction, Verdict } from './stage';
import { bodyCut, bodyReplaced, countVerdict, replyFailed } from './stats';
import { openBody, resumePiece } from './streaming';
import { Half, Phase, Stream } from './stream';

/** Status of the reply when a response cannot be let through. */
const BAD_GATEWAY: u32 = 502;

/** The one exchange of the VM: callbacks never nest. */
export const exchange: Exchange = new Exchange();
/** Seconds until what is held now will have gone. */
const RETRY_AFTER: Bytes = Bytes.from('1');
const digits: Writer = new Writer(scratch);

/** Headers are here. `exchange` is bound to the stream and its headers are fetched. True: they may go on now. */
export function beginHalf(stream: Stream, route: CompiledRoute, direction: Direction, endOfStream: bool): bool {
  const half = stream.half(direction);
  const plan = route.plan(direction);
  half.ended = endOfStream;
  if (route.opens(direction)) half.coding = codingOf(exchange);
  const packed = half.coding != Coding.Identity;
  if (plan.steps.length == 0 && !packed) {
    half.phase = Phase.Passed;
    return true;
  }
  if (plan.needsBody || packed) {
    exchange.noteContentType();
    half.digested = exchange.hasDigest();
    half.streamed = plan.streamStep >= 0 && !endOfStream && !packed && !isEmptyByNature(stream, exchange);
  }
  half.phase = Phase.Headers;
  half.step = 0;
  return advance(stream, route, direction);
}

/** More body is in the host. True: it may go on now. */
export function growBody(
  stream: Stream,
  route: CompiledRoute,
  direction: Direction,
  heldBytes: u32,
  endOfStream: bool,
): bool {
  const half = stream.half(direction);
  half.bodyLength = heldBytes;
  half.ended = endOfStream;
  if (heldBytes > route.maxBodyBytes) return turnAway(stream, route, direction, tooLong(direction));
  const full = hold(stream, half, heldBytes);
  if (full != ErrorId.None) return turnAway(stream, route, direction, full);
  if (!endOfStream || half.waiting) return false;
  return advance(stream, route, direction);
}

/** A stage that waited may go on. Called outside the stream's own callbacks. */
export function resumeHalf(stream: Stream, direction: Direction): void {
  const half = stream.half(direction);
  const route = stream.route;
  if (!half.waiting || route == null) return;
  half.waiting = false;
  half.resumed = half.streamed && half.phase != Phase.Streaming;
  proxy_set_effective_context(stream.contextId);
  exchange.bind(stream, direction);
  starvation.over();
  if (advance(stream, route, direction) && letGo(stream, direction)) proxy_continue_stream(direction);
}

/**
 * What was held goes on now, after its verdict: the last thing that is done with it. False: the host could not give
 * something that a stage asked for, so the verdict is worth nothing, and the message is refused.
 */
export function letGo(stream: Stream, direction: Direction): bool {
  if (starvation.begun) {
    starvation.over();
    refuse(stream, direction, ErrorId.FIM_RT_0006);
    return false;
  }
  giveBack(stream, stream.half(direction));
  if (direction == Direction.Request) stamp(stream);
  return true;
}

/** Runs what can be run now. True: everything of this direction may go on. */
function advance(stream: Stream, route: CompiledRoute, direction: Direction): bool {
  const half = stream.half(direction);
  if (half.phase == Phase.Headers) {
    if (!runHeaders(stream, route, half, direction)) return false;
    if (!route.plan(direction).needsBody && half.coding == Coding.Identity) {
      half.phase = Phase.Passed;
      return true;
    }
    if (isComplete(stream, half, direction)) return passEmpty(stream, route, half, direction);
    const refusal = refusalOf(
      exchange,
      half.streamed ? route.maxStreamBytes : route.maxBodyBytes,
      route.opens(direction),
    );
    if (refusal != ErrorId.None) return turnAway(stream, route, direction, refusal);
    if (half.streamed) return openBody(stream, route, half, direction);
    half.phase = Phase.Collecting;
  }
  if (half.phase == Phase.StreamHeaders) return openBody(stream, route, half, direction);
  if (half.phase == Phase.Streaming) return resumePiece(stream, route, half, direction);
  if (half.phase == Phase.Collecting) {
    if (!half.ended) return false;
    if (isComplete(stream, half, direction)) return passEmpty(stream, route, half, direction);
    half.phase = Phase.Body;
    half.step = 0;
  }
  return half.phase != Phase.Body || runBody(stream, route, half, direction);
}

/**
 * Whether the message has ended without a body and needs none, whether its end came with the headers or as an empty
 * frame.
 */
function isComplete(stream: Stream, half: Half, direction: Direction): bool {
  return half.ended && half.bodyLength == 0 && (direction == Direction.Response || stream.bodiless);
}

/**
 * A body that cannot be held or opened is refused; but where `Observe` rules and no stage protects anything, it is
 * counted and goes on unseen, as it came. True: it may go on.
 */
function turnAway(stream: Stream, route: CompiledRoute, direction: Direction, error: ErrorId): bool {
  if (!route.observe || !route.plan(direction).observable) {
    refuse(stream, direction, error);
    return false;
  }
  countVerdict(error, false);
  passUnread(route, direction);
  stream.half(direction).phase = Phase.Passed;
  return true;
}

/** Tells the stages that nobody read the body. */
export function passUnread(route: CompiledRoute, direction: Direction): void {
  const steps = route.plan(direction).steps;
  for (let i = 0; i < steps.length; i++) {
    const step = unchecked(steps[i]);
    if (step.policy.needsBody(direction)) step.stage.onUnread(exchange, step.policy);
  }
}

function runHeaders(stream: Stream, route: CompiledRoute, half: Half, direction: Direction): bool {
  const steps = route.plan(direction).steps;
  while (half.step < steps.length) {
    const step = unchecked(steps[half.step]);
    const verdict = step.stage.onHeaders(exchange, step.policy);
    if (!settle(stream, route, half, direction, verdict, step.stage.observable)) return false;
    half.step++;
  }
  return true;
}

/** There is no body and need be none: only stages that judge that, too, see it; after a wait all of them again. */
function passEmpty(stream: Stream, route: CompiledRoute, half: Half, direction: Direction): bool {
  const plan = route.plan(direction);
  if (plan.judgesEmpty) {
    exchange.message.begin(0, 0);
    for (let i = 0; i < plan.steps.length; i++) {
      const step = unchecked(plan.steps[i]);
      if (!step.policy.judgesEmpty(direction)) continue;
      if (!settle(stream, route, half, direction, step.stage.onBody(exchange, step.policy), step.stage.observable))
        return false;
    }
  }
  half.phase = Phase.Passed;
  return true;
}

function runBody(stream: Stream, route: CompiledRoute, half: Half, direction: Direction): bool {
  const message = exchange.message;
  const held = half.bodyLength;
  if (held == 0) message.begin(0, 0);
  else if (readBuffer(exchange.bodyBuffer, held) && resultLength() == held) message.begin(resultPointer(), held);
  else {
    refuse(stream, direction, ErrorId.FIM_RT_0006);
    return false;
  }
  if (half.coding != Coding.Identity) {
    const error = openMessage(exchange, half.coding, route.maxBodyBytes);
    if (error != ErrorId.None) return turnAway(stream, route, direction, error);
    half.coding = Coding.Identity;
  }
  const steps = route.plan(direction).steps;
  while (half.step < steps.length) {
    const step = unchecked(steps[half.step]);
    if (step.policy.needsBody(direction)) {
      const verdict = step.stage.onBody(exchange, step.policy);
      if (verdict == Verdict.Wait && !writeBack(half)) {
        refuse(stream, direction, ErrorId.FIM_RT_0008);
        return false;
      }
      if (!settle(stream, route, half, direction, verdict, step.stage.observable)) return false;
    }
    half.step++;
  }
  if (!writeBack(half)) {
    refuse(stream, direction, ErrorId.FIM_RT_0008);
    return false;
  }
  half.phase = Phase.Passed;
  return true;
}

/** Acts on a verdict; true: go on with the next stage. */
export function settle(
  stream: Stream,
  route: CompiledRoute,
  half: Half,
  direction: Direction,
  verdict: Verdict,
  observable: bool,
): bool {
  if (verdict == Verdict.Continue) return true;
  if (verdict == Verdict.Wait) {
    half.waiting = true;
    return false;
  }
  const error = exchange.reply.error;
  if (observable && route.observe) {
    countVerdict(error, false);
    return true;
  }
  sendReply(stream, direction);
  return false;
}

/**
 * Gives a changed body to the host, with its length, once. False: the host refused, and the old body must not go on.
 */
function writeBack(half: Half): bool {
  const message = exchange.message;
  if (!message.changed) return true;
  if (!writeBuffer(exchange.bodyBuffer, half.bodyLength, message.pointer, message.length)) return false;
  half.bodyLength = message.length;
  message.changed = false;
  bodyReplaced.add(1);
  if (half.digested) exchange.dropDigests();
  if (exchange.header(CONTENT_LENGTH.pointer, CONTENT_LENGTH.length)) {
    digits.begin(20);
    digits.decimal(message.length);
    exchange.setHeader(CONTENT_LENGTH.pointer, CONTENT_LENGTH.length, digits.pointer, digits.length);
  }
  return true;
}

/** Refuses a stream with one of the runtime's own errors. */
export function refuse(stream: Stream, direction: Direction, error: ErrorId): void {
  const reply = exchange.reply;
  reply.begin(error);
  if (direction == Direction.Request) {
    // What may be sent instead (RFC 9110, 15.5.16).
    if (error == ErrorId.FIM_RT_0030 || error == ErrorId.FIM_RT_0031)
      reply.addHeader('retry-after', RETRY_AFTER.pointer, RETRY_AFTER.length);
    if (error == ErrorId.FIM_RT_0003) reply.addHeader('accept-encoding', IDENTITY.pointer, IDENTITY.length);
    if (error == ErrorId.FIM_RT_0050) reply.addHeader('accept-encoding', OPENED_CODINGS.pointer, OPENED_CODINGS.length);
  }
  sendReply(stream, direction);
}

/** The one place where a message is refused: counted by code, answered, and nothing of it goes on. */
function sendReply(stream: Stream, direction: Direction): void {
  const half = stream.half(direction);
  const route = stream.route;
  const phase = half.phase;
  if (phase == Phase.Streaming) bodyCut.add(1);
  half.phase = Phase.Refused;
  half.waiting = false;
  half.dropSlot();
  stream.replied = true;
  countVerdict(exchange.reply.error, true);
  const status = direction == Direction.Response ? BAD_GATEWAY : 0;
  giveBack(stream, half);
  const reply = exchange.reply;
  reply.compose(route == null ? Bytes.EMPTY : route.name, status);
  if (direction == Direction.Request && keepReply(exchange, stream, phase)) half.phase = Phase.Draining;
  else if (!reply.send()) replyFailed.add(1);
}
