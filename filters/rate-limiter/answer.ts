// Writes what answers say of the limits: `retry-after` (RFC 9110, 10.2.3), the RateLimit fields of
// draft-ietf-httpapi-ratelimit-headers-10, and their forerunners if asked for.
import { ErrorId } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Exchange } from '../runtime/exchange';
import { TICKS_PER_NANO } from './bucket';
import { Claim } from './claim';
import { RateLimitAlgorithm } from './config.gen';
import { Hold } from './hold';

const TICKS_PER_SECOND: u64 = 1_000_000_000 * TICKS_PER_NANO;
/** Room for what is said of one limit. */
const ENTRY_BYTES: u32 = 160;

const RATELIMIT: Bytes = Bytes.from('ratelimit');
const RATELIMIT_POLICY: Bytes = Bytes.from('ratelimit-policy');
const LEGACY_LIMIT: Bytes = Bytes.from('x-ratelimit-limit');
const LEGACY_REMAINING: Bytes = Bytes.from('x-ratelimit-remaining');
const LEGACY_RESET: Bytes = Bytes.from('x-ratelimit-reset');

const text: Writer = new Writer(scratch);

function secondsOf(ticks: u64): u64 {
  return (ticks + TICKS_PER_SECOND - 1) / TICKS_PER_SECOND;
}

/** Seconds until one more request is let in; for one that was refused, until it would be. */
function secondsUntilMore(claim: Claim): u64 {
  const decision = claim.decision;
  return secondsOf(decision.allowed ? decision.returns : decision.waits);
}

/** Writes `"name";r=…;t=…`: so many are left, and one more is available in so many seconds. */
function addState(claim: Claim): void {
  const decision = claim.decision;
  text.byte(34);
  text.bytes(claim.limit.name.pointer, claim.limit.name.length);
  text.ascii('";r=');
  text.decimal(decision.remaining);
  if (decision.never) return;
  text.ascii(';t=');
  text.decimal(secondsUntilMore(claim));
}

/** Writes `"name";q=…;w=…`: so many in so many seconds. */
function addPolicy(claim: Claim): void {
  const terms = claim.terms;
  text.byte(34);
  text.bytes(claim.limit.name.pointer, claim.limit.name.length);
  text.ascii('";q=');
  text.decimal(terms.requests);
  if (claim.limit.algorithm == RateLimitAlgorithm.Concurrency) {
    text.ascii(';qu="concurrent-requests"');
    return;
  }
  text.ascii(';w=');
  text.decimal(max((terms.periodMs + 999) / 1000, 1));
}

function decimal(value: u64): void {
  text.begin(32);
  text.decimal(value);
}

/** The reply to a request that `claim` refused. `status`: of HTTP. */
export function refuseBy(exchange: Exchange, claim: Claim, status: u32, legacy: bool): void {
  const reply = exchange.reply;
  reply.begin(ErrorId.FIM_LIM_0001);
  reply.answerWith(status);
  reply.drops = claim.limit.shape.drops;
  if (!claim.decision.never) {
    decimal(secondsOf(claim.decision.waits));
    reply.addHeader('retry-after', text.pointer, text.length);
  }
  text.begin(ENTRY_BYTES);
  addState(claim);
  reply.addHeader('ratelimit', text.pointer, text.length);
  text.begin(ENTRY_BYTES);
  addPolicy(claim);
  reply.addHeader('ratelimit-policy', text.pointer, text.length);
  if (!legacy) return;
  decimal(claim.terms.requests);
  reply.addHeader('x-ratelimit-limit', text.pointer, text.length);
  decimal(claim.decision.remaining);
  reply.addHeader('x-ratelimit-remaining', text.pointer, text.length);
  if (claim.decision.never) return;
  decimal(secondsUntilMore(claim));
  reply.addHeader('x-ratelimit-reset', text.pointer, text.length);
}

function set(exchange: Exchange, name: Bytes): void {
  if (!text.overflowed) exchange.setHeader(name.pointer, name.length, text.pointer, text.length);
}

/** Adds what is left of each limit to the response. Replaces what the upstream says of limits of its own. */
export function tellOf(exchange: Exchange, hold: Hold, legacy: bool): void {
  const count = hold.count;
  if (count == 0) return; // the table was unreadable, and `Observe` let the request pass
  const claims = hold.claims;
  let tightest = unchecked(claims[0]);
  text.begin(ENTRY_BYTES * count);
  for (let i = 0; i < count; i++) {
    const claim = unchecked(claims[i]);
    if (claim.decision.remaining < tightest.decision.remaining) tightest = claim;
    if (i != 0) text.ascii(', ');
    addState(claim);
  }
  set(exchange, RATELIMIT);
  text.begin(ENTRY_BYTES * count);
  for (let i = 0; i < count; i++) {
    if (i != 0) text.ascii(', ');
    addPolicy(unchecked(claims[i]));
  }
  set(exchange, RATELIMIT_POLICY);
  if (!legacy) return;
  decimal(tightest.terms.requests);
  set(exchange, LEGACY_LIMIT);
  decimal(tightest.decision.remaining);
  set(exchange, LEGACY_REMAINING);
  decimal(secondsUntilMore(tightest));
  set(exchange, LEGACY_RESET);
}
