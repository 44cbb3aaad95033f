// What becomes of connections at every port and listener of a namespace: by the objects in force, the pods that are
// there and what the routes' status has proven. For a person and for a pipeline that must not let an open door pass.
import type { KubeObject } from '../kube/objects.ts';
import { appliedOf, RETIRED_ANNOTATION, SEAL_PREFIX, SELECTION_ANNOTATION } from './applied.ts';
import { doorsOfGateway, doorsOfIstioGateway, doorsOfService, pastSidecars, type Door } from './coverage.ts';
import {
  GATEWAY_NAME_LABEL,
  includes,
  isGateway,
  isWaypoint,
  meets,
  SERVICE_TERM,
  type Selection,
  type TargetFacts,
} from './selection.ts';

/**
 * `Enforced`: a route's policy is proven at every pod behind it. `Refused`: nothing comes by. `Unproven`: a route is
 * for it, and is not proven to be in force. `Open`: it leads past the policy of its workload. `NotCovered`: no route is
 * for it, or not at all pods.
 */
export type DoorState = 'Enforced' | 'Refused' | 'Unproven' | 'Open' | 'NotCovered';

export interface DoorReport {
  namespace: string;
  kind: 'Service' | 'Gateway' | 'IstioGateway' | 'Pod';
  /** The port or listener; of a pod its name. */
  door: string;
  state: DoorState;
  /** Names of the routes whose policy it has. */
  routes: string[];
  /** Whether routes concern every request there. False: those that no route's `match` takes pass unchecked. */
  everyRequest: boolean;
  /** All routes there say `Observe`: what their limits and validation find passes. */
  observes: boolean;
  /** Why it is so, for a person. */
  note: string;
}

/** Objects of one namespace. */
export interface NamespaceObjects extends TargetFacts {
  routes: ReadonlyMap<string, KubeObject>;
  pods: ReadonlyMap<string, KubeObject>;
  /** EnvoyFilters that the operator has made. */
  filters: Iterable<KubeObject>;
}

/** A filter in force, with the proxies that have it. */
interface InForce {
  selection: Selection;
  routes: string[];
}

interface Condition {
  type: string;
  status: string;
  reason: string;
  observedGeneration?: number;
}

const SIDECAR = 'istio-proxy';

function selectionOf({ metadata }: KubeObject): Selection | undefined {
  try {
    return JSON.parse(metadata.annotations?.[SELECTION_ANNOTATION] ?? '') as Selection;
  } catch {
    return undefined;
  }
}

/** Filters with the routes that their configurations have, and selections of seals that end connections which are not HTTP. */
function inForce(filters: Iterable<KubeObject>): { policies: InForce[]; refusing: Selection[] } {
  const policies: InForce[] = [];
  const refusing: Selection[] = [];
  for (const object of filters) {
    const selection = selectionOf(object);
    if (selection === undefined || object.metadata.annotations?.[RETIRED_ANNOTATION] !== undefined) continue;
    if (!object.metadata.name.startsWith(SEAL_PREFIX)) {
      const names = [...appliedOf(object).routes.keys()].map((key) => key.slice(key.indexOf('/') + 1));
      policies.push({ selection, routes: names });
    } else if (JSON.stringify(object.spec?.configPatches ?? []).includes('"fim.ports.')) refusing.push(selection);
  }
  return { policies, refusing };
}

/** Why a route is not proven. Undefined: it is. */
function doubt(route: KubeObject | undefined): string | undefined {
  if (route === undefined) return 'it is gone';
  const { metadata } = route;
  const conditions = ((route.status as { conditions?: Condition[] } | undefined)?.conditions ?? []).filter(
    ({ observedGeneration }) => observedGeneration === metadata.generation,
  );
  const programmed = conditions.find(({ type }) => type === 'Programmed');
  if (programmed?.status === 'True') return undefined;
  return programmed?.reason ?? 'not looked at since its last edit';
}

/** Whether the route takes every request at its proxies. */
function takesAll(route: KubeObject | undefined): boolean {
  const { match, targetRefs = [] } = (route?.spec ?? {}) as {
    match?: object;
    targetRefs?: { kind?: string; sectionName?: string }[];
  };
  return (
    route !== undefined &&
    Object.keys(match ?? {}).length === 0 &&
    targetRefs.every(({ kind, sectionName }) => kind !== 'HTTPRoute' && sectionName === undefined)
  );
}

function observes(route: KubeObject | undefined): boolean {
  return route?.spec?.enforcement === 'Observe';
}

function hasSidecar({ spec }: KubeObject): boolean {
  const { containers = [], initContainers = [] } = (spec ?? {}) as Record<string, { name: string }[] | undefined>;
  return [...containers, ...initContainers].some(({ name }) => name === SIDECAR);
}

class Reporter {
  private readonly namespace: string;
  private readonly objects: NamespaceObjects;
  private readonly policies: InForce[];
  private readonly refusing: Selection[];
  private readonly pods: KubeObject[];

  constructor(namespace: string, objects: NamespaceObjects) {
    this.namespace = namespace;
    this.objects = objects;
    ({ policies: this.policies, refusing: this.refusing } = inForce(objects.filters));
    this.pods = [...objects.pods.values()].filter(({ metadata }) => !metadata.deletionTimestamp);
  }

  /** Routes in force at pods with these labels; `service`: by its filter chains in a waypoint. */
  private routesAt(labels: Record<string, string>, service: string | undefined): string[] {
    const found = this.policies.filter(({ selection }) =>
      selection.lattice === 'waypoint'
        ? service !== undefined && selection.terms[SERVICE_TERM] === service
        : meets(selection, labels, this.objects),
    );
    return [...new Set(found.flatMap(({ routes }) => routes))].sort();
  }

  /** Report of the doors of pods with the labels of `selector`. */
  doors(
    kind: DoorReport['kind'],
    doors: readonly Door[],
    selector: Record<string, string>,
    service?: string,
  ): DoorReport[] {
    const { objects, namespace } = this;
    const pods = this.pods.filter(({ metadata }) => includes(metadata.labels ?? {}, selector));
    const places = pods.length > 0 ? pods.map(({ metadata }) => metadata.labels ?? {}) : [selector];
    const at = places.map((labels) => this.routesAt(labels, service));
    const byWaypoint = this.policies.some(({ selection }) => selection.terms[SERVICE_TERM] === service);
    const bare = kind === 'Service' && !byWaypoint ? pods.filter((pod) => !hasSidecar(pod)) : [];
    const uncovered = pods.filter((pod, index) => at[index]!.length === 0 || bare.includes(pod));
    const routes = [...new Set(at.flat())].sort();
    const everyRequest = at.every((names) => names.some((name) => takesAll(objects.routes.get(name)))) && at.length > 0;
    const watched = routes.filter((name) => observes(objects.routes.get(name)));
    const remarks = [
      everyRequest ? '' : 'requests that no route takes pass',
      watched.length === 0 ? '' : `limits and validation only observe: ${watched.join(', ')}`,
    ].filter((text) => text !== '');
    const doubts = routes.flatMap((name) => {
      const why = doubt(objects.routes.get(name));
      return why === undefined ? [] : [`${name}: ${why}`];
    });
    const refuses =
      kind === 'Service' &&
      places.every((labels) => this.refusing.some((selection) => meets(selection, labels, objects)));
    const part = uncovered.length < pods.length ? `${uncovered.length} of ${pods.length} pods: ` : '';
    const missing =
      uncovered.length === 0
        ? 'no route is for it'
        : `${part}${uncovered.map((pod) => `${pod.metadata.name}${bare.includes(pod) ? ' (no sidecar)' : ''}`).join(', ')}`;
    return doors.map(({ name, protocol, told }): DoorReport => {
      const make = (state: DoorState, note: string): DoorReport => ({
        ...{ namespace, kind, door: name, state, routes, everyRequest },
        observes: routes.length > 0 && watched.length === routes.length,
        note: [note, pods.length === 0 ? 'no pod is there' : ''].filter((text) => text !== '').join('; '),
      });
      if (routes.length === 0 || uncovered.length > 0) return make('NotCovered', missing);
      if (protocol === 'udp') return make('Open', told);
      if (protocol === 'other') return make(refuses ? 'Refused' : 'Open', told);
      if (protocol === 'either' && !refuses) return make('Open', told);
      return doubts.length > 0 ? make('Unproven', doubts.join(', ')) : make('Enforced', remarks.join('; '));
    });
  }

  /** Pods of a policy whose annotations lead some ports past their sidecar. */
  past(): DoorReport[] {
    return this.pods.flatMap((pod) => {
      const labels = pod.metadata.labels ?? {};
      const routes = this.routesAt(labels, undefined);
      if (routes.length === 0 || isGateway(labels, this.objects)) return [];
      return pastSidecars({ terms: {} }, [pod]).map((note): DoorReport => ({
        ...{ namespace: this.namespace, kind: 'Pod', door: pod.metadata.name },
        ...{ state: 'Open', routes, everyRequest: false, observes: false, note },
      }));
    });
  }
}

/** Every port and listener of a namespace. Waypoints are reported with the Services that they stand for. */
export function coverageReport(namespace: string, objects: NamespaceObjects): DoorReport[] {
  const reporter = new Reporter(namespace, objects);
  const selectorOf = ({ spec }: KubeObject): Record<string, string> => (spec?.selector ?? {}) as Record<string, string>;
  const gateways = [...objects.gateways.values()].filter((gateway) => !isWaypoint(gateway));
  // Services in front of gateways lead to listeners, which are reported by their Gateways.
  const services = [...objects.services.values()].filter((service) => {
    const selector = selectorOf(service);
    return Object.keys(selector).length > 0 && !isGateway(selector, objects);
  });
  return [
    ...gateways.flatMap((gateway) =>
      reporter.doors('Gateway', doorsOfGateway(gateway), { [GATEWAY_NAME_LABEL]: gateway.metadata.name }),
    ),
    ...[...objects.istioGateways.values()].flatMap((gateway) =>
      reporter.doors('IstioGateway', doorsOfIstioGateway(gateway), selectorOf(gateway)),
    ),
    ...services.flatMap((service) =>
      reporter.doors('Service', doorsOfService(service), selectorOf(service), service.metadata.name),
    ),
    ...reporter.past(),
  ];
}

/** Whether a pipeline may go on: every door is enforced or refused; `strict`: for every
 * request, and by a route that enforces. */
export function isCovered(reports: readonly DoorReport[], strict: boolean): boolean {
  return reports.every(
    ({ state, everyRequest, observes: watched }) =>
      state === 'Refused' || (state === 'Enforced' && ((everyRequest && !watched) || !strict)),
  );
}
