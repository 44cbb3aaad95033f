/** Which half of an exchange is at hand. */
export const enum Direction {
  Request = 0,
  Response = 1,
}
