import { TICKS_PER_MILLI } from '../../../filters/rate-limiter/bucket';
import { Decision } from '../../../filters/rate-limiter/decision';
import {
  WINDOW_BYTES,
  WindowLimit,
  chargeWindow,
  decideWindow,
  refundWindow,
} from '../../../filters/rate-limiter/window';

const STATE: usize = memory.data(WINDOW_BYTES, 8);
const SECOND: u64 = 1000 * TICKS_PER_MILLI;
const START: u64 = 1_000_000 * 15 * SECOND;
const decision = new Decision();

function admits(limit: WindowLimit, now: u64): bool {
  decideWindow(decision, limit, STATE, now, 1);
  return decision.allowed;
}

describe('sliding window', () => {
  beforeEach(() => {
    memory.fill(STATE, 0, WINDOW_BYTES);
  });

  it('is not doubled at the border of two periods, as a fixed window is', () => {
    const limit = new WindowLimit(100, 15_000);
    let admitted = 0;
    // The last moment of one period and the first of the next.
    for (let i = 0; i < 200; i++) if (admits(limit, START - 1)) admitted++;
    for (let i = 0; i < 200; i++) if (admits(limit, START)) admitted++;
    expect(admitted).toBe(100);
  });

  it('admits again a part of the period after a period at the latest', () => {
    const limit = new WindowLimit(1, 15_000);
    expect(admits(limit, START)).toBe(true);
    expect(admits(limit, START + 15 * SECOND)).toBe(false);
    expect(decision.waits).toBe(SECOND);
    expect(admits(limit, START + 16 * SECOND)).toBe(true);
    expect(admits(limit, START + 30 * SECOND)).toBe(false);
  });

  it('says how much is left, and when there is more', () => {
    const limit = new WindowLimit(3, 15_000);
    admits(limit, START);
    expect(decision.remaining).toBe(2);
    expect(decision.returns).toBe(16 * SECOND);
    admits(limit, START + 5 * SECOND);
    expect(decision.remaining).toBe(1);
    decideWindow(decision, limit, STATE, START + 5 * SECOND, 3);
    expect(decision.allowed).toBe(false);
    expect(decision.waits).toBe(16 * SECOND, 'both must go');
    decideWindow(decision, limit, STATE, START + 5 * SECOND, 4);
    expect(decision.never).toBe(true);
  });

  it('gives back to the part from which was taken, and not twice what it has', () => {
    const limit = new WindowLimit(2, 15_000);
    admits(limit, START);
    admits(limit, START);
    refundWindow(STATE, START / limit.part, 1);
    expect(admits(limit, START + SECOND)).toBe(true);
    expect(admits(limit, START + SECOND)).toBe(false);
    refundWindow(STATE, START / limit.part - 1, 1);
    expect(admits(limit, START + SECOND)).toBe(false, 'a part that is gone');
    refundWindow(STATE, START / limit.part, 1000);
    decideWindow(decision, limit, STATE, START + SECOND, 2);
    expect(decision.allowed).toBe(false, 'the other request still counts');
  });

  it('keeps what counts when the period is edited, and charges to the limit at most', () => {
    const limit = new WindowLimit(5, 15_000);
    for (let i = 0; i < 5; i++) admits(limit, START);
    const shorter = new WindowLimit(5, 1500);
    expect(admits(shorter, START)).toBe(false);
    expect(admits(shorter, START + 2 * SECOND)).toBe(true);
    chargeWindow(shorter, STATE, START + 2 * SECOND, 1_000_000);
    expect(admits(shorter, START + 2 * SECOND)).toBe(false);
    expect(admits(shorter, START + 4 * SECOND)).toBe(true);
  });

  it('counts right when the clock has only begun', () => {
    const limit = new WindowLimit(1, 86_400_000);
    expect(admits(limit, 5)).toBe(true);
    expect(admits(limit, SECOND)).toBe(false);
    expect(admits(limit, 93_000 * SECOND)).toBe(true);
  });
});
