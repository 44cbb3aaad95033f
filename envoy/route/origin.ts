// Tells which parts of a merged route come from a baseline, and where they stand there.
import type { BaselinePart, BaselineResource } from './baseline.ts';
import { placeInPart } from './baseline.ts';
import type { Path } from './json-path.ts';
import type { RouteSource } from './source.ts';

/** Origin of one section of a merged route. */
export interface SectionOrigin {
  baseline: BaselineResource;
  part: BaselinePart;
  /** The baseline's text. What is wrong there is told of the route. */
  source: RouteSource;
  /** Whether the route has this section too, and it does not count. */
  replaces: boolean;
}

/** Sections that are not the route's own, by name; `body`, `tls` and `enforcement` are among the names. */
export type Origins = ReadonlyMap<string, SectionOrigin>;

export const NO_ORIGINS: Origins = new Map();

/** Resource in which a place of a merged route stands, and the place there. */
export function placeIn(
  { source, origins = NO_ORIGINS }: { source: RouteSource; origins?: Origins },
  path: Path,
): { source: RouteSource; path: Path } {
  const [, second, third] = path;
  const isInPart = second === 'overrides' || second === 'defaults';
  const origin = path[0] === 'spec' ? origins.get(String(isInPart ? third : second)) : undefined;
  return origin === undefined ? { source, path } : { source: origin.source, path: placeInPart(origin.part, path) };
}
