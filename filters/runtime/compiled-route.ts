// A route as messages meet it: its terms, and the stages of each direction in order.
import { Bytes } from '../memory/bytes';
import { MessageFormat } from '../message/format';
import { PLAIN_LAYOUT } from './body-layout';
import { Direction } from './direction';
import { RouteTerms } from './route-terms';
import { Rank, Stage, StagePolicy } from './stage';

/** One stage of one route. */
export class Step {
  constructor(
    readonly stage: Stage,
    readonly policy: StagePolicy,
  ) {}
}

/** The stages of one direction, in order. */
export class Plan {
  readonly needsBody: bool;
  /** The one step that needs the body, if it works on it piece by piece; -1: bodies are held, or nobody needs them. */
  readonly streamStep: i32;
  /** A step judges messages without body, too. */
  readonly judgesEmpty: bool;
  /** Every stage is one whose verdicts `Observe` turns into counts. */
  readonly observable: bool;
  /** A step masks or encrypts: what it cannot see, such as trailers, must not go on. */
  readonly hides: bool;

  constructor(
    readonly steps: StaticArray<Step>,
    direction: Direction,
  ) {
    let needsBody = false;
    let observable = true;
    let streamStep = -1;
    let judgesEmpty = false;
    let hides = false;
    for (let i = 0; i < steps.length; i++) {
      const policy = steps[i].policy;
      if (policy.needsBody(direction)) {
        streamStep = !needsBody && policy.streams(direction) ? i : -1;
        needsBody = true;
        judgesEmpty = judgesEmpty || policy.judgesEmpty(direction);
      }
      observable = observable && steps[i].stage.observable;
      const rank = policy.rank(direction);
      hides = hides || rank == Rank.Mask || rank == Rank.Protect;
    }
    this.needsBody = needsBody;
    this.streamStep = streamStep;
    this.judgesEmpty = judgesEmpty;
    this.observable = observable;
    this.hides = hides;
  }
}

export class CompiledRoute extends RouteTerms {
  constructor(
    terms: RouteTerms,
    readonly request: Plan,
    readonly response: Plan,
  ) {
    super(
      terms.name,
      terms.observe,
      terms.maxBodyBytes,
      terms.maxStreamBytes,
      terms.decompresses,
      terms.format,
      terms.layout,
      terms.kms,
    );
  }

  /**
   * Whether a compressed body of the direction is opened. Requests always: what the route says of them holds whatever
   * its stages look at. Responses only for stages that need them: the client has said what codings it takes.
   */
  opens(direction: Direction): bool {
    return this.decompresses && (direction == Direction.Request || this.response.needsBody);
  }

  /** No verdict of this route refuses anything. */
  get onlyObserves(): bool {
    return this.observe && this.request.observable && this.response.observable;
  }

  plan(direction: Direction): Plan {
    return direction == Direction.Request ? this.request : this.response;
  }
}

/** What rules a message that no route concerns: nothing. */
export const NO_ROUTE: CompiledRoute = new CompiledRoute(
  new RouteTerms(Bytes.EMPTY, false, 0, 0, false, MessageFormat.Unknown, PLAIN_LAYOUT, null),
  new Plan(new StaticArray<Step>(0), Direction.Request),
  new Plan(new StaticArray<Step>(0), Direction.Response),
);
