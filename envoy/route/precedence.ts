// Orders routes by precedence and finds conflicts. As in the Gateway API, the most specific host counts first, then
// path, method and number of headers. Equal matches are ordered by age, then namespace and name.
import { canonicalPath } from './canonical-path.ts';
import type { HeaderMatch, PathMatch, RouteMatch } from './financial-route.gen.ts';
import type { RouteResource } from './resource.ts';

/** A resource, or the part of it whose hosts are equally specific. */
export interface Candidate {
  resource: RouteResource;
  /** Empty: all hosts. */
  hosts: string[];
  match: RouteMatch;
}

/** A resource that lost all (`partial: false`) or some of its matches to another. */
export interface Conflict {
  loser: RouteResource;
  winner: RouteResource;
  partial: boolean;
}

/** 0: all hosts. Wildcards rank by length, exact names above all. */
function hostRank(host: string): number {
  if (host === '*') return 0;
  return host.startsWith('*.') ? host.length : 1000;
}

/** Path as the route index compares it: canonical, `/` as prefix if absent, no slash at the end of a prefix. */
function normalPath(path: PathMatch | undefined): Required<PathMatch> {
  if (path === undefined) return { type: 'Prefix', value: '/' };
  const type = path.type ?? 'Prefix';
  if (type === 'Pattern') return { type, value: path.value };
  const value = canonicalPath(path.value) ?? path.value;
  return { type, value: type === 'Prefix' && value.length > 1 ? value.replace(/\/$/, '') : value };
}

const PATH_RANK = { Exact: 2, Pattern: 1, Prefix: 0 } as const;

function headerKey(header: HeaderMatch): string {
  return JSON.stringify([header.name.toLowerCase(), header.type ?? 'Exact', header.value ?? '']);
}

function candidatesOf(resource: RouteResource): Candidate[] {
  return (resource.matches ?? [resource.spec.match ?? {}]).flatMap((match) => {
    const normal: RouteMatch = { ...match, path: normalPath(match.path) };
    const groups = Map.groupBy(match.hosts ?? ['*'], hostRank);
    return [...groups]
      .sort(([a], [b]) => b - a)
      .map(([rank, hosts]) => ({ resource, hosts: rank === 0 ? [] : hosts.toSorted(), match: normal }));
  });
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareAge(a: RouteResource, b: RouteResource): number {
  return a.created === b.created ? compareText(a.key, b.key) : a.created - b.created;
}

/** GET includes HEAD, so a route that names HEAD goes first. */
function namesHead(match: RouteMatch): number {
  return Number(match.methods?.includes('HEAD') ?? false);
}

function compare(a: Candidate, b: Candidate): number {
  const pathA = normalPath(a.match.path);
  const pathB = normalPath(b.match.path);
  return (
    hostRank(b.hosts[0] ?? '*') - hostRank(a.hosts[0] ?? '*') ||
    PATH_RANK[pathB.type] - PATH_RANK[pathA.type] ||
    pathB.value.length - pathA.value.length ||
    Number(b.match.methods !== undefined) - Number(a.match.methods !== undefined) ||
    (b.match.headers?.length ?? 0) - (a.match.headers?.length ?? 0) ||
    namesHead(b.match) - namesHead(a.match) ||
    Number(a.resource.yields ?? false) - Number(b.resource.yields ?? false) ||
    compareAge(a.resource, b.resource)
  );
}

/**
 * Everything that a candidate matches, as texts. Two candidates share a text only if they match the same requests with
 * the same precedence.
 */
function atoms({ hosts, match }: Candidate): string[] {
  const headers = (match.headers ?? []).map(headerKey).sort();
  // A path that differs from a prefix only in case is a conflict where both would match. The later prefix would match
  // nothing.
  const path = match.path?.type === 'Prefix' ? { ...match.path, value: match.path.value.toLowerCase() } : match.path;
  return (hosts.length === 0 ? ['*'] : hosts).flatMap((host) =>
    (match.methods ?? ['*']).map((method) => JSON.stringify([host, path, method, headers])),
  );
}

function conflictsOf(ordered: readonly Candidate[]): Conflict[] {
  const owners = new Map<string, RouteResource>();
  const kept = new Set<RouteResource>();
  const lost = new Map<RouteResource, RouteResource>();
  for (const candidate of ordered) {
    for (const atom of atoms(candidate)) {
      const owner = owners.get(atom);
      if (owner === undefined || owner === candidate.resource) {
        owners.set(atom, candidate.resource);
        kept.add(candidate.resource);
      } else if (!lost.has(candidate.resource)) lost.set(candidate.resource, owner);
    }
  }
  return [...lost]
    .map(([loser, winner]) => ({ loser, winner, partial: kept.has(loser) }))
    .sort((a, b) => compareText(a.loser.key, b.loser.key));
}

/**
 * Candidates in order of precedence, without resources that lost everything. Also the conflicts, by the loser's name.
 */
export function orderRoutes(resources: readonly RouteResource[]): { candidates: Candidate[]; conflicts: Conflict[] } {
  const ordered = resources.flatMap(candidatesOf).sort(compare);
  const conflicts = conflictsOf(ordered);
  const dropped = new Set(conflicts.filter((conflict) => !conflict.partial).map((conflict) => conflict.loser));
  return { candidates: ordered.filter((candidate) => !dropped.has(candidate.resource)), conflicts };
}
