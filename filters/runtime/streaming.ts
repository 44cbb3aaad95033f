// Bodies that pass in pieces: each is given to the one stage that needs the body and goes on at once, so that memory
// does not grow with the body. What has gone cannot be called back: a rejection cuts the stream.
//
// The host lets a plugin put something behind the last piece only into a buffer that it holds, and trailers come
// without warning. So where nothing tells which piece is the last (`mayHold`), the host is asked to hold every piece,
// and to go on with what it holds: the first piece goes on with the second.
import { MAX_HELD_PIECE_BYTES } from '../limits';
import { ErrorId } from '../errors.gen';
import { DataStatus, TrailersStatus, proxy_continue_stream } from './abi';
import { declaredLength, isFramed, tooLong } from './admission';
import { CompiledRoute } from './configuration';
import { giveBack, hold } from './held-bytes';
import { appendBuffer, readBuffer, resultLength, resultPointer, writeBuffer } from './host';
import { exchange, refuse, settle } from './pipeline';
import { Direction, Verdict } from './stage';
import { bodyStreamed } from './stats';
import { Half, Phase, Stream, UNDECLARED } from './stream';

/** The stage looks at the headers of a body that will pass in pieces. True: they may go on. */
export function openBody(stream: Stream, route: CompiledRoute, half: Half, direction: Direction): bool {
  if (half.phase != Phase.StreamHeaders) {
    half.phase = Phase.StreamHeaders;
    half.declaredBytes = declaredLength(exchange, UNDECLARED);
    half.mayHold = half.declaredBytes == UNDECLARED && !isFramed(exchange);
  }
  const plan = route.plan(direction);
  const step = unchecked(plan.steps[plan.streamStep]);
  const verdict = step.stage.onStreamHeaders(exchange, step.policy);
  if (!settle(stream, route, half, direction, verdict, step.stage.observable)) return false;
  half.observed = verdict == Verdict.Reject;
  half.mayHold = half.mayHold && half.rewritten; // nothing is put behind a body that stays as it is
  half.phase = Phase.Streaming;
  bodyStreamed.add(1);
  return true;
}

/** A piece is in the host, behind `half.doneBytes` bytes that the stage has done with. */
export function passPiece(
  stream: Stream,
  route: CompiledRoute,
  direction: Direction,
  heldBytes: u32,
  endOfStream: bool,
): DataStatus {
  const half = stream.half(direction);
  const status = takePiece(stream, route, half, direction, heldBytes, endOfStream);
  if (status != DataStatus.StopIterationAndBuffer) {
    giveBack(stream, half);
    return status;
  }
  const full = hold(stream, half, half.bodyLength);
  if (full == ErrorId.None) return status;
  cut(stream, direction, full);
  return DataStatus.StopIterationNoBuffer;
}

function takePiece(
  stream: Stream,
  route: CompiledRoute,
  half: Half,
  direction: Direction,
  heldBytes: u32,
  endOfStream: bool,
): DataStatus {
  half.bodyLength = heldBytes;
  half.ended = endOfStream;
  if (half.waiting) return DataStatus.StopIterationAndBuffer;
  if (!runPiece(stream, route, half, direction))
    return half.waiting ? DataStatus.StopIterationAndBuffer : DataStatus.StopIterationNoBuffer;
  if (half.phase == Phase.Passed) {
    half.doneBytes = 0;
    return DataStatus.Continue;
  }
  if (half.mayHold && half.bodyLength <= MAX_HELD_PIECE_BYTES) {
    if (half.holding) {
      proxy_continue_stream(direction);
      half.doneBytes = 0;
    } else half.doneBytes = half.bodyLength;
    half.holding = true;
    return DataStatus.StopIterationAndBuffer;
  }
  half.holding = false;
  half.doneBytes = 0;
  return DataStatus.Continue;
}

/** The stage took the declared length for the body's end, and more came, which it has not seen. */
export function cutExcess(stream: Stream, direction: Direction): DataStatus {
  stream.half(direction).phase = Phase.Streaming;
  cut(stream, direction, tooLong(direction));
  return DataStatus.StopIterationNoBuffer;
}

/** The body ends with trailers. */
export function passTrailers(stream: Stream, route: CompiledRoute, direction: Direction): TrailersStatus {
  const half = stream.half(direction);
  half.ended = true;
  half.atTrailers = true;
  if (half.waiting) return TrailersStatus.StopIteration;
  half.bodyLength = half.holding ? half.doneBytes : 0;
  half.doneBytes = half.bodyLength;
  if (!runPiece(stream, route, half, direction)) return TrailersStatus.StopIteration;
  if (!half.holding || !half.resumed) return TrailersStatus.Continue;
  // In the callbacks that follow a wait at the headers, `Continue` would make the host drop what it holds. At other
  // times this would not do: where another filter made the trailers (some do), they would be sent twice.
  proxy_continue_stream(direction);
  return TrailersStatus.StopIteration;
}

/**
 * A stage that waited with a piece may go on; true: the host may, too. If more is to come it may not: after a plugin's
 * word the host would let the next piece pass by what it still held. The pieces go on with the next one.
 */
export function resumePiece(stream: Stream, route: CompiledRoute, half: Half, direction: Direction): bool {
  if (!runPiece(stream, route, half, direction)) return false;
  half.doneBytes = half.bodyLength;
  return half.ended;
}

/**
 * Gives the stage what it has not seen, and the host what the stage makes of it. False: it waits, or the stream was
 * cut.
 */
function runPiece(stream: Stream, route: CompiledRoute, half: Half, direction: Direction): bool {
  if (half.bodyLength < half.doneBytes) return cut(stream, direction, ErrorId.FIM_RT_0008);
  const fresh = half.bodyLength - half.doneBytes;
  const seen = half.seenBytes + fresh;
  if (seen > route.maxStreamBytes || seen > half.declaredBytes) return cut(stream, direction, tooLong(direction));
  const last = half.ended || seen >= half.declaredBytes;
  if (!half.observed && !callStage(stream, route, half, direction, fresh, last)) return false;
  half.seenBytes = seen;
  if (last) {
    half.phase = Phase.Passed;
    half.dropSlot();
  }
  return true;
}

function callStage(
  stream: Stream,
  route: CompiledRoute,
  half: Half,
  direction: Direction,
  fresh: u32,
  last: bool,
): bool {
  let pointer: usize = 0;
  const held = half.bodyLength;
  if (fresh != 0) {
    if (!readBuffer(exchange.bodyBuffer, held) || resultLength() != held)
      return cut(stream, direction, ErrorId.FIM_RT_0006);
    pointer = resultPointer();
  }
  exchange.beginChunk(pointer, fresh == 0 ? 0 : half.doneBytes);
  const plan = route.plan(direction);
  const step = unchecked(plan.steps[plan.streamStep]);
  const verdict = step.stage.onChunk(exchange, step.policy, pointer + exchange.chunkPrefix, fresh, last);
  if (verdict == Verdict.Wait) half.holding = true;
  if (!settle(stream, route, half, direction, verdict, step.stage.observable)) return false;
  if (verdict == Verdict.Reject) half.observed = true;
  return !exchange.chunkReplaced || writePiece(stream, half, direction, fresh);
}

/** Puts what the stage wrote in the place of the piece. */
function writePiece(stream: Stream, half: Half, direction: Direction, fresh: u32): bool {
  const chunk = exchange.chunk;
  if (chunk.overflowed) return cut(stream, direction, ErrorId.FIM_RT_0006);
  if (fresh == 0) {
    if (chunk.length == 0 || endsBodiless(half, direction)) return true;
    return appendTail(stream, half, direction);
  }
  if (!writeBuffer(exchange.bodyBuffer, half.bodyLength, chunk.pointer, chunk.length))
    return cut(stream, direction, ErrorId.FIM_RT_0008);
  half.bodyLength = chunk.length;
  return true;
}

/**
 * A response of headers and trailers alone: it has no body, so nothing needs to be put behind one, as if it had ended
 * with its headers.
 */
function endsBodiless(half: Half, direction: Direction): bool {
  return direction == Direction.Response && half.atTrailers && half.seenBytes == 0 && half.bodyLength == 0;
}

/**
 * Puts something behind what the host holds. It holds nothing if trailers follow where none were to be expected:
 * HTTP/1.1, whose trailers Envoy drops by default.
 */
function appendTail(stream: Stream, half: Half, direction: Direction): bool {
  const chunk = exchange.chunk;
  if (!appendBuffer(exchange.bodyBuffer, half.bodyLength, chunk.pointer, chunk.length))
    return cut(stream, direction, ErrorId.FIM_RT_0011);
  half.bodyLength += chunk.length;
  return true;
}

/** Refuses a body of which pieces may have gone. */
function cut(stream: Stream, direction: Direction, error: ErrorId): bool {
  refuse(stream, direction, error);
  return false;
}
