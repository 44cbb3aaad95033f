// Parts of a message that a client must not send: headers that only this proxy sets, in any spelling, and header-only
// fields in the trailers, after the verdict.
import { Bytes } from '../memory/bytes';
import { HeaderMap } from './abi';
import { Exchange } from './exchange';
import { HeaderSnapshot } from './headers';
import { Direction } from './direction';
import { trailersDropped } from './stats';

const trailers: HeaderSnapshot = new HeaderSnapshot();

/**
 * Fields that no recipient may accept in trailers (RFC 9110, 6.5.1): framing and connection, routing, authentication,
 * content description, response control. A server that merges trailers with headers would.
 */
const NEVER_IN_TRAILERS: StaticArray<Bytes> = [
  Bytes.from('content-length'),
  Bytes.from('transfer-encoding'),
  Bytes.from('te'),
  Bytes.from('trailer'),
  Bytes.from('connection'),
  Bytes.from('keep-alive'),
  Bytes.from('proxy-connection'),
  Bytes.from('upgrade'),
  Bytes.from('http2-settings'),
  Bytes.from('host'),
  Bytes.from('forwarded'),
  Bytes.from('x-forwarded-for'),
  Bytes.from('x-forwarded-host'),
  Bytes.from('x-forwarded-proto'),
  Bytes.from('x-forwarded-client-cert'),
  Bytes.from('x-real-ip'),
  Bytes.from('x-forwarded-prefix'),
  Bytes.from('script-name'),
  Bytes.from('x-script-name'),
  Bytes.from('x-original-url'),
  Bytes.from('x-rewrite-url'),
  Bytes.from('x-original-host'),
  Bytes.from('x-host'),
  Bytes.from('x-http-method-override'),
  Bytes.from('x-http-method'),
  Bytes.from('x-method-override'),
  Bytes.from('authorization'),
  Bytes.from('proxy-authorization'),
  Bytes.from('cookie'),
  Bytes.from('content-type'),
  Bytes.from('content-encoding'),
  Bytes.from('content-range'),
  Bytes.from('expect'),
  Bytes.from('max-forwards'),
  Bytes.from('cache-control'),
  Bytes.from('range'),
  Bytes.from('if-match'),
  Bytes.from('if-none-match'),
  Bytes.from('if-modified-since'),
  Bytes.from('if-unmodified-since'),
  Bytes.from('if-range'),
];

/**
 * Removes the request headers that only this proxy may set. `exchange` has fetched them. False if the host does not
 * return the headers again.
 */
export function dropForgedHeaders(exchange: Exchange, names: StaticArray<Bytes>): bool {
  let found = false;
  for (let i = 0; i < names.length; i++) {
    const name = unchecked(names[i]);
    if (exchange.dropSpellings(name.pointer, name.length)) found = true;
  }
  return !found || exchange.fetchHeaders();
}

/**
 * Removes the same from the request's trailers, and fields that never belong there. They are the host's current
 * stream's.
 */
export function dropForgedTrailers(names: StaticArray<Bytes>): void {
  if (!trailers.fetch(HeaderMap.RequestTrailers)) return;
  for (let i = 0; i < names.length; i++)
    trailers.dropSpellings(HeaderMap.RequestTrailers, unchecked(names[i]).pointer, unchecked(names[i]).length);
  for (let i = 0; i < NEVER_IN_TRAILERS.length; i++) {
    const name = unchecked(NEVER_IN_TRAILERS[i]);
    trailers.dropSpellings(HeaderMap.RequestTrailers, name.pointer, name.length);
  }
}

/**
 * Removes all trailers of the current message. No stage has seen them, and they might contain what the body was to
 * hide.
 */
export function dropTrailers(direction: Direction): void {
  const map = direction == Direction.Request ? HeaderMap.RequestTrailers : HeaderMap.ResponseTrailers;
  if (!trailers.fetch(map)) return;
  if (trailers.dropAll(map)) trailersDropped.add(1);
}
