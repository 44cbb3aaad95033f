import { scratch } from '../memory/scratch';
import { streams } from './module';
import { resumeLeg } from './pipeline';
import { Direction } from './direction';

/**
 * A stage of a stream that answered `Wait` is called again; nothing happens if the stream is gone. What the caller
 * holds in scratch memory is lost.
 */
export function resume(contextId: u32, direction: Direction): void {
  const stream = streams.find(contextId);
  if (stream == null) return;
  resumeLeg(stream.leg(direction));
  scratch.reset();
}
