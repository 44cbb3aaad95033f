// What a guest does to a stream, its attributes, and call-outs.
import { Result, StreamKind } from '../abi.ts';
import { HeaderMap, parsePairs } from '../header-map.ts';
import type { Instance } from '../instance.ts';

export function streamFunctions(instance: Instance) {
  /** A path arrives as names joined by zero bytes. */
  const path = (at: number, size: number): string | null => instance.text(at, size)?.replace(/\0$/, '').replaceAll('\0', '.') ?? null;

  return {
    proxy_continue_stream(kind: number): number {
      if (kind === StreamKind.Upstream) return Result.Unimplemented;
      if (kind < 0 || kind > StreamKind.Upstream) return Result.BadArgument;
      if (kind <= StreamKind.Response) instance.active().continueStream(kind);
      return Result.Ok;
    },

    proxy_close_stream(kind: number): number {
      if (kind < 0 || kind > StreamKind.Upstream) return Result.BadArgument;
      if (kind <= StreamKind.Response) instance.active().closeStream(kind);
      return Result.Ok;
    },

    proxy_send_local_response(status: number, detailsAt: number, detailsSize: number, bodyAt: number, bodySize: number, headersAt: number, headersSize: number, grpcStatus: number): number {
      const details = instance.text(detailsAt, detailsSize);
      const body = instance.slice(bodyAt, bodySize);
      const pairs = instance.slice(headersAt, headersSize);
      if (details === null || body === null || pairs === null) return Result.InvalidMemoryAccess;
      instance.active().sendLocalReply({ status, body: Buffer.from(body), headers: parsePairs(pairs) ?? [], grpcStatus, details: details.replace(/\s/g, '_') });
      return Result.Ok;
    },

    proxy_get_property(at: number, size: number, valueOut: number, sizeOut: number): number {
      const name = path(at, size);
      if (name === null) return Result.InvalidMemoryAccess;
      const value = instance.active().property(name);
      if (value === null) return Result.NotFound;
      return instance.give(value, valueOut, sizeOut) ? Result.Ok : Result.InvalidMemoryAccess;
    },

    proxy_set_property(at: number, size: number, valueAt: number, valueSize: number): number {
      const name = path(at, size);
      const value = instance.slice(valueAt, valueSize);
      if (name === null || value === null) return Result.InvalidMemoryAccess;
      return instance.active().setProperty(name, value) ? Result.Ok : Result.NotFound;
    },

    proxy_http_call(clusterAt: number, clusterSize: number, headersAt: number, headersSize: number, bodyAt: number, bodySize: number, trailersAt: number, trailersSize: number, timeoutMs: number, tokenOut: number): number {
      const cluster = instance.text(clusterAt, clusterSize);
      const headers = instance.slice(headersAt, headersSize);
      const body = instance.slice(bodyAt, bodySize);
      const trailers = instance.slice(trailersAt, trailersSize);
      if (cluster === null || headers === null || body === null || trailers === null || !instance.writeWord(tokenOut, 0)) return Result.InvalidMemoryAccess;
      const root = instance.active().root;
      if (root === null) return Result.BadArgument;
      const call = { cluster, headers: new HeaderMap(parsePairs(headers) ?? []), body: Buffer.from(body), trailers: parsePairs(trailers) ?? [], timeoutMs };
      const { result, token } = instance.vm.httpCalls.start(root, call);
      instance.writeWord(tokenOut, token);
      return result;
    },

    proxy_get_status(codeOut: number, messageOut: number, sizeOut: number): number {
      const status = instance.active().root?.status ?? { code: 0, message: '' };
      return instance.writeWord(codeOut, status.code) && instance.give(Buffer.from(status.message), messageOut, sizeOut) ? Result.Ok : Result.InvalidMemoryAccess;
    },

    proxy_set_effective_context(id: number): number {
      if (!instance.contexts.has(id)) return Result.BadArgument;
      instance.effectiveId = id;
      return Result.Ok;
    },

    proxy_done(): number {
      return instance.active().root?.finished() ? Result.Ok : Result.NotFound;
    },
  };
}
