// HTTP call-outs and their outcome.
import { Result } from '../abi.ts';
import { HeaderMap, parsePairs } from '../header-map.ts';
import type { Guest } from '../roles.ts';

export function calloutFunctions(instance: Guest) {
  return {
    proxy_http_call(
      clusterAt: number,
      clusterSize: number,
      headersAt: number,
      headersSize: number,
      bodyAt: number,
      bodySize: number,
      trailersAt: number,
      trailersSize: number,
      timeoutMs: number,
      tokenOut: number,
    ): number {
      const cluster = instance.text(clusterAt, clusterSize);
      const headers = instance.slice(headersAt, headersSize);
      const body = instance.slice(bodyAt, bodySize);
      const trailers = instance.slice(trailersAt, trailersSize);
      if (
        cluster === null ||
        headers === null ||
        body === null ||
        trailers === null ||
        !instance.writeWord(tokenOut, 0)
      )
        return Result.InvalidMemoryAccess;
      const root = instance.active().root;
      if (root === null) return Result.BadArgument;
      const call = {
        cluster,
        headers: new HeaderMap(parsePairs(headers) ?? []),
        body: Buffer.from(body),
        trailers: parsePairs(trailers) ?? [],
        timeoutMs,
      };
      const { result, token } = instance.vm.httpCalls.start(root, call);
      instance.writeWord(tokenOut, token);
      return result;
    },

    proxy_get_status(codeOut: number, messageOut: number, sizeOut: number): number {
      const status = instance.active().root?.status ?? { code: 0, message: '' };
      return instance.writeWord(codeOut, status.code) && instance.give(Buffer.from(status.message), messageOut, sizeOut)
        ? Result.Ok
        : Result.InvalidMemoryAccess;
    },
  };
}
