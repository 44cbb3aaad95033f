// For modules with stages that read bodies or trailers of answers: re-exported beside exports.ts. The host skips the calls in
// the others, which costs less than a call that does nothing.
import { runAfterCall } from './after-call';
import { Direction } from './direction';
import { onBody, onTrailers } from './messages';
import { dataStatus, trailersStatus } from './statuses';

export function proxy_on_response_body(contextId: u32, held: u32, endOfStream: u32): u32 {
  const status = dataStatus(onBody(contextId, Direction.Response, held, endOfStream != 0));
  runAfterCall();
  return status;
}

export function proxy_on_response_trailers(contextId: u32, count: u32): u32 {
  const status = trailersStatus(onTrailers(contextId, Direction.Response));
  runAfterCall();
  return status;
}
