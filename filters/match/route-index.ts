// Finds the route of a request: the first of the list whose conditions all match, in a time that does not grow with the
// list. Servers do not all read a request alike. If their readings match different routes, the request has none and is
// refused.
import { Ascii } from '../memory/ascii';
import { ErrorId } from '../errors.gen';
import { HostTable } from './host-table';
import { PathIndex, foldPath } from './path-index';
import { HOST, NO_HOST, readHost } from './request-host';
import { RequestLookup } from './request-lookup';

export class RouteIndex {
  /**
   * `exact`: hosts by name. `suffixes`: `*.x` by `x`. `all`: routes for every host. `namesMethods`: whether some route
   * has method conditions.
   */
  constructor(
    private readonly exact: HostTable,
    private readonly suffixes: HostTable,
    private readonly all: PathIndex,
    readonly namesMethods: bool,
  ) {}

  /**
   * Number of the first matching route, in the order in which they were added. -1 if none matches, or if servers would
   * read the request in different ways: then `lookup.error` is the reason, and `lookup.concerned` a route that it might
   * match.
   */
  find(lookup: RequestLookup): i32 {
    lookup.begin();
    const host = lookup.hostPointer == 0 ? 0 : readHost(lookup.hostPointer, lookup.hostLength);
    if (this.namesHosts && (host == NO_HOST || lookup.hostPointer == 0)) return lookup.refuse(ErrorId.FIM_RT_0043, -1);
    const path = lookup.path;
    const wanted = lookup.capitals();
    const found = path.read(lookup.pathPointer, lookup.pathLength)
      ? this.findPath(lookup, host)
      : lookup.refuse(ErrorId.FIM_RT_0006, -1);
    if (found < 0) return found;
    if (host == NO_HOST) return lookup.refuse(ErrorId.FIM_RT_0043, found);
    return wanted ? found : lookup.refuse(ErrorId.FIM_RT_0042, found);
  }

  /** Whether some route has host conditions. */
  get namesHosts(): bool {
    return this.exact.size + this.suffixes.size != 0;
  }

  private findPath(lookup: RequestLookup, host: i32): i32 {
    const path = lookup.path;
    if (path.malformed) return this.findMalformed(lookup, host);
    let found = this.first(lookup, host);
    // A route for exactly this path applies, parameters included.
    if (lookup.error == 0 && path.parameters && !lookup.exact) found = this.findPlain(lookup, host, found);
    // A request without route passes unchanged. A server that does not resolve its segments must not find a route's
    // path in it.
    if (found >= 0 || lookup.error != 0 || !path.readUnresolved()) return found;
    const literal = this.first(lookup, host);
    return literal < 0 ? literal : lookup.refuse(ErrorId.FIM_RT_0040, literal);
  }

  /**
   * A path with parameters (`;`) also matches the routes of the path without them, because the upstream may read it so.
   */
  private findPlain(lookup: RequestLookup, host: i32, found: i32): i32 {
    const path = lookup.path;
    const pointer = path.pointer;
    const length = path.length;
    if (!path.dropParameters()) return lookup.refuse(ErrorId.FIM_RT_0006, found);
    const plain = this.first(lookup, host);
    path.pointer = pointer;
    path.length = length;
    if (lookup.error != 0) return -1;
    if (found >= 0 && plain >= 0 && found != plain) return lookup.refuse(ErrorId.FIM_RT_0041, found);
    return max(found, plain);
  }

  /** A path without canonical form is refused if any reading of it matches a route. */
  private findMalformed(lookup: RequestLookup, host: i32): i32 {
    for (let reading = 0; reading < 3; reading++) {
      if (reading == 0 ? !lookup.path.readStrictly() : !lookup.path.readLoosely(reading == 2))
        return lookup.refuse(ErrorId.FIM_RT_0006, -1);
      const found = this.first(lookup, host);
      if (found >= 0 || lookup.error != 0)
        return lookup.refuse(ErrorId.FIM_RT_0040, found >= 0 ? found : lookup.concerned);
    }
    return -1;
  }

  /** Number of the first route for the current `lookup.path`. -1 if there is none or `lookup.error` is set. */
  private first(lookup: RequestLookup, host: i32): i32 {
    const path = lookup.path;
    const length = path.length;
    foldPath(path.pointer, length);
    lookup.beginReading();
    this.all.meet(lookup, length);
    if (host > 0 && this.exact.size != 0) {
      const entry = this.exact.find(HOST, host);
      if (entry != null) entry.paths.meet(lookup, length);
    }
    if (this.suffixes.size != 0) {
      for (let at = 1; at < host; at++) {
        if (load<u8>(HOST + at) != Ascii.Point) continue;
        const entry = this.suffixes.find(HOST + at + 1, host - at - 1);
        if (entry != null) entry.paths.meet(lookup, length);
      }
    }
    return lookup.verdict();
  }
}
