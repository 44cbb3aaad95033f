// Messages that no stage can read: a route may let them pass a stage that needs the body, where it says so in words.
import { Bytes, equalIgnoreCase } from '../memory/bytes';
import { Direction } from './direction';
import { Exchange } from './exchange';
import { CONTENT_TYPE, STATUS, TYPE_GRPC, UPGRADE } from './names';

const WEB_SOCKET: Bytes = Bytes.from('websocket');
const MULTIPART: Bytes = Bytes.from('multipart/');
const SWITCHING_PROTOCOLS: Bytes = Bytes.from('101');

/** Kinds of such messages, as bits. */
export const enum Unread {
  None = 0,
  /** A request to become a WebSocket, and the answer that grants it. */
  WebSocket = 1,
  Grpc = 2,
  Multipart = 4,
}

/** Kind of the current message, by its headers. */
export function unreadKind(exchange: Exchange): Unread {
  if (exchange.header(UPGRADE.pointer, UPGRADE.length)) {
    const asked =
      exchange.valueLength == WEB_SOCKET.length &&
      equalIgnoreCase(exchange.valuePointer, WEB_SOCKET.pointer, WEB_SOCKET.length);
    const granted =
      exchange.direction == Direction.Request ||
      (exchange.header(STATUS.pointer, STATUS.length) &&
        SWITCHING_PROTOCOLS.equals(exchange.valuePointer, exchange.valueLength));
    return asked && granted ? Unread.WebSocket : Unread.None;
  }
  if (!exchange.header(CONTENT_TYPE.pointer, CONTENT_TYPE.length)) return Unread.None;
  if (begins(exchange, TYPE_GRPC)) return Unread.Grpc;
  return begins(exchange, MULTIPART) ? Unread.Multipart : Unread.None;
}

function begins(exchange: Exchange, type: Bytes): bool {
  return exchange.valueLength >= type.length && equalIgnoreCase(exchange.valuePointer, type.pointer, type.length);
}
