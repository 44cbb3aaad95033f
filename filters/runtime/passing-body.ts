// Streamed bodies. Each piece goes to the only stage that needs the body and passes at once, so that memory does not
// grow with the body. Data that has passed cannot be recalled: a rejection cuts the stream.
//
// The host lets a plugin append data after the last piece only to a buffer that it holds, and trailers come without
// warning. If nothing announces the last piece (`mayHold`), the host is asked to hold every piece and to continue with
// it later: the first piece passes together with the second.
import { MAX_HELD_PIECE_BYTES } from '../limits';
import { ErrorId } from '../errors.gen';
import { proxy_continue_stream } from './abi';
import { declaredLength, isFramed, tooLong } from './admission';
import { PassingBody, UNDECLARED } from './body';
import { Direction } from './direction';
import { appendBuffer, readBuffer, resultLength, resultPointer, writeBuffer } from './host';
import { beginStep } from './outcome';
import { Progress } from './progress';
import { recordOf } from './recorded';
import { exchange, refuse, settle } from './settle';
import { Verdict } from './stage';
import { bodyStreamed } from './stats';
import { Leg, Phase } from './stream';

/** Runs the stage on the headers of a streamed body. Goes: they may pass. */
export function openBody(leg: Leg, passing: PassingBody): Progress {
  if (leg.phase != Phase.StreamHeaders) {
    leg.phase = Phase.StreamHeaders;
    passing.declaredBytes = declaredLength(exchange, UNDECLARED);
    passing.mayHold = passing.declaredBytes == UNDECLARED && !isFramed(exchange);
  }
  const plan = leg.plan;
  const step = unchecked(plan.steps[plan.streamStep]);
  beginStep();
  const verdict = step.stage.onStreamHeaders(exchange, step.policy);
  const progress = settle(leg, plan.streamStep, verdict);
  if (progress != Progress.Goes) return progress;
  passing.observed = verdict == Verdict.Reject;
  passing.mayHold = passing.mayHold && passing.rewritten; // nothing is appended to an unchanged body
  leg.phase = Phase.Streaming;
  bodyStreamed.add(1);
  return Progress.Goes;
}

/** A piece has arrived, after `passing.doneBytes` processed bytes. */
export function passPiece(leg: Leg, passing: PassingBody, heldBytes: u32, endOfStream: bool): Progress {
  const progress = takePiece(leg, passing, heldBytes, endOfStream);
  const held = leg.body.held;
  if (progress != Progress.Stays) {
    held.giveBack();
    return progress;
  }
  const full = held.hold(leg.body.length);
  return full == ErrorId.None ? Progress.Stays : refuse(leg, full);
}

function takePiece(leg: Leg, passing: PassingBody, heldBytes: u32, endOfStream: bool): Progress {
  const body = leg.body;
  body.length = heldBytes;
  leg.ended = endOfStream;
  if (leg.waiting) return Progress.Stays;
  const progress = runPiece(leg, passing);
  if (progress != Progress.Goes) return progress;
  if (leg.phase == Phase.Passed) {
    passing.doneBytes = 0;
    return Progress.Goes;
  }
  if (passing.mayHold && body.length <= MAX_HELD_PIECE_BYTES) {
    if (passing.holding) {
      proxy_continue_stream(leg.direction);
      passing.doneBytes = 0;
    } else passing.doneBytes = body.length;
    passing.holding = true;
    return Progress.Stays;
  }
  passing.holding = false;
  passing.doneBytes = 0;
  return Progress.Goes;
}

/** More data arrived than the declared length, which the stage took as the body's end. It has not seen the excess. */
export function cutExcess(leg: Leg): Progress {
  leg.phase = Phase.Streaming;
  return refuse(leg, tooLong(leg.direction));
}

/** The body ends with trailers. Stays: also if the host was told in another way to continue. */
export function passTrailers(leg: Leg, passing: PassingBody): Progress {
  leg.ended = true;
  passing.atTrailers = true;
  if (leg.waiting) return Progress.Stays;
  leg.body.length = passing.holding ? passing.doneBytes : 0;
  passing.doneBytes = leg.body.length;
  const progress = runPiece(leg, passing);
  if (progress != Progress.Goes || !passing.holding || !passing.resumed) return progress;
  // In the callbacks after a wait at the headers, `Continue` would make the host drop its buffer. At other times this
  // call would be wrong: trailers made by another filter would be sent twice.
  proxy_continue_stream(leg.direction);
  return Progress.Stays;
}

/**
 * A stage that waited with a piece may continue. Goes: the host may too. It may not if more is to come, because the
 * host would then let the next piece pass the buffered ones. They pass with the next one.
 */
export function resumePiece(leg: Leg, passing: PassingBody): Progress {
  const progress = runPiece(leg, passing);
  if (progress != Progress.Goes) return progress;
  passing.doneBytes = leg.body.length;
  return leg.ended ? Progress.Goes : Progress.Stays;
}

/** Gives unseen data to the stage, and its output to the host. */
function runPiece(leg: Leg, passing: PassingBody): Progress {
  const body = leg.body;
  if (body.length < passing.doneBytes) return refuse(leg, ErrorId.FIM_RT_0008);
  const before = passing.doneBytes;
  const fresh = body.length - before;
  const seen = passing.seenBytes + fresh;
  if (seen > leg.route.maxStreamBytes || seen > passing.declaredBytes) return refuse(leg, tooLong(leg.direction));
  const last = leg.ended || seen >= passing.declaredBytes;
  const record = recordOf(leg);
  if (!passing.observed) {
    const progress = callStage(leg, passing, fresh, last);
    if (progress != Progress.Goes) return progress;
  } else if (record != null && fresh != 0) {
    if (!readBuffer(exchange.bodyBuffer, body.length) || resultLength() != body.length)
      return refuse(leg, ErrorId.FIM_RT_0006);
    record.goesUnchanged(resultPointer() + before, fresh);
    record.comes(resultPointer() + before, fresh);
  }
  passing.seenBytes = seen;
  leg.outcome.bytesIn = seen;
  leg.outcome.bytesOut += body.length - before;
  if (last) {
    leg.phase = Phase.Passed;
    passing.dropSlot();
  }
  return Progress.Goes;
}

function callStage(leg: Leg, passing: PassingBody, fresh: u32, last: bool): Progress {
  let pointer: usize = 0;
  const held = leg.body.length;
  if (fresh != 0) {
    if (!readBuffer(exchange.bodyBuffer, held) || resultLength() != held) return refuse(leg, ErrorId.FIM_RT_0006);
    pointer = resultPointer();
  }
  exchange.beginChunk(pointer, fresh == 0 ? 0 : passing.doneBytes);
  const plan = leg.plan;
  const step = unchecked(plan.steps[plan.streamStep]);
  beginStep();
  const verdict = step.stage.onChunk(exchange, step.policy, pointer + exchange.chunkPrefix, fresh, last);
  if (verdict == Verdict.Wait) passing.holding = true;
  const progress = settle(leg, plan.streamStep, verdict);
  if (progress != Progress.Goes) return progress;
  if (verdict == Verdict.Reject) passing.observed = true;
  const record = recordOf(leg);
  if (record != null) {
    const prefix = exchange.chunkPrefix;
    const chunk = exchange.chunk;
    if (!exchange.chunkReplaced) record.goesUnchanged(pointer + prefix, fresh);
    else if (!chunk.overflowed) record.goesChanged(chunk.pointer + prefix, chunk.length - prefix);
    record.comes(pointer + prefix, fresh);
  }
  return exchange.chunkReplaced ? writePiece(leg, passing, fresh) : Progress.Goes;
}

/** Replaces the piece by the stage's output. */
function writePiece(leg: Leg, passing: PassingBody, fresh: u32): Progress {
  const chunk = exchange.chunk;
  if (chunk.overflowed) return refuse(leg, ErrorId.FIM_RT_0006);
  if (fresh == 0) return chunk.length == 0 || endsBodiless(leg, passing) ? Progress.Goes : appendTail(leg);
  if (!writeBuffer(exchange.bodyBuffer, leg.body.length, chunk.pointer, chunk.length))
    return refuse(leg, ErrorId.FIM_RT_0008);
  leg.body.length = chunk.length;
  return Progress.Goes;
}

/** A response of headers and trailers only. It has no body to append to, as if it had ended with its headers. */
function endsBodiless(leg: Leg, passing: PassingBody): bool {
  return leg.direction == Direction.Response && passing.atTrailers && passing.seenBytes == 0 && leg.body.length == 0;
}

/**
 * Appends data to the host's buffer. The buffer is empty if unexpected trailers follow: HTTP/1.1 trailers, which Envoy
 * drops by default.
 */
function appendTail(leg: Leg): Progress {
  const chunk = exchange.chunk;
  if (!appendBuffer(exchange.bodyBuffer, leg.body.length, chunk.pointer, chunk.length))
    return refuse(leg, ErrorId.FIM_RT_0011);
  leg.body.length += chunk.length;
  return Progress.Goes;
}
