// A request as the route index asks about it, and what it found.
import { ErrorId } from '../errors.gen';
import { MAX_METHOD_BYTES } from '../limits';
import { RequestPath } from './request-path';

const CAPITALS: usize = memory.data(<i32>MAX_METHOD_BYTES, 16);

const NONE: i32 = i32.MAX_VALUE;

export abstract class RequestLookup {
  /** `:authority`, with or without port, in any case; address 0 if there is none. */
  hostPointer: usize = 0;
  hostLength: u32 = 0;
  /** `:path`, with or without query. */
  pathPointer: usize = 0;
  pathLength: u32 = 0;
  methodPointer: usize = 0;
  methodLength: u32 = 0;
  /** Value of the header that was looked up last. */
  valuePointer: usize = 0;
  valueLength: u32 = 0;
  /**
   * Whether its name is spelt as it was asked for, and not with `_` for `-`: the same for servers behind CGI and WSGI,
   * another name for the rest.
   */
  spelt: bool = true;
  /** The path as it is read; after a route was found, its canonical form. */
  readonly path: RequestPath = new RequestPath();
  /** Why no route was found for a request that is to be refused; 0: there is none. */
  error: ErrorId = 0;
  /** A route that a refused request would meet, of several perhaps; -1: none is known. */
  concerned: i32 = -1;
  /** Of one reading of the path: the first route that takes it, and whether that is a route for this very path. */
  best: i32 = NONE;
  exact: bool = false;
  /** The first route whose path only some servers would take for this one. */
  similar: i32 = NONE;
  /** The first route whose headers fit one of several values, and not all of them together. */
  unclear: i32 = NONE;

  /** Looks up a header by its lower-case name if `_` counts as `-`; false if the request has none. */
  abstract header(name: usize, nameLength: u32): bool;

  /** Turns to the next header of the name that was looked up last; false if there is none. */
  abstract headerAgain(): bool;

  /** Forgets what was found for another request. */
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

  /** Notes that the request is to be refused; -1. */
  refuse(error: ErrorId, concerned: i32): i32 {
    this.error = error;
    this.concerned = concerned;
    return -1;
  }

  /**
   * Number of the route of one reading of the path; -1 if there is none or `error` is set. A path that is like that of
   * a route meets it if it meets no other; if it meets a later one, servers that take both paths for the same would
   * judge otherwise than those that do not.
   */
  verdict(): i32 {
    const found = this.best == NONE ? this.similar : this.best;
    if (this.unclear < found) return this.refuse(ErrorId.FIM_RT_0044, this.unclear);
    if (found == NONE) return -1;
    if (this.similar < found && !this.exact) return this.refuse(ErrorId.FIM_RT_0041, this.similar);
    return found;
  }

  /** Turns to the method in capitals; whether it was sent so. */
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
