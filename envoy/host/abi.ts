// Numbers of proxy-wasm ABI 0.2.1, as Envoy reads them (proxy-wasm-cpp-host, include/proxy-wasm/wasm_api_impl.h and
// proxy-wasm spec 0.2.1).

/** Result codes of host functions. */
export const Result = {
  Ok: 0,
  NotFound: 1,
  BadArgument: 2,
  SerializationFailure: 3,
  ParseFailure: 4,
  InvalidMemoryAccess: 6,
  Empty: 7,
  CasMismatch: 8,
  InternalFailure: 10,
  BrokenConnection: 11,
  Unimplemented: 12,
} as const;

export const MapKind = {
  RequestHeaders: 0,
  RequestTrailers: 1,
  ResponseHeaders: 2,
  ResponseTrailers: 3,
  GrpcReceiveInitialMetadata: 4,
  GrpcReceiveTrailingMetadata: 5,
  HttpCallResponseHeaders: 6,
  HttpCallResponseTrailers: 7,
} as const;

export const BufferKind = {
  HttpRequestBody: 0,
  HttpResponseBody: 1,
  DownstreamData: 2,
  UpstreamData: 3,
  HttpCallResponseBody: 4,
  VmConfiguration: 6,
  PluginConfiguration: 7,
  Max: 8,
} as const;

export const StreamKind = { Request: 0, Response: 1, Downstream: 2, Upstream: 3 } as const;

/** Return values of the header callbacks. Envoy treats `2` (continue and end the stream) as Continue. */
export const HeadersStatus = {
  Continue: 0,
  StopIteration: 1,
  StopAllIterationAndBuffer: 3,
  StopAllIterationAndWatermark: 4,
} as const;
export const DataStatus = {
  Continue: 0,
  StopIterationAndBuffer: 1,
  StopIterationAndWatermark: 2,
  StopIterationNoBuffer: 3,
} as const;
/** Return values of the callbacks of network filters. */
export const NetworkStatus = { Continue: 0, StopIteration: 1 } as const;
export const TrailersStatus = { Continue: 0, StopIteration: 1 } as const;

/** Side that closed a connection. */
export const CloseType = { Unknown: 0, Local: 1, Remote: 2 } as const;

export const MetricKind = { Counter: 0, Gauge: 1, Histogram: 2 } as const;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'critical'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Return values of WASI functions. */
export const Errno = { Success: 0, BadFile: 8, Fault: 21, NotSupported: 58, NoSystem: 52 } as const;
