/**
 * Reason why a protected message cannot be opened. For counters and the log, never for the sender, who gets one reply
 * for all.
 */
export const enum Opening {
  Done = 0,
  /** Not in the route's profile: not protected, truncated, or with a damaged frame. */
  Malformed = 1,
  /** For another key, algorithm or context. */
  Foreign = 2,
  /** The tag is wrong. */
  Forged = 3,
  /** No working memory. */
  NoMemory = 4,
}
