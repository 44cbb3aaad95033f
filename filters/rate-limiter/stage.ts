import { ErrorId } from '../errors.gen';
import { FieldTree } from '../message/field-tree';
import { MessageFormat } from '../message/format';
import { ConfigReader } from '../runtime/config-reader';
import { Direction } from '../runtime/direction';
import { Exchange } from '../runtime/exchange';
import { monotonicNanos } from '../runtime/host';
import { keepDoor } from '../runtime/door';
import { Service } from '../runtime/service';
import { Stage, StagePolicy, Verdict } from '../runtime/stage';
import { refuseBy, tellOf } from './answer';
import { TICKS_PER_NANO } from './bucket';
import { decodeRateLimiterConfig } from './config.gen';
import { OBSERVABLE, SECTION } from './facts.gen';
import { addFleetPart, askFleet, beginFleetKey, endFleetKey } from './fleet';
import { Hold, giveHold, takeHold } from './hold';
import { hashPart, hashedLength, hashedPointer } from './key-part';
import { Limit } from './limit';
import { limitsDoor } from './limits-door';
import { RateLimitPolicy, compilePolicy } from './policy';
import { beginHash, endHash, openSeed } from './seed';
import { defineLimitStats, limitAllowed, limitExceeded, limitFailed } from './stats';
import { Answer, charge, giveAllBack, refuse, refusedClaim, takeAll } from './table';
import { waitingLine } from './waiting-line';

/** Refuses requests that a limit has no room for. Requests without a key share one bucket. */
export class RateLimiter extends Stage {
  constructor() {
    super(SECTION, OBSERVABLE);
  }

  start(): bool {
    defineLimitStats();
    keepDoor(limitsDoor);
    return openSeed();
  }

  compile(reader: ConfigReader, node: u32): StagePolicy {
    return compilePolicy(reader, decodeRateLimiterConfig(reader, node));
  }

  services(): Service[] {
    return [waitingLine];
  }

  onHeaders(exchange: Exchange, policy: StagePolicy): Verdict {
    const limits = <RateLimitPolicy>policy;
    if (exchange.direction == Direction.Response) {
      this.answer(exchange, limits);
      return Verdict.Continue;
    }
    return limits.early == 0 ? Verdict.Continue : this.limit(exchange, limits, 0, limits.early);
  }

  onBody(exchange: Exchange, policy: StagePolicy): Verdict {
    const limits = <RateLimitPolicy>policy;
    return this.limit(exchange, limits, limits.early, limits.limits.length);
  }

  /** Asks the limits `from` to `to` for a request of which earlier ones may have taken already. */
  private limit(exchange: Exchange, policy: RateLimitPolicy, from: i32, to: i32): Verdict {
    const held = exchange.hold;
    const hold = held == null ? takeHold(policy.limits.length) : <Hold>held;
    if (hold.count == to) return Verdict.Continue; // it has waited
    exchange.hold = hold;
    let tree: FieldTree | null = null;
    if (to == policy.limits.length && policy.early != to) tree = bodyOf(exchange);
    for (let i = from; i < to; i++) this.claim(exchange, hold, i, unchecked(policy.limits[i]), tree);
    const now = monotonicNanos() * TICKS_PER_NANO;
    let answer = takeAll(hold.claims, from, to, now);
    if (answer == Answer.Admitted && policy.shapes) answer = this.findRoom(exchange, hold, from, to, now);
    hold.count = answer == Answer.Refused ? refusedClaim() + 1 : to;
    let verdict = this.settle(exchange, hold, answer, from);
    if (verdict == Verdict.Continue && !askAll(exchange, hold, from, to)) verdict = fail(exchange);
    if (verdict == Verdict.Reject) {
      giveAllBack(hold.claims, 0, answer == Answer.Admitted ? to : from, now);
      if (answer != Answer.Refused) hold.count = 0;
    } else if (to == policy.limits.length) limitAllowed.add(1);
    if (answer == Answer.Refused)
      refuseBy(exchange, unchecked(hold.claims[refusedClaim()]), policy.status, policy.legacy);
    if (!policy.keeps) {
      exchange.hold = null;
      giveHold(hold);
    }
    if (verdict != Verdict.Continue || !policy.shapes || exchange.observes) return verdict;
    const due = hold.dueTime();
    if (due <= now) return verdict;
    waitingLine.add(exchange, hold, due);
    return Verdict.Wait;
  }

  /** Refuses what would have to wait where this worker has as many that wait as it can hold. */
  private findRoom(exchange: Exchange, hold: Hold, from: i32, to: i32, now: u64): Answer {
    if (!waitingLine.full || exchange.observes) return Answer.Admitted;
    for (let i = from; i < to; i++) {
      const claim = unchecked(hold.claims[i]);
      const decision = claim.decision;
      if (decision.delay == 0 || claim.limit.observe) continue;
      giveAllBack(hold.claims, from, to, now);
      decision.allowed = false;
      decision.waits = decision.delay;
      return refuse(i);
    }
    return Answer.Admitted;
  }

  private claim(exchange: Exchange, hold: Hold, at: i32, limit: Limit, tree: FieldTree | null): void {
    const cost = limit.cost;
    const tokens = cost == null || cost.inAnswer ? 1 : cost.of(exchange, tree);
    const parts = limit.parts;
    beginHash(limit.id);
    const shared = limit.fleet != null;
    if (shared) beginFleetKey();
    for (let i = 0; i < parts.length; i++) {
      hashPart(exchange, unchecked(parts[i]), tree);
      if (shared) addFleetPart(hashedPointer(), hashedLength());
    }
    const claim = unchecked(hold.claims[at]);
    claim.begin(limit, endHash(limit.tag), tokens);
    if (shared) claim.fleetKey = endFleetKey();
  }

  /** Counts what the limits said. */
  private settle(exchange: Exchange, hold: Hold, answer: Answer, from: i32): Verdict {
    if (answer == Answer.Failed) return fail(exchange);
    if (answer == Answer.Refused) {
      limitExceeded.add(1);
      unchecked(hold.claims[refusedClaim()]).limit.counters.refused.add(1);
      return Verdict.Reject;
    }
    for (let i = from; i < hold.count; i++) {
      const claim = unchecked(hold.claims[i]);
      if (claim.limit.fleet != null) continue; // counted when it is known what all Envoys say
      const counters = claim.limit.counters;
      if (claim.decision.allowed) {
        counters.admitted.add(1);
        if (claim.decision.delay != 0 && !claim.limit.observe) counters.waited.add(1);
      } else counters.observed.add(1);
    }
    return Verdict.Continue;
  }

  /** The response: costs that it names, and what is left. */
  private answer(exchange: Exchange, policy: RateLimitPolicy): void {
    const held = exchange.hold;
    if (held == null) return;
    const hold = <Hold>held;
    for (let i = 0; i < hold.count; i++) {
      const claim = unchecked(hold.claims[i]);
      const cost = claim.limit.cost;
      if (cost == null || !cost.inAnswer || !claim.taken) continue;
      const tokens = cost.of(exchange, null);
      if (tokens > 1) charge(claim, monotonicNanos() * TICKS_PER_NANO, tokens - 1);
    }
    if (policy.tells) tellOf(exchange, hold, policy.legacy);
  }
}

/** Asks all Envoys for what this one's ceilings let in. False if there is no room for a question. */
function askAll(exchange: Exchange, hold: Hold, from: i32, to: i32): bool {
  for (let i = from; i < to; i++) if (!askFleet(exchange, unchecked(hold.claims[i]))) return false;
  return true;
}

function fail(exchange: Exchange): Verdict {
  limitFailed.add(1);
  exchange.reply.begin(ErrorId.FIM_LIM_0002);
  return Verdict.Reject;
}

/** The body as the route reads it; null: there is none, or it is in no format. */
function bodyOf(exchange: Exchange): FieldTree | null {
  const message = exchange.message;
  const format = message.length == 0 ? MessageFormat.Unknown : exchange.format;
  return format == MessageFormat.Unknown ? null : message.tree(format);
}
