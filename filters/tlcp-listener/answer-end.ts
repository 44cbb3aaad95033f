// Finds the answer behind which the proxy closes the connection, and its last bytes, behind which `close_notify` belongs:
// without it the client cannot tell an end from a cut. The HTTP filter of this module is the last that sees an answer, and
// what it sees the proxy writes at once; but of a body with a length the end itself is written as nothing.
import { decimal, isBlank, NO_NUMBER, says } from './request-lines';

const CLOSE: string = 'connection: close';
const LENGTH: string = 'content-length:';
const LF: u8 = 10;
const CR: u8 = 13;

export class AnswerEnd {
  /** Whether the next bytes begin an answer, and whether they are its last. */
  private isHead: bool = false;
  private isLast: bool = false;
  private closes: bool = false;
  /** Bytes of the body that are to come; NO_NUMBER: its length is not said. */
  private left: u64 = NO_NUMBER;

  /** The head of an answer goes to be written. `ends`: nothing comes behind it. */
  onHead(ends: bool): void {
    this.isHead = true;
    this.isLast = ends;
    this.closes = false;
    this.left = NO_NUMBER;
  }

  /** The last part of it does. */
  onLast(): void {
    this.isLast = true;
  }

  /** The proxy's bytes. True: they are the last of the connection. `isTunnel`: it ends with its answer. */
  take(data: usize, length: u32, isTunnel: bool): bool {
    const head = this.isHead ? this.readHead(data, length) : 0;
    this.isHead = false;
    if (this.left != NO_NUMBER) this.left -= min<u64>(this.left, length - head);
    const ends = (this.isLast || this.left == 0) && (this.closes || isTunnel);
    this.isLast = false;
    return ends;
  }

  /** Reads the lines of a head that the proxy wrote, which has no `connection` of upstreams. Returns its bytes. */
  private readHead(data: usize, length: u32): u32 {
    for (let at: u32 = 0; at < length; at++) {
      const from = at;
      while (at < length && load<u8>(data + at) != LF) at++;
      const size = at - from;
      if (size == 0 || load<u8>(data + at - 1) != CR) return at;
      if (size == 1) return min(at + 1, length);
      const line = data + from;
      if (says(line, size - 1, CLOSE)) this.closes = true;
      else if (size > <u32>LENGTH.length && says(line, LENGTH.length, LENGTH)) this.left = lengthOf(line, size - 1);
    }
    return length;
  }
}

function lengthOf(line: usize, length: u32): u64 {
  let at: u32 = LENGTH.length;
  while (at < length && isBlank(load<u8>(line + at))) at++;
  return decimal(line + at, length - at);
}
