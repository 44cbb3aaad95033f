// Data that all workers of one vm_id share. The host has no expiry and no delete, so callers use a fixed set of keys.
import { Result, proxy_get_shared_data, proxy_set_shared_data } from './abi';

const OUT: usize = memory.data(16, 8);

/** Outcome of a compare-and-set. */
export const enum Swap {
  Done = 0,
  Lost = 1,
  Failed = 2,
}

/** A shared value at `sharedPointer` (in scratch memory, may be changed in place) and its version. */
export class SharedValue {
  pointer: usize = 0;
  /** Bytes. */
  length: u32 = 0;
  private version: u32 = 0;

  /** Reads a key. False if it is absent. */
  read(key: usize, keyLength: u32): bool {
    memory.fill(OUT, 0, 16);
    if (proxy_get_shared_data(key, keyLength, OUT, OUT + 4, OUT + 8) != Result.Ok) return false;
    this.pointer = load<usize>(OUT);
    this.length = load<u32>(OUT, 4);
    this.version = load<u32>(OUT, 8);
    return this.pointer != 0;
  }

  /** Writes the value back if nobody else has since `read`. */
  swap(key: usize, keyLength: u32): Swap {
    const result = proxy_set_shared_data(key, keyLength, this.pointer, this.length, this.version);
    if (result == Result.Ok) return Swap.Done;
    return result == Result.CasMismatch ? Swap.Lost : Swap.Failed;
  }
}

/** Version that no entry ever has. A set with it creates an absent key and leaves a present one unchanged. */
const VERSION_OF_NONE: u32 = u32.MAX_VALUE;

/**
 * Creates a key unless it exists. If workers create it at the same time, one succeeds and all use its value. False if
 * the host refuses.
 */
export function createShared(key: usize, keyLength: u32, value: usize, valueLength: u32): bool {
  const result = proxy_set_shared_data(key, keyLength, value, valueLength, VERSION_OF_NONE);
  return result == Result.Ok || result == Result.CasMismatch;
}
