import { BucketRate, Decision, TICKS_PER_NANO } from '../../../filters/rate-limiter/bucket';

const MILLI: u64 = 1_000_000 * TICKS_PER_NANO;
const START: u64 = 1_000_000 * MILLI;

describe('token bucket', () => {
  it('lets a full bucket go at once, and then one token per interval', () => {
    const rate = new BucketRate(10, 1000, 5);
    const decision = new Decision();
    let arrival: u64 = 0;
    for (let i: u64 = 0; i < 5; i++) {
      decision.decide(rate, arrival, START);
      expect(decision.allowed).toBe(true);
      expect(decision.remaining).toBe(4 - i);
      arrival = decision.arrival;
    }
    decision.decide(rate, arrival, START);
    expect(decision.allowed).toBe(false);
    expect(decision.remaining).toBe(0);
    expect(decision.waits).toBe(100 * MILLI);
    decision.decide(rate, arrival, START + 100 * MILLI - 1);
    expect(decision.allowed).toBe(false);
    decision.decide(rate, arrival, START + 100 * MILLI);
    expect(decision.allowed).toBe(true);
  });

  it('says when there is one token more', () => {
    const rate = new BucketRate(10, 1000, 5);
    const decision = new Decision();
    decision.decide(rate, 0, START);
    expect(decision.returns).toBe(100 * MILLI);
    decision.decide(rate, decision.arrival, START + 30 * MILLI);
    expect(decision.remaining).toBe(3);
    expect(decision.returns).toBe(70 * MILLI);
    decision.decide(rate, START + 480 * MILLI, START);
    expect(decision.allowed).toBe(false);
    expect(decision.remaining).toBe(0);
    expect(decision.returns).toBe(decision.waits);
  });

  it('refuses without changing the bucket', () => {
    const rate = new BucketRate(1, 1000, 1);
    const decision = new Decision();
    decision.decide(rate, 0, START);
    const arrival = decision.arrival;
    for (let i = 0; i < 100; i++) decision.decide(rate, arrival, START + 1);
    expect(decision.allowed).toBe(false);
    expect(decision.arrival).toBe(arrival);
  });

  it('never gives more than burst plus elapsed time, whatever the arrivals', () => {
    const rate = new BucketRate(420_000, 1000, 1000);
    const decision = new Decision();
    let arrival: u64 = 0;
    let given: u64 = 0;
    let now = START;
    let state: u32 = 99;
    for (let i = 0; i < 200000; i++) {
      state = state * 1664525 + 1013904223;
      now += <u64>(state >> 16) % (2 * TICKS_PER_NANO * 1000);
      decision.decide(rate, arrival, now);
      if (decision.allowed) {
        given++;
        arrival = decision.arrival;
      }
    }
    const elapsed = now - START;
    expect(given <= 1000 + elapsed / rate.interval + 1).toBe(true);
    expect(given >= min<u64>(200000, elapsed / rate.interval)).toBe(true);
  });

  it('keeps fast rates exact to a part in ten thousand', () => {
    const rate = new BucketRate(420_000, 1000, 1);
    const perSecond = (1000 * MILLI) / rate.interval;
    expect(perSecond >= 420_000 && perSecond <= 420_042).toBe(true);
  });

  it('holds by the rate in force what an earlier, slower rate left behind', () => {
    const slow = new BucketRate(10, 86_400_000, 10);
    const fast = new BucketRate(100, 1000, 10);
    const decision = new Decision();
    let arrival: u64 = 0;
    for (let i = 0; i < 10; i++) {
      decision.decide(slow, arrival, START);
      arrival = decision.arrival;
    }
    decision.decide(fast, arrival, START);
    expect(decision.allowed).toBe(false);
    expect(decision.waits).toBe(10 * MILLI);
    expect(decision.arrival).toBeLessThan(arrival, 'to be kept, or the wait would begin anew with each try');
    decision.decide(fast, decision.arrival, START + 10 * MILLI);
    expect(decision.allowed).toBe(true);
  });

  it('does not overflow with the slowest rate and the largest bucket', () => {
    const rate = new BucketRate(1, 86_400_000, 1_000_000_000);
    const decision = new Decision();
    const year: u64 = 365 * 86_400_000 * MILLI;
    let arrival: u64 = 0;
    for (let i = 0; i < 1000; i++) {
      decision.decide(rate, arrival, 5 * year);
      expect(decision.allowed).toBe(true);
      arrival = decision.arrival;
    }
    expect(rate.depth / rate.interval).toBeGreaterThan(5000);
    expect(decision.remaining).toBe(rate.depth / rate.interval - 1000);
  });
});
