// Test module: the route index with a door for Node. Compiled to build/test; not part of any filter.
import '../../filters/runtime/abort';
import { Bytes } from '../../filters/memory/bytes';
import { scratch } from '../../filters/memory/scratch';
import { RequestLookup } from '../../filters/match/request-lookup';
import { HeaderKind, PathKind } from '../../filters/match/route-candidate';
import { RouteIndex } from '../../filters/match/route-index';
import { RouteIndexBuilder } from '../../filters/match/route-index-builder';
import { input } from './door.module';

export { room } from './door.module';

let builder = new RouteIndexBuilder();
let index: RouteIndex | null = null;

/** Headers of the request at hand. */
class Table extends RequestLookup {
  names: Bytes[] = [];
  values: Bytes[] = [];

  private at: i32 = -1;

  header(name: usize, nameLength: u32): bool {
    for (let i = 0; i < this.names.length; i++) if (this.names[i].equals(name, nameLength)) return this.turnTo(i);
    return false;
  }

  headerAgain(): bool {
    const name = this.names[this.at];
    for (let i = this.at + 1; i < this.names.length; i++)
      if (this.names[i].equals(name.pointer, name.length)) return this.turnTo(i);
    return false;
  }

  private turnTo(i: i32): bool {
    this.at = i;
    this.valuePointer = this.values[i].pointer;
    this.valueLength = this.values[i].length;
    return true;
  }
}

const request = new Table();
let host = Bytes.EMPTY;
let path = Bytes.EMPTY;
let method = Bytes.EMPTY;
let name = Bytes.EMPTY;

function take(length: u32): Bytes {
  return Bytes.copy(input, length);
}

export function start(): void {
  builder = new RouteIndexBuilder();
}
export function beginRoute(): void {
  builder.begin();
}
export function routeHost(length: u32): u32 {
  return builder.host(take(length));
}
export function routeMethod(length: u32): void {
  builder.method(take(length));
}
export function routePath(kind: u32, length: u32): u32 {
  return builder.path(<PathKind>kind, take(length));
}
export function headerName(length: u32): void {
  name = take(length);
}
export function routeHeader(kind: u32, length: u32): u32 {
  return builder.header(<HeaderKind>kind, name, take(length));
}
export function endRoute(): u32 {
  return builder.end();
}
export function build(): void {
  index = builder.build();
}

export function beginRequest(): void {
  request.names = [];
  request.values = [];
}
export function requestHost(length: u32): void {
  host = take(length);
  request.hostPointer = host.pointer;
  request.hostLength = length;
}
export function requestPath(length: u32): void {
  path = take(length);
  request.pathPointer = path.pointer;
  request.pathLength = length;
}
export function requestMethod(length: u32): void {
  method = take(length);
  request.methodPointer = method.pointer;
  request.methodLength = length;
}
export function requestHeader(length: u32): void {
  request.names.push(name);
  request.values.push(take(length));
}
/** Number of the route; -1: none; otherwise -1 less the number of the error. */
export function find(): i32 {
  scratch.reset();
  request.methodPointer = method.pointer;
  const found = index!.find(request);
  return request.error == 0 ? found : -1 - <i32>request.error;
}
export function findMany(times: i32): i32 {
  let last = 0;
  for (let i = 0; i < times; i++) {
    scratch.reset();
    last = index!.find(request);
  }
  return last;
}
export function collect(): void {
  __collect();
}
