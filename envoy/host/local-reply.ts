// Response that Envoy builds from a local reply (source/common/http/utility.cc, prepareLocalReply).
import { HeaderMap } from './header-map.ts';
import type { LocalReply } from './roles.ts';

/** gRPC status for each HTTP status that Envoy maps. Others are Unknown. */
const GRPC_OF_HTTP: Record<number, number> = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 };
const GRPC_UNKNOWN = 2;

export function makeLocalReply(reply: LocalReply, request: HeaderMap | null): { headers: HeaderMap; body: Buffer } {
  const headers = new HeaderMap({ ':status': String(reply.status) });
  for (const [name, value] of reply.headers) headers.add(name, value);
  if (/^application\/grpc($|[+;])/.test(request?.get('content-type') ?? '')) return grpcReply(reply, headers);
  if (reply.body.length === 0) {
    headers.remove('content-length');
    headers.remove('content-type');
    return { headers, body: reply.body };
  }
  headers.set('content-length', String(reply.body.length));
  if (headers.get('content-type') === undefined) headers.add('content-type', 'text/plain');
  return { headers, body: request?.get(':method') === 'HEAD' ? Buffer.alloc(0) : reply.body };
}

/** A gRPC client gets status 200, with the reason in headers. */
function grpcReply(reply: LocalReply, headers: HeaderMap): { headers: HeaderMap; body: Buffer } {
  headers.set(':status', '200');
  headers.set('content-type', 'application/grpc');
  if (headers.get('grpc-status') === undefined) {
    const status =
      reply.grpcStatus >= 0 && reply.grpcStatus <= 16 ? reply.grpcStatus : (GRPC_OF_HTTP[reply.status] ?? GRPC_UNKNOWN);
    headers.add('grpc-status', String(status));
  }
  if (reply.body.length > 0) headers.set('grpc-message', encodeURIComponent(reply.body.toString('latin1')));
  headers.remove('content-length');
  return { headers, body: Buffer.alloc(0) };
}
