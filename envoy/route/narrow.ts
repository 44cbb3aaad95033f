// Intersection of a route with what its target serves: hosts, path, methods and headers of both.
import { canonicalPath } from './canonical-path.ts';
import type { HeaderMatch, PathMatch, RouteMatch } from './financial-route.gen.ts';

/** Part of a match that both ask for. */
interface Both<T> {
  /** Undefined: no request meets both. */
  match: T | undefined;
  /** Both cannot be said in one; `match` is the wider. */
  isWide: boolean;
}

/** The hosts that both patterns name; undefined if there are none. A wildcard stands for one or more labels. */
function hostOfBoth(a: string, b: string): string | undefined {
  const covers = (wide: string, narrow: string): boolean =>
    wide === '*' || wide === narrow || (wide.startsWith('*.') && narrow.endsWith(wide.slice(1)));
  return covers(a, b) ? b : covers(b, a) ? a : undefined;
}

/** Hosts of two lists, of which an absent one names all; undefined: all; empty: none. */
export function hostsOfBoth(a: readonly string[] | undefined, b: readonly string[] | undefined): string[] | undefined {
  if (a === undefined || b === undefined) return (a ?? b)?.slice();
  const found = a.flatMap((one) => b.flatMap((other) => hostOfBoth(one, other) ?? []));
  return found.includes('*') ? ['*'] : [...new Set(found)];
}

/** Whether a canonical path is the prefix, or below it. */
function isBelow(path: string, prefix: string): boolean {
  const stem = prefix.replace(/\/$/, '');
  return path === stem || path.startsWith(`${stem}/`) || path === prefix;
}

function pathOfBoth(
  own: PathMatch | undefined,
  target: PathMatch | undefined,
): Both<PathMatch | undefined> & {
  isNone: boolean;
} {
  const say = (match: PathMatch | undefined, isWide = false): ReturnType<typeof pathOfBoth> => ({
    match,
    isWide,
    isNone: false,
  });
  const none = { match: undefined, isWide: false, isNone: true };
  const kind = (path: PathMatch): string => path.type ?? 'Prefix';
  const isAll = (path: PathMatch | undefined): boolean =>
    path === undefined || (kind(path) === 'Prefix' && path.value === '/');
  if (isAll(target)) return say(own);
  if (isAll(own)) return say(target);
  const [a, b] = [own!, target!];
  if (kind(a) === 'Pattern' || kind(b) === 'Pattern') return say(a, !(kind(a) === kind(b) && a.value === b.value));
  const [pathA, pathB] = [canonicalPath(a.value) ?? a.value, canonicalPath(b.value) ?? b.value];
  if (kind(a) === 'Exact' && kind(b) === 'Exact') return pathA === pathB ? say(a) : none;
  if (kind(b) === 'Prefix' && isBelow(pathA, pathB)) return say(a);
  if (kind(a) === 'Prefix' && isBelow(pathB, pathA)) return say(b);
  return none;
}

function headersOfBoth(own: readonly HeaderMatch[], target: readonly HeaderMatch[]): Both<HeaderMatch[]> {
  const result = [...own];
  let isWide = false;
  for (const header of target) {
    const same = own.find(({ name }) => name.toLowerCase() === header.name.toLowerCase());
    if (same === undefined) result.push(header);
    else if (same.type === 'Present') result[own.indexOf(same)] = header;
    else if (same.value !== header.value || (same.type ?? 'Exact') !== (header.type ?? 'Exact')) {
      if ((same.type ?? 'Exact') === 'Exact' && (header.type ?? 'Exact') === 'Exact')
        return { match: undefined, isWide: false };
      isWide = true;
    }
  }
  return { match: result, isWide };
}

/**
 * Requests of `own` among those of `target`. Undefined: none. `isWide`: two patterns cannot be combined, and `own` is
 * used alone.
 */
export function narrowMatch(own: RouteMatch, target: RouteMatch): { match: RouteMatch; isWide: boolean } | undefined {
  const hosts = hostsOfBoth(own.hosts, target.hosts);
  const methods =
    own.methods === undefined || target.methods === undefined
      ? (own.methods ?? target.methods)
      : own.methods.filter((method) => target.methods?.includes(method));
  const path = pathOfBoth(own.path, target.path);
  const headers = headersOfBoth(own.headers ?? [], target.headers ?? []);
  if (hosts?.length === 0 || methods?.length === 0 || path.isNone || headers.match === undefined) return undefined;
  const match: RouteMatch = {
    ...(hosts === undefined ? {} : { hosts }),
    ...(methods === undefined ? {} : { methods }),
    ...(path.match === undefined ? {} : { path: path.match }),
    ...(headers.match.length === 0 ? {} : { headers: headers.match }),
  };
  return { match, isWide: path.isWide || headers.isWide };
}
