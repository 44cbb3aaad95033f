import {
  CLIENT_CONNECTION_WINDOW_BYTES,
  CLIENT_STREAM_WINDOW_BYTES,
  CONNECTION_IDLE_TIMEOUT_MS,
  DEFAULT_REQUEST_TIMEOUT_MS,
  MAX_CONCURRENT_STREAMS,
  MAX_REQUEST_HEADERS,
  MAX_REQUEST_HEADERS_KIB,
  REQUEST_HEADERS_TIMEOUT_MS,
  STREAM_IDLE_TIMEOUT_MS,
} from '../limits.ts';
import type { EnvoyObject } from './envoy-object.ts';

export interface ConnectionLimitTerms {
  /** Time for a whole request to arrive, milliseconds. Default: DEFAULT_REQUEST_TIMEOUT_MS. */
  requestTimeoutMs?: number;
}

/**
 * Resources that one client may use of a connection manager: streams, headers, time. The life of a connection is
 * unbounded, because every decision is made per request and live connections take up changes.
 */
export function connectionLimits({
  requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
}: ConnectionLimitTerms = {}): EnvoyObject {
  return {
    common_http_protocol_options: {
      idle_timeout: seconds(CONNECTION_IDLE_TIMEOUT_MS),
      max_headers_count: MAX_REQUEST_HEADERS,
    },
    http2_protocol_options: {
      max_concurrent_streams: MAX_CONCURRENT_STREAMS,
      initial_stream_window_size: CLIENT_STREAM_WINDOW_BYTES,
      initial_connection_window_size: CLIENT_CONNECTION_WINDOW_BYTES,
    },
    max_request_headers_kb: MAX_REQUEST_HEADERS_KIB,
    request_headers_timeout: seconds(REQUEST_HEADERS_TIMEOUT_MS),
    // Single bytes keep a stream from the idle timeout, but not from this one.
    request_timeout: seconds(requestTimeoutMs),
    stream_idle_timeout: seconds(STREAM_IDLE_TIMEOUT_MS),
  };
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}

/**
 * The part of these limits that is merged into a connection manager of Istio's. They bound requests that are held; idle
 * times of connections and answers stay the mesh's. With `requestTimeoutMs` 0 a request may take any time.
 */
export function sharedConnectionLimits(requestTimeoutMs: number): EnvoyObject {
  const own = connectionLimits({ requestTimeoutMs });
  return {
    common_http_protocol_options: { max_headers_count: MAX_REQUEST_HEADERS },
    http2_protocol_options: own.http2_protocol_options,
    max_request_headers_kb: own.max_request_headers_kb,
    request_headers_timeout: own.request_headers_timeout,
    ...(requestTimeoutMs > 0 ? { request_timeout: own.request_timeout } : {}),
  };
}
