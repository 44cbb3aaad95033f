// Facts about a request and its response that later callbacks need.
import { Bytes } from '../memory/bytes';
import { CompiledRoute } from './compiled-route';
import { Exchange } from './exchange';
import { readProperty, resultLength, resultPointer } from './host';
import { ACCEPT_ENCODING, METHOD, RANGE, STATUS } from './names';
import { Direction } from './direction';
import { RequestFacts } from './request-facts';
import { RequestFacts } from './request-facts';

// "response\0code_details"
const CODE_DETAILS: usize = memory.data<u8>([
  114, 101, 115, 112, 111, 110, 115, 101, 0, 99, 111, 100, 101, 95, 100, 101, 116, 97, 105, 108, 115,
]);
const CODE_DETAILS_LENGTH: u32 = 21;
const VIA_UPSTREAM: Bytes = Bytes.from('via_upstream');

/** Beginning of the details of refusals of this project's filters, of which one may stand further down the chain. */
const REFUSAL: Bytes = Bytes.from('FIM-');
const UPSTREAM_ADDRESS: Bytes = Bytes.from('upstream\0address');

/** Beginnings of the details of replies that the proxy makes before any upstream has the request. */
const UNRECEIVED: StaticArray<Bytes> = [
  Bytes.from('no_healthy_upstream'),
  Bytes.from('cluster_not_found'),
  Bytes.from('route_not_found'),
  Bytes.from('maintenance_mode'),
  Bytes.from('overload'),
  Bytes.from('rbac_access_denied'),
  Bytes.from('ext_authz_denied'),
  Bytes.from('ext_authz_error'),
  Bytes.from('jwt_authn_access_denied'),
  Bytes.from('request_rate_limited'),
  Bytes.from('rate_limiter_error'),
  Bytes.from('local_rate_limited'),
  Bytes.from('upstream_reset_before_response_started{remote_connection_failure'),
  Bytes.from('upstream_reset_before_response_started{local_connection_failure'),
  Bytes.from('upstream_reset_before_response_started{connection_timeout'),
  Bytes.from('upstream_reset_before_response_started{overflow'),
];

const GET: Bytes = Bytes.from('GET');
const HEAD: Bytes = Bytes.from('HEAD');
const DELETE: Bytes = Bytes.from('DELETE');
const OPTIONS: Bytes = Bytes.from('OPTIONS');
const TRACE: Bytes = Bytes.from('TRACE');
const STATUS_NO_CONTENT: Bytes = Bytes.from('204');
const STATUS_NOT_MODIFIED: Bytes = Bytes.from('304');

/** Records whether the method allows no body. */
export function noteMethod(facts: RequestFacts, exchange: Exchange): void {
  if (!exchange.header(METHOD.pointer, METHOD.length)) return;
  const pointer = exchange.valuePointer;
  const length = exchange.valueLength;
  facts.head = HEAD.equals(pointer, length);
  facts.bodiless =
    facts.head ||
    GET.equals(pointer, length) ||
    DELETE.equals(pointer, length) ||
    OPTIONS.equals(pointer, length) ||
    TRACE.equals(pointer, length);
}

/**
 * Makes the upstream send a complete, uncompressed response if stages must read it: removes the client's offers of
 * compression and ranges.
 */
export function askForWholeResponse(route: CompiledRoute, exchange: Exchange): void {
  if (!route.response.needsBody) return;
  const compressed = exchange.header(ACCEPT_ENCODING.pointer, ACCEPT_ENCODING.length);
  const partial = exchange.header(RANGE.pointer, RANGE.length);
  if (compressed) exchange.removeHeader(ACCEPT_ENCODING.pointer, ACCEPT_ENCODING.length);
  if (partial) exchange.removeHeader(RANGE.pointer, RANGE.length);
}

/**
 * Whether the current message has no body by its method or status, however its end is signalled: HEAD, 204, 304, and
 * requests of methods without body.
 */
export function isEmptyByNature(exchange: Exchange): bool {
  if (exchange.direction == Direction.Request) return exchange.bodiless;
  if (exchange.head) return true;
  if (!exchange.header(STATUS.pointer, STATUS.length)) return false;
  return (
    STATUS_NO_CONTENT.equals(exchange.valuePointer, exchange.valueLength) ||
    STATUS_NOT_MODIFIED.equals(exchange.valuePointer, exchange.valueLength)
  );
}

/**
 * Whether the current response came from the upstream. The proxy's own replies (time-outs, other filters) are left
 * unchanged.
 */
export function isUpstreamResponse(): bool {
  if (!readProperty(CODE_DETAILS, CODE_DETAILS_LENGTH)) return true;
  return VIA_UPSTREAM.equals(resultPointer(), resultLength());
}

/** Whether `details` are those of the proxy's own reply. */
export function isReplyOf(details: Bytes): bool {
  if (!readProperty(CODE_DETAILS, CODE_DETAILS_LENGTH)) return false;
  return details.equals(resultPointer(), resultLength());
}

/** Whether the details of the proxy's own reply say that no upstream had the request. A time-out does not say so. */
export function isUnreceived(): bool {
  if (!readProperty(CODE_DETAILS, CODE_DETAILS_LENGTH)) return false;
  const details = resultPointer();
  const length = resultLength();
  for (let i = 0; i < UNRECEIVED.length; i++) {
    const beginning = unchecked(UNRECEIVED[i]);
    if (length >= beginning.length && beginning.equals(details, beginning.length)) return true;
  }
  // A filter that refuses an answer writes the same, but then there is an upstream.
  const refused = length > REFUSAL.length && REFUSAL.equals(details, REFUSAL.length);
  return refused && !readProperty(UPSTREAM_ADDRESS.pointer, UPSTREAM_ADDRESS.length);
}
