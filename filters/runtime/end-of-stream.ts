// For modules whose services read a stream's headers and attributes at its end: re-exported beside exports.ts. The host
// skips the call in the others.
import { scratch } from '../memory/scratch';
import { tellOutcomes } from './messages';
import { streams } from './module';

export function proxy_on_log(contextId: u32): void {
  const stream = streams.find(contextId);
  if (stream != null) tellOutcomes(stream);
  scratch.reset();
}
