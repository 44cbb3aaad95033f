// Decides from the headers, before anything is buffered, whether a message whose whole body must be seen can be
// buffered at all.
import { Coding } from '../message/compression/body';
import { equalIgnoreCase } from '../memory/bytes';
import { ErrorId } from '../errors.gen';
import { codingOf } from './content-coding';
import { Exchange } from './exchange';
import {
  CONNECT,
  CONNECTION,
  CONTENT_LENGTH,
  CONTENT_TYPE,
  METHOD,
  TRANSFER_ENCODING,
  TYPE_EVENT_STREAM,
  TYPE_GRPC,
  UPGRADE,
} from './names';
import { Direction } from './direction';

/**
 * ErrorId.None, or the reason to refuse the message. The headers are those of the current direction. `maxBodyBytes`:
 * largest declared length. `opens`: whether compressed bodies are decompressed. `events`: whether server-sent events are
 * read as they pass.
 */
export function refusalOf(exchange: Exchange, maxBodyBytes: u64, opens: bool, events: bool): ErrorId {
  const request = exchange.direction == Direction.Request;
  if (isStreaming(exchange) && !(events && isEventStream(exchange)))
    return request ? ErrorId.FIM_RT_0004 : ErrorId.FIM_RT_0005;
  const coding = codingOf(exchange);
  if (coding != Coding.Identity && !opens) return request ? ErrorId.FIM_RT_0003 : ErrorId.FIM_RT_0005;
  if (coding == Coding.Other) return ErrorId.FIM_RT_0050;
  return declaredLength(exchange, 0) > maxBodyBytes ? tooLong(exchange.direction) : ErrorId.None;
}

/** Error for a body over the limit, by declared or by actual length. */
export function tooLong(direction: Direction): ErrorId {
  return direction == Direction.Request ? ErrorId.FIM_RT_0002 : ErrorId.FIM_RT_0005;
}

/** Whether a request asks for a tunnel (CONNECT, WebSocket), whose bodies do not end. */
export function opensTunnel(exchange: Exchange): bool {
  if (exchange.header(UPGRADE.pointer, UPGRADE.length)) return true;
  return exchange.header(METHOD.pointer, METHOD.length) && CONNECT.equals(exchange.valuePointer, exchange.valueLength);
}

function isStreaming(exchange: Exchange): bool {
  if (exchange.header(UPGRADE.pointer, UPGRADE.length)) return true;
  if (!exchange.header(CONTENT_TYPE.pointer, CONTENT_TYPE.length)) return false;
  const value = exchange.valuePointer;
  const length = exchange.valueLength;
  // application/grpc, application/grpc+proto, application/grpc-web …
  if (length >= TYPE_GRPC.length && equalIgnoreCase(value, TYPE_GRPC.pointer, TYPE_GRPC.length)) return true;
  return isEventStream(exchange);
}

/** Whether the body is a stream of server-sent events. */
export function isEventStream(exchange: Exchange): bool {
  if (!exchange.header(CONTENT_TYPE.pointer, CONTENT_TYPE.length)) return false;
  const type = TYPE_EVENT_STREAM;
  return exchange.valueLength >= type.length && equalIgnoreCase(exchange.valuePointer, type.pointer, type.length);
}

/** Whether the message declares its framing (HTTP/1), so that no frame with trailers can end it unexpectedly. */
export function isFramed(exchange: Exchange): bool {
  return (
    exchange.header(TRANSFER_ENCODING.pointer, TRANSFER_ENCODING.length) ||
    exchange.header(CONNECTION.pointer, CONNECTION.length)
  );
}

/** Declared length, bytes. `none` if there is none. The host has refused values that are no number. */
export function declaredLength(exchange: Exchange, none: u64): u64 {
  if (!exchange.header(CONTENT_LENGTH.pointer, CONTENT_LENGTH.length)) return none;
  const value = exchange.valuePointer;
  const length = exchange.valueLength;
  let declared: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = <u32>load<u8>(value + i) - 48;
    if (digit > 9) return u64.MAX_VALUE;
    if (declared > u64.MAX_VALUE / 16) return u64.MAX_VALUE;
    declared = declared * 10 + digit;
  }
  return declared;
}
