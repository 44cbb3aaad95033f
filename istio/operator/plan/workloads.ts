// Groups routes into workloads. Proxies that match several selections get one configuration with all their routes. Each
// set of selections that a pod matches has a workload of its own, whose filter replaces those of the wider ones. So no
// proxy runs two filters, and unused combinations are not made.
import type { RouteResource } from '../../../envoy/route/index.ts';
import { classesOf, WorkloadSets } from './workload-sets.ts';
import {
  isNarrower,
  selectionKey,
  workloadName,
  type Selection,
  type TargetFacts,
  type TargetProblem,
} from './selection.ts';
import { selectionsOf, type Place, type PlacedSpec } from './targets.ts';

/** Part of a route that decides its workloads. */
export interface RouteHead extends Pick<RouteResource, 'key' | 'created'> {
  /** Its match only where what it concerns depends on its targets. */
  spec: PlacedSpec;
  /** Size of its compiled form in a workload's object, bytes. Absent: not counted. */
  bytes?: number;
}

/** Proxies of one namespace that run one configuration. */
export interface Workload {
  namespace: string;
  /** Unique in the namespace. */
  name: string;
  selection: Selection;
  /** Sorted by age, then name. */
  routes: RouteHead[];
  /** Workloads with more proxies, whose filters this one replaces. */
  wider: string[];
  /** Selections of workloads with fewer proxies. Those workloads probe these proxies. */
  narrower: Selection[];
  /** Whether its filter stays while no route concerns it. */
  standing: boolean;
}

export interface Grouping {
  workloads: Map<string, Workload>;
  /** By the route's key. */
  problems: Map<string, TargetProblem[]>;
  /** Its targets, by the route's key; of one that names none, nothing. */
  places: Map<string, Place[]>;
  /** Names of a route's workloads, by its key. */
  workloadsOf: Map<string, string[]>;
  /** Routes that find no room: the limit of the namespace that they would exceed, by key. */
  overflow: Map<string, string>;
  /** Routes near a limit: the limit by key. */
  near: Map<string, string>;
  /** Whether a pod with these labels has its workload already. */
  isSeen: (labels: Record<string, string>, facts: TargetFacts) => boolean;
}

interface Member {
  route: RouteHead;
  /** Keys of its selections. */
  keys: string[];
}

export function byAge(a: Pick<RouteHead, 'key' | 'created'>, b: Pick<RouteHead, 'key' | 'created'>): number {
  if (a.created !== b.created) return a.created - b.created;
  return a.key < b.key ? -1 : 1;
}

/**
 * Groups the routes of one namespace whose pods are in `facts`. `held`: selections that keep a workload whatever the
 * routes say. `standing`: selections whose filter stands without routes.
 */
export function groupRoutes(
  namespace: string,
  routes: readonly RouteHead[],
  facts: TargetFacts,
  held: readonly Selection[] = [],
  standing: readonly Selection[] = [],
): Grouping {
  const kept = [...standing, ...held];
  const problems = new Map<string, TargetProblem[]>();
  const overflow = new Map<string, string>();
  const near = new Map<string, string>();
  const placed = routes.toSorted(byAge).map((route) => ({ route, ...selectionsOf(route, facts) }));
  const classes = classesOf([...kept, ...placed.flatMap(({ selections }) => selections)], facts);
  const sets = new WorkloadSets(classes.all);
  for (const selection of kept) sets.add([selection], 0);
  const members: Member[] = [];
  const places = new Map<string, Place[]>();
  for (const { route, selections, problems: found, places: own } of placed) {
    if (found.length > 0) problems.set(route.key, found);
    if (own.length > 0) places.set(route.key, own);
    const entries = Math.max(1, ...own.map(({ matches }) => matches?.length ?? 1));
    const { over, close } = sets.add(selections, (route.bytes ?? 0) * entries);
    if (over !== undefined) overflow.set(route.key, over);
    else members.push({ route, keys: selections.map(selectionKey) });
    if (over === undefined && close !== undefined) near.set(route.key, close);
  }
  const { workloads, workloadsOf } = workloadsFrom(namespace, sets, members, standing);
  return { workloads, problems, places, workloadsOf, overflow, near, isSeen: classes.isSeen };
}

function workloadsFrom(
  namespace: string,
  sets: WorkloadSets,
  members: readonly Member[],
  standing: readonly Selection[],
): Pick<Grouping, 'workloads' | 'workloadsOf'> {
  const workloads = new Map<string, Workload>();
  const workloadsOf = new Map<string, string[]>();
  const all = [...sets.selections()];
  for (const [key, selection] of all) {
    const name = workloadName(selection);
    const wide = all.filter(([, other]) => isNarrower(selection, other));
    const covering = new Set([key, ...wide.map(([other]) => other)]);
    const own = members.filter(({ keys }) => keys.some((one) => covering.has(one))).map(({ route }) => route);
    for (const route of own) workloadsOf.set(route.key, [...(workloadsOf.get(route.key) ?? []), name]);
    const narrower = all.filter(([, other]) => isNarrower(other, selection)).map(([, other]) => other);
    const isStanding = standing.some((one) => selectionKey(one) === key || isNarrower(selection, one));
    workloads.set(name, {
      namespace,
      name,
      selection,
      routes: own,
      wider: wide.map(([, other]) => workloadName(other)).sort(),
      narrower,
      standing: isStanding,
    });
  }
  return { workloads, workloadsOf };
}
