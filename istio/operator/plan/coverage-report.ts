// Tells what becomes of connections at every port and listener of a namespace: by the objects in force, the pods that
// are there and what the routes' status has proven. For a person and for a pipeline that must not let an open door
// pass.
import type { KubeObject } from '../kube/objects.ts';
import { BASELINE_ROUTE } from '../../../envoy/route/index.ts';
import { appliedOf, RETIRED_ANNOTATION, SEAL_PREFIX, SELECTION_ANNOTATION } from './applied.ts';
import {
  doorsOfGateway,
  doorsOfGuest,
  doorsOfIstioGateway,
  doorsOfService,
  doorsOfSidecar,
  guestGateways,
  pastSidecars,
  selectorOf,
  type Door,
} from './coverage.ts';
import { foreignReaches } from './foreign.ts';
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
  kind: 'Service' | 'Gateway' | 'IstioGateway' | 'Sidecar' | 'Pod' | 'EnvoyFilter';
  /** The port or listener; of a pod its name; of others' EnvoyFilters that lead past FIM namespace and name. */
  door: string;
  state: DoorState;
  /** Names of the routes whose policy it has. */
  routes: string[];
  /** Whether routes concern every request there. False: those that no route's `match` takes pass unchecked. */
  everyRequest: boolean;
  /** All routes there say `Observe`: what their limits and validation find passes. */
  observes: boolean;
  /** EnvoyFilters and WasmPlugins of others there that may answer in FIM's place. */
  altered: string[];
  /** Why it is so, for a person. */
  note: string;
}

/** Objects of one namespace. */
export interface NamespaceObjects extends TargetFacts {
  routes: ReadonlyMap<string, KubeObject>;
  pods: ReadonlyMap<string, KubeObject>;
  /** EnvoyFilters that the operator has made. */
  filters: Iterable<KubeObject>;
  /** Baselines with overrides that are in force and reach the namespace. */
  baselines?: readonly KubeObject[];
  /** EnvoyFilters and WasmPlugins of others, of the namespace and of the root namespace, reduced as in `foreign.ts`. */
  foreign?: readonly KubeObject[];
  sidecars?: ReadonlyMap<string, KubeObject>;
  /** Istio Gateways of all namespaces. */
  allGateways?: readonly KubeObject[];
}

/** Reasons in words for a person. */
export interface CoverageWords {
  gone: string;
  unseen: string;
  noRoute: string;
  noPod: string;
  /** No pod of the namespace has the listeners of the Gateway. */
  elsewhere: string;
  noSidecar: string;
  somePass: string;
  observing(routes: string): string;
  /** Before the names of pods: how many of how many they are. */
  part(some: number, all: number): string;
  /** Protocol of a door that is not HTTP; `told`: its name, where that is a name of Istio's. */
  protocol(kind: Door['protocol'], told: string): string;
  /** `text`: as `pastSidecars` says it. */
  past(text: string): string;
  altered(objects: string): string;
  foreign(what: string): string;
}

export const ENGLISH: CoverageWords = {
  gone: 'it is gone',
  unseen: 'not looked at since its last edit',
  noRoute: 'no route is for it',
  noPod: 'no pod is there',
  elsewhere: 'no pod is there: if pods of another namespace have its listeners, it is judged with that namespace',
  noSidecar: 'no sidecar',
  somePass: 'requests that no route takes pass',
  observing: (routes) => `limits and validation only observe: ${routes}`,
  part: (some, all) => `${some} of ${all} pods: `,
  protocol: (_, told) => told,
  past: (text) => text,
  altered: (objects) => `may be answered by others: ${objects}`,
  foreign: (what) => what,
};

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

/**
 * Filters with the routes that their configurations have, and selections of seals that end connections which are not
 * HTTP.
 */
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

/** Why a route or baseline is not proven. Undefined: it is. */
function doubt(object: KubeObject | undefined, words: CoverageWords): string | undefined {
  if (object === undefined) return words.gone;
  const { metadata } = object;
  const conditions = ((object.status as { conditions?: Condition[] } | undefined)?.conditions ?? []).filter(
    ({ observedGeneration }) => observedGeneration === metadata.generation,
  );
  const programmed = conditions.find(({ type }) => type === 'Programmed');
  if (programmed?.status === 'True') return undefined;
  return programmed?.reason ?? words.unseen;
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

function observes({ spec }: KubeObject): boolean {
  const { overrides } = (spec ?? {}) as { overrides?: { enforcement?: string } };
  return (overrides ?? spec)?.enforcement === 'Observe';
}

function hasSidecar({ spec }: KubeObject): boolean {
  const { containers = [], initContainers = [] } = (spec ?? {}) as Record<string, { name: string }[] | undefined>;
  return [...containers, ...initContainers].some(({ name }) => name === SIDECAR);
}

class Reporter {
  private readonly namespace: string;
  private readonly objects: NamespaceObjects;
  private readonly words: CoverageWords;
  private readonly policies: InForce[];
  private readonly refusing: Selection[];
  private readonly pods: KubeObject[];

  constructor(namespace: string, objects: NamespaceObjects, words: CoverageWords) {
    this.namespace = namespace;
    this.objects = objects;
    this.words = words;
    ({ policies: this.policies, refusing: this.refusing } = inForce(objects.filters));
    this.pods = [...objects.pods.values()].filter(({ metadata }) => !metadata.deletionTimestamp);
  }

  /** Policies in force at pods with these labels; `service`: by its filter chains in a waypoint. */
  private policiesAt(labels: Record<string, string>, service: string | undefined): InForce[] {
    return this.policies.filter(({ selection }) =>
      selection.lattice === 'waypoint'
        ? service !== undefined && selection.terms[SERVICE_TERM] === service
        : meets(selection, labels, this.objects),
    );
  }

  /** The objects that a name among the routes in force stands for. Undefined: it is gone. */
  private sourcesOf(name: string): KubeObject[] | undefined {
    const { routes, baselines = [] } = this.objects;
    if (name === BASELINE_ROUTE) return baselines.length === 0 ? undefined : [...baselines];
    const route = routes.get(name);
    return route === undefined ? undefined : [route];
  }

  /** Whether requests exist there that no route takes. */
  private takesAll(name: string): boolean {
    if (name === BASELINE_ROUTE) return this.sourcesOf(name) !== undefined;
    return takesAll(this.objects.routes.get(name));
  }

  private doubts(routes: readonly string[]): string[] {
    return routes.flatMap((name) =>
      (this.sourcesOf(name) ?? [undefined]).flatMap((object) => {
        const why = doubt(object, this.words);
        return why === undefined ? [] : [`${name === BASELINE_ROUTE ? (object?.metadata.name ?? name) : name}: ${why}`];
      }),
    );
  }

  /** Others' objects that may answer in FIM's place at proxies of the policies. */
  private alteredAt(policies: readonly InForce[]): string[] {
    const { foreign = [] } = this.objects;
    const found = policies.flatMap(({ selection }) => foreignReaches(foreign, selection));
    return [...new Set(found.flatMap(({ kind, text }) => (kind === 'alters' ? [text] : [])))].sort();
  }

  /** Report of the doors of pods with the labels of `selector`. */
  doors(
    kind: DoorReport['kind'],
    doors: readonly Door[],
    selector: Record<string, string>,
    service?: string,
  ): DoorReport[] {
    const { objects, namespace, words } = this;
    const isInbound = kind === 'Service' || kind === 'Sidecar';
    const pods = this.pods.filter(
      ({ metadata }) =>
        includes(metadata.labels ?? {}, selector) && (kind !== 'Sidecar' || !isGateway(metadata.labels ?? {}, objects)),
    );
    const places = pods.length > 0 ? pods.map(({ metadata }) => metadata.labels ?? {}) : [selector];
    const policies = places.map((labels) => this.policiesAt(labels, service));
    const at = policies.map((some) => [...new Set(some.flatMap(({ routes }) => routes))]);
    const byWaypoint = this.policies.some(({ selection }) => selection.terms[SERVICE_TERM] === service);
    const bare = isInbound && !byWaypoint ? pods.filter((pod) => !hasSidecar(pod)) : [];
    const uncovered = pods.filter((pod, index) => at[index]!.length === 0 || bare.includes(pod));
    const routes = [...new Set(at.flat())].sort();
    const everyRequest = at.every((names) => names.some((name) => this.takesAll(name))) && at.length > 0;
    const watched = routes.filter((name) => this.sourcesOf(name)?.every(observes) === true);
    const altered = this.alteredAt([...new Set(policies.flat())]);
    const remarks = [
      everyRequest ? '' : words.somePass,
      watched.length === 0 ? '' : words.observing(watched.join(', ')),
      altered.length === 0 ? '' : words.altered(altered.join(', ')),
    ].filter((text) => text !== '');
    const doubts = this.doubts(routes);
    const refuses =
      isInbound && places.every((labels) => this.refusing.some((selection) => meets(selection, labels, objects)));
    const part = uncovered.length < pods.length ? words.part(uncovered.length, pods.length) : '';
    const missing =
      uncovered.length === 0
        ? words.noRoute
        : `${part}${uncovered.map((pod) => `${pod.metadata.name}${bare.includes(pod) ? ` (${words.noSidecar})` : ''}`).join(', ')}`;
    const nobody = pods.length > 0 ? '' : kind === 'IstioGateway' ? words.elsewhere : words.noPod;
    return doors.map(({ name, protocol, told }): DoorReport => {
      const make = (state: DoorState, note: string): DoorReport => ({
        ...{ namespace, kind, door: name, state, routes, everyRequest, altered },
        observes: routes.length > 0 && watched.length === routes.length,
        note: [note, nobody].filter((text) => text !== '').join('; '),
      });
      if (routes.length === 0 || uncovered.length > 0) return make('NotCovered', missing);
      const spoken = words.protocol(protocol, told);
      if (protocol === 'udp') return make('Open', spoken);
      if (protocol === 'other') return make(refuses ? 'Refused' : 'Open', spoken);
      if (protocol === 'either' && !refuses) return make('Open', spoken);
      return doubts.length > 0 ? make('Unproven', doubts.join(', ')) : make('Enforced', remarks.join('; '));
    });
  }

  /** Listeners of Sidecars at pods of a policy. Elsewhere the ports of Services say that none is there. */
  sidecars(): DoorReport[] {
    return [...(this.objects.sidecars?.values() ?? [])].flatMap((sidecar) => {
      const { labels = {} } = (sidecar.spec?.workloadSelector ?? {}) as { labels?: Record<string, string> };
      return this.doors('Sidecar', doorsOfSidecar(sidecar), labels).filter(({ routes }) => routes.length > 0);
    });
  }

  /** Pods of a policy whose annotations lead some ports past their sidecar. */
  past(): DoorReport[] {
    return this.pods.flatMap((pod) => {
      const labels = pod.metadata.labels ?? {};
      const routes = [...new Set(this.policiesAt(labels, undefined).flatMap((policy) => policy.routes))].sort();
      if (routes.length === 0 || isGateway(labels, this.objects)) return [];
      return pastSidecars({ terms: {} }, [pod]).map((text) =>
        this.open('Pod', pod.metadata.name, routes, this.words.past(text)),
      );
    });
  }

  /** EnvoyFilters of others that take FIM out of chains, or open listeners beside them. */
  foreign(): DoorReport[] {
    const { foreign = [] } = this.objects;
    return foreign.flatMap((object) => {
      const routes = new Set<string>();
      let what = '';
      for (const policy of this.policies)
        for (const { kind, text } of policy.routes.length === 0 ? [] : foreignReaches([object], policy.selection))
          if (kind === 'takes') {
            what = text.slice(text.indexOf('(') + 1, -1);
            for (const name of policy.routes) routes.add(name);
          }
      const { namespace, name } = object.metadata;
      return routes.size === 0
        ? []
        : [this.open('EnvoyFilter', `${namespace}/${name}`, [...routes].sort(), this.words.foreign(what))];
    });
  }

  private open(kind: DoorReport['kind'], door: string, routes: string[], note: string): DoorReport {
    const { namespace } = this;
    return {
      ...{ namespace, kind, door, state: 'Open', routes, note },
      everyRequest: false,
      observes: false,
      altered: [],
    };
  }
}

/** Every port and listener of a namespace. Waypoints are reported with the Services that they stand for. */
export function coverageReport(namespace: string, objects: NamespaceObjects, words = ENGLISH): DoorReport[] {
  const reporter = new Reporter(namespace, objects, words);
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
    ...guestGateways(namespace, objects.allGateways ?? [], objects).flatMap((gateway) =>
      reporter.doors('IstioGateway', doorsOfGuest(gateway), selectorOf(gateway)),
    ),
    ...services.flatMap((service) =>
      reporter.doors('Service', doorsOfService(service), selectorOf(service), service.metadata.name),
    ),
    ...reporter.sidecars(),
    ...reporter.past(),
    ...reporter.foreign(),
  ];
}

/**
 * Whether a pipeline may go on: there are doors, and each is enforced or refused; `strict`: for every request, by a
 * route that enforces, and with nothing beside it that may answer in its place.
 */
export function isCovered(reports: readonly DoorReport[], strict: boolean): boolean {
  return (
    reports.length > 0 &&
    reports.every(
      ({ state, everyRequest, observes: watched, altered }) =>
        state === 'Refused' ||
        (state === 'Enforced' && ((everyRequest && !watched && altered.length === 0) || !strict)),
    )
  );
}
