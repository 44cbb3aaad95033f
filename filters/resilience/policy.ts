import { Bytes } from '../memory/bytes';
import { ConfigReader } from '../runtime/config-reader';
import { Direction } from '../runtime/direction';
import { Rank, StagePolicy } from '../runtime/stage';
import { TimeBudgets } from '../runtime/time-budgets';
import { BreakerTerms } from './breaker';
import { Budgets } from './budgets';
import { BreakerState, BudgetConfig, DeadlineConfig, ResilienceConfig, decodeResilienceConfig } from './config.gen';
import { CannedAnswer } from './canned-answer';
import { Faults } from './faults';
import { SendLine, sendLines } from './send-line';
import { SharedBreaker } from './shared-breaker';
import { Snapshots } from './snapshots';

/** A route's deadline and breaker. */
export class ResiliencePolicy extends StagePolicy {
  /** Name of the breaker. */
  id: Bytes = Bytes.EMPTY;
  hasBreaker: bool = false;
  /** How the resource has set it. */
  state: BreakerState = BreakerState.Automatic;
  /** Null: none, or it is closed by the resource. */
  breaker: SharedBreaker | null = null;
  /** The resource has opened the breaker. */
  isOpen: bool = false;
  openForMs: u64 = 0;
  /** Answer while it is open; null: 503. */
  answer: CannedAnswer | null = null;
  /** Answers that are kept; null: none are. */
  snapshots: Snapshots | null = null;
  /** Requests go to the backups while it is open. */
  diverts: bool = false;
  deadline: DeadlineConfig | null = null;
  /** Longest time for the answer, milliseconds; 0: none of its own. */
  upstreamMs: i64 = 0;
  /** Requests under way, and those that wait; null: they are sent at once. */
  line: SendLine | null = null;
  private times: Budgets | null = null;

  set budgetsOfStages(configs: StaticArray<BudgetConfig>) {
    this.times = configs.length == 0 ? null : new Budgets(configs);
  }

  budgets(): TimeBudgets | null {
    return this.times;
  }

  acts(direction: Direction): bool {
    return direction == Direction.Request || this.readsAnswers;
  }

  needsBody(direction: Direction): bool {
    return direction == Direction.Response && this.readsAnswers;
  }

  judgesEmpty(direction: Direction): bool {
    return direction == Direction.Response;
  }

  private get readsAnswers(): bool {
    const breaker = this.breaker;
    return this.snapshots != null || (breaker != null && breaker.faults.field != null);
  }

  rank(direction: Direction): Rank {
    return direction == Direction.Request ? Rank.Limit : Rank.LimitByField;
  }

  sends(): bool {
    return true;
  }
}

/** Compiles the section. */
export function compileResilience(reader: ConfigReader, node: u32): ResiliencePolicy {
  const config: ResilienceConfig = decodeResilienceConfig(reader, node);
  const policy = new ResiliencePolicy();
  policy.deadline = config.deadline;
  policy.upstreamMs = config.upstreamMs;
  policy.budgetsOfStages = config.budgets;
  const queue = config.queue;
  if (queue != null && !reader.failed) {
    const line = sendLines.open(config.id);
    policy.line = line;
    if (line != null) line.obey(queue);
  }
  const breaker = config.breaker;
  if (reader.failed || breaker == null) return policy;
  policy.openForMs = <u64>breaker.openForMs;
  policy.id = config.id;
  policy.hasBreaker = true;
  policy.state = breaker.state;
  const answer = breaker.answer;
  if (answer != null) policy.answer = new CannedAnswer(answer);
  const kept = breaker.snapshot;
  if (kept != null) policy.snapshots = new Snapshots(config.id, kept.headers, <u64>kept.maxAgeMs);
  policy.diverts = breaker.backup;
  policy.isOpen = breaker.state == BreakerState.Open;
  if (breaker.state != BreakerState.Automatic) return policy;
  const terms = new BreakerTerms();
  terms.degradedAfter = <u32>breaker.degradedAfter;
  terms.openErrorRate = <u32>breaker.openErrorRate;
  terms.windowMs = <u64>breaker.windowMs;
  terms.minRequests = <u32>breaker.minRequests;
  terms.openForMs = <u64>breaker.openForMs;
  terms.probes = <u32>breaker.probes;
  const faults = new Faults(reader, breaker.faults);
  if (!reader.failed) policy.breaker = new SharedBreaker(config.id, terms, <u64>breaker.slowMs, faults);
  return policy;
}
