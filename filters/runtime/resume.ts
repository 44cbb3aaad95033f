import { scratch } from '../memory/scratch';
import { streams } from './module';
import { resumeLeg } from './pipeline';
import { Resumer } from './service';
import { Direction } from './direction';

/**
 * A stage of a stream that answered `Wait`, and named `resumer`, is called again; nothing happens if the stream is gone
 * or waits for somebody else. What the caller holds in scratch memory is lost.
 */
export function resume(resumer: Resumer, contextId: u32, direction: Direction): void {
  const stream = streams.find(contextId);
  if (stream == null) return;
  resumeLeg(stream.leg(direction), resumer);
  scratch.reset();
}
