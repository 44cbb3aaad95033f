// Stream control and attributes.
import { Result, StreamKind } from '../abi.ts';
import { parsePairs } from '../header-map.ts';
import type { Guest } from '../roles.ts';

export function streamFunctions(instance: Guest) {
  /** Names of a path are joined by zero bytes. */
  const path = (at: number, size: number): string | null =>
    instance.text(at, size)?.replace(/\0$/, '').replaceAll('\0', '.') ?? null;

  return {
    proxy_continue_stream(kind: number): number {
      if (kind === StreamKind.Upstream) return Result.Unimplemented;
      if (kind < 0 || kind > StreamKind.Upstream) return Result.BadArgument;
      if (kind <= StreamKind.Response) instance.active().continueStream(kind);
      return Result.Ok;
    },

    proxy_close_stream(kind: number): number {
      if (kind < 0 || kind > StreamKind.Upstream) return Result.BadArgument;
      instance.active().closeStream(kind);
      return Result.Ok;
    },

    proxy_send_local_response(
      status: number,
      detailsAt: number,
      detailsSize: number,
      bodyAt: number,
      bodySize: number,
      headersAt: number,
      headersSize: number,
      grpcStatus: number,
    ): number {
      const details = instance.text(detailsAt, detailsSize);
      const body = instance.slice(bodyAt, bodySize);
      const pairs = instance.slice(headersAt, headersSize);
      if (details === null || body === null || pairs === null) return Result.InvalidMemoryAccess;
      instance.active().sendLocalReply({
        status,
        body: Buffer.from(body),
        headers: parsePairs(pairs) ?? [],
        grpcStatus,
        details: details.replace(/\s/g, '_'),
      });
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
