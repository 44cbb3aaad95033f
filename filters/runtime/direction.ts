/** Direction of the current message. */
export const enum Direction {
  Request = 0,
  Response = 1,
}
