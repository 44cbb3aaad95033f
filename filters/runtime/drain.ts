// Bounds the age and number of streams under retired configurations. Otherwise edits beside long streams would cost
// more memory with each edit, and a stream could escape a newer policy for ever.
import { MAX_RETIRED_STREAM_AGE_MS, MAX_RETIRED_TUNNEL_AGE_MS } from '../limits';
import { proxy_close_stream, proxy_set_effective_context } from './abi';
import { NO_ROUTE } from './compiled-route';
import { NO_ROUTE } from './compiled-route';
import { RootTable } from './root-context';
import { Direction } from './direction';
import { streamDrained } from './stats';
import { Stream } from './stream';
import { StreamTable } from './stream-table';

/**
 * Ends streams of retired roots that are too old, or whose root must make room. Called from a tick; the host ends them
 * after the call. A stream without route, in practice a tunnel, may live longer.
 */
export function drainRetired(roots: RootTable, streams: StreamTable, nowMs: u64): void {
  if (roots.retired == 0) return;
  for (let i = 0; i < streams.capacity; i++) {
    const stream = streams.at(i);
    if (stream != null && !stream.ending && mustEnd(stream, nowMs)) end(stream);
  }
}

function mustEnd(stream: Stream, nowMs: u64): bool {
  const root = stream.root;
  if (root == null || !root.retired) return false;
  if (root.expired) return true;
  const sinceMs = max(root.retiredAtMs, stream.bornMs);
  return (
    nowMs > sinceMs &&
    nowMs - sinceMs >= (stream.route == NO_ROUTE ? MAX_RETIRED_TUNNEL_AGE_MS : MAX_RETIRED_STREAM_AGE_MS)
  );
}

function end(stream: Stream): void {
  stream.ending = true;
  streamDrained.add(1);
  proxy_set_effective_context(stream.contextId);
  proxy_close_stream(Direction.Request);
}
