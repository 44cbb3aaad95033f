export abstract class RequestLookup {
  hostPointer: usize = 0; hostLength: u32 = 0; pathPointer: usize = 0; pathLength: u32 = 0; methodPointer: usize = 0; methodLength: u32 = 0;
  valuePointer: usize = 0; valueLength: u32 = 0;
  abstract header(name: usize, nameLength: u32): bool;
}
export class RouteIndex { find(lookup: RequestLookup): i32 { return 0; } }
export class RouteIndexBuilder { build(): RouteIndex { return new RouteIndex(); } }
