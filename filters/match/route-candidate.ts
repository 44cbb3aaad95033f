// What remains to be checked of a route once its host and path are found: method, headers, and the pattern of its path.
import { Bytes } from '../memory/bytes';
import { Pattern } from './pattern';
import { RequestLookup } from './route-index';

/** How a header is compared. */
export const enum HeaderKind {
  /** The value, byte by byte. */
  Exact = 0,
  /** A pattern for the whole value. */
  Pattern = 1,
  /** Any value, the empty one too. */
  Present = 2,
}

export class HeaderCondition {
  /** `name`: lower case. `pattern`: null unless the kind is Pattern. */
  constructor(
    readonly kind: HeaderKind,
    readonly name: Bytes,
    readonly value: Bytes,
    readonly pattern: Pattern | null,
  ) {}

  matches(lookup: RequestLookup): bool {
    if (!lookup.header(this.name.pointer, this.name.length)) return false;
    if (this.kind == HeaderKind.Present) return true;
    const pattern = this.pattern;
    if (pattern != null) return pattern.matches(lookup.valuePointer, lookup.valueLength);
    return this.value.equals(lookup.valuePointer, lookup.valueLength);
  }
}

export class RouteCandidate {
  /** Any of these; none: all. */
  readonly methods: Bytes[] = [];
  /** All of these. */
  readonly headers: HeaderCondition[] = [];
  /** For the whole path; null if the path needs no more checks. */
  path: Pattern | null = null;

  constructor(readonly route: i32) {}

  /** `length`: of the path without query. */
  matches(lookup: RequestLookup, length: u32): bool {
    if (!this.takesMethod(lookup)) return false;
    const path = this.path;
    if (path != null && !path.matches(lookup.pathPointer, length)) return false;
    for (let i = 0; i < this.headers.length; i++) if (!unchecked(this.headers[i]).matches(lookup)) return false;
    return true;
  }

  private takesMethod(lookup: RequestLookup): bool {
    const methods = this.methods;
    if (methods.length == 0) return true;
    for (let i = 0; i < methods.length; i++) if (unchecked(methods[i]).equals(lookup.methodPointer, lookup.methodLength)) return true;
    return false;
  }
}
