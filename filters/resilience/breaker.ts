// The automaton of a breaker: Normal, Degraded after faults in a row, Open while too many requests fail, and half-open for
// a few probes. Pure: its state is bytes that the caller holds, the time comes from outside.

import { BREAKER_PATIENCE_MS } from '../limits';

/** Parts into which the window is divided. A result leaves the window with its part, so up to a part early. */
const PARTS: u32 = 10;
const PART_BYTES: u32 = 16;

// Places in the state. It begins as zeros.
const OWNER: usize = 0;
const TOUCHED: usize = 8;
const PHASE: usize = 16;
/** Counts the turns after which earlier results do not count. */
const EPOCH: usize = 20;
const SINCE: usize = 24;
const FAULTS_IN_A_ROW: usize = 32;
const GOOD_IN_A_ROW: usize = 36;
const PROBES_SENT: usize = 40;
const PROBES_GOOD: usize = 44;
const PART_MS: usize = 48;
/** How it is set by hand. */
const ORDER: usize = 52;
const WINDOW: usize = 56;
/** Bytes of a state. */
export const BREAKER_BYTES: u32 = 56 + PARTS * PART_BYTES;

export const enum BreakerPhase {
  Normal = 0,
  Degraded = 1,
  Open = 2,
  HalfOpen = 3,
}

/** How a breaker is set by hand. */
export const enum BreakerOrder {
  /** Results decide. */
  None = 0,
  /** Nothing is sent. */
  Open = 1,
  /** Everything is sent. */
  Closed = 2,
}

/** Fate of a request. */
export const enum Admission {
  Sent = 0,
  /** Sent as one of the probes: the state has changed. */
  Probe = 1,
  Refused = 2,
}

/** Numbers of a breaker. */
export class BreakerTerms {
  degradedAfter: u32 = 3;
  /** Percent of faults above which it opens; 100: all. */
  openErrorRate: u32 = 80;
  windowMs: u64 = 5000;
  minRequests: u32 = 20;
  openForMs: u64 = 30_000;
  probes: u32 = 3;
  /** Time after which probes of which nothing was heard are given up, if it is longer than `openForMs`. */
  patienceMs: u64 = BREAKER_PATIENCE_MS;

  get partMs(): u32 {
    return <u32>max<u64>(1, this.windowMs / PARTS);
  }
}

export function phaseOf(state: usize): BreakerPhase {
  return load<u32>(state, PHASE);
}

export function epochOf(state: usize): u32 {
  return load<u32>(state, EPOCH);
}

/** Whose state it is; 0: nobody's. */
export function ownerOf(state: usize): u64 {
  return load<u64>(state, OWNER);
}

/** Time of the last change, milliseconds. */
export function touchedMs(state: usize): u64 {
  return load<u64>(state, TOUCHED);
}

/** Begins anew for an owner. */
export function beginBreaker(state: usize, owner: u64, nowMs: u64): void {
  memory.fill(state, 0, BREAKER_BYTES);
  store<u64>(state, owner, OWNER);
  store<u64>(state, nowMs, TOUCHED);
}

export function orderOf(state: usize): BreakerOrder {
  return load<u32>(state, ORDER);
}

/** Sets it by hand. `None`: it begins anew, and what was sent before counts no more. */
export function obeyOrder(state: usize, order: BreakerOrder, nowMs: u64): void {
  if (order == BreakerOrder.None) {
    const epoch = epochOf(state) + 1;
    beginBreaker(state, ownerOf(state), nowMs);
    store<u32>(state, epoch, EPOCH);
  }
  store<u32>(state, order, ORDER);
  store<u64>(state, nowMs, TOUCHED);
}

/** Milliseconds until probes are sent, or others in their place; 0: now. */
export function waitsMs(state: usize, terms: BreakerTerms, nowMs: u64): u64 {
  let forMs = terms.openForMs;
  if (phaseOf(state) == BreakerPhase.HalfOpen) forMs = max(forMs, terms.patienceMs);
  const until = load<u64>(state, SINCE) + forMs;
  return until > nowMs ? until - nowMs : 0;
}

/**
 * Whether a request is sent. Probes of which nothing was heard for a long time are given up, and others are sent. That is
 * not after `openForMs` where it is short: an upstream whose good answers take longer would keep the breaker open for ever.
 */
export function admit(state: usize, terms: BreakerTerms, nowMs: u64): Admission {
  const phase = phaseOf(state);
  if (phase < BreakerPhase.Open) return Admission.Sent;
  if (waitsMs(state, terms, nowMs) == 0) {
    turn(state, BreakerPhase.HalfOpen, nowMs);
    store<u32>(state, 0, PROBES_SENT);
    store<u32>(state, 0, PROBES_GOOD);
  } else if (phase == BreakerPhase.Open || load<u32>(state, PROBES_SENT) >= terms.probes) return Admission.Refused;
  store<u32>(state, load<u32>(state, PROBES_SENT) + 1, PROBES_SENT);
  store<u64>(state, nowMs, TOUCHED);
  return Admission.Probe;
}

/** The result of a request that was sent in `epoch`. False: it does not count, and nothing has changed. */
export function record(state: usize, terms: BreakerTerms, nowMs: u64, epoch: u32, fault: bool): bool {
  if (epoch != epochOf(state)) return false;
  const phase = phaseOf(state);
  if (phase == BreakerPhase.Open) return false;
  store<u64>(state, nowMs, TOUCHED);
  if (phase == BreakerPhase.HalfOpen) {
    if (fault) turn(state, BreakerPhase.Open, nowMs);
    else {
      const good = load<u32>(state, PROBES_GOOD) + 1;
      store<u32>(state, good, PROBES_GOOD);
      if (good >= terms.probes) close(state, nowMs);
    }
    return true;
  }
  count(state, terms, nowMs, fault);
  const faults: u32 = fault ? load<u32>(state, FAULTS_IN_A_ROW) + 1 : 0;
  const good: u32 = fault ? 0 : load<u32>(state, GOOD_IN_A_ROW) + 1;
  store<u32>(state, faults, FAULTS_IN_A_ROW);
  store<u32>(state, good, GOOD_IN_A_ROW);
  if (phase == BreakerPhase.Normal && faults >= terms.degradedAfter) store<u32>(state, BreakerPhase.Degraded, PHASE);
  else if (phase == BreakerPhase.Degraded && good >= terms.degradedAfter) store<u32>(state, BreakerPhase.Normal, PHASE);
  if (fault && phaseOf(state) == BreakerPhase.Degraded && isTooMuch(state, terms, nowMs))
    turn(state, BreakerPhase.Open, nowMs);
  return true;
}

/** A request of which nothing can be said: its client has gone. A probe makes room for another. */
export function forget(state: usize, epoch: u32, nowMs: u64): bool {
  if (epoch != epochOf(state) || phaseOf(state) != BreakerPhase.HalfOpen) return false;
  store<u32>(state, load<u32>(state, PROBES_SENT) - 1, PROBES_SENT);
  store<u64>(state, nowMs, TOUCHED);
  return true;
}

function turn(state: usize, phase: BreakerPhase, nowMs: u64): void {
  store<u32>(state, phase, PHASE);
  store<u32>(state, epochOf(state) + 1, EPOCH);
  store<u64>(state, nowMs, SINCE);
}

function close(state: usize, nowMs: u64): void {
  turn(state, BreakerPhase.Normal, nowMs);
  store<u32>(state, 0, FAULTS_IN_A_ROW);
  store<u32>(state, 0, GOOD_IN_A_ROW);
  memory.fill(state + WINDOW, 0, PARTS * PART_BYTES);
}

function count(state: usize, terms: BreakerTerms, nowMs: u64, fault: bool): void {
  const partMs = terms.partMs;
  if (load<u32>(state, PART_MS) != partMs) {
    // Another window, by an edit: what was counted in the other one says nothing.
    memory.fill(state + WINDOW, 0, PARTS * PART_BYTES);
    store<u32>(state, partMs, PART_MS);
  }
  const number = nowMs / partMs;
  const part = state + WINDOW + <usize>(number % PARTS) * PART_BYTES;
  if (load<u64>(part) != number) {
    memory.fill(part, 0, PART_BYTES);
    store<u64>(part, number);
  }
  store<u32>(part, load<u32>(part, 8) + 1, 8);
  if (fault) store<u32>(part, load<u32>(part, 12) + 1, 12);
}

/** Results in the window. */
let total: u64 = 0;
/** Number of them that were faults. */
let faults: u64 = 0;

/** Counts the results in the window. */
function sumUp(state: usize, terms: BreakerTerms, nowMs: u64): void {
  const number = nowMs / terms.partMs;
  total = 0;
  faults = 0;
  // After an edit of the window what was counted in the other one says nothing.
  if (load<u32>(state, PART_MS) != terms.partMs) return;
  for (let i: u32 = 0; i < PARTS; i++) {
    const part = state + WINDOW + i * PART_BYTES;
    const age = number - load<u64>(part);
    if (age >= PARTS) continue;
    total += load<u32>(part, 8);
    faults += load<u32>(part, 12);
  }
}

/** Results in the window. */
export function resultsIn(state: usize, terms: BreakerTerms, nowMs: u64): u64 {
  sumUp(state, terms, nowMs);
  return total;
}

/** Faults in the window. */
export function faultsIn(state: usize, terms: BreakerTerms, nowMs: u64): u64 {
  sumUp(state, terms, nowMs);
  return faults;
}

/** Whether more of the window's requests have failed than may. */
function isTooMuch(state: usize, terms: BreakerTerms, nowMs: u64): bool {
  sumUp(state, terms, nowMs);
  if (total < terms.minRequests) return false;
  return faults * 100 > total * terms.openErrorRate || faults == total;
}
