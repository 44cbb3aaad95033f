import { MAX_REFUSED_DATA_KEYS, REFUSED_DATA_KEY_MS } from '../limits';
import { randomBytes } from '../crypto/random';
import { sipBegin, sipEnd, sipText } from '../memory/siphash';

const SEED: usize = memory.data(16, 8);

/**
 * Wrapped data keys that the KMS did not unwrap, by a keyed hash that senders cannot target. A full table forgets the
 * oldest.
 */
export class RefusedDataKeys {
  private readonly hashes: StaticArray<u64> = new StaticArray<u64>(MAX_REFUSED_DATA_KEYS);
  private readonly untilMs: StaticArray<u64> = new StaticArray<u64>(MAX_REFUSED_DATA_KEYS);
  private next: i32 = 0;
  private readonly seed0: u64;
  private readonly seed1: u64;

  constructor() {
    // Without randomness nothing can be encrypted anyway. An unkeyed hash would at worst refuse a genuine key.
    randomBytes(SEED, 16);
    this.seed0 = load<u64>(SEED);
    this.seed1 = load<u64>(SEED, 8);
  }

  private hash(wrapped: usize, length: u32): u64 {
    sipBegin(this.seed0, this.seed1);
    sipText(wrapped, length);
    return sipEnd();
  }

  note(wrapped: usize, length: u32, nowMs: u64): void {
    this.hashes[this.next] = this.hash(wrapped, length);
    this.untilMs[this.next] = nowMs + REFUSED_DATA_KEY_MS;
    this.next = (this.next + 1) % MAX_REFUSED_DATA_KEYS;
  }

  has(wrapped: usize, length: u32, nowMs: u64): bool {
    const hash = this.hash(wrapped, length);
    for (let i = 0; i < MAX_REFUSED_DATA_KEYS; i++)
      if (unchecked(this.hashes[i]) == hash && nowMs < unchecked(this.untilMs[i])) return true;
    return false;
  }
}
