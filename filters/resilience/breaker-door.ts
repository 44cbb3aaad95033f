// The door's answers about breakers, and how they are set by hand.
import { ErrorId } from '../errors.gen';
import { Bytes, equalBytes } from '../memory/bytes';
import { DoorKeeper, Visit } from '../runtime/door';
import { BreakerOrder, BreakerPhase } from './breaker';
import { BreakerState } from './config.gen';
import { ResiliencePolicy } from './policy';

const STATUS: Bytes = Bytes.from('status');
const OPEN: Bytes = Bytes.from('open/');
const CLOSE: Bytes = Bytes.from('close/');
const RESET: Bytes = Bytes.from('reset/');

class BreakerDoor extends DoorKeeper {
  attend(visit: Visit): bool {
    if (visit.acts) {
      if (named(visit, OPEN)) order(visit, OPEN.length, BreakerOrder.Open);
      else if (named(visit, CLOSE)) order(visit, CLOSE.length, BreakerOrder.Closed);
      else if (named(visit, RESET)) order(visit, RESET.length, BreakerOrder.None);
      else return false;
    } else if (visit.asksFor(STATUS)) tellAll(visit);
    else return false;
    return true;
  }
}

export const breakerDoor: BreakerDoor = new BreakerDoor('/breaker/');

function named(visit: Visit, verb: Bytes): bool {
  return visit.restLength > verb.length && verb.equals(visit.restPointer, verb.length);
}

/** The breaker of a route's steps; null: it has none. */
function breakerAt(visit: Visit, route: i32): ResiliencePolicy | null {
  const steps = visit.configuration.routes[route].request.steps;
  for (let i = 0; i < steps.length; i++) {
    const policy = steps[i].policy;
    if (policy instanceof ResiliencePolicy && (<ResiliencePolicy>policy).hasBreaker) return <ResiliencePolicy>policy;
  }
  return null;
}

/** Whether an earlier route has the same breaker: one resource may be several routes. */
function isToldOf(visit: Visit, route: i32, policy: ResiliencePolicy): bool {
  for (let i = 0; i < route; i++) {
    const earlier = breakerAt(visit, i);
    if (earlier != null && earlier.id.equals(policy.id.pointer, policy.id.length)) return true;
  }
  return false;
}

function tellAll(visit: Visit): void {
  const answer = visit.answer;
  answer.ascii('{"breakers":[');
  let count = 0;
  for (let i = 0; i < visit.configuration.routes.length; i++) {
    const policy = breakerAt(visit, i);
    if (policy == null || isToldOf(visit, i, policy)) continue;
    if (count++ != 0) answer.byte(44);
    tell(visit, policy);
  }
  answer.ascii(']}\n');
}

function tell(visit: Visit, policy: ResiliencePolicy): void {
  const answer = visit.answer;
  answer.ascii('{"route":"');
  answer.jsonText(policy.id.pointer, policy.id.length);
  const breaker = policy.breaker;
  if (breaker == null) {
    answer.ascii(
      policy.state == BreakerState.Open ? '","state":"Open","set":"Resource"}' : '","state":"Normal","set":"Resource"}',
    );
    return;
  }
  if (!breaker.read()) {
    answer.ascii('","state":"Unknown","set":"No"}');
    return;
  }
  answer.ascii('","state":"');
  answer.ascii(nameOf(breaker.phase, breaker.order));
  answer.ascii('","set":"');
  answer.ascii(breaker.order == BreakerOrder.None ? 'No' : 'Command');
  answer.ascii('","requests":');
  answer.decimal(breaker.requests);
  answer.ascii(',"faults":');
  answer.decimal(breaker.faulty);
  answer.ascii(',"waitsMs":');
  answer.decimal(breaker.waitsMs);
  answer.byte(125);
}

function nameOf(phase: BreakerPhase, order: BreakerOrder): string {
  if (order == BreakerOrder.Open) return 'Open';
  if (order == BreakerOrder.Closed) return 'Normal';
  if (phase == BreakerPhase.Open) return 'Open';
  if (phase == BreakerPhase.HalfOpen) return 'HalfOpen';
  return phase == BreakerPhase.Degraded ? 'Degraded' : 'Normal';
}

/** Sets the breaker whose name stands behind the verb. */
function order(visit: Visit, verbLength: u32, wanted: BreakerOrder): void {
  const name = visit.restPointer + verbLength;
  const length = visit.restLength - verbLength;
  for (let i = 0; i < visit.configuration.routes.length; i++) {
    const policy = breakerAt(visit, i);
    if (policy == null || policy.id.length != length || !equalBytes(policy.id.pointer, name, length)) continue;
    const breaker = policy.breaker;
    if (breaker == null) return visit.refuse(ErrorId.FIM_RES_0004);
    if (!breaker.obey(wanted)) return visit.refuse(ErrorId.FIM_RES_0005);
    return tell(visit, policy);
  }
  visit.refuse(ErrorId.FIM_RES_0003);
}
