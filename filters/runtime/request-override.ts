// Headers by which a request may ask upstream servers for another method, path or host than its own. Their values are
// looked up as if they had been sent: the route that the changed request would match must be the one that judges. A
// server may use any line and any element of a list.
import { Ascii } from '../memory/ascii';
import { MAX_OVERRIDE_READINGS } from '../limits';
import { Bytes, equalBytes, equalIgnoreCase } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { RequestLookup } from '../match/request-lookup';
import { RouteIndex } from '../match/route-index';
import { ErrorId } from '../errors.gen';
import { Exchange } from './exchange';
import { NameSet } from './headers';

/** Kinds of overrides, in the order in which a request is changed by several. */
const enum Override {
  Path = 0,
  Prefix = 1,
  Method = 2,
  Host = 3,
}

const METHODS: StaticArray<Bytes> = [
  Bytes.from('x-http-method-override'),
  Bytes.from('x-method-override'),
  Bytes.from('x-http-method'),
];
/** Headers with a path, or a URL with one. */
const PATHS: StaticArray<Bytes> = [Bytes.from('x-original-url'), Bytes.from('x-rewrite-url')];
/**
 * Prefixes that WSGI servers (gunicorn by default) and applications remove from the path. Those before FORWARDED_PREFIX
 * are WSGI's own: some servers take off what stands before the first occurrence too, and applications compare with the
 * decoded path.
 */
const PREFIXES: StaticArray<Bytes> = [
  Bytes.from('script-name'),
  Bytes.from('x-script-name'),
  Bytes.from('x-forwarded-prefix'),
];
const FORWARDED_PREFIX: i32 = 2;
/** The last one is RFC 7239's, whose elements have parameters. */
const HOSTS: StaticArray<Bytes> = [
  Bytes.from('x-forwarded-host'),
  Bytes.from('x-original-host'),
  Bytes.from('x-host'),
  Bytes.from('forwarded'),
];
const FORWARDED_LENGTH: u32 = 9;
const HOST_PARAMETER: Bytes = Bytes.from('host=');

const NAMES_BUT_HOSTS: NameSet = new NameSet().add(METHODS).add(PATHS).add(PREFIXES);
const ALL_NAMES: NameSet = new NameSet().add(METHODS).add(PATHS).add(PREFIXES).add(HOSTS);
const COLON: u8 = 58;
const COMMA: u8 = 44;
const QUOTE: u8 = 34;
const SEMICOLON: u8 = 59;
const SLASH: u8 = 47;
const PERCENT: u8 = 37;
const QUESTION_MARK: u8 = 63;

/** The request as it is, or as headers of the kinds before have changed it. */
let methodPointer: usize = 0;
let methodLength: u32 = 0;
let pathPointer: usize = 0;
let pathLength: u32 = 0;
let hostPointer: usize = 0;
let hostLength: u32 = 0;
/** The route that it matches by itself. */
let ownRoute: i32 = -1;
/** Its headers, while they are looked through. */
let asking: Exchange | null = null;
/** Number of overrides that the current request has asked for. */
let readings: u32 = 0;

/**
 * Whether a header asks for something that would match another route than `found`, or for too much to decide. The
 * lookup then has the reason for refusal. Otherwise it is restored.
 */
export function asksForAnother(index: RouteIndex, lookup: RequestLookup, exchange: Exchange, found: i32): bool {
  if (!exchange.mayHaveOneOf(index.namesHosts ? ALL_NAMES : NAMES_BUT_HOSTS)) return false;
  const path = lookup.path;
  const canonicalPointer = path.pointer;
  const canonicalLength = path.length;
  const canonicalEnd = path.end;
  const rewritten = path.rewritten;
  methodPointer = lookup.methodPointer;
  methodLength = lookup.methodLength;
  pathPointer = lookup.pathPointer;
  pathLength = lookup.pathLength;
  hostPointer = lookup.hostPointer;
  hostLength = lookup.hostLength;
  ownRoute = found;
  readings = 0;
  const other = hasUnclearPrefix(exchange, lookup) || anyFrom(Override.Path, index, lookup, exchange);
  path.pointer = canonicalPointer;
  path.length = canonicalLength;
  path.end = canonicalEnd;
  path.rewritten = rewritten;
  return other;
}

/**
 * Whether prefixes leave open which path a server sees: several headers that name one, or one of WSGI's that stands
 * within the path, or beside escapes.
 */
function hasUnclearPrefix(exchange: Exchange, lookup: RequestLookup): bool {
  let headers = 0;
  for (let i = 0; i < PREFIXES.length; i++) {
    const name = unchecked(PREFIXES[i]);
    for (let line: u32 = 0; findLine(exchange, name, line); line++) {
      if (line == 0 && ++headers > 1) return refuseUnread(lookup);
      if (i < FORWARDED_PREFIX && standsWithin(exchange.valuePointer, exchange.valueLength))
        return refuseUnread(lookup);
    }
  }
  return false;
}

/** Whether a prefix stands in the path but not only at its front, or the path has an escape that it could mean. */
function standsWithin(prefix: usize, length: u32): bool {
  const end = pathPointer + pathLength;
  for (let at = pathPointer; at < end && load<u8>(at) != QUESTION_MARK; at++) {
    if (length != 0 && load<u8>(at) == PERCENT) return true;
    if (at != pathPointer && length != 0 && at + length <= end && equalBytes(at, prefix, length)) return true;
  }
  return false;
}

/** Whether a header of `kind`, or of those behind it, asks for another route, beside what has been changed already. */
function anyFrom(kind: Override, index: RouteIndex, lookup: RequestLookup, exchange: Exchange): bool {
  asking = exchange;
  if (kind <= Override.Path && anyOf(PATHS, Override.Path, index, lookup, exchange)) return true;
  if (kind <= Override.Prefix && anyOf(PREFIXES, Override.Prefix, index, lookup, exchange)) return true;
  if (kind <= Override.Method && index.namesMethods && anyOf(METHODS, Override.Method, index, lookup, exchange))
    return true;
  return index.namesHosts && anyOf(HOSTS, Override.Host, index, lookup, exchange);
}

/** Whether the request, changed by a header of `kind`, would match another route, by itself or with those behind it. */
function isOtherWith(kind: Override, index: RouteIndex, lookup: RequestLookup): bool {
  const formerPath = pathPointer;
  const formerPathLength = pathLength;
  const formerMethod = methodPointer;
  const formerMethodLength = methodLength;
  const changedPath = lookup.pathPointer;
  const changedPathLength = lookup.pathLength;
  const changedMethod = lookup.methodPointer;
  const changedMethodLength = lookup.methodLength;
  if (isOther(index, lookup)) return true;
  const exchange = asking;
  if (exchange == null) return false;
  pathPointer = changedPath;
  pathLength = changedPathLength;
  methodPointer = changedMethod;
  methodLength = changedMethodLength;
  restore(lookup);
  const other = anyFrom(<Override>(kind + 1), index, lookup, exchange);
  pathPointer = formerPath;
  pathLength = formerPathLength;
  methodPointer = formerMethod;
  methodLength = formerMethodLength;
  if (!other) restore(lookup);
  return other;
}

function anyOf(
  names: StaticArray<Bytes>,
  kind: Override,
  index: RouteIndex,
  lookup: RequestLookup,
  exchange: Exchange,
): bool {
  for (let i = 0; i < names.length; i++) {
    const name = unchecked(names[i]);
    // The index looks up headers too, so the position among the lines is searched again for each.
    for (let line: u32 = 0; findLine(exchange, name, line); line++) {
      if (readValue(exchange.valuePointer, exchange.valueLength, kind, index, lookup)) return true;
    }
  }
  return false;
}

function findLine(exchange: Exchange, name: Bytes, line: u32): bool {
  let there = exchange.headerSpelling(name.pointer, name.length, false);
  for (let i: u32 = 0; i < line && there; i++) there = exchange.headerSpelling(name.pointer, name.length, true);
  return there;
}

/** Reads a value as a whole (a path may contain commas, a host may not), and each element if it is a list. */
function readValue(value: usize, length: u32, kind: Override, index: RouteIndex, lookup: RequestLookup): bool {
  const end = value + length;
  if (kind != Override.Host && readElement(value, end, kind, index, lookup)) return true;
  let from = value;
  for (let at = value; at <= end; at++) {
    if (at != end && load<u8>(at) != COMMA) continue;
    if ((kind == Override.Host || from != value || at != end) && readElement(from, at, kind, index, lookup))
      return true;
    from = at + 1;
  }
  return false;
}

function readElement(from: usize, end: usize, kind: Override, index: RouteIndex, lookup: RequestLookup): bool {
  while (from < end && load<u8>(from) <= 32) from++;
  while (end > from && load<u8>(end - 1) <= 32) end--;
  if (from == end) return false;
  if (kind == Override.Method) {
    if (end - from == methodLength && equalIgnoreCase(from, methodPointer, methodLength)) return false;
    lookup.methodPointer = from;
    lookup.methodLength = <u32>(end - from);
    return isOtherWith(kind, index, lookup);
  }
  if (kind == Override.Host) return readHosts(from, end, index, lookup);
  if (kind == Override.Prefix) return readBehind(from, <u32>(end - from), index, lookup);
  const inUrl = behindAuthority(from, end);
  if (inUrl != 0 && readPath(inUrl, end, kind, index, lookup)) return true;
  return (inUrl == 0 || load<u8>(from) == SLASH) && readPath(from, end, kind, index, lookup);
}

/** Reads the rest of the path after a removed prefix. Servers add a missing slash before it. */
function readBehind(prefix: usize, length: u32, index: RouteIndex, lookup: RequestLookup): bool {
  if (length > pathLength || !equalBytes(pathPointer, prefix, length)) return false;
  const rest = pathPointer + length;
  const restLength = pathLength - length;
  if (restLength != 0 && load<u8>(rest) == SLASH)
    return readPath(rest, rest + restLength, Override.Prefix, index, lookup);
  const text = scratch.allocate(restLength + 1);
  if (text == 0) return refuseUnread(lookup);
  store<u8>(text, SLASH);
  memory.copy(text + 1, rest, restLength);
  return readPath(text, text + 1 + restLength, Override.Prefix, index, lookup);
}

function refuseUnread(lookup: RequestLookup): bool {
  lookup.refuse(ErrorId.FIM_RT_0045, -1);
  return true;
}

function readPath(from: usize, end: usize, kind: Override, index: RouteIndex, lookup: RequestLookup): bool {
  lookup.pathPointer = from;
  lookup.pathLength = <u32>(end - from);
  return isOtherWith(kind, index, lookup);
}

/**
 * Start of the path in `scheme://authority/…` or `//authority/…` (`end`: it has none). 0 if the text has no authority.
 */
function behindAuthority(from: usize, end: usize): usize {
  let at = from;
  while (at < end && load<u8>(at) != COLON && load<u8>(at) != SLASH) at++;
  if (at < end && load<u8>(at) == COLON) at++;
  else if (at != from) return 0;
  if (at + 2 > end || load<u8>(at) != SLASH || load<u8>(at, 1) != SLASH) return 0;
  at += 2;
  while (at < end && load<u8>(at) != SLASH) at++;
  return at;
}

/** Reads a host, and that of each `host=` in an element of RFC 7239. */
function readHosts(from: usize, end: usize, index: RouteIndex, lookup: RequestLookup): bool {
  let named = false;
  for (let at = from; at + HOST_PARAMETER.length <= end; at++) {
    if (!equalIgnoreCase(at, HOST_PARAMETER.pointer, HOST_PARAMETER.length)) continue;
    named = true;
    let begin = at + HOST_PARAMETER.length;
    let stop = begin;
    while (stop < end && load<u8>(stop) != SEMICOLON) stop++;
    while (begin < stop && (load<u8>(begin) == QUOTE || load<u8>(begin) <= 32)) begin++;
    while (stop > begin && (load<u8>(stop - 1) == QUOTE || load<u8>(stop - 1) <= 32)) stop--;
    if (readHost(begin, stop, index, lookup)) return true;
  }
  // Other parameters of RFC 7239 are no hosts.
  for (let at = from; at < end && !named; at++) named = load<u8>(at) == Ascii.Equals;
  return !named && readHost(from, end, index, lookup);
}

function readHost(from: usize, end: usize, index: RouteIndex, lookup: RequestLookup): bool {
  const length = <u32>(end - from);
  if (length == hostLength && equalIgnoreCase(from, hostPointer, length)) return false;
  lookup.hostPointer = from;
  lookup.hostLength = length;
  return isOther(index, lookup);
}

/**
 * Whether the request, changed as a header asks, would match another route than its own, or has no determinable host.
 * The lookup is restored to the request.
 */
function isOther(index: RouteIndex, lookup: RequestLookup): bool {
  const more = ++readings > MAX_OVERRIDE_READINGS;
  const other = more ? -1 : index.find(lookup);
  const concerned = other >= 0 ? other : lookup.concerned;
  const unclear = more || lookup.error == ErrorId.FIM_RT_0043;
  const differs = unclear || (concerned >= 0 && concerned != ownRoute);
  restore(lookup);
  if (differs) lookup.refuse(ErrorId.FIM_RT_0045, unclear ? -1 : concerned);
  return differs;
}

/** Sets the lookup to the request as it is at hand. */
function restore(lookup: RequestLookup): void {
  lookup.begin();
  lookup.methodPointer = methodPointer;
  lookup.methodLength = methodLength;
  lookup.pathPointer = pathPointer;
  lookup.pathLength = pathLength;
  lookup.hostPointer = hostPointer;
  lookup.hostLength = hostLength;
}
