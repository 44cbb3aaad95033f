// Runs the stages of one leg, from the headers to the verdict. Nothing passes before the verdict: headers are held
// while the host collects the body. Bodies are handled by held-body.ts or passing-body.ts.
import { ErrorId } from '../errors.gen';
import { Coding } from '../message/compression/body';
import { proxy_continue_stream, proxy_set_effective_context } from './abi';
import { refusalOf, tooLong } from './admission';
import { Step } from './compiled-route';
import { codingOf } from './content-coding';
import { Direction } from './direction';
import { judgeBody, judgeEmpty, overshadow } from './held-body';
import { openBody, resumePiece } from './passing-body';
import { CONTENT_LENGTH } from './names';
import { beginStep } from './outcome';
import { Progress } from './progress';
import { isEmptyByNature } from './routing';
import { Resumer } from './service';
import { endWait, exchange, letGo, release, settle, turnAway, turnTo } from './settle';
import { Verdict } from './stage';
import { starvation } from './starvation';
import { Leg, Phase } from './stream';
import { unreadKind } from './unread';

/** Handles the headers. `exchange` is bound to the leg, and its headers are fetched. */
export function beginLeg(leg: Leg, endOfStream: bool): Progress {
  const body = leg.body;
  const plan = leg.plan;
  leg.ended = endOfStream;
  leg.unread = plan.needsBody && plan.unread != 0 && (plan.unread & unreadKind(exchange)) != 0;
  if (!leg.unread && leg.route.opens(leg.direction)) body.coding = codingOf(exchange);
  const packed = body.coding != Coding.Identity;
  if (plan.steps.length == 0 && !packed) {
    leg.phase = Phase.Passed;
    return Progress.Goes;
  }
  if (leg.needsBody || packed) {
    exchange.noteContentType();
    // If no stage should rewrite the body, nobody looks; one that does all the same drops what there may be.
    body.digested = (!plan.rewrites && !packed) || exchange.hasDigest();
    body.measured = exchange.header(CONTENT_LENGTH.pointer, CONTENT_LENGTH.length);
    if (plan.streamStep >= 0 && !endOfStream && !packed && !isEmptyByNature(exchange)) body.pass();
  }
  leg.phase = Phase.Headers;
  leg.step = 0;
  return advance(leg);
}

/** Handles more of the body: `heldBytes` are buffered in all. */
export function growBody(leg: Leg, heldBytes: u32, endOfStream: bool): Progress {
  leg.body.length = heldBytes;
  leg.ended = endOfStream;
  if (heldBytes > leg.route.maxBodyBytes) return turnAway(leg, tooLong(leg.direction));
  const full = leg.body.held.hold(heldBytes);
  if (full != ErrorId.None) return turnAway(leg, full);
  if (!endOfStream || leg.waiting) return Progress.Stays;
  return advance(leg);
}

/** A stage that waited for `resumer` may go on. Called outside the stream's own callbacks. */
export function resumeLeg(leg: Leg, resumer: Resumer): void {
  if (leg.waitsFor != resumer) return;
  leg.waitsFor = null;
  endWait(leg, resumer);
  const passing = leg.body.passing;
  if (passing != null) passing.resumed = leg.phase != Phase.Streaming;
  proxy_set_effective_context(leg.stream.contextId);
  turnTo(leg);
  starvation.over();
  if (leg.phase == Phase.Withheld) return release(leg);
  if ((leg.sending || advance(leg) == Progress.Goes) && letGo(leg) == Progress.Goes)
    proxy_continue_stream(leg.direction);
}

/** Runs the steps that can run now. */
function advance(leg: Leg): Progress {
  const passing = leg.body.passing;
  if (leg.phase == Phase.Headers) {
    const progress = runHeaders(leg);
    if (progress != Progress.Goes) return progress;
    const route = leg.route;
    if (!leg.needsBody && leg.body.coding == Coding.Identity) {
      leg.phase = Phase.Passed;
      return Progress.Goes;
    }
    if (isComplete(leg)) return judgeEmpty(leg);
    const limit = passing != null ? route.maxStreamBytes : route.maxBodyBytes;
    const events = passing != null && unchecked(leg.plan.steps[leg.plan.streamStep]).policy.passesEvents(leg.direction);
    const refusal = refusalOf(exchange, limit, route.opens(leg.direction), events);
    if (refusal != ErrorId.None) return turnAway(leg, refusal);
    if (passing == null) leg.phase = Phase.Collecting;
  }
  if (passing != null) return leg.phase == Phase.Streaming ? resumePiece(leg, passing) : openBody(leg, passing);
  if (leg.phase == Phase.Collecting) {
    if (!leg.ended) return Progress.Stays;
    if (isComplete(leg)) return judgeEmpty(leg);
    leg.phase = Phase.Body;
    leg.step = 0;
  }
  return leg.phase == Phase.Body ? judgeBody(leg) : Progress.Goes;
}

/**
 * Whether the message ended without a body and needs none, whether its end came with the headers or as an empty frame.
 */
function isComplete(leg: Leg): bool {
  return leg.ended && leg.body.length == 0 && (leg.direction == Direction.Response || leg.stream.facts.bodiless);
}

/** Whether the step says nothing more of the request when its body is there. */
function isLastWord(leg: Leg, step: Step, verdict: Verdict): bool {
  return verdict == Verdict.Reject || exchange.bodiless || !step.policy.needsBody(leg.direction);
}

function runHeaders(leg: Leg): Progress {
  const steps = leg.plan.steps;
  while (leg.step < steps.length) {
    const step = unchecked(steps[leg.step]);
    beginStep();
    const verdict = step.stage.onHeaders(exchange, step.policy);
    if (leg.step == leg.plan.judge && leg.direction == Direction.Request && isLastWord(leg, step, verdict))
      overshadow(leg, step, verdict, false);
    const progress = settle(leg, leg.step, verdict);
    if (progress != Progress.Goes) return progress;
    leg.step++;
  }
  return Progress.Goes;
}
