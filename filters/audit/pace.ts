// When batches are sent, and sent again.

/** Longest time that a record waits for others before a batch is sent, milliseconds. */
export const BATCH_MS: u64 = 20;
/** Bytes of a batch beyond which no further record is put in. */
export const BATCH_BYTES: u32 = 262_144;
/** Longest wait for a collector's answer to a batch, milliseconds; then the batch is sent again. */
export const CALL_MS: u32 = 5000;
/** Wait before a batch is sent again, milliseconds; it doubles from time to time up to the longest. */
export const FIRST_RETRY_MS: u64 = 100;
export const LONGEST_RETRY_MS: u64 = 5000;
/** Longest `retry-after` of a collector that is followed, milliseconds. */
export const LONGEST_RETRY_AFTER_MS: u64 = 30_000;
