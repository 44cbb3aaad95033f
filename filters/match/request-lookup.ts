// A request as the input of the route index, and the index's result.
import { ErrorId } from '../errors.gen';
import { MAX_METHOD_BYTES } from '../limits';
import { RequestPath } from './request-path';

const CAPITALS: usize = memory.data(<i32>MAX_METHOD_BYTES, 16);

const NONE: i32 = i32.MAX_VALUE;

export abstract class RequestLookup {
  /** `:authority`, with or without port, in any case. Address 0 if there is none. */
  hostPointer: usize = 0;
  hostLength: u32 = 0;
  /** `:path`, with or without query. */
  pathPointer: usize = 0;
  pathLength: u32 = 0;
  methodPointer: usize = 0;
  methodLength: u32 = 0;
  /** Value of the last header look-up. */
  valuePointer: usize = 0;
  valueLength: u32 = 0;
  /**
   * Whether its name has the requested spelling, and not `_` for `-`. Servers behind CGI and WSGI do not distinguish
   * the two.
   */
  spelt: bool = true;
  /** The path while it is read. After a route was found: its canonical form. */
  readonly path: RequestPath = new RequestPath();
  /** Reason to refuse a request for which no route was found. 0: none. */
  error: ErrorId = 0;
  /** A route that a refused request might match. -1: none is known. */
  concerned: i32 = -1;
  /** For one reading of the path: the first matching route, and whether it is a route for exactly this path. */
  best: i32 = NONE;
  exact: bool = false;
  /** First route whose path only some servers would treat as this one. */
  similar: i32 = NONE;
  /** First route whose headers fit one of several values, but not all of them together. */
  unclear: i32 = NONE;

  /** Looks up a header by its lower-case name, with `_` equal to `-`. False if the request has none. */
  abstract header(name: usize, nameLength: u32): bool;

  /** Moves to the next header of the last name. False if there is none. */
  abstract headerAgain(): bool;

  /** Resets for another request. */
  begin(): void {
    this.error = 0;
    this.concerned = -1;
  }

  beginReading(): void {
    this.best = NONE;
    this.exact = false;
    this.similar = NONE;
    this.unclear = NONE;
  }

  /** Marks the request as refused. Returns -1. */
  refuse(error: ErrorId, concerned: i32): i32 {
    this.error = error;
    this.concerned = concerned;
    return -1;
  }

  /**
   * Route number for one reading of the path. -1 if there is none or `error` is set. A path similar to a route's
   * matches that route if it matches no other. If it matches a later one, servers that treat both paths alike would
   * judge differently from those that do not.
   */
  verdict(): i32 {
    const found = this.best == NONE ? this.similar : this.best;
    if (this.unclear < found) return this.refuse(ErrorId.FIM_RT_0044, this.unclear);
    if (found == NONE) return -1;
    if (this.similar < found && !this.exact) return this.refuse(ErrorId.FIM_RT_0041, this.similar);
    return found;
  }

  /** Changes the method to capitals. Returns whether it was sent so. */
  capitals(): bool {
    const method = this.methodPointer;
    const length = this.methodLength;
    let at: u32 = 0;
    while (at < length && load<u8>(method + at) - 97 >= 26) at++;
    if (at == length) return true;
    if (length > MAX_METHOD_BYTES) return false;
    for (let i: u32 = 0; i < length; i++) {
      const byte = load<u8>(method + i);
      store<u8>(CAPITALS + i, byte - 97 < 26 ? byte - 32 : byte);
    }
    this.methodPointer = CAPITALS;
    return false;
  }
}
