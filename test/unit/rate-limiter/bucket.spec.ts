import {
  BucketRate,
  TICKS_PER_NANO,
  chargeBucket,
  decideBucket,
  refundBucket,
} from '../../../filters/rate-limiter/bucket';
import { Decision } from '../../../filters/rate-limiter/decision';

const MILLI: u64 = 1_000_000 * TICKS_PER_NANO;
const START: u64 = 1_000_000 * MILLI;

describe('token bucket', () => {
  it('lets a full bucket go at once, and then one token per interval', () => {
    const rate = new BucketRate(10, 1000, 5);
    const decision = new Decision();
    let arrival: u64 = 0;
    for (let i: u64 = 0; i < 5; i++) {
      decideBucket(decision, rate, arrival, START, 1);
      expect(decision.allowed).toBe(true);
      expect(decision.remaining).toBe(4 - i);
      arrival = decision.until;
    }
    decideBucket(decision, rate, arrival, START, 1);
    expect(decision.allowed).toBe(false);
    expect(decision.remaining).toBe(0);
    expect(decision.waits).toBe(100 * MILLI);
    decideBucket(decision, rate, arrival, START + 100 * MILLI - 1, 1);
    expect(decision.allowed).toBe(false);
    decideBucket(decision, rate, arrival, START + 100 * MILLI, 1);
    expect(decision.allowed).toBe(true);
  });

  it('says when there is one token more', () => {
    const rate = new BucketRate(10, 1000, 5);
    const decision = new Decision();
    decideBucket(decision, rate, 0, START, 1);
    expect(decision.returns).toBe(100 * MILLI);
    decideBucket(decision, rate, decision.until, START + 30 * MILLI, 1);
    expect(decision.remaining).toBe(3);
    expect(decision.returns).toBe(70 * MILLI);
    decideBucket(decision, rate, START + 480 * MILLI, START, 1);
    expect(decision.allowed).toBe(false);
    expect(decision.remaining).toBe(0);
    expect(decision.returns).toBe(decision.waits);
  });

  it('refuses without changing the bucket', () => {
    const rate = new BucketRate(1, 1000, 1);
    const decision = new Decision();
    decideBucket(decision, rate, 0, START, 1);
    const arrival = decision.until;
    for (let i = 0; i < 100; i++) decideBucket(decision, rate, arrival, START + 1, 1);
    expect(decision.allowed).toBe(false);
    expect(decision.until).toBe(arrival);
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
      decideBucket(decision, rate, arrival, now, 1);
      if (decision.allowed) {
        given++;
        arrival = decision.until;
      }
    }
    const elapsed = now - START;
    expect(given <= 1000 + elapsed / rate.interval + 1).toBe(true);
    expect(given >= min<u64>(200000, elapsed / rate.interval)).toBe(true);
  });

  it('keeps fast rates exact to a part in ten thousand', () => {
    const rate = new BucketRate(420_000, 1000, 1);
    const perSecond = (1000 * MILLI) / rate.interval;
    expect(perSecond >= 419_958 && perSecond <= 420_000).toBe(true);
  });

  it('holds by the rate in force what an earlier, slower rate left behind', () => {
    const slow = new BucketRate(10, 86_400_000, 10);
    const fast = new BucketRate(100, 1000, 10);
    const decision = new Decision();
    let arrival: u64 = 0;
    for (let i = 0; i < 10; i++) {
      decideBucket(decision, slow, arrival, START, 1);
      arrival = decision.until;
    }
    decideBucket(decision, fast, arrival, START, 1);
    expect(decision.allowed).toBe(false);
    expect(decision.waits).toBe(10 * MILLI);
    expect(decision.until).toBeLessThan(arrival, 'to be kept, or the wait would begin anew with each try');
    decideBucket(decision, fast, decision.until, START + 10 * MILLI, 1);
    expect(decision.allowed).toBe(true);
  });

  it('does not overflow with the slowest rate and the largest bucket', () => {
    const rate = new BucketRate(1, 86_400_000, 1_000_000_000);
    const decision = new Decision();
    const year: u64 = 365 * 86_400_000 * MILLI;
    let arrival: u64 = 0;
    for (let i = 0; i < 1000; i++) {
      decideBucket(decision, rate, arrival, 5 * year, 1);
      expect(decision.allowed).toBe(true);
      arrival = decision.until;
    }
    expect(rate.depth / rate.interval).toBeGreaterThan(5000);
    expect(decision.remaining).toBe(rate.depth / rate.interval - 1000);
  });

  it('takes several tokens or none, and says when waiting does not help', () => {
    const rate = new BucketRate(10, 1000, 5);
    const decision = new Decision();
    decideBucket(decision, rate, 0, START, 4);
    expect(decision.allowed).toBe(true);
    expect(decision.remaining).toBe(1);
    decideBucket(decision, rate, decision.until, START, 2);
    expect(decision.allowed).toBe(false);
    expect(decision.waits).toBe(100 * MILLI);
    expect(decision.remaining).toBe(1);
    decideBucket(decision, rate, decision.until, START, 6);
    expect(decision.allowed).toBe(false);
    expect(decision.never).toBe(true);
  });

  it('never lets anything in where the limit is 0', () => {
    const rate = new BucketRate(0, 1000, 5);
    const decision = new Decision();
    for (let i: u64 = 0; i < 10; i++) {
      decideBucket(decision, rate, 0, START + i * 86_400_000 * MILLI, 1);
      expect(decision.allowed).toBe(false);
      expect(decision.never).toBe(true);
    }
    decideBucket(decision, rate, 0, START, 0);
    expect(decision.allowed).toBe(true, 'what costs nothing takes nothing');
  });

  it('gets tokens back to the full bucket at most, and is charged to the empty one at most', () => {
    const rate = new BucketRate(10, 1000, 5);
    const decision = new Decision();
    decideBucket(decision, rate, 0, START, 5);
    const two = refundBucket(rate, decision.until, 2);
    decideBucket(decision, rate, two, START, 2);
    expect(decision.allowed).toBe(true);
    expect(decision.remaining).toBe(0);
    decideBucket(decision, rate, refundBucket(rate, decision.until, 100), START, 1);
    expect(decision.remaining).toBe(4);
    const empty = chargeBucket(rate, decision.until, START, 1_000_000);
    decideBucket(decision, rate, empty, START, 1);
    expect(decision.waits).toBe(100 * MILLI);
  });
});
