import { Direction } from '../runtime/stage';

/** Names the newest version, whatever its number. */
export const NEWEST: u32 = 0;

/** Half of a stream that waits for a version of a key. */
export class Waiter {
  contextId: u32 = 0;
  direction: Direction = Direction.Request;
  version: u32 = NEWEST;
  sinceMs: u64 = 0;
  next: Waiter | null = null;
}
