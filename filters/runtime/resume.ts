import { scratch } from '../memory/scratch';
import { streams } from './module';
import { resumeLeg } from './pipeline';
import { Direction } from './direction';

/**
 * Calls the stage of a stream again that returned `Wait`. Does nothing if the stream is gone. Scratch memory of the
 * caller is lost.
 */
export function resume(contextId: u32, direction: Direction): void {
  const stream = streams.find(contextId);
  if (stream == null) return;
  resumeLeg(stream.leg(direction));
  scratch.reset();
}
