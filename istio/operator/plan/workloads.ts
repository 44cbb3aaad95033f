// Routes → workloads. Proxies that several selections meet get one configuration of all their routes: for every union of selections there is a workload of its own,
// whose filter takes the place of those of the wider ones. So no proxy ever runs two, whichever pods there are or will be.
import type { RouteResource } from '../../../envoy/route/index.ts';
import { MAX_NAMESPACE_WORKLOADS } from '../../limits.ts';
import { isNarrower, selectionKey, selectionsOf, unionOf, workloadName, type Selection, type TargetFacts, type TargetProblem } from './selection.ts';

/** Proxies of one namespace that run one configuration. */
export interface Workload {
  namespace: string;
  /** Unique in the namespace. */
  name: string;
  selection: Selection;
  /** By age, then name. */
  routes: RouteResource[];
  /** Workloads with more proxies, whose filters this one takes the place of. */
  wider: string[];
  /** Workloads with fewer proxies, which are not this one's to ask. */
  narrower: Selection[];
}

export interface Grouping {
  workloads: Map<string, Workload>;
  /** By the route's key. */
  problems: Map<string, TargetProblem[]>;
  /** Names of the workloads of a route, by its key. */
  workloadsOf: Map<string, string[]>;
  /** Routes whose selection would make too many workloads. */
  overflow: Set<string>;
}

function byAge(a: RouteResource, b: RouteResource): number {
  if (a.created !== b.created) return a.created - b.created;
  return a.key < b.key ? -1 : 1;
}

/** Adds a selection and its unions with those that are there; false, and nothing is added, if that makes too many. */
function addSelection(all: Map<string, Selection>, selection: Selection): boolean {
  const fresh = new Map<string, Selection>([[selectionKey(selection), selection]]);
  for (const other of all.values()) {
    const union = unionOf(selection, other);
    if (union !== undefined) fresh.set(selectionKey(union), union);
    if (all.size + fresh.size > 2 * MAX_NAMESPACE_WORKLOADS) return false;
  }
  const added = [...fresh].filter(([key]) => !all.has(key));
  if (all.size + added.length > MAX_NAMESPACE_WORKLOADS) return false;
  for (const [key, union] of added) all.set(key, union);
  return true;
}

/** Groups the routes of one namespace. `kept`: selections that have a workload whatever the routes say. */
export function groupRoutes(namespace: string, routes: readonly RouteResource[], facts: TargetFacts, kept: readonly Selection[] = []): Grouping {
  const selections = new Map<string, Selection>();
  const problems = new Map<string, TargetProblem[]>();
  const workloadsOf = new Map<string, string[]>();
  const overflow = new Set<string>();
  const members: { route: RouteResource; selections: Selection[] }[] = [];
  for (const selection of kept) addSelection(selections, selection);
  for (const route of routes.toSorted(byAge)) {
    const found = selectionsOf(route, facts);
    if (found.problems.length > 0) problems.set(route.key, found.problems);
    if (found.selections.every((selection) => selections.has(selectionKey(selection)) || addSelection(selections, selection))) members.push({ route, selections: found.selections });
    else overflow.add(route.key);
  }
  const workloads = new Map<string, Workload>();
  const all = [...selections.values()];
  for (const selection of all) {
    const name = workloadName(selection);
    const covers = (wide: Selection): boolean => selectionKey(wide) === selectionKey(selection) || isNarrower(selection, wide);
    const own = members.filter((member) => member.selections.some(covers)).map((member) => member.route);
    for (const route of own) workloadsOf.set(route.key, [...(workloadsOf.get(route.key) ?? []), name]);
    const wider = all.filter((other) => isNarrower(selection, other)).map(workloadName).sort();
    workloads.set(name, { namespace, name, selection, routes: own, wider, narrower: all.filter((other) => isNarrower(other, selection)) });
  }
  return { workloads, problems, workloadsOf, overflow };
}
