/** What `newest`, `numbered` and `unwrapped` found. */
export const enum KeyState {
  /** The key is in `found`. */
  Ready = 0,
  /** It is being fetched; the stream will be resumed. */
  Pending = 1,
  /** The KMS did not answer within the bound, or too many wait. */
  Unavailable = 2,
  /** The KMS says that there is no such key or version. */
  Absent = 3,
  /** The key to encrypt with has ended, or the KMS has not answered for so long that nobody knows: it serves no more. */
  Expired = 4,
  /** To open what does not name its version: the KMS says that the newest has ended or was taken back, and that there is none before it. */
  Retired = 5,
}

/** Whether the KMS is at fault, not the message. */
export function isOutage(state: KeyState): bool {
  return state == KeyState.Unavailable || state == KeyState.Expired;
}
