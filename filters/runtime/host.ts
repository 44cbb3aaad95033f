// Host calls without strings: every text is an address and a length, and every result is in scratch memory (see
// exports.ts, memory_allocate).
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import {
  BufferType,
  HeaderMap,
  LogLevel,
  Result,
  clock_time_get,
  proxy_get_buffer_bytes,
  proxy_get_header_map_value,
  proxy_get_property,
  proxy_log,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_set_buffer_bytes,
} from './abi';

/** Monotonic WASI clock, for limits and time-outs. The ABI's own time is the wall clock. */
const CLOCK_MONOTONIC: u32 = 1;

/** Place for an address and a size from the host. The caller reads it at once. */
const OUT: usize = memory.data(16, 8);

/** Address of the last value from a host call. */
// @ts-ignore: decorator
@inline
export function resultPointer(): usize {
  return load<usize>(OUT);
}

/** Length of the last value from a host call, bytes. */
// @ts-ignore: decorator
@inline
export function resultLength(): u32 {
  return load<u32>(OUT, sizeof<usize>());
}

/** WASI wall clock. Only decisions about dates may use it, because it can be set. */
const CLOCK_REALTIME: u32 = 0;

/** Monotonic time, nanoseconds. 0 if the host has no such clock. */
export function monotonicNanos(): u64 {
  return clock_time_get(CLOCK_MONOTONIC, 1, OUT) == 0 ? load<u64>(OUT) : 0;
}

/** Monotonic time, milliseconds. */
export function monotonicMillis(): u64 {
  return monotonicNanos() / 1_000_000;
}

/** Wall-clock time, milliseconds since 1970. 0 if the host has no such clock. */
export function wallMillis(): i64 {
  return clock_time_get(CLOCK_REALTIME, 1, OUT) == 0 ? load<i64>(OUT) / 1_000_000 : 0;
}

/** Wall-clock time, nanoseconds since 1970. 0 if the host has no such clock. */
export function wallNanos(): u64 {
  return clock_time_get(CLOCK_REALTIME, 1, OUT) == 0 ? load<u64>(OUT) : 0;
}

/** Value of a header at `resultPointer` / `resultLength`. False if the header is absent. */
export function readHeader(map: HeaderMap, name: usize, nameLength: u32): bool {
  store<u64>(OUT, 0);
  const result = proxy_get_header_map_value(map, name, nameLength, OUT, OUT + sizeof<usize>());
  return result == Result.Ok && resultPointer() != 0;
}

/** Sets a header and replaces an existing value. */
export function writeHeader(map: HeaderMap, name: usize, nameLength: u32, value: usize, valueLength: u32): void {
  proxy_replace_header_map_value(map, name, nameLength, value, valueLength);
}

export function dropHeader(map: HeaderMap, name: usize, nameLength: u32): void {
  proxy_remove_header_map_value(map, name, nameLength);
}

/** Bytes `[0, length)` of a buffer at `resultPointer` / `resultLength`. False if the host has no such buffer. */
export function readBuffer(type: BufferType, length: u32): bool {
  store<u64>(OUT, 0);
  return proxy_get_buffer_bytes(type, 0, length, OUT, OUT + sizeof<usize>()) == Result.Ok && resultPointer() != 0;
}

/** Replaces the first `replaced` bytes of a buffer. False if the host refuses. */
export function writeBuffer(type: BufferType, replaced: u32, data: usize, length: u32): bool {
  return proxy_set_buffer_bytes(type, 0, replaced, data, length) == Result.Ok;
}

/** Appends bytes after the `held` bytes of a buffer. False if the host refuses. */
export function appendBuffer(type: BufferType, held: u32, data: usize, length: u32): bool {
  return proxy_set_buffer_bytes(type, held, 0, data, length) == Result.Ok;
}

/** A property by its path (parts separated by NUL) at `resultPointer` / `resultLength`. False if unknown. */
export function readProperty(path: usize, pathLength: u32): bool {
  store<u64>(OUT, 0);
  return proxy_get_property(path, pathLength, OUT, OUT + sizeof<usize>()) == Result.Ok && resultPointer() != 0;
}

/** The same, also for an empty value: `resultLength` is then 0. */
export function readPropertyOrEmpty(path: usize, pathLength: u32): bool {
  store<u64>(OUT, 0);
  return proxy_get_property(path, pathLength, OUT, OUT + sizeof<usize>()) == Result.Ok;
}

/** Logs the content of `line`. Never on the path of a successful message. */
export function log(level: LogLevel, line: Writer): void {
  if (!line.overflowed) proxy_log(level, line.pointer, line.length);
}

/** Logs an ASCII text. */
export function logText(level: LogLevel, text: string): void {
  const line = new Writer(scratch);
  line.begin(256);
  line.ascii(text);
  log(level, line);
}
