// Finds the route of a request. Its identity is judged here once, before anything else reads it (see match/README.md).
import { scratch } from '../memory/scratch';
import { RequestLookup } from '../match/request-lookup';
import { isUtf8 } from '../message/utf8';
import { Configuration } from './configuration';
import { ErrorId } from '../errors.gen';
import { Exchange } from './exchange';
import { AUTHORITY, METHOD, PATH } from './names';
import { asksForAnother } from './request-override';

/** The current request as input of the route index. */
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

  /** Reads the route criteria from the headers. */
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
 * Number of the request's route in the configuration. -1 if it has none, or must be refused (`identityError`). The
 * headers have been fetched. A non-canonical path of a request with a route is replaced by its canonical form, so that
 * the judged path is the one that passes.
 */
export function findRoute(configuration: Configuration, exchange: Exchange): i32 {
  const index = configuration.index;
  lookup.readRequest(exchange);
  lookup.begin();
  if (!isUtf8(lookup.pathPointer, lookup.pathLength)) return lookup.refuse(ErrorId.FIM_RT_0009, -1);
  const found = index.find(lookup);
  if (lookup.error != 0) return -1;
  if (asksForAnother(configuration.index, lookup, exchange, found)) return -1;
  if (found >= 0 && lookup.path.rewritten) sendCanonicalPath(exchange);
  return found;
}

/** Reason to refuse the last request of `findRoute`. 0: none. */
export function identityError(): ErrorId {
  return lookup.error;
}

/**
 * Whether the refusal is only counted. If servers read a request in different ways, the routes that it would match
 * everywhere are unknown. It passes only if no route enforces anything.
 */
export function isObserved(configuration: Configuration): bool {
  const routes = configuration.routes;
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
