// From a request to its route: its identity is judged here, once, before anything else looks at it (see match/README.md).
import { Bytes, equalIgnoreCase } from '../memory/bytes';
import { scratch } from '../memory/scratch';
import { RequestLookup } from '../match/route-index';
import { isUtf8 } from '../message/utf8';
import { CompiledRoute, Configuration } from './configuration';
import { ErrorId } from '../errors.gen';
import { Exchange } from './exchange';
import { AUTHORITY, METHOD, PATH } from './names';

/** Headers by which some frameworks let a request ask for another method. */
const METHOD_OVERRIDES: StaticArray<Bytes> = [Bytes.from('x-http-method-override'), Bytes.from('x-method-override'), Bytes.from('x-http-method')];
/** The same for another path, or a URL with one. */
const PATH_OVERRIDES: StaticArray<Bytes> = [Bytes.from('x-original-url'), Bytes.from('x-rewrite-url')];
const SHORTEST_OVERRIDE: u32 = 13;
const LONGEST_OVERRIDE: u32 = 22;
const X: u8 = 120;
const SLASH: u8 = 47;
const SCHEME_END: u32 = 0x2f2f3a; // "://"

/** The request at hand, as the route index asks about it. */
class ExchangeLookup extends RequestLookup {
  exchange: Exchange | null = null;
  private name: usize = 0;
  private nameLength: u32 = 0;

  header(name: usize, nameLength: u32): bool {
    const exchange = this.exchange;
    if (exchange == null || !exchange.headerSpelling(name, nameLength, false)) return false;
    this.name = name;
    this.nameLength = nameLength;
    return this.take(exchange);
  }

  headerAgain(): bool {
    const exchange = this.exchange;
    return exchange != null && exchange.headerSpelling(this.name, this.nameLength, true) && this.take(exchange);
  }

  private take(exchange: Exchange): bool {
    this.valuePointer = exchange.valuePointer;
    this.valueLength = exchange.valueLength;
    this.spelt = exchange.spelt;
    return true;
  }

  /** Takes what routes are chosen by from the headers. */
  readRequest(exchange: Exchange): void {
    this.exchange = exchange;
    const host = exchange.header(AUTHORITY.pointer, AUTHORITY.length);
    this.hostPointer = host ? exchange.valuePointer : 0;
    this.hostLength = host ? exchange.valueLength : 0;
    const path = exchange.header(PATH.pointer, PATH.length);
    this.pathPointer = path ? exchange.valuePointer : 0;
    this.pathLength = path ? exchange.valueLength : 0;
    const method = exchange.header(METHOD.pointer, METHOD.length);
    this.methodPointer = method ? exchange.valuePointer : 0;
    this.methodLength = method ? exchange.valueLength : 0;
  }
}

const lookup: ExchangeLookup = new ExchangeLookup();

/**
 * Number of the request's route in the configuration; -1 if it has none, or is to be refused: `identityError` says why. The headers have been fetched. If the path
 * of a request that has a route is not in canonical form, it is replaced: what goes on is what was judged.
 */
export function findRoute(configuration: Configuration, exchange: Exchange): i32 {
  const index = configuration.index;
  lookup.readRequest(exchange);
  lookup.begin();
  if (!isUtf8(lookup.pathPointer, lookup.pathLength)) return lookup.refuse(ErrorId.FIM_RT_0009, -1);
  const found = index.find(lookup);
  if (lookup.error != 0) return -1;
  if (exchange.mayHave(X, SHORTEST_OVERRIDE, LONGEST_OVERRIDE) && asksForAnother(configuration, exchange, found)) return -1;
  if (found >= 0 && lookup.path.rewritten) sendCanonicalPath(exchange);
  return found;
}

/** Why the request that `findRoute` saw last is to be refused; 0: it is not. */
export function identityError(): ErrorId {
  return lookup.error;
}

/** Whether every route that the refused request could meet only observes; where none can be told, every route there is. */
export function isObserved(configuration: Configuration): bool {
  const routes = configuration.routes;
  if (lookup.concerned >= 0) {
    const also = lookup.alsoConcerned;
    return unchecked(routes[lookup.concerned]).onlyObserves && (also < 0 || unchecked(routes[also]).onlyObserves);
  }
  for (let i = 0; i < routes.length; i++) if (!unchecked(routes[i]).onlyObserves) return false;
  return true;
}

function sendCanonicalPath(exchange: Exchange): void {
  const path = lookup.path;
  const query = lookup.pathLength - path.end;
  const length = path.length + query;
  const whole = scratch.allocate(length);
  if (whole == 0) {
    lookup.refuse(ErrorId.FIM_RT_0006, -1);
    return;
  }
  memory.copy(whole, path.pointer, path.length);
  memory.copy(whole + path.length, lookup.pathPointer + path.end, query);
  exchange.setHeader(PATH.pointer, PATH.length, whole, length);
  exchange.fetchHeaders();
}

/** Whether a header asks for another method or path, and servers that obey it would give the request another route. */
function asksForAnother(configuration: Configuration, exchange: Exchange, found: i32): bool {
  const path = lookup.path;
  const pointer = path.pointer;
  const length = path.length;
  const end = path.end;
  const rewritten = path.rewritten;
  const arrived = lookup.pathPointer;
  const arrivedLength = lookup.pathLength;
  let other = false;
  for (let i = 0; i < METHOD_OVERRIDES.length && !other && configuration.index.namesMethods; i++) other = asksForMethod(configuration, exchange, METHOD_OVERRIDES[i], found);
  for (let i = 0; i < PATH_OVERRIDES.length && !other; i++) other = asksForPath(configuration, exchange, PATH_OVERRIDES[i], found);
  path.pointer = pointer;
  path.length = length;
  path.end = end;
  path.rewritten = rewritten;
  lookup.pathPointer = arrived;
  lookup.pathLength = arrivedLength;
  return other;
}

function asksForMethod(configuration: Configuration, exchange: Exchange, name: Bytes, found: i32): bool {
  if (!exchange.headerSpelling(name.pointer, name.length, false)) return false;
  const method = lookup.methodPointer;
  const length = lookup.methodLength;
  const asked = exchange.valuePointer;
  if (exchange.valueLength == length && equalIgnoreCase(asked, method, length)) return false;
  lookup.methodPointer = asked;
  lookup.methodLength = exchange.valueLength;
  const other = isOther(configuration, found);
  lookup.methodPointer = method;
  lookup.methodLength = length;
  return other;
}

function asksForPath(configuration: Configuration, exchange: Exchange, name: Bytes, found: i32): bool {
  if (!exchange.headerSpelling(name.pointer, name.length, false)) return false;
  let at = exchange.valuePointer;
  const end = at + exchange.valueLength;
  let inUrl = false;
  for (let p = at; p + 3 <= end && !inUrl; p++) {
    if ((load<u32>(p) & 0xffffff) != SCHEME_END) continue;
    inUrl = true;
    at = p + 3;
  }
  while (inUrl && at < end && load<u8>(at) != SLASH) at++;
  lookup.pathPointer = at;
  lookup.pathLength = <u32>(end - at);
  return isOther(configuration, found);
}

/** Whether the request, changed as a header asks, would meet a route other than `found`. */
function isOther(configuration: Configuration, found: i32): bool {
  const other = configuration.index.find(lookup);
  const concerned = other >= 0 ? other : lookup.concerned;
  const differs = concerned >= 0 && concerned != found;
  lookup.begin();
  if (differs) lookup.refuse(ErrorId.FIM_RT_0045, concerned, found);
  return differs;
}
