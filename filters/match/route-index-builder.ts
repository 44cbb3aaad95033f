// Builds the index of routes, which are added in order of precedence.
import { Ascii } from '../memory/ascii';
import { MAX_HOST_BYTES, MAX_ROUTE_CANDIDATES, MAX_ROUTE_PATH_BYTES } from '../limits';
import { Bytes, lowerAscii } from '../memory/bytes';
import { Parts } from '../memory/parts';
import { scratch } from '../memory/scratch';
import { Writer } from '../memory/writer';
import { ErrorId } from '../errors.gen';
import { HostTable } from './host-table';
import { PathBucket, PathIndex } from './path-index';
import { Pattern } from './pattern';
import { RequestPath } from './request-path';
import { HeaderCondition, HeaderKind, PathKind, RouteCandidate } from './route-candidate';
import { RouteIndex } from './route-index';
import { sharedPattern } from './shared-pattern';

/** Literal bytes of a pattern under which it is stored. */
const PATTERN_PREFIX_BYTES: u32 = 64;

const GET: Bytes = Bytes.from('GET');
const HEAD: Bytes = Bytes.from('HEAD');
/** Prefix that makes a pattern ignore case. */
const ANY_CASE: Bytes = Bytes.from('(?i)(?:');
const OPEN_END: Bytes = Bytes.from(')/?');
const ANY_CASE_ONLY: Bytes = Bytes.from('(?i)');

const path: RequestPath = new RequestPath();
const source: Writer = new Writer(scratch);

/**
 * The pattern, ignoring case and a final slash. A quotation (`\\Q`) may swallow an appended suffix, so then only case
 * is ignored.
 */
function similarSource(pattern: Bytes): Bytes {
  const quotes = hasQuotation(pattern);
  const opening = quotes ? ANY_CASE_ONLY : ANY_CASE;
  source.begin(pattern.length + 16);
  source.bytes(opening.pointer, opening.length);
  source.bytes(pattern.pointer, pattern.length);
  if (!quotes) source.bytes(OPEN_END.pointer, OPEN_END.length);
  return Bytes.copy(source.pointer, source.length);
}

function hasQuotation(pattern: Bytes): bool {
  for (let i: u32 = 1; i < pattern.length; i++) if (load<u16>(pattern.pointer + i - 1) == 0x515c) return true;
  return false;
}

function isStar(host: Bytes): bool {
  return host.length == 1 && load<u8>(host.pointer) == Ascii.Asterisk;
}

/**
 * `begin`, the parts of the route in any order, `end` for each route; then `build`. Absent parts match all requests.
 */
export class RouteIndexBuilder {
  private readonly exact: HostTable = new HostTable();
  private readonly suffixes: HostTable = new HostTable();
  private readonly all: PathIndex = new PathIndex();
  private routes: i32 = 0;
  private namesMethods: bool = false;

  private hosts: Bytes[] = [];
  private candidate: RouteCandidate = new RouteCandidate(0);
  private kind: PathKind = PathKind.Prefix;
  private text: Bytes = Bytes.EMPTY;

  /** `parts`: patterns that are compiled already. */
  constructor(private readonly parts: Parts = new Parts()) {}

  /** Starts the next route. The first one is number 0. */
  begin(): void {
    this.hosts = [];
    this.candidate = new RouteCandidate(this.routes++);
    this.kind = PathKind.Prefix;
    this.text = Bytes.EMPTY;
  }

  /** Adds a host of the route: a name, `*.name`, or `*`. Returns 0, or FIM-CFG-0014 if it is too long. */
  host(name: Bytes): u32 {
    if (name.length > MAX_HOST_BYTES) return ErrorId.FIM_CFG_0014;
    const lower = new StaticArray<u8>(<i32>name.length);
    for (let i: u32 = 0; i < name.length; i++) lower[i] = <u8>lowerAscii(load<u8>(name.pointer + i));
    this.hosts.push(Bytes.copy(changetype<usize>(lower), name.length));
    return 0;
  }

  /**
   * Adds a method of the route, in capitals. GET includes HEAD, because servers run the same code for both (RFC 9110,
   * 9.3.2).
   */
  method(name: Bytes): void {
    this.candidate.methods.push(name);
    if (GET.equals(name.pointer, name.length)) this.candidate.methods.push(HEAD);
    this.namesMethods = true;
  }

  /**
   * Sets the path of the route. Returns 0, or an error: FIM-CFG-0014 (too long), 0022 to 0024 (pattern), 0026 (not
   * canonical, so no request would ever match).
   */
  path(kind: PathKind, value: Bytes): u32 {
    if (value.length > MAX_ROUTE_PATH_BYTES) return ErrorId.FIM_CFG_0014;
    this.kind = kind;
    this.text = value;
    if (kind == PathKind.Pattern) {
      const pattern = sharedPattern(this.parts, value, true);
      if (pattern == null) return Pattern.lastError;
      this.candidate.path = pattern;
      this.candidate.similar = sharedPattern(this.parts, similarSource(value), true);
      if (this.candidate.similar == null) return Pattern.lastError;
      this.text = pattern.literalPrefix(PATTERN_PREFIX_BYTES);
      return 0;
    }
    if (value.length != 0) {
      const read = path.read(value.pointer, value.length);
      if (!read || path.malformed || path.rewritten || path.end != value.length) return ErrorId.FIM_CFG_0026;
    }
    if (kind == PathKind.Prefix) {
      const length = value.length;
      if (length != 0 && load<u8>(value.pointer + length - 1) == Ascii.Slash)
        this.text = Bytes.copy(value.pointer, length - 1);
    }
    this.candidate.text = this.text;
    return 0;
  }

  /**
   * Adds a header condition of the route. `name` in lower case. Returns 0, or an error: FIM-CFG-0022 to 0024 (pattern).
   */
  header(kind: HeaderKind, name: Bytes, value: Bytes): u32 {
    let pattern: Pattern | null = null;
    if (kind == HeaderKind.Pattern) {
      pattern = sharedPattern(this.parts, value, true);
      if (pattern == null) return Pattern.lastError;
    }
    this.candidate.headers.push(new HeaderCondition(kind, name, value, pattern));
    return 0;
  }

  /** Adds the route to the index. Returns 0, or FIM-CFG-0025 if too many routes share its host and path. */
  end(): u32 {
    const hosts = this.hosts;
    let fits = true;
    if (hosts.length == 0) fits = this.add(this.all);
    for (let i = 0; i < hosts.length; i++) {
      const host = hosts[i];
      if (isStar(host)) fits = this.add(this.all) && fits;
      else if (host.length > 2 && load<u16>(host.pointer) == 0x2e2a) {
        fits = this.add(this.suffixes.entry(Bytes.copy(host.pointer + 2, host.length - 2)).paths) && fits;
      } else fits = this.add(this.exact.entry(host).paths) && fits;
    }
    return fits ? 0 : ErrorId.FIM_CFG_0025;
  }

  private add(paths: PathIndex): bool {
    const bucket: PathBucket = paths.bucket(this.kind, this.text);
    const count = bucket.candidates.length;
    if (count != 0 && bucket.candidates[count - 1] == this.candidate) return true; // one host twice
    if (<u32>count >= MAX_ROUTE_CANDIDATES) return false;
    bucket.candidates.push(this.candidate);
    return true;
  }

  build(): RouteIndex {
    return new RouteIndex(this.exact, this.suffixes, this.all, this.namesMethods);
  }
}
