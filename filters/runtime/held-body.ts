// Buffered bodies: read once, when complete, and replaced in one mutation.
import { Coding } from '../message/compression/body';
import { ErrorId } from '../errors.gen';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Step } from './compiled-route';
import { openMessage } from './content-coding';
import { readBuffer, resultLength, resultPointer, writeBuffer } from './host';
import { CONTENT_LENGTH } from './names';
import { beginStep } from './outcome';
import { Progress } from './progress';
import { recordOf } from './recorded';
import { exchange, refuse, settle, turnAway } from './settle';
import { Verdict } from './stage';
import { bodyReplaced } from './stats';
import { Leg, Phase } from './stream';

const digits: Writer = new Writer(scratch);

/** Passes the whole body to the stages that have not seen it yet. */
export function judgeBody(leg: Leg): Progress {
  const body = leg.body;
  const message = exchange.message;
  if (body.length == 0) message.begin(0, 0);
  else if (readBuffer(exchange.bodyBuffer, body.length) && resultLength() == body.length)
    message.begin(resultPointer(), body.length);
  else return refuse(leg, ErrorId.FIM_RT_0006);
  leg.outcome.bytesIn = body.length;
  const record = recordOf(leg);
  if (record != null) record.comesWhole(message.pointer, body.length);
  if (body.coding != Coding.Identity) {
    const error = openMessage(exchange, body.coding, leg.route.maxBodyBytes);
    if (error != ErrorId.None) return turnAway(leg, error);
    body.coding = Coding.Identity;
  }
  const steps = leg.plan.steps;
  while (leg.step < steps.length) {
    const step = unchecked(steps[leg.step]);
    if (step.policy.needsBody(leg.direction)) {
      beginStep();
      const verdict = step.stage.onBody(exchange, step.policy);
      if (verdict == Verdict.Wait && !writeBack(leg)) return refuse(leg, ErrorId.FIM_RT_0008);
      if (leg.step == leg.plan.judge) overshadow(leg, step, verdict, true);
      const progress = settle(leg, leg.step, verdict);
      if (progress != Progress.Goes) return progress;
    }
    leg.step++;
  }
  if (!writeBack(leg)) return refuse(leg, ErrorId.FIM_RT_0008);
  leg.outcome.bytesOut = body.length;
  if (record != null) record.goesWhole(message.pointer, body.length, leg.body.replaced);
  leg.phase = Phase.Passed;
  return Progress.Goes;
}

/** Lets the shadow of the route judge what a step has just judged. `atBody`: with the body. */
export function overshadow(leg: Leg, step: Step, verdict: Verdict, atBody: bool): void {
  const shadow = leg.route.shadow;
  const root = leg.stream.root;
  if (shadow == null || verdict == Verdict.Wait || root == null || root.retired) return;
  shadow.judge(exchange, step.stage, step.policy, verdict, atBody);
}

/** Handles an absent, optional body. Only stages that judge this run; after a wait all of them run again. */
export function judgeEmpty(leg: Leg): Progress {
  const plan = leg.plan;
  if (plan.judgesEmpty) {
    exchange.message.begin(0, 0);
    for (let i = 0; i < plan.steps.length; i++) {
      const step = unchecked(plan.steps[i]);
      if (!step.policy.judgesEmpty(leg.direction)) continue;
      beginStep();
      const progress = settle(leg, i, step.stage.onBody(exchange, step.policy));
      if (progress != Progress.Goes) return progress;
    }
  }
  leg.phase = Phase.Passed;
  return Progress.Goes;
}

/**
 * Writes a changed body and its length to the host, once. False if the host refused; the old body must then not pass.
 */
function writeBack(leg: Leg): bool {
  const body = leg.body;
  const message = exchange.message;
  if (!message.changed) return true;
  if (!writeBuffer(exchange.bodyBuffer, body.length, message.pointer, message.length)) return false;
  body.length = message.length;
  message.changed = false;
  body.replaced = true;
  bodyReplaced.add(1);
  if (body.digested) exchange.dropDigests();
  if (body.measured) {
    digits.begin(20);
    digits.decimal(message.length);
    exchange.setHeader(CONTENT_LENGTH.pointer, CONTENT_LENGTH.length, digits.pointer, digits.length);
  }
  return true;
}
