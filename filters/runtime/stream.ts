import { MediaType } from '../message/format';
import { RootContext } from './root-context';
import { CompiledRoute } from './configuration';
import { Direction } from './stage';

/** How far one direction of a stream has come. */
export const enum Phase {
  /** No stage of this direction has run. */
  Idle = 0,
  /** Stages look at the headers. */
  Headers = 1,
  /** Headers are held, the body is collected in the host. */
  Collecting = 2,
  /** The body is whole; stages look at it. */
  Body = 3,
  /** Everything went on, or the stages have nothing to do with it. */
  Passed = 4,
  /** A local reply was sent; what still arrives is dropped. */
  Refused = 5,
}

/** One direction of a stream. */
export class Half {
  phase: Phase = Phase.Idle;
  /** Next step of the plan to run. */
  step: i32 = 0;
  /** Bytes of body that the host holds. */
  bodyLength: u32 = 0;
  /** No more body will come. */
  ended: bool = false;
  /** A stage has asked to be called again. */
  waiting: bool = false;
  /** What its content-type says. */
  media: MediaType = MediaType.Other;
  /** A header describes the bytes of the body. */
  digested: bool = false;

  clear(): void {
    this.phase = Phase.Idle;
    this.step = 0;
    this.bodyLength = 0;
    this.ended = false;
    this.waiting = false;
    this.media = MediaType.Other;
    this.digested = false;
  }
}

/** What is kept of a live stream between callbacks: a few words, reused from stream to stream. The body stays in the host. */
export class Stream {
  contextId: u32 = 0;
  root: RootContext | null = null;
  route: CompiledRoute | null = null;
  /** Method is GET, HEAD, DELETE, OPTIONS or TRACE: a request without body is complete. */
  bodiless: bool = false;
  /** The reply is ours: the response callbacks leave it alone. */
  replied: bool = false;
  readonly request: Half = new Half();
  readonly response: Half = new Half();
  /** Next free stream of the pool. */
  next: Stream | null = null;

  half(direction: Direction): Half {
    return direction == Direction.Request ? this.request : this.response;
  }

  clear(): void {
    this.contextId = 0;
    this.root = null;
    this.route = null;
    this.bodiless = false;
    this.replied = false;
    this.request.clear();
    this.response.clear();
  }
}
