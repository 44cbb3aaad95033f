import { Direction } from './direction';

/** A message that asks a service for something, by the host's ids. */
export class Caller {
  /** Envoy's id of the stream. */
  contextId: u32 = 0;
  /** Envoy's id of the root context under which it began: call-outs belong to it. */
  rootId: u32 = 0;
  direction: Direction = Direction.Request;
}
