// Selections that have a workload: those that routes name, and the intersections of those that one pod matches.
// Enforces the namespace's limits.
import { MAX_NAMESPACE_OBJECT_BYTES, MAX_NAMESPACE_WORKLOADS, NEAR_BUDGET } from '../../limits.ts';
import {
  includes,
  isGateway,
  isNarrower,
  isWaypointPod,
  selectionKey,
  unionOf,
  type Lattice,
  type Selection,
  type TargetFacts,
} from './selection.ts';

/** Pods that match exactly the same selections. */
interface PodClass {
  lattice: Lattice;
  labels: Record<string, string>;
}

export interface PodClasses {
  all: PodClass[];
  isSeen: (labels: Record<string, string>, facts: TargetFacts) => boolean;
}

/** Groups the pods of a namespace by the selections that they match. */
export function classesOf(selections: readonly Selection[], facts: TargetFacts): PodClasses {
  const names = [
    ...new Set(selections.flatMap(({ lattice, terms }) => (lattice === 'waypoint' ? [] : Object.keys(terms)))),
  ].sort();
  const seen = new Map<string, PodClass>();
  const classOf = (
    labels: Record<string, string>,
    known: TargetFacts,
  ): { key: string; lattice: Lattice; labels: Record<string, string> } => {
    const lattice: Lattice = isWaypointPod(labels, known)
      ? 'waypoint'
      : isGateway(labels, known)
        ? 'gateway'
        : 'sidecar';
    const own = Object.fromEntries(names.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
    return { key: JSON.stringify([lattice, own]), lattice, labels: own };
  };
  for (const pod of facts.pods?.values() ?? []) {
    const { key, lattice, labels } = classOf(pod.metadata.labels ?? {}, facts);
    seen.set(key, { lattice, labels });
  }
  return { all: [...seen.values()], isSeen: (labels, known) => seen.has(classOf(labels, known).key) };
}

interface Entry {
  selection: Selection;
  /** Whether a route names the selection. */
  named: boolean;
  /** Number of pod classes for which this is the intersection of their selections. */
  pods: number;
  /** Size of its routes. */
  bytes: number;
}

interface State {
  entries: Map<string, Entry>;
  /** Current intersection for each class, by the index of the class. */
  unions: (string | undefined)[];
  /** Size of the routes that name a selection, by its key. */
  named: Map<string, number>;
}

function copyOf({ entries, unions, named }: State): State {
  return {
    entries: new Map([...entries].map(([key, entry]) => [key, { ...entry }])),
    unions: [...unions],
    named: new Map(named),
  };
}

export class WorkloadSets {
  private readonly classes: readonly PodClass[];
  private state: State = { entries: new Map(), unions: [], named: new Map() };
  /**
   * Entries that contain the routes of a set of selections, by the keys of the set. Valid until an entry is added or
   * removed.
   */
  private readonly having = new Map<string, Entry[]>();

  constructor(classes: readonly PodClass[]) {
    this.classes = classes;
  }

  /** Selections that have a workload, by their key. */
  selections(): Map<string, Selection> {
    return new Map([...this.state.entries].map(([key, { selection }]) => [key, selection]));
  }

  /**
   * Adds a route's selections, and its size to each of its workloads. `over`: the limit that this would exceed; nothing
   * was added. `close`: a limit that is nearly reached.
   */
  add(selections: readonly Selection[], bytes: number): { over?: string; close?: string } {
    const isNew = selections.some((selection) => this.state.entries.get(selectionKey(selection))?.named !== true);
    const before = isNew ? copyOf(this.state) : undefined;
    if (isNew) this.having.clear();
    for (const selection of selections) this.name(selection);
    const taking = this.taking(selections);
    const count = this.state.entries.size;
    const total = [...this.state.entries.values()].reduce((sum, entry) => sum + entry.bytes, 0) + bytes * taking.length;
    const bounds: [number, number, string][] = [
      [count, MAX_NAMESPACE_WORKLOADS, `${MAX_NAMESPACE_WORKLOADS} workloads`],
      [total, MAX_NAMESPACE_OBJECT_BYTES, `${MAX_NAMESPACE_OBJECT_BYTES} bytes in EnvoyFilters`],
    ];
    const over = bytes === 0 && !isNew ? undefined : bounds.find(([value, most]) => value > most)?.[2];
    if (over !== undefined) {
      if (before !== undefined) this.state = before;
      this.having.clear();
      return { over };
    }
    for (const entry of taking) entry.bytes += bytes;
    for (const key of new Set(selections.map(selectionKey)))
      this.state.named.set(key, (this.state.named.get(key) ?? 0) + bytes);
    const close = bounds.find(([value, most]) => value > NEAR_BUDGET * most)?.[2];
    return close === undefined ? {} : { close };
  }

  private taking(selections: readonly Selection[]): Entry[] {
    const keys = selections.map(selectionKey);
    const known = this.having.get(keys.join());
    if (known !== undefined) return known;
    const found = [...this.state.entries]
      .filter(
        ([key, entry]) => keys.includes(key) || selections.some((selection) => isNarrower(entry.selection, selection)),
      )
      .map(([, entry]) => entry);
    this.having.set(keys.join(), found);
    return found;
  }

  /** Gives a selection a workload, and one to each intersection with other selections that a pod matches. */
  private name(selection: Selection): void {
    const { entries, unions } = this.state;
    const entry = this.entry(selection);
    if (entry.named) return;
    entry.named = true;
    for (const [index, { lattice, labels }] of this.classes.entries()) {
      if (lattice !== selection.lattice || lattice === 'waypoint' || !includes(labels, selection.terms)) continue;
      const former = unions[index];
      const met = former === undefined ? undefined : entries.get(former)?.selection;
      const together = met === undefined ? selection : unionOf(selection, met);
      if (together === undefined) continue;
      const key = selectionKey(together);
      if (key === former) continue;
      this.entry(together).pods++;
      unions[index] = key;
      if (former !== undefined) this.leave(former);
    }
  }

  private leave(key: string): void {
    const { entries } = this.state;
    const entry = entries.get(key);
    if (entry === undefined) return;
    entry.pods--;
    if (entry.pods === 0 && !entry.named) entries.delete(key);
  }

  private entry(selection: Selection): Entry {
    const { entries, named } = this.state;
    const key = selectionKey(selection);
    let entry = entries.get(key);
    if (entry === undefined) {
      // A route that names several of these selections counts once for each. The limit may thus apply slightly early,
      // never late.
      const bytes = [...named].reduce(
        (sum, [other, own]) =>
          other === key || isNarrower(selection, entries.get(other)!.selection) ? sum + own : sum,
        0,
      );
      entry = { selection, named: false, pods: 0, bytes };
      entries.set(key, entry);
    }
    return entry;
  }
}
