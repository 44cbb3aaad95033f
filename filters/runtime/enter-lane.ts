// Where a request goes: a header tells Envoy's routes, set as the last thing before the request goes on. Envoy chooses its
// route again when the header changes.
import { Ascii } from '../memory/ascii';
import { Bytes } from '../memory/bytes';
import { Exchange } from './exchange';
import { Lane } from './lane';
import { METHOD } from './names';

const LANE: Bytes = Bytes.from('x-fim-lane');
const GET: Bytes = Bytes.from('GET');
const HEAD: Bytes = Bytes.from('HEAD');
const OPTIONS: Bytes = Bytes.from('OPTIONS');

/** Tells Envoy the lane of the request whose headers are held. */
export function enterLane(exchange: Exchange, lane: Lane): void {
  const value = mayRepeat(exchange, lane) ? lane.repeatable : lane.once;
  exchange.setHeader(LANE.pointer, LANE.length, value.pointer, value.length);
}

/** Whether the request does nothing, or bears what its upstream knows a second copy by. */
function mayRepeat(exchange: Exchange, lane: Lane): bool {
  const key = lane.idempotencyHeader;
  if (key.length != 0 && exchange.header(key.pointer, key.length) && !isBlank(exchange)) return true;
  if (!exchange.header(METHOD.pointer, METHOD.length)) return false;
  const pointer = exchange.valuePointer;
  const length = exchange.valueLength;
  return GET.equals(pointer, length) || HEAD.equals(pointer, length) || OPTIONS.equals(pointer, length);
}

function isBlank(exchange: Exchange): bool {
  for (let i: u32 = 0; i < exchange.valueLength; i++) {
    if (load<u8>(exchange.valuePointer + i) != Ascii.Space) return false;
  }
  return true;
}
