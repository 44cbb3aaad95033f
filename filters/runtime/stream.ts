import { CompiledRoute, NO_ROUTE, Plan } from './compiled-route';
import { Body } from './body';
import { Direction } from './direction';
import { Client } from './held-bytes';
import { KeptReply } from './kept-reply';
import { Outcome } from './outcome';
import { RequestFacts } from './request-facts';
import { RootContext } from './root-context';
import { Resumer } from './service';
import { Waited } from './time-budgets';
import { Answer, Variant } from './variant';

/** Progress of one direction of a stream. */
export const enum Phase {
  /** No stage of this direction has run. */
  Idle = 0,
  /** Stages process the headers. */
  Headers = 1,
  /** Headers are held, and the host collects the body. */
  Collecting = 2,
  /** The body is complete, and stages process it. */
  Body = 3,
  /** Everything passed, or the stages do not act on it. */
  Passed = 4,
  /** A local reply was sent. Later data is dropped. */
  Refused = 5,
  /** The body will be streamed. The stage processes the headers, which are held. */
  StreamHeaders = 6,
  /** Headers passed, and the body is being streamed. */
  Streaming = 7,
  /** Refused. The reply waits for the end of the request, whose body is dropped as it arrives. */
  Draining = 8,
  /** Refused. The reply waits until the record of the message is durable. Data is dropped as it arrives. */
  Withheld = 9,
}

/** One direction of a stream on its way through the stages of its route: the request or the response. */
export class Leg {
  /** Its stream. Set once. */
  stream!: Stream;
  phase: Phase = Phase.Idle;
  /** Next step of the plan to run. */
  step: i32 = 0;
  /** Whether the body passes unread, as the route says of its kind. */
  unread: bool = false;
  /** Whether the body is complete. */
  ended: bool = false;
  /** The service that resumes it; null: no stage waits. */
  waitsFor: Resumer | null = null;
  /** All stages are through with it, and one of those with the last word waits. */
  sending: bool = false;
  /** Counted where its steps have budgets. */
  readonly waited: Waited = new Waited();
  readonly body: Body;
  /** Outcome of the message. */
  readonly outcome: Outcome;

  constructor(
    readonly direction: Direction,
    client: Client,
  ) {
    this.body = new Body(client);
    this.outcome = new Outcome(direction);
  }

  get route(): CompiledRoute {
    return this.stream.route;
  }

  /** The stages of this direction. */
  get plan(): Plan {
    return this.stream.route.plan(this.direction);
  }

  /** Whether stages work on the body. */
  get needsBody(): bool {
    return this.plan.needsBody && !this.unread;
  }

  /** A stage has asked to be called again. */
  get waiting(): bool {
    return this.waitsFor != null;
  }

  /** Nothing is done with it any more. */
  get refused(): bool {
    return this.phase == Phase.Refused || this.phase == Phase.Draining || this.phase == Phase.Withheld;
  }

  /** Whether the host holds bytes of a streamed body beyond its declared length. */
  isExcess(heldBytes: u32): bool {
    const passing = this.body.passing;
    return passing != null && this.phase == Phase.Passed && passing.isExcess(heldBytes);
  }

  clear(): void {
    this.phase = Phase.Idle;
    this.step = 0;
    this.unread = false;
    this.ended = false;
    this.waitsFor = null;
    this.sending = false;
    this.waited.clear();
    this.body.clear();
    this.outcome.clear();
  }
}

/** State of a live stream between callbacks: a few words, reused from stream to stream. The body stays in the host. */
export class Stream {
  contextId: u32 = 0;
  root: RootContext | null = null;
  /** NO_ROUTE: none was looked up yet, or none applies. */
  route: CompiledRoute = NO_ROUTE;
  readonly facts: RequestFacts = new RequestFacts();
  /** Whether the reply is ours. The response callbacks then leave it alone. */
  replied: bool = false;
  /** Whether the request passed with the stamp of seal.ts. */
  sealed: bool = false;
  /** Time of its start, milliseconds of the VM's coarse clock. */
  bornMs: u64 = 0;
  /** Whether the host was asked to end it. */
  ending: bool = false;
  /** Whether it is in no table, so that nothing can be stored for it. */
  untabled: bool = false;
  readonly client: Client;
  /** The policy that it met, where there are two. Null: it is not counted. */
  variant: Variant | null = null;
  /** Of the host's monotonic clock, where it is counted. */
  beganNanos: u64 = 0;
  answer: Answer = Answer.None;
  /** Whoever is told of outcomes was told of its. */
  told: bool = false;
  /** A reply that waits for the end of the request, see late-reply.ts. */
  readonly kept: KeptReply = new KeptReply();
  /** A reply that is withheld then waits for the end of the request, too. */
  drains: bool = false;
  /** Dropped body bytes meanwhile. */
  drainedBytes: u64 = 0;
  readonly request: Leg;
  readonly response: Leg;
  /** Next free stream of the pool. */
  next: Stream | null = null;

  constructor() {
    const client = new Client();
    this.client = client;
    this.request = new Leg(Direction.Request, client);
    this.response = new Leg(Direction.Response, client);
    this.request.stream = this;
    this.response.stream = this;
  }

  leg(direction: Direction): Leg {
    return direction == Direction.Request ? this.request : this.response;
  }

  clear(): void {
    this.contextId = 0;
    this.root = null;
    this.route = NO_ROUTE;
    this.facts.clear();
    this.replied = false;
    this.sealed = false;
    this.bornMs = 0;
    this.ending = false;
    this.variant = null;
    this.beganNanos = 0;
    this.answer = Answer.None;
    this.told = false;
    this.drains = false;
    this.drainedBytes = 0;
    this.kept.drop();
    this.request.clear();
    this.response.clear();
    this.client.forget();
  }
}
