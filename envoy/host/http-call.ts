// A call-out of the guest, and what it meets.
import type { HeaderInput, HeaderList, HeaderMap } from './header-map.ts';

export interface HttpCall {
  cluster: string;
  headers: HeaderMap;
  body: Buffer;
  trailers: HeaderList;
  /** 0: none. */
  timeoutMs: number;
}

/**
 * Outcome of a call-out. `refused`: connection refused (Envoy answers 503). `reset`: the response breaks off, and the
 * guest sees no headers. `no-host`: the call fails at once. `unknown-cluster`: returns BadArgument at once. `silent`:
 * no answer until the time-out (504).
 */
export type HttpCallOutcome =
  | { status: number; headers?: HeaderInput; body?: string | Uint8Array; trailers?: HeaderInput; afterMs?: number }
  | 'refused'
  | 'reset'
  | 'no-host'
  | 'unknown-cluster'
  | 'silent';

export type HttpCallHandler = (call: HttpCall) => HttpCallOutcome;

export interface HttpCallAnswer {
  headers: HeaderMap;
  body: Buffer;
  trailers: HeaderMap | null;
}
