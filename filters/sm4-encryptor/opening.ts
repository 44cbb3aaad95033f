/**
 * Why a protected message cannot be opened: for counters and the log, never for the sender, who sees one answer for
 * all.
 */
export const enum Opening {
  Done = 0,
  /** Not of the route's profile: not protected at all, cut off, damaged in its frame. */
  Malformed = 1,
  /** Of another key, algorithm or context. */
  Foreign = 2,
  /** The tag is wrong. */
  Forged = 3,
  /** No working memory. */
  NoMemory = 4,
}
