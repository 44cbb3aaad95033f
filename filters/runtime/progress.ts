/** Fate of the delivered part of a message, for buffered and streamed bodies alike. */
export const enum Progress {
  /** It passes. */
  Goes = 0,
  /** It stays in the host: more is to come, or a stage waits. */
  Stays = 1,
  /** It is dropped: the message is refused. */
  Ends = 2,
}
