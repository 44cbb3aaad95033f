// Checks of a route after its host and path were found: the path's spelling or pattern, method and headers.
import { Bytes, equalBytes } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { Pattern } from './pattern';
import { RequestLookup } from './request-lookup';

const SLASH: u8 = 47;

/** Comparison of a route's path. */
export const enum PathKind {
  /** The whole path. */
  Exact = 0,
  /** Whole segments from the start: `/a` matches `/a` and `/a/b`, not `/ab`. */
  Prefix = 1,
  /** A pattern for the whole path. */
  Pattern = 2,
}

/** Comparison of a header. */
export const enum HeaderKind {
  /** The value, byte by byte. */
  Exact = 0,
  /** A pattern for the whole value. */
  Pattern = 1,
  /** Any value, including the empty one. */
  Present = 2,
}

/** Whether a condition holds. */
export const enum Fit {
  No,
  Yes,
  /** It holds for a server that reads one of several values, and not for one that reads all. */
  Unclear,
}

/** Spelling of a path compared with a route's. */
export const enum Spelling {
  Other,
  Same,
  /** Differs in case or in a final slash, which some servers ignore. */
  Similar,
}

/** Values of a header that was sent more than once. */
const joined: Writer = new Writer(scratch);

export class HeaderCondition {
  /** `name`: lower case. `pattern`: null unless the kind is Pattern. */
  constructor(
    readonly kind: HeaderKind,
    readonly name: Bytes,
    readonly value: Bytes,
    readonly pattern: Pattern | null,
  ) {}

  /**
   * A repeated header is one list (RFC 9110, 5.3). A match is unclear if it holds only for servers that read one value,
   * or that treat `_` as `-`.
   */
  fit(lookup: RequestLookup): Fit {
    if (!lookup.header(this.name.pointer, this.name.length)) return Fit.No;
    const takesFirst = this.takes(lookup.valuePointer, lookup.valueLength);
    const first = lookup.valuePointer;
    const firstLength = lookup.valueLength;
    let spelt = lookup.spelt;
    if (!lookup.headerAgain()) return !takesFirst ? Fit.No : spelt ? Fit.Yes : Fit.Unclear;
    joined.begin(256);
    joined.bytes(first, firstLength);
    let takesOne = takesFirst;
    do {
      spelt = spelt && lookup.spelt;
      takesOne = this.takes(lookup.valuePointer, lookup.valueLength) || takesOne;
      joined.ascii(', ');
      joined.bytes(lookup.valuePointer, lookup.valueLength);
    } while (lookup.headerAgain());
    if (joined.overflowed) return Fit.Unclear;
    const takesAll = this.takes(joined.pointer, joined.length);
    if (takesAll && spelt) return Fit.Yes;
    return takesAll || takesOne ? Fit.Unclear : Fit.No;
  }

  private takes(value: usize, length: u32): bool {
    if (this.kind == HeaderKind.Present) return true;
    const pattern = this.pattern;
    return pattern != null ? pattern.matches(value, length) : this.value.equals(value, length);
  }
}

export class RouteCandidate {
  /** Any of these, in capitals. Empty: all. */
  readonly methods: Bytes[] = [];
  /** All of these. */
  readonly headers: HeaderCondition[] = [];
  /** The route's path. For a prefix without the final slash. */
  text: Bytes = Bytes.EMPTY;
  /** Pattern of the whole path. Null unless the route has one. */
  path: Pattern | null = null;
  /** The same, ignoring case and a final slash. */
  similar: Pattern | null = null;

  constructor(readonly route: i32) {}

  /** Spelling of a path whose folded text was found here. `length`: of the path. */
  spelling(kind: PathKind, path: usize, length: u32): Spelling {
    if (kind == PathKind.Pattern) {
      const pattern = this.path;
      if (pattern != null && pattern.matches(path, length)) return Spelling.Same;
      const similar = this.similar;
      return similar != null && similar.matchesWithOrWithout(path, length, SLASH) ? Spelling.Similar : Spelling.Other;
    }
    const text = this.text;
    const same = (kind == PathKind.Prefix || text.length == length) && equalBytes(text.pointer, path, text.length);
    return same ? Spelling.Same : Spelling.Similar;
  }

  takesMethod(lookup: RequestLookup): bool {
    const methods = this.methods;
    if (methods.length == 0) return true;
    for (let i = 0; i < methods.length; i++)
      if (unchecked(methods[i]).equals(lookup.methodPointer, lookup.methodLength)) return true;
    return false;
  }

  takesHeaders(lookup: RequestLookup): Fit {
    let fit = Fit.Yes;
    for (let i = 0; i < this.headers.length; i++) {
      const one = unchecked(this.headers[i]).fit(lookup);
      if (one == Fit.No) return Fit.No;
      if (one == Fit.Unclear) fit = Fit.Unclear;
    }
    return fit;
  }
}
