// Tells what a route has of the platform's baselines, in words for statuses and terminals; and the route of those
// requests that have none.
import { mayReach, namedNamespaces, type BaselinePart } from './baseline.ts';
import type { LoadResult } from './load.ts';
import { baselineRoute } from './merge.ts';
import { NO_ORIGINS } from './origin.ts';
import type { RouteResource } from './resource.ts';
import { issueAt, type RouteIssue } from './route-error.ts';

/** One section of a route that is a baseline's. */
export interface InheritedSection {
  section: string;
  baseline: string;
  part: BaselinePart;
  /** Whether the route has one of its own, which does not count. */
  replaces: boolean;
}

/** Sections that are baselines', by name. */
export function inheritedOf({ origins = NO_ORIGINS }: Pick<RouteResource, 'origins'>): InheritedSection[] {
  return [...origins]
    .map(([section, { baseline, part, replaces }]) => ({ section, baseline: baseline.name, part, replaces }))
    .sort((a, b) => (a.section < b.section ? -1 : 1));
}

/** `validation, rateLimit of FinancialBaseline bank instead of the route's own`. */
export function inheritedText(sections: readonly InheritedSection[]): string {
  const groups = Map.groupBy(sections, ({ baseline, replaces }) => JSON.stringify([baseline, replaces]));
  return [...groups.values()]
    .map(
      (group) =>
        `${group.map(({ section }) => section).join(', ')} of FinancialBaseline ${group[0]?.baseline}${group[0]?.replaces ? " instead of the route's own" : ''}`,
    )
    .join('; ');
}

/** Sections of each route that are baselines', by the route's name. Routes without any are not among them. */
export function inheritedByRoute(resources: readonly RouteResource[]): Record<string, InheritedSection[]> {
  return Object.fromEntries(
    resources
      .map((resource): [string, InheritedSection[]] => [resource.key, inheritedOf(resource)])
      .filter(([, sections]) => sections.length > 0),
  );
}

/** Namespace of resources in files that name none. */
const FILE_NAMESPACE = 'default';

/**
 * The routes for requests without one, of each namespace of a mesh that the files know: one that a route is in or that
 * a baseline names. Their errors go to `errors`.
 */
export function routesOfNamespaces({ resources, baselines }: LoadResult, errors: RouteIssue[]): RouteResource[] {
  const namespaces = new Set([...resources.map(({ namespace }) => namespace), ...baselines.flatMap(namedNamespaces)]);
  return [...namespaces].sort().flatMap((namespace) => {
    const reaching = baselines.filter((baseline) => mayReach(baseline, namespace));
    return baselineRoute(namespace, reaching, errors) ?? [];
  });
}

/**
 * The routes of files for the one Envoy of standalone mode: those that are written, and one for requests without a
 * route, with the overrides of the baselines that reach a namespace of the files. Its errors go to `errors`.
 */
export function routesOfFiles(
  { resources, baselines }: LoadResult,
  errors: RouteIssue[],
  warnings: RouteIssue[],
): RouteResource[] {
  const namespaces = new Set([FILE_NAMESPACE, ...resources.map(({ namespace }) => namespace)]);
  const isMet = new Map(
    baselines.map((baseline) => [baseline, [...namespaces].some((name) => mayReach(baseline, name))]),
  );
  for (const [{ source }, met] of isMet)
    if (!met)
      warnings.push(issueAt(source, 'FIM-CFG-1063', ['spec', 'namespaces'], 'it reaches no namespace of these files'));
  const rest = baselineRoute(
    FILE_NAMESPACE,
    baselines.filter((baseline) => isMet.get(baseline)),
    errors,
  );
  return rest === undefined ? resources : [...resources, rest];
}
