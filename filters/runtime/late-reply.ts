// Delays replies to HTTP/1 requests whose body is still arriving. An immediate reply makes the host close the
// connection: a client that continues writing sees a reset instead of the reply, and its later requests are lost. If
// the rest is bounded, it is dropped as it arrives and the reply is sent at its end.
import { MAX_DRAINED_BYTES } from '../limits';
import { ErrorId } from '../errors.gen';
import { declaredLength, opensTunnel } from './admission';
import { BufferType } from './abi';
import { Direction } from './direction';
import { Exchange } from './exchange';
import { readProperty, resultLength, resultPointer, writeBuffer } from './host';
import { Progress } from './progress';
import { replyFailed, replyLate } from './stats';
import { Leg, Phase, Stream } from './stream';

// "request\0protocol"
const PROTOCOL: usize = memory.data<u8>([114, 101, 113, 117, 101, 115, 116, 0, 112, 114, 111, 116, 111, 99, 111, 108]);
const PROTOCOL_LENGTH: u32 = 16;
/** `HTTP/1` of `HTTP/1.1` and `HTTP/1.0`. Other versions reset a stream and keep the connection. */
const HTTP_1: u64 = 0x312f50545448;
const HTTP_1_LENGTH: u32 = 6;

/**
 * Keeps the reply in `exchange` until the request has ended, if that is useful and within bounds. False if it must be
 * sent at once. `phase`: of the request when it was refused. The current call is one of the stream's, or the stream is
 * the effective context.
 */
export function keepReply(exchange: Exchange, leg: Leg, phase: Phase): bool {
  const stream = leg.stream;
  const body = leg.body;
  const reply = exchange.reply;
  if (reply.error == ErrorId.FIM_RT_0004) return false; // it may never end
  if (leg.ended || stream.untabled || phase == Phase.Streaming) return false;
  const passing = body.passing;
  if (passing != null && passing.resumed) return false;
  if (opensTunnel(exchange) || declaredLength(exchange, 0) > MAX_DRAINED_BYTES || !speaksHttp1()) return false;
  if (!stream.kept.keep(reply)) return false;
  stream.drainedBytes = body.length;
  if (body.length != 0) writeBuffer(BufferType.HttpRequestBody, body.length, 0, 0);
  body.length = 0;
  replyLate.add(1);
  return true;
}

function speaksHttp1(): bool {
  if (!readProperty(PROTOCOL, PROTOCOL_LENGTH) || resultLength() <= HTTP_1_LENGTH) return false;
  return (load<u64>(resultPointer()) & 0xffffffffffff) == HTTP_1;
}

/** Drops a piece of a refused request. Sends the reply at the end, or if there is too much of it. */
export function dropPiece(stream: Stream, bytes: u32, endOfStream: bool): void {
  if (bytes != 0) writeBuffer(BufferType.HttpRequestBody, bytes, 0, 0);
  stream.drainedBytes += bytes;
  if (endOfStream || stream.drainedBytes > MAX_DRAINED_BYTES) sendLate(stream);
}

/** Sends the reply of a request that has ended. */
export function sendLate(stream: Stream): void {
  stream.request.phase = Phase.Refused;
  if (!stream.kept.send()) replyFailed.add(1);
}

/** Drops a piece of a message whose reply waits for its record. */
export function dropWithheld(leg: Leg, bytes: u32, endOfStream: bool): Progress {
  leg.ended = leg.ended || endOfStream;
  if (bytes == 0) return Progress.Ends;
  const isRequest = leg.direction == Direction.Request;
  writeBuffer(isRequest ? BufferType.HttpRequestBody : BufferType.HttpResponseBody, bytes, 0, 0);
  if (isRequest) leg.stream.drainedBytes += bytes;
  return Progress.Ends;
}
