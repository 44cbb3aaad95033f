import { Lane } from './lane';
import { Sent } from './sent';
import { StreamHold } from './stream-hold';
import { StreamNote } from './stream-note';

/** Facts about a request that callbacks after its headers need. */
export class RequestFacts {
  /** Whether the method is GET, HEAD, DELETE, OPTIONS or TRACE, whose requests are complete without body. */
  bodiless: bool = false;
  /** Whether the method is HEAD, whose response has no body. */
  head: bool = false;
  /** No upstream had the request, as far as the proxy's own reply tells. */
  unreceived: bool = false;
  /** Kinds of values that the caller may see by the request's headers, as bits. For the masker. */
  roles: u64 = 0;
  readonly sent: Sent = new Sent();
  /** Channels that the request goes to; null: the upstream of routes without channels. */
  lane: Lane | null = null;
  /** The request goes to the backups among its channels. */
  diverted: bool = false;
  /** State that a stage keeps from the request until the stream ends. */
  hold: StreamHold | null = null;
  /** Facts of the stream, kept to tell of it at its end; null: nobody tells. */
  note: StreamNote | null = null;

  clear(): void {
    this.bodiless = false;
    this.head = false;
    this.unreceived = false;
    this.hold = null;
    this.note = null;
    this.roles = 0;
    this.lane = null;
    this.diverted = false;
    this.sent.clear();
  }
}
