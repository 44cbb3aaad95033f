// The outcome of a message: decided in settle.ts and told from there to whoever counts, audits or traces.
import { ErrorId } from '../errors.gen';
import { MAX_STEPS } from '../limits';
import { Bytes } from '../memory/bytes';
import { Direction } from './direction';
import { monotonicNanos } from './host';
import { countVerdict } from './stats';

/** Codes of observed verdicts that are kept of one message; further ones are counted only. */
const OBSERVED_CODES: i32 = 8;
const NO_SECTIONS: StaticArray<string> = new StaticArray<string>(0);

/** Outcome of one message. Each leg of a stream has one, used again from stream to stream. */
export class Outcome {
  /** Envoy's id of the stream. */
  contextId: u32 = 0;
  /** Name of the resource whose policy ruled the message; empty: none did. */
  route: Bytes = Bytes.EMPTY;
  /** `stable` or `canary` where the requests of the route are divided between two policies; empty: they are not. */
  variant: string = '';
  /** The route's channel that the message took; 0: a route has but one. */
  lane: u32 = 0;
  /** Section of the stage whose verdict it is; empty: the runtime's own. */
  stage: string = '';
  /** Why the message was refused, or would have been; None: it passed. Of several observed verdicts, the first. */
  code: ErrorId = ErrorId.None;
  /** Codes of verdicts that were counted and not enforced, the first `observedCount`. */
  readonly observed: StaticArray<ErrorId> = new StaticArray<ErrorId>(OBSERVED_CODES);
  observedCount: i32 = 0;
  /** Sections of the stages, by their steps; set where a note is kept. */
  sections: StaticArray<string> = NO_SECTIONS;
  /** The message was refused; false: its verdict was counted, and it went on. */
  enforced: bool = false;
  /** The stages are through with the message: it went on whole, or was refused. False: it broke off before. */
  concluded: bool = false;
  /**
   * Bytes of body that came to the stages, and that they let go on. Where no stage needs bodies they are not counted.
   */
  bytesIn: u64 = 0;
  bytesOut: u64 = 0;
  /** Some step's time was counted. */
  hasTimes: bool = false;
  /** Nanoseconds spent in each step of the leg's plan; counted if somebody asks for times. */
  readonly stepNanos: StaticArray<u64> = new StaticArray<u64>(MAX_STEPS);

  constructor(readonly direction: Direction) {}

  get passed(): bool {
    return this.concluded && !this.enforced;
  }

  clear(): void {
    this.contextId = 0;
    this.route = Bytes.EMPTY;
    this.variant = '';
    this.lane = 0;
    this.stage = '';
    this.code = ErrorId.None;
    this.enforced = false;
    this.observedCount = 0;
    this.concluded = false;
    this.bytesIn = 0;
    this.bytesOut = 0;
    if (this.hasTimes) memory.fill(changetype<usize>(this.stepNanos), 0, MAX_STEPS * sizeof<u64>());
    this.hasTimes = false;
  }
}

/** Listener for outcomes. A service registers it when it starts. Nothing here may throw or allocate. */
export abstract class OutcomeWatcher {
  /** `times`: whether it reads `stepNanos`, which costs two looks at the clock for each step. */
  constructor(readonly times: bool = false) {}

  /**
   * The stream is over. Told once for each message that a route ruled, or that was refused. In a module that has
   * `end-of-stream.ts` the host still answers for the stream: its headers and attributes can be read.
   */
  abstract onOutcome(outcome: Outcome): void;
}

const watchers: OutcomeWatcher[] = [];
let timed: bool = false;
/** A watcher asks for times of all messages. */
let alwaysTimed: bool = false;
let begunAt: u64 = 0;

/** From `Service.start`. */
export function watchOutcomes(watcher: OutcomeWatcher): void {
  watchers.push(watcher);
  alwaysTimed = alwaysTimed || watcher.times;
  timed = alwaysTimed;
}

/** Whether somebody asks for times of the message at hand. */
// @ts-ignore: decorator
@inline
export function timeSteps(wanted: bool): void {
  timed = alwaysTimed || wanted;
}

/** A step begins to work. Costs nothing where nobody asks for times. */
// @ts-ignore: decorator
@inline
export function beginStep(): void {
  if (timed) begunAt = monotonicNanos();
}

/** The step `place` of the plan has answered. */
// @ts-ignore: decorator
@inline
export function endStep(outcome: Outcome, place: i32): void {
  if (!timed) return;
  outcome.hasTimes = true;
  unchecked((outcome.stepNanos[place] += monotonicNanos() - begunAt));
}

/** A verdict against the message: counted by its code, and kept as the outcome if it is the one that decides. */
export function noteVerdict(outcome: Outcome, stage: string, code: ErrorId, enforced: bool): void {
  countVerdict(code, enforced);
  if (!enforced && outcome.observedCount < OBSERVED_CODES)
    unchecked((outcome.observed[outcome.observedCount++] = code));
  if (!enforced && outcome.code != ErrorId.None) return;
  outcome.stage = stage;
  outcome.code = code;
  outcome.enforced = enforced;
}

/** The stream of a message is over. */
export function tellOutcome(outcome: Outcome): void {
  for (let i = 0; i < watchers.length; i++) unchecked(watchers[i]).onOutcome(outcome);
}

/** Whether somebody is told of outcomes. */
export function isWatched(): bool {
  return watchers.length != 0;
}
