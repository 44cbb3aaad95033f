// A compiled route: its terms, and the stages of each direction in order.
import { Bytes } from '../memory/bytes';
import { MessageFormat } from '../message/format';
import { PLAIN_LAYOUT } from './body-layout';
import { Direction } from './direction';
import { RouteTerms } from './route-terms';
import { Shadow } from './shadow';
import { Rank, Stage, StagePolicy } from './stage';
import { StepBudgets } from './time-budgets';

/** One stage of one route. */
export class Step {
  constructor(
    readonly stage: Stage,
    readonly policy: StagePolicy,
    /** Whether its verdicts count and are not enforced where the route observes. */
    readonly observable: bool,
  ) {}
}

/** The stages of one direction, in order. */
export class Plan {
  readonly needsBody: bool;
  /** The only step that needs the body, if it can stream it. -1: bodies are buffered, or not needed. */
  readonly streamStep: i32;
  /** Kinds of messages that pass all steps unread, as bits of `Unread`. */
  readonly unread: u32;
  /** Whether a step also judges messages without body. */
  readonly judgesEmpty: bool;
  /** Whether `Observe` turns the verdicts of every stage into counts. */
  readonly observable: bool;
  /** A step may replace the body: it opens, masks or encrypts. */
  readonly rewrites: bool;
  /** Sections of the stages, by their steps. */
  readonly sections: StaticArray<string>;
  /** The step whose verdicts a shadow can be compared with. -1: none. */
  readonly judge: i32;
  /** Times of the steps of requests; null: they have none. */
  readonly budgets: StepBudgets | null;
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
    let opens = false;
    let judge = -1;
    let unread: u32 = u32.MAX_VALUE;
    for (let i = 0; i < steps.length; i++) {
      const policy = steps[i].policy;
      if (policy.needsBody(direction)) {
        streamStep = !needsBody && policy.streams(direction) ? i : -1;
        needsBody = true;
        unread &= policy.unread(direction);
        judgesEmpty = judgesEmpty || policy.judgesEmpty(direction);
      }
      observable = observable && (steps[i].observable || policy.records());
      if (steps[i].stage.judgesOnly) judge = i;
      const rank = policy.rank(direction);
      hides = hides || rank == Rank.Mask || rank == Rank.Protect;
      opens = opens || rank == Rank.Open;
    }
    this.sections = new StaticArray<string>(steps.length);
    for (let i = 0; i < steps.length; i++) this.sections[i] = steps[i].stage.section;
    this.judge = judge;
    this.budgets = direction == Direction.Request ? budgetsOf(steps, this.sections) : null;
    this.needsBody = needsBody;
    this.unread = unread;
    this.streamStep = streamStep;
    this.judgesEmpty = judgesEmpty;
    this.observable = observable;
    this.hides = hides;
    this.rewrites = hides || opens;
  }

  /** Whether it judges all that `policy` of the stage would: the same direction, on a body that is held whole. */
  judgesFor(stage: Stage, policy: StagePolicy, direction: Direction): bool {
    if (!policy.acts(direction)) return true;
    if (this.judge < 0 || policy.mustStream(direction)) return false;
    const step = this.steps[this.judge];
    if (step.stage != stage || step.policy.mustStream(direction)) return false;
    return step.policy.needsBody(direction) || !policy.needsBody(direction);
  }
}

export class CompiledRoute extends RouteTerms {
  /** The step that keeps a note of each stream. Null: none does. */
  readonly recorder: Step | null;
  /** Another policy that judges its messages without effect. Null: none does. */
  shadow: Shadow | null = null;

  constructor(
    terms: RouteTerms,
    readonly request: Plan,
    readonly response: Plan,
  ) {
    super(
      terms.name,
      terms.observe,
      terms.observesAll,
      terms.maxBodyBytes,
      terms.maxStreamBytes,
      terms.decompresses,
      terms.format,
      terms.layout,
      terms.kms,
    );
    this.lane = terms.lane;
    this.recorder = recorderAmong(request.steps);
  }

  /**
   * Whether a compressed body of the direction is decompressed. Requests always, as the route says, whatever its stages
   * read. Responses only for stages that need them, since the client has declared its codings.
   */
  opens(direction: Direction): bool {
    return this.decompresses && (direction == Direction.Request || this.response.needsBody);
  }

  /** Whether no verdict of this route refuses anything. */
  get onlyObserves(): bool {
    return this.observe && this.request.observable && this.response.observable;
  }

  /** Whether messages of the kind (of `Unread`) pass it in both directions. */
  letsPass(kind: u32): bool {
    return (this.request.unread & this.response.unread & kind) != 0;
  }

  plan(direction: Direction): Plan {
    return direction == Direction.Request ? this.request : this.response;
  }
}

function budgetsOf(steps: StaticArray<Step>, sections: StaticArray<string>): StepBudgets | null {
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i];
    const budgets = step.policy.budgets();
    if (budgets != null) return new StepBudgets(budgets, sections, step.observable, step.stage.section);
  }
  return null;
}

function recorderAmong(steps: StaticArray<Step>): Step | null {
  for (let i = 0; i < steps.length; i++) if (steps[i].policy.records()) return steps[i];
  return null;
}

/** Rules for a message that no route concerns: none. */
export const NO_ROUTE: CompiledRoute = new CompiledRoute(
  new RouteTerms(Bytes.EMPTY, false, false, 0, 0, false, MessageFormat.Unknown, PLAIN_LAYOUT, null),
  new Plan(new StaticArray<Step>(0), Direction.Request),
  new Plan(new StaticArray<Step>(0), Direction.Response),
);
