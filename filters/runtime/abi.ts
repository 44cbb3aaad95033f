// The only file that declares host functions. Those that Envoy accepts unchanged come from the SDK's binding; the
// others are declared here.
export {
  proxy_log,
  proxy_set_tick_period_milliseconds,
  proxy_get_property,
  proxy_set_property,
  proxy_continue_stream,
  proxy_close_stream,
  proxy_send_local_response,
  proxy_get_shared_data,
  proxy_set_shared_data,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_add_header_map_value,
  proxy_replace_header_map_value,
  proxy_remove_header_map_value,
  proxy_get_buffer_bytes,
  proxy_http_call,
  proxy_define_metric,
  proxy_increment_metric,
  proxy_record_metric,
  proxy_set_effective_context,
} from '@solo-io/proxy-runtime/assembly/imports';

// The SDK declares no proxy_set_buffer_bytes (it links a function of another shape to a like name).
// @ts-ignore: decorator
@external('env', 'proxy_set_buffer_bytes')
export declare function proxy_set_buffer_bytes(type: i32, start: u32, length: u32, data: usize, size: usize): u32;

// @ts-ignore: decorator
@external('wasi_snapshot_preview1', 'clock_time_get')
export declare function clock_time_get(clock: u32, precision: u64, out: usize): u32;

/** `WasmResult` of the ABI; only the values that the code distinguishes. */
export const enum Result {
  Ok = 0,
  NotFound = 1,
  CasMismatch = 8,
}

export const enum HeaderMap {
  RequestHeaders = 0,
  RequestTrailers = 1,
  ResponseHeaders = 2,
  ResponseTrailers = 3,
  HttpCallResponseHeaders = 6,
}

export const enum BufferType {
  HttpRequestBody = 0,
  HttpResponseBody = 1,
  /** Bytes from the client of a connection and to it: for network filters. */
  DownstreamData = 2,
  UpstreamData = 3,
  HttpCallResponseBody = 4,
  PluginConfiguration = 7,
}

export const enum LogLevel {
  Info = 2,
  Warn = 3,
  Error = 4,
}

export const enum HeadersStatus {
  Continue = 0,
  StopIteration = 1,
  /** The host buffers the body too, and passes it to the plugin when it continues. */
  StopAllIterationAndWatermark = 4,
}

export const enum DataStatus {
  Continue = 0,
  StopIterationAndBuffer = 1,
  StopIterationNoBuffer = 3,
}

export const enum TrailersStatus {
  Continue = 0,
  StopIteration = 1,
}

/** `proxy_close_stream`: the connection of a network filter with its client. */
export const enum StreamType {
  Downstream = 2,
}

/** Answer of a network filter to data or a new connection. */
export const enum NetworkStatus {
  Continue = 0,
  StopIteration = 1,
}

export const enum MetricType {
  Counter = 0,
  Gauge = 1,
  Histogram = 2,
}
