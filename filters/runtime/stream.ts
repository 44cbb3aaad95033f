import { CompiledRoute, NO_ROUTE, Plan } from './compiled-route';
import { Body } from './body';
import { Direction } from './direction';
import { Client } from './held-bytes';
import { KeptReply } from './kept-reply';
import { RequestFacts } from './request-facts';
import { RootContext } from './root-context';

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
  /** The body will pass in pieces; the stage looks at the headers, which are held. */
  StreamHeaders = 6,
  /** Headers went on; the body passes in pieces. */
  Streaming = 7,
  /** Refused; the reply waits for the end of the request, whose body is dropped as it comes. */
  Draining = 8,
}

/** One direction of a stream on its way through the stages of its route: the request, or the response. */
export class Leg {
  /** The stream that it is a leg of; set once. */
  stream!: Stream;
  phase: Phase = Phase.Idle;
  /** Next step of the plan to run. */
  step: i32 = 0;
  /** No more body will come. */
  ended: bool = false;
  /** A stage has asked to be called again. */
  waiting: bool = false;
  readonly body: Body;

  constructor(
    readonly direction: Direction,
    client: Client,
  ) {
    this.body = new Body(client);
  }

  get route(): CompiledRoute {
    return this.stream.route;
  }

  /** The stages of this direction. */
  get plan(): Plan {
    return this.stream.route.plan(this.direction);
  }

  /** Nothing is done with it any more. */
  get refused(): bool {
    return this.phase == Phase.Refused || this.phase == Phase.Draining;
  }

  /** Whether the host holds bytes of a body that has passed in pieces and, by its declared length, had ended. */
  isExcess(heldBytes: u32): bool {
    const passing = this.body.passing;
    return passing != null && this.phase == Phase.Passed && passing.isExcess(heldBytes);
  }

  clear(): void {
    this.phase = Phase.Idle;
    this.step = 0;
    this.ended = false;
    this.waiting = false;
    this.body.clear();
  }
}

/**
 * What is kept of a live stream between callbacks: a few words, reused from stream to stream. The body stays in the
 * host.
 */
export class Stream {
  contextId: u32 = 0;
  root: RootContext | null = null;
  /** NO_ROUTE: none was looked for yet, or none concerns it. */
  route: CompiledRoute = NO_ROUTE;
  readonly facts: RequestFacts = new RequestFacts();
  /** The reply is ours: the response callbacks leave it alone. */
  replied: bool = false;
  /** The request went on and bears the stamp of seal.ts. */
  sealed: bool = false;
  /** When it began, milliseconds of the VM's coarse clock. */
  bornMs: u64 = 0;
  /** The host was asked to end it. */
  ending: bool = false;
  /** It is in no table: nothing can be kept for it. */
  untabled: bool = false;
  readonly client: Client;
  /** A reply that waits for the end of the request, see late-reply.ts. */
  readonly kept: KeptReply = new KeptReply();
  /** Body that was dropped meanwhile, bytes. */
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
    this.drainedBytes = 0;
    this.kept.drop();
    this.request.clear();
    this.response.clear();
    this.client.forget();
  }
}
