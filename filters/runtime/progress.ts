/** What becomes of what the host has brought: the one answer of bodies that are held and bodies that pass. */
export const enum Progress {
  /** It goes on. */
  Goes = 0,
  /** It stays in the host: more is to come, or a stage waits. */
  Stays = 1,
  /** It goes nowhere: the message is refused. */
  Ends = 2,
}
