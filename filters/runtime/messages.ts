// Entry points for the parts of a message that the host delivers: headers, pieces of the body, trailers.
import { ErrorId } from '../errors.gen';
import { Coding } from '../message/compression/body';
import { opensTunnel } from './admission';
import { noteAnswer, noteEnd, noteTrailers, noteWhole } from './answered';
import { CompiledRoute, NO_ROUTE, Step } from './compiled-route';
import { Configuration } from './configuration';
import { Direction } from './direction';
import { answerDoor } from './door';
import { dropForgedHeaders, dropForgedTrailers, dropTrailers } from './forged';
import { dropPiece, dropWithheld, sendLate } from './late-reply';
import { monotonicNanos } from './host';
import { roots, streams } from './module';
import { Outcome, isWatched, noteVerdict, tellOutcome, timeSteps } from './outcome';
import { cutExcess, passPiece, passTrailers } from './passing-body';
import { endRecord, recordPiece } from './recorded';
import { beginLeg, growBody } from './pipeline';
import { Progress } from './progress';
import { findRoute, identityError, isObserved } from './request-route';
import { askForWholeResponse, isUnreceived, isUpstreamResponse, noteMethod } from './routing';
import { exchange, letGo, passUnread, refuse, turnTo } from './settle';
import { starvation } from './starvation';
import { routeMatched, routeUnmatched } from './stats';
import { Leg, Phase, Stream } from './stream';
import { Unread, unreadKind } from './unread';
import { readAnswer } from './variant';

/** Refuses streams beyond MAX_LIVE_STREAMS, which have no state. */
const overflow: Stream = new Stream();

export function onRequestHeaders(contextId: u32, endOfStream: bool): Progress {
  starvation.over();
  const stream = streams.find(contextId);
  if (stream == null) return refuseOverflow(contextId);
  const leg = stream.request;
  leg.ended = endOfStream;
  if (endOfStream) noteWhole(stream);
  turnTo(leg);
  const root = stream.root;
  if (root == null) return refuse(leg, ErrorId.FIM_RT_0001);
  if (root.door) return openDoor(leg);
  const configuration = roots.policyOf(root);
  if (configuration == null) return refuse(leg, ErrorId.FIM_RT_0001);
  const progress = routeRequest(leg, configuration, endOfStream);
  return progress == Progress.Goes ? letGo(leg) : progress;
}

/** A request of the door. What no keeper knows goes on to the next filter, and to nobody behind the last one. */
function openDoor(leg: Leg): Progress {
  const configuration = roots.ruling;
  if (configuration == null || !exchange.fetchHeaders()) return refuse(leg, ErrorId.FIM_RT_0001);
  if (!answerDoor(exchange, configuration)) return Progress.Goes;
  leg.phase = Phase.Refused;
  leg.stream.replied = true;
  return Progress.Ends;
}

function refuseOverflow(contextId: u32): Progress {
  overflow.clear();
  overflow.contextId = contextId;
  overflow.untabled = true;
  turnTo(overflow.request);
  return refuse(overflow.request, ErrorId.FIM_RT_0007);
}

function routeRequest(leg: Leg, configuration: Configuration, endOfStream: bool): Progress {
  if (!exchange.fetchHeaders()) return refuse(leg, ErrorId.FIM_RT_0008);
  if (!dropForgedHeaders(exchange, configuration.stripHeaders)) return refuse(leg, ErrorId.FIM_RT_0008);
  const at = findRoute(configuration, exchange);
  if (identityError() != 0) return turnUnclearAway(leg, configuration);
  if (at < 0) {
    routeUnmatched.add(1);
    return Progress.Goes;
  }
  routeMatched.add(1);
  const route = unchecked(configuration.routes[at]);
  leg.stream.route = route;
  const variant = configuration.variant;
  if (variant != null && variant.rules(route.name)) {
    leg.stream.variant = variant;
    leg.stream.beganNanos = monotonicNanos();
  }
  exchange.rule(route);
  leg.stream.facts.lane = route.lane;
  noteMethod(leg.stream.facts, exchange);
  if (route.request.budgets != null) timeSteps(true);
  const recorder = route.recorder;
  if (recorder != null) openNote(leg, recorder, configuration.generation, endOfStream);
  if (
    (route.request.needsBody || route.response.needsBody) &&
    opensTunnel(exchange) &&
    !route.letsPass(unreadKind(exchange))
  )
    return turnTunnelAway(leg);
  if (cannotAnswer(route)) return refuse(leg, ErrorId.FIM_RT_0004);
  const progress = beginLeg(leg, endOfStream);
  if (!leg.refused) askForWholeResponse(route, exchange);
  return progress;
}

/** Begins the note of a stream, before anything can refuse its request. */
function openNote(leg: Leg, recorder: Step, generation: i64, endOfStream: bool): void {
  const note = recorder.stage.openNote(exchange, recorder.policy, generation);
  leg.stream.facts.note = note;
  if (note == null) return;
  const stream = leg.stream;
  note.request.ended = endOfStream;
  timeSteps(note.times || leg.plan.budgets != null);
  note.requestOutcome = describe(stream.request);
  note.responseOutcome = describe(stream.response);
}

/** The leg's outcome, with what it is the outcome of. */
function describe(leg: Leg): Outcome {
  const outcome = leg.outcome;
  outcome.route = leg.route.name;
  outcome.sections = leg.plan.sections;
  const variant = leg.stream.variant;
  if (variant != null) outcome.variant = variant.name;
  return outcome;
}

/**
 * Refuses a request that servers would read in different ways. If only `Observe` applies, it is counted and passes
 * unseen.
 */
function turnUnclearAway(leg: Leg, configuration: Configuration): Progress {
  if (!isObserved(configuration)) return refuse(leg, identityError());
  noteVerdict(leg.outcome, '', identityError(), false);
  return Progress.Goes;
}

/**
 * Whether the answer to the request would be refused, since stages cannot read it: that of a call of gRPC. Then nobody
 * may carry it out.
 */
function cannotAnswer(route: CompiledRoute): bool {
  const plan = route.response;
  if (!plan.needsBody || (route.observe && plan.observable)) return false;
  return (plan.unread & Unread.Grpc) == 0 && unreadKind(exchange) == Unread.Grpc;
}

/**
 * Refuses a tunnel on a route that must see bodies. If only `Observe` applies, it is counted and both directions pass
 * unseen.
 */
function turnTunnelAway(leg: Leg): Progress {
  if (!leg.route.onlyObserves) return refuse(leg, ErrorId.FIM_RT_0004);
  noteVerdict(leg.outcome, '', ErrorId.FIM_RT_0004, false);
  passUnread(leg);
  leg.stream.route = NO_ROUTE;
  return Progress.Goes;
}

export function onResponseHeaders(contextId: u32, endOfStream: bool): Progress {
  starvation.over();
  const stream = streams.find(contextId);
  if (stream == null) return Progress.Goes; // it had no slot in the table and was refused: this is that refusal
  const progress = beginResponse(stream, endOfStream);
  if (endOfStream) stream.facts.sent.leavePlace();
  return progress == Progress.Goes ? letGo(stream.response) : progress;
}

function beginResponse(stream: Stream, endOfStream: bool): Progress {
  if (!stream.replied) noteAnswer(stream);
  const note = stream.facts.note;
  if (note != null) {
    note.response.ended = endOfStream;
    note.onAnswer();
  }
  if (stream.variant != null) stream.answer = readAnswer();
  if (stream.replied || stream.route.response.steps.length == 0) return Progress.Goes;
  const leg = stream.response;
  turnTo(leg);
  if (!isUpstreamResponse()) {
    stream.facts.unreceived = isUnreceived();
    const hold = stream.facts.hold;
    if (hold != null) hold.onProxyReply();
    leg.phase = Phase.Passed;
    return Progress.Goes;
  }
  if (!exchange.fetchHeaders()) return refuse(leg, ErrorId.FIM_RT_0008);
  return beginLeg(leg, endOfStream);
}

/** More of the body has arrived: `heldBytes` are buffered in all. */
export function onBody(contextId: u32, direction: Direction, heldBytes: u32, endOfStream: bool): Progress {
  const stream = streams.find(contextId);
  if (stream == null) return direction == Direction.Request ? Progress.Ends : Progress.Goes;
  starvation.over();
  if (endOfStream && direction == Direction.Request) noteWhole(stream);
  const leg = stream.leg(direction);
  if (endOfStream && direction == Direction.Response) stream.facts.sent.leavePlace();
  if (endOfStream) endRecord(leg);
  const phase = leg.phase;
  if (phase == Phase.Refused) return Progress.Ends;
  if (phase == Phase.Withheld) return dropWithheld(leg, heldBytes, endOfStream);
  if (phase == Phase.Draining) {
    dropPiece(stream, heldBytes, endOfStream);
    return Progress.Ends;
  }
  if (leg.isExcess(heldBytes)) {
    turnTo(leg);
    return cutExcess(leg);
  }
  if (phase == Phase.Passed || phase == Phase.Idle) {
    if (!mayPass(leg)) return leg.sending ? Progress.Stays : Progress.Ends;
    recordPiece(leg, heldBytes);
    return Progress.Goes;
  }
  turnTo(leg);
  const passing = leg.body.passing;
  const progress =
    phase == Phase.Streaming && passing != null
      ? passPiece(leg, passing, heldBytes, endOfStream)
      : growBody(leg, heldBytes, endOfStream);
  return progress == Progress.Goes ? letGo(leg) : progress;
}

/**
 * Whether a part that no stage works on may pass: of a request only after it was let pass, of a response only if its
 * headers were seen where stages need them.
 */
function mayPass(leg: Leg): bool {
  const stream = leg.stream;
  if (leg.direction == Direction.Request) return stream.sealed;
  return stream.replied || leg.phase != Phase.Idle || stream.route.response.steps.length == 0;
}

/** With trailers no body callback reports the end of the body. This one does. */
export function onTrailers(contextId: u32, direction: Direction): Progress {
  const stream = streams.find(contextId);
  if (stream == null) return direction == Direction.Request ? Progress.Ends : Progress.Goes;
  if (direction == Direction.Request) {
    const root = stream.root;
    if (root != null) dropForgedTrailers(root.stripHeaders);
    noteWhole(stream);
  } else {
    if (!stream.replied) noteTrailers(stream);
    stream.facts.sent.leavePlace();
  }
  starvation.over();
  const leg = stream.leg(direction);
  endRecord(leg);
  const phase = leg.phase;
  if (phase == Phase.Refused) return Progress.Ends;
  if (phase == Phase.Withheld) return dropWithheld(leg, 0, true);
  if (phase == Phase.Draining) {
    sendLate(stream);
    return Progress.Ends;
  }
  if (leg.plan.hides && !leg.unread && !stream.replied) dropTrailers(direction);
  if (phase == Phase.Passed || phase == Phase.Idle || leg.ended) return mayPass(leg) ? Progress.Goes : Progress.Ends;
  turnTo(leg);
  const passing = leg.body.passing;
  const progress =
    phase == Phase.Streaming && passing != null ? passTrailers(leg, passing) : growBody(leg, leg.body.length, true);
  return progress == Progress.Goes ? letGo(leg) : progress;
}

/** Whether the body of a message with held headers must stay where it is: it will be streamed, or no stage reads it. */
export function keepsBodyBack(contextId: u32, direction: Direction): bool {
  const stream = streams.find(contextId);
  if (stream == null) return false;
  const leg = stream.leg(direction);
  if (!leg.waiting) return false;
  return leg.body.passing != null || (!leg.needsBody && leg.body.coding == Coding.Identity);
}

/** The stream is over: whoever is told of outcomes is told of those of its messages, once. */
export function tellOutcomes(stream: Stream): void {
  if (stream.told || !isWatched()) return;
  stream.told = true;
  tellOf(stream.request);
  tellOf(stream.response);
}

/** The stream is over: its variant counts it. */
export function countVariant(stream: Stream): void {
  const variant = stream.variant;
  if (variant == null) return;
  variant.count(stream.request.outcome, stream.response.outcome, stream.answer, monotonicNanos() - stream.beganNanos);
}

/** The stream is over: what a stage keeps for it is told, and who waits for its answer. */
export function endHold(stream: Stream): void {
  const note = stream.facts.note;
  if (note != null) {
    stream.facts.note = null;
    note.end();
  }
  noteEnd(stream);
  stream.facts.sent.leavePlace();
  const hold = stream.facts.hold;
  if (hold == null) return;
  stream.facts.hold = null;
  hold.end(stream.request.outcome.enforced || stream.facts.unreceived);
}

function tellOf(leg: Leg): void {
  const outcome = leg.outcome;
  if (leg.phase == Phase.Idle && outcome.code == ErrorId.None) return; // nobody had to do with it
  outcome.contextId = leg.stream.contextId;
  outcome.route = leg.route.name;
  const variant = leg.stream.variant;
  if (variant != null) outcome.variant = variant.name;
  tellOutcome(outcome);
}
