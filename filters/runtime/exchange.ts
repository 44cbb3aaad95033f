// Skeleton: what a stage may ask of the exchange. The lead fills it in; the signatures stand.
import { ErrorId } from './errors.gen';
import { Message } from './message';
import { Reply } from './reply';
import { Direction } from './stage';

export class Exchange {
  /** Envoy's id of the stream. */
  contextId: u32 = 0;
  direction: Direction = Direction.Request;
  readonly message: Message = new Message();
  readonly reply: Reply = new Reply();

  /** Looks a header of the current direction up; false if absent. The value is at `valuePointer` / `valueLength` until the next look-up. `name`: lower-case ASCII literal bytes. */
  header(name: usize, nameLength: u32): bool { return false; }
  valuePointer: usize = 0;
  valueLength: u32 = 0;

  /** Sets (replaces) a header of the current direction. */
  setHeader(name: usize, nameLength: u32, value: usize, valueLength: u32): void {}
  /** Removes a header of the current direction. */
  removeHeader(name: usize, nameLength: u32): void {}
  /** Address of the peer without port, as text, at `valuePointer` / `valueLength`; false if unknown. */
  sourceAddress(): bool { return false; }
  /** Whether the current direction's content-type is `application/json` or `…+json`, parameters ignored. */
  isJson(): bool { return false; }
}
