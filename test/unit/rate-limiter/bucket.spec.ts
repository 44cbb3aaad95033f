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
});
