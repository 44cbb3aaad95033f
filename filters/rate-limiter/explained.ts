// Which limits a request would meet, in their order, and what is left of each. The request comes through the door as it
// would be sent; what the door's own connection does not have, headers of the door say.
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Visit } from '../runtime/door';
import { Exchange } from '../runtime/exchange';
import { monotonicNanos } from '../runtime/host';
import { PATH } from '../runtime/names';
import { findRoute, identityError } from '../runtime/request-route';
import { CompiledRoute } from '../runtime/compiled-route';
import { assume, assumeNothing, beginAssuming } from './assumed';
import { TICKS_PER_MILLI, TICKS_PER_NANO } from './bucket';
import { Claim } from './claim';
import { RateLimitAlgorithm, RateLimitKeySource } from './config.gen';
import { writeKey } from './fullest';
import { hashPart, hashedLength } from './key-part';
import { Limit } from './limit';
import { RateLimitPolicy } from './policy';
import { beginHash, endHash } from './seed';
import { peek } from './table';

const ASKED_PATH: Bytes = Bytes.from('x-fim-asked-path');
const ASKED_ADDRESS: Bytes = Bytes.from('x-fim-asked-address');
const ASKED_CLAIM: Bytes = Bytes.from('x-fim-asked-claim');
const ASKED_CERTIFICATE: Bytes = Bytes.from('x-fim-asked-certificate');

const claim: Claim = new Claim();

export function explainLimits(visit: Visit): void {
  const exchange = visit.exchange;
  if (!exchange.header(ASKED_PATH.pointer, ASKED_PATH.length)) {
    visit.refuse(ErrorId.FIM_RT_0040);
    return;
  }
  const path = copyOf(exchange);
  const length = exchange.valueLength;
  beginAssuming();
  assumeHeader(exchange, RateLimitKeySource.SourceAddress, ASKED_ADDRESS);
  assumeHeader(exchange, RateLimitKeySource.Claim, ASKED_CLAIM);
  assumeHeader(exchange, RateLimitKeySource.ClientCertificate, ASKED_CERTIFICATE);
  exchange.setHeader(PATH.pointer, PATH.length, path, length);
  if (exchange.fetchHeaders()) explain(visit, exchange);
  else visit.refuse(ErrorId.FIM_RT_0008);
  assumeNothing();
}

function explain(visit: Visit, exchange: Exchange): void {
  const at = findRoute(visit.configuration, exchange);
  if (identityError() != ErrorId.None) {
    visit.refuse(identityError());
    return;
  }
  const answer = visit.answer;
  if (at < 0) {
    answer.ascii('{"route":null,"limits":[]}\n');
    return;
  }
  const route = unchecked(visit.configuration.routes[at]);
  exchange.rule(route);
  answer.ascii('{"route":"');
  answer.jsonText(route.name.pointer, route.name.length);
  answer.ascii(route.observe ? '","observe":true,"limits":[' : '","observe":false,"limits":[');
  const policy = policyOf(route);
  if (policy != null) {
    for (let i = 0; i < policy.limits.length; i++) {
      if (i != 0) answer.byte(44);
      explainOne(visit, exchange, unchecked(policy.limits[i]));
    }
  }
  answer.ascii(']}\n');
}

function policyOf(route: CompiledRoute): RateLimitPolicy | null {
  const steps = route.request.steps;
  for (let i = 0; i < steps.length; i++) {
    const policy = unchecked(steps[i]).policy;
    if (policy instanceof RateLimitPolicy) return <RateLimitPolicy>policy;
  }
  return null;
}

function explainOne(visit: Visit, exchange: Exchange, limit: Limit): void {
  const answer = visit.answer;
  answer.ascii('{"limit":"');
  answer.jsonText(limit.id.pointer, limit.id.length);
  answer.ascii('","algorithm":"');
  answer.ascii(nameOf(limit.algorithm));
  answer.ascii(limit.fleet == null ? '","scope":"Local","observe":' : '","scope":"Global","observe":');
  answer.ascii(limit.observe ? 'true' : 'false');
  if (limit.readsBody) {
    answer.ascii(',"byBody":true}');
    return;
  }
  answer.ascii(',"byBody":false,"missing":');
  answer.decimal(makeClaim(exchange, limit));
  answer.ascii(',"key":"');
  writeKey(visit, claim.hash);
  answer.ascii('","requests":');
  answer.decimal(claim.terms.requests);
  answer.ascii(',"periodMs":');
  answer.decimal(claim.terms.periodMs);
  answer.ascii(',"cost":');
  answer.decimal(claim.cost);
  if (peek(claim, monotonicNanos() * TICKS_PER_NANO)) writeState(visit, limit);
  answer.byte(125);
}

/** Claims what the request would. Returns how many parts of the key it lacks. */
function makeClaim(exchange: Exchange, limit: Limit): u32 {
  let missing: u32 = 0;
  beginHash(limit.id);
  for (let i = 0; i < limit.parts.length; i++) {
    hashPart(exchange, unchecked(limit.parts[i]), null);
    if (hashedLength() == 0) missing++;
  }
  const hash = endHash(limit.tag);
  const cost = limit.cost;
  claim.begin(limit, hash, cost == null || cost.inAnswer ? 1 : cost.of(exchange, null));
  return missing;
}

function writeState(visit: Visit, limit: Limit): void {
  const answer = visit.answer;
  const decision = claim.decision;
  const all = limit.algorithm == RateLimitAlgorithm.TokenBucket ? claim.terms.rate.capacity : claim.terms.requests;
  const taken = limit.algorithm == RateLimitAlgorithm.Concurrency ? 1 : claim.cost;
  answer.ascii(',"of":');
  answer.decimal(all);
  answer.ascii(',"left":');
  answer.decimal(
    decision.allowed ? min(decision.remaining + (decision.delay == 0 ? taken : 0), all) : decision.remaining,
  );
  answer.ascii(decision.allowed ? ',"admits":true' : ',"admits":false');
  answer.ascii(decision.never ? ',"never":true' : ',"never":false');
  answer.ascii(claim.spare ? ',"shared":true,"waitMs":' : ',"shared":false,"waitMs":');
  const ticks = decision.allowed ? decision.delay : decision.waits;
  answer.decimal((ticks + TICKS_PER_MILLI - 1) / TICKS_PER_MILLI);
}

function nameOf(algorithm: RateLimitAlgorithm): string {
  if (algorithm == RateLimitAlgorithm.TokenBucket) return 'TokenBucket';
  return algorithm == RateLimitAlgorithm.SlidingWindow ? 'SlidingWindow' : 'Concurrency';
}

function assumeHeader(exchange: Exchange, source: RateLimitKeySource, name: Bytes): void {
  if (!exchange.header(name.pointer, name.length)) return;
  const value = copyOf(exchange);
  if (value != 0) assume(source, value, exchange.valueLength);
}

/** The value that was found, in scratch memory. 0: there is no room. */
function copyOf(exchange: Exchange): usize {
  const copy = scratch.allocate(max(exchange.valueLength, 1));
  if (copy != 0) memory.copy(copy, exchange.valuePointer, exchange.valueLength);
  return copy;
}
