// Acts on decisions of stages and the runtime. The only place where a message is refused: every failure ends here.
import { Bytes } from '../memory/bytes';
import { ErrorId } from '../errors.gen';
import { proxy_close_stream } from './abi';
import { OPENED_CODINGS } from './content-coding';
import { Direction } from './direction';
import { enterLane } from './enter-lane';
import { Exchange } from './exchange';
import { monotonicNanos } from './host';
import { keepReply } from './late-reply';
import { IDENTITY } from './names';
import { beginStep, endStep, noteVerdict, timeSteps } from './outcome';
import { Progress } from './progress';
import { stamp } from './seal';
import { Resumer } from './service';
import { Verdict } from './stage';
import { starvation } from './starvation';
import { bodyCut, replyFailed } from './stats';
import { Leg, Phase } from './stream';
import { StepBudgets } from './time-budgets';

/** Status of the reply to a refused response. */
const BAD_GATEWAY: u32 = 502;

/** Seconds until the currently buffered bodies will be gone. */
const RETRY_AFTER: Bytes = Bytes.from('1');

/** The only exchange of the VM, because callbacks never nest. */
export const exchange: Exchange = new Exchange();

/** Binds `exchange` to a leg. */
export function turnTo(leg: Leg): void {
  const stream = leg.stream;
  const root = stream.root;
  const note = stream.facts.note;
  timeSteps((note != null && note.times) || stream.route.request.budgets != null);
  exchange.bind(
    stream.contextId,
    root == null ? 0 : root.contextId,
    leg.direction,
    stream.route,
    stream.facts,
    leg.body,
  );
}

/** Acts on the verdict of the step at `place` of the leg's plan. Goes: on with the next step. */
export function settle(leg: Leg, place: i32, verdict: Verdict): Progress {
  endStep(leg.outcome, place);
  const budgets = leg.plan.budgets;
  if (budgets != null && verdict != Verdict.Reject && isOverBudget(leg, place, budgets)) {
    budgets.budgets.refuse(exchange);
    if (!leg.route.observe || !budgets.observable) return sendReply(leg, budgets.section);
    if (verdict == Verdict.Continue) noteVerdict(leg.outcome, budgets.section, exchange.reply.error, false);
  }
  if (verdict == Verdict.Continue) return Progress.Goes;
  if (verdict == Verdict.Wait) {
    const resumer = exchange.resumer;
    leg.waitsFor = resumer;
    // Nobody would ever resume it.
    if (resumer == null) return refuse(leg, ErrorId.FIM_RT_0008);
    if (budgets != null) waitWithin(leg, place, budgets, resumer);
    return Progress.Stays;
  }
  const step = unchecked(leg.plan.steps[place]);
  const stage = step.stage;
  if (!step.observable || !leg.route.observe) return sendReply(leg, stage.section);
  noteVerdict(leg.outcome, stage.section, exchange.reply.error, false);
  stage.onObserved(exchange, step.policy);
  return Progress.Goes;
}

/** Whether a step whose message is still held has taken longer than it may. */
function isOverBudget(leg: Leg, place: i32, budgets: StepBudgets): bool {
  if (leg.phase == Phase.Streaming || leg.phase == Phase.Passed) return false;
  const waited = leg.waited;
  return budgets.isOver(place, leg.outcome.stepNanos[place] + waited.of(place), waited.keysNanos);
}

/** A step waits, at most until its budget is over. */
function waitWithin(leg: Leg, place: i32, budgets: StepBudgets, resumer: Resumer): void {
  if (leg.phase == Phase.Streaming || leg.phase == Phase.Passed) return;
  const nowNanos = monotonicNanos();
  const waited = leg.waited;
  waited.begin(place, nowNanos);
  if (leg.route.observe && budgets.observable) return;
  const spent = leg.outcome.stepNanos[place] + waited.of(place);
  const left = budgets.leftOf(place, spent, waited.keysNanos, resumer);
  if (left != 0) budgets.budgets.onWait(exchange, resumer, nowNanos + left);
}

/** A leg is resumed: its wait counts to the budgets of its steps. */
export function endWait(leg: Leg, resumer: Resumer): void {
  if (leg.plan.budgets == null || leg.sending) return;
  leg.waited.end(resumer, monotonicNanos());
  leg.stream.facts.sent.leavePlace();
}

/**
 * Lets the held message pass after its verdict, as the last action on it. If the host could not supply a value that a
 * stage asked for, the verdict is void and the message is refused.
 */
export function letGo(leg: Leg): Progress {
  if (starvation.begun) {
    starvation.over();
    return refuse(leg, ErrorId.FIM_RT_0006);
  }
  const sends = leg.direction == Direction.Request && !leg.stream.sealed;
  if (sends) {
    const progress = maySend(leg);
    if (progress != Progress.Goes) return progress;
  }
  leg.body.held.giveBack();
  if (leg.phase == Phase.Passed) leg.outcome.concluded = true;
  if (sends) {
    const facts = leg.stream.facts;
    const lane = facts.lane;
    if (lane != null) enterLane(exchange, facts.diverted ? lane.backups : lane);
    const variant = leg.stream.variant;
    if (variant != null) variant.mark(exchange);
    stamp(leg.stream);
  }
  return Progress.Goes;
}

/** Asks the stages that have the last word, again from the one that waited. */
function maySend(leg: Leg): Progress {
  const steps = leg.plan.steps;
  for (let i = leg.sending ? leg.step : 0; i < steps.length; i++) {
    const step = unchecked(steps[i]);
    if (!step.policy.sends()) continue;
    beginStep();
    const progress = settle(leg, i, step.stage.onSend(exchange, step.policy));
    if (progress == Progress.Goes) continue;
    leg.sending = progress == Progress.Stays;
    leg.step = i;
    return progress;
  }
  leg.sending = false;
  return Progress.Goes;
}

/**
 * Refuses a body that cannot be buffered or decompressed. If `Observe` applies and no stage protects anything, it is
 * counted and passes unseen and unchanged.
 */
export function turnAway(leg: Leg, error: ErrorId): Progress {
  if (!leg.route.observe || !leg.plan.observable) return refuse(leg, error);
  noteVerdict(leg.outcome, '', error, false);
  passUnread(leg);
  leg.phase = Phase.Passed;
  return Progress.Goes;
}

/** Tells the stages that the body was not read. */
export function passUnread(leg: Leg): void {
  const steps = leg.plan.steps;
  for (let i = 0; i < steps.length; i++) {
    const step = unchecked(steps[i]);
    if (step.policy.needsBody(leg.direction)) step.stage.onUnread(exchange, step.policy);
  }
}

/** Refuses a message with one of the runtime's own errors. */
export function refuse(leg: Leg, error: ErrorId): Progress {
  const reply = exchange.reply;
  reply.begin(error);
  if (leg.direction == Direction.Request) {
    // Codings that may be sent instead (RFC 9110, 15.5.16).
    if (error == ErrorId.FIM_RT_0030 || error == ErrorId.FIM_RT_0031 || error == ErrorId.FIM_RT_0032)
      reply.addHeader('retry-after', RETRY_AFTER.pointer, RETRY_AFTER.length);
    if (error == ErrorId.FIM_RT_0003) reply.addHeader('accept-encoding', IDENTITY.pointer, IDENTITY.length);
    if (error == ErrorId.FIM_RT_0050) reply.addHeader('accept-encoding', OPENED_CODINGS.pointer, OPENED_CODINGS.length);
  }
  return sendReply(leg, '');
}

/** Counted by code, answered, and nothing of the message goes on. `stage`: whose verdict it is. */
function sendReply(leg: Leg, stage: string): Progress {
  const phase = leg.phase;
  if (phase == Phase.Streaming) bodyCut.add(1);
  leg.phase = Phase.Refused;
  leg.waitsFor = null;
  leg.body.dropSlot();
  leg.stream.replied = true;
  const outcome = leg.outcome;
  noteVerdict(outcome, stage, exchange.reply.error, true);
  outcome.concluded = true;
  if (phase != Phase.Streaming) outcome.bytesOut = 0;
  leg.body.held.giveBack();
  const reply = exchange.reply;
  if (reply.drops) {
    proxy_close_stream(leg.direction); // the host ends it after the call
    return Progress.Ends;
  }
  reply.compose(leg.route.name, leg.direction == Direction.Response ? BAD_GATEWAY : 0);
  const drains = leg.direction == Direction.Request && keepReply(exchange, leg, phase);
  if (withhold(leg, phase, drains)) return Progress.Ends;
  if (drains) leg.phase = Phase.Draining;
  else if (!reply.send()) replyFailed.add(1);
  return Progress.Ends;
}

/** Keeps the composed reply until the record of the message is durable, if a note says so. */
function withhold(leg: Leg, phase: Phase, drains: bool): bool {
  const stream = leg.stream;
  const note = stream.facts.note;
  const reply = exchange.reply;
  if (note == null || phase == Phase.Streaming || reply.keptBytes == 0) return false;
  const resumer = note.holdReply(exchange.caller, reply.composedStatus);
  if (resumer == null) return false;
  if (!drains && !stream.kept.keep(reply)) return false;
  stream.drains = drains;
  leg.phase = Phase.Withheld;
  leg.waitsFor = resumer;
  return true;
}

/** Sends a reply that was withheld, or the one in its place. `exchange` is bound to the leg, which is current. */
export function release(leg: Leg): void {
  const stream = leg.stream;
  const note = stream.facts.note;
  const error = note == null ? ErrorId.None : note.replyError();
  if (error != ErrorId.None) {
    const reply = exchange.reply;
    reply.begin(error);
    noteVerdict(leg.outcome, 'audit', error, true);
    reply.compose(leg.route.name, leg.direction == Direction.Response ? BAD_GATEWAY : 0);
    stream.kept.drop();
    stream.kept.keep(reply);
  }
  leg.phase = stream.drains && !leg.ended ? Phase.Draining : Phase.Refused;
  if (leg.phase == Phase.Refused && !stream.kept.send()) replyFailed.add(1);
}
