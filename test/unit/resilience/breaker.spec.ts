// The automaton against a model that is written otherwise: a list of all results, looked through anew each time.
import {
  Admission,
  BREAKER_BYTES,
  BreakerPhase,
  BreakerTerms,
  admit,
  beginBreaker,
  epochOf,
  forget,
  phaseOf,
  record,
} from '../../../filters/resilience/breaker';

const START: u64 = 1_000_000;
const state: usize = memory.data(256, 8);

/** A request on its way. */
class Ticket {
  constructor(
    readonly epoch: u32,
    readonly round: i32,
  ) {}
}

class Model {
  phase: i32 = 0;
  since: u64 = 0;
  /** Number of the time between two turns. */
  round: i32 = 0;
  times: Array<u64> = [];
  faults: Array<bool> = [];
  probes: i32 = 0;
  good: i32 = 0;

  constructor(readonly terms: BreakerTerms) {}

  ask(now: u64): i32 {
    if (this.phase < 2) return 0;
    const patience = this.phase == 3 ? this.terms.patienceMs : 0;
    if (now >= this.since + max(this.terms.openForMs, patience)) {
      this.phase = 3;
      this.since = now;
      this.round++;
      this.probes = 0;
      this.good = 0;
    }
    if (this.phase == 2 || this.probes == <i32>this.terms.probes) return 2;
    this.probes++;
    return 1;
  }

  end(now: u64, round: i32, fault: bool): void {
    if (round != this.round) return;
    if (this.phase == 3) {
      if (fault) this.open(now);
      else if (++this.good == <i32>this.terms.probes) {
        this.phase = 0;
        this.round++;
        this.times = [];
        this.faults = [];
      }
      return;
    }
    this.times.push(now);
    this.faults.push(fault);
    let run: u32 = 0;
    for (let i = this.faults.length - 1; i >= 0 && this.faults[i] == fault; i--) run++;
    if (run >= this.terms.degradedAfter) this.phase = fault ? 1 : 0;
    if (!fault || this.phase != 1) return;
    const part = this.terms.windowMs / 10;
    let total = 0;
    let bad = 0;
    for (let i = 0; i < this.times.length; i++) {
      if (this.times[i] / part + 10 <= now / part) continue;
      total++;
      if (this.faults[i]) bad++;
    }
    if (
      total >= <i32>this.terms.minRequests &&
      (bad == total || <f64>bad / <f64>total > <f64>this.terms.openErrorRate / 100.0)
    )
      this.open(now);
  }

  gone(round: i32): void {
    if (round == this.round && this.phase == 3) this.probes--;
  }

  private open(now: u64): void {
    this.phase = 2;
    this.since = now;
    this.round++;
  }
}

/** Steps: a request comes, the oldest one under way ends well, badly, or is given up, time passes. */
const STEPS: i32 = 6;

/** Runs one sequence; the number of the step after which automaton and model differ, or -1. */
function run(sequence: u64, length: i32, terms: BreakerTerms, fill: i32): i32 {
  const model = new Model(terms);
  const under: Array<Ticket> = [];
  let now = START;
  beginBreaker(state, 1, now);
  for (let i = 0; i < fill; i++) {
    record(state, terms, now, epochOf(state), true);
    model.end(now, model.round, true);
  }
  for (let i = 0; i < length; i++) {
    const step = <i32>(sequence % STEPS);
    sequence /= STEPS;
    if (step == 0) {
      const answer = admit(state, terms, now);
      if (<i32>answer != model.ask(now)) return i;
      if (answer != Admission.Refused) under.push(new Ticket(epochOf(state), model.round));
    } else if (step == 4) now += 130;
    else if (step == 5) now += terms.openForMs;
    else if (under.length > 0) {
      const ticket = under.shift();
      if (step == 3) {
        forget(state, ticket.epoch, now);
        model.gone(ticket.round);
      } else {
        record(state, terms, now, ticket.epoch, step == 2);
        model.end(now, ticket.round, step == 2);
      }
    }
    if (<i32>phaseOf(state) != model.phase) return i;
  }
  return -1;
}

/** The first of all sequences of a length in which they differ, or -1. */
function firstDifference(length: i32, terms: BreakerTerms, fill: i32): i64 {
  let count: u64 = 1;
  for (let i = 0; i < length; i++) count *= STEPS;
  for (let sequence: u64 = 0; sequence < count; sequence++) {
    if (run(sequence, length, terms, fill) >= 0) return <i64>sequence;
  }
  return -1;
}

function phaseAfter(terms: BreakerTerms, results: string): BreakerPhase {
  beginBreaker(state, 1, START);
  for (let i = 0; i < results.length; i++)
    record(state, terms, START + <u64>i, epochOf(state), results.charCodeAt(i) == 120);
  return phaseOf(state);
}

function quick(degradedAfter: u32, openErrorRate: u32, openForMs: u64): BreakerTerms {
  const terms = new BreakerTerms();
  terms.degradedAfter = degradedAfter;
  terms.openErrorRate = openErrorRate;
  terms.windowMs = 500;
  terms.minRequests = 2;
  terms.openForMs = openForMs;
  terms.probes = 2;
  terms.patienceMs = 1000;
  return terms;
}

/** As the users' automaton has it. */
const USERS = new BreakerTerms();

describe('breaker', () => {
  it('fits its state into the bytes that it says', () => {
    expect<u32>(BREAKER_BYTES).toBeLessThanOrEqual(256);
  });

  it('is what the model is, over all sequences of seven steps from the beginning', () => {
    expect<i64>(firstDifference(7, quick(1, 50, 700), 0)).toBe(-1);
  });

  it('is what the model is, over all sequences of seven steps after it has opened', () => {
    expect<i64>(firstDifference(7, quick(2, 60, 400), 2)).toBe(-1);
  });

  it('degrades after three faults in a row, and is normal after three good results', () => {
    expect<BreakerPhase>(phaseAfter(USERS, 'xx.xx.')).toBe(BreakerPhase.Normal);
    expect<BreakerPhase>(phaseAfter(USERS, '.xxx')).toBe(BreakerPhase.Degraded);
    expect<BreakerPhase>(phaseAfter(USERS, 'xxx..')).toBe(BreakerPhase.Degraded);
    expect<BreakerPhase>(phaseAfter(USERS, 'xxx...')).toBe(BreakerPhase.Normal);
  });

  it('opens above 80 % of twenty, not at it', () => {
    expect<BreakerPhase>(phaseAfter(USERS, '....xxxxxxxxxxxxxxxx')).toBe(BreakerPhase.Degraded);
    expect<BreakerPhase>(phaseAfter(USERS, '...xxxxxxxxxxxxxxxxx')).toBe(BreakerPhase.Open);
    expect<BreakerPhase>(phaseAfter(USERS, 'xxxxxxxxxxxxxxxxxxx')).toBe(BreakerPhase.Degraded);
  });

  it('can open at a rate of 100 %', () => {
    const all = new BreakerTerms();
    all.openErrorRate = 100;
    all.minRequests = 4;
    expect<BreakerPhase>(phaseAfter(all, 'xxxx')).toBe(BreakerPhase.Open);
    expect<BreakerPhase>(phaseAfter(all, '.xxxx')).toBe(BreakerPhase.Degraded);
  });

  it('forgets results that are older than the window, also after a time without requests', () => {
    beginBreaker(state, 1, START);
    for (let i = 0; i < 19; i++) record(state, USERS, START, 0, true);
    record(state, USERS, START + 5000, 0, true);
    expect<BreakerPhase>(phaseOf(state)).toBe(BreakerPhase.Degraded);
    for (let i = 0; i < 19; i++) record(state, USERS, START + 5000, 0, true);
    expect<BreakerPhase>(phaseOf(state)).toBe(BreakerPhase.Open);
  });

  it('sends exactly its probes when the time is over, again if none of them ends, and closes when all are good', () => {
    beginBreaker(state, 1, START);
    for (let i = 0; i < 20; i++) record(state, USERS, START, 0, true);
    expect<Admission>(admit(state, USERS, START + 29_999)).toBe(Admission.Refused);
    const first = START + 30_000;
    for (let i = 0; i < 3; i++) expect<Admission>(admit(state, USERS, first)).toBe(Admission.Probe);
    expect<Admission>(admit(state, USERS, first + 59_999)).toBe(Admission.Refused);
    const second = first + 60_000;
    for (let i = 0; i < 3; i++) expect<Admission>(admit(state, USERS, second)).toBe(Admission.Probe);
    expect<Admission>(admit(state, USERS, second)).toBe(Admission.Refused);
    const epoch = epochOf(state);
    for (let i = 0; i < 3; i++) record(state, USERS, second, epoch, false);
    expect<BreakerPhase>(phaseOf(state)).toBe(BreakerPhase.Normal);
  });

  it('closes by good answers that take longer than it stays open', () => {
    const brief = new BreakerTerms();
    brief.openForMs = 100;
    brief.probes = 1;
    beginBreaker(state, 1, START);
    for (let i = 0; i < 20; i++) record(state, brief, START, 0, true);
    expect<Admission>(admit(state, brief, START + 100)).toBe(Admission.Probe);
    const epoch = epochOf(state);
    expect<Admission>(admit(state, brief, START + 300)).toBe(Admission.Refused);
    record(state, brief, START + 400, epoch, false);
    expect<BreakerPhase>(phaseOf(state)).toBe(BreakerPhase.Normal);
  });
});
