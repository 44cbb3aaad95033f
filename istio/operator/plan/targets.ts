// A target of a route → the proxies that serve it, and what the route concerns there: of a listener the hosts that it
// serves, of an HTTPRoute the requests that it takes. A route claims nothing else by such a target.
import {
  hostsOfBoth,
  narrowMatch,
  type RouteMatch,
  type RouteSpec,
  type TargetRef,
} from '../../../envoy/route/index.ts';
import { canonicalPath } from '../../../envoy/route/canonical-path.ts';
import { patternMistake } from '../../../envoy/route/pattern-syntax.ts';
import { MAX_TARGET_MATCHES } from '../../limits.ts';
import type { KubeObject } from '../kube/objects.ts';
import {
  GATEWAY_NAME_LABEL,
  isGateway,
  isNarrower,
  isWaypoint,
  ofService,
  selectionKey,
  WAYPOINT_TERM,
  type Selection,
  type TargetFacts,
  type TargetProblem,
} from './selection.ts';

/** A route at one target, or at one of the Gateways of one. */
export interface Place {
  ref: TargetRef;
  /** Undefined: no proxy can be meant. */
  selection?: Selection;
  /** Matches of the route there, one by one. Absent: its own. */
  matches?: RouteMatch[];
  problem?: TargetProblem;
  /** Warning. */
  note?: string;
}

interface Listener {
  name: string;
  hostname?: string;
  port?: number;
  protocol?: string;
}

interface HttpRouteMatch {
  path?: { type?: string; value?: string };
  headers?: { type?: string; name: string; value: string }[];
  queryParams?: unknown[];
  method?: string;
}

interface ParentRef {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  sectionName?: string;
  port?: number;
}

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

function missing(message: string): TargetProblem {
  return { reason: 'TargetNotFound', message: `FIM-OP-0004: ${message}` };
}

function unsupported(message: string): TargetProblem {
  return { reason: 'UnsupportedTarget', message: `FIM-OP-0005: ${message}` };
}

function isHttp({ protocol }: Pick<Listener, 'protocol'>): boolean {
  return protocol === 'HTTP' || protocol === 'HTTPS';
}

function listenersOf(gateway: KubeObject | undefined): Listener[] {
  return (gateway?.spec?.listeners ?? []) as Listener[];
}

export function gatewaySelection(name: string): Selection {
  return { lattice: 'gateway', terms: { [GATEWAY_NAME_LABEL]: name } };
}

/** Matches of a route within those that a target serves. `served`: one by one. */
function within(own: RouteMatch, served: readonly RouteMatch[], what: string): Omit<Place, 'ref' | 'selection'> {
  const both = served.flatMap((match) => narrowMatch(own, match) ?? []);
  const matches = [...new Map(both.map(({ match }) => [JSON.stringify(match), match])).values()];
  const hosts = served.some((match) => match.hosts === undefined)
    ? undefined
    : [...new Set(served.flatMap((match) => match.hosts ?? []))];
  const outside = (own.hosts ?? []).filter((host) => hostsOfBoth([host], hosts)?.length === 0);
  if (matches.length === 0)
    return {
      problem: {
        reason: outside.length === own.hosts?.length ? 'NoMatchingHostname' : 'NoMatchingRequest',
        message: `FIM-OP-0015: the route concerns none of the requests that ${what} serves.`,
      },
    };
  if (matches.length > MAX_TARGET_MATCHES)
    return { problem: unsupported(`${what} has more than ${MAX_TARGET_MATCHES} matches.`) };
  const notes = [
    ...(outside.length > 0 ? [`${what} does not serve ${outside.join(', ')}: the route is not in force there.`] : []),
    ...(both.some(({ isWide }) => isWide)
      ? [`What ${what} matches by a pattern is not taken into account where the route has a match of its own.`]
      : []),
  ];
  return { matches, ...(notes.length > 0 ? { note: notes.join(' ') } : {}) };
}

function ofGateway(ref: TargetRef, own: RouteMatch, { gateways }: TargetFacts): Place {
  const { name, sectionName } = ref;
  const gateway = gateways.get(name);
  if (isWaypoint(gateway))
    return sectionName === undefined
      ? { ref, selection: { lattice: 'waypoint', terms: { [WAYPOINT_TERM]: name } } }
      : { ref, problem: unsupported(`Gateway ${name} is a waypoint: its listeners serve no hosts of their own.`) };
  const selection = gatewaySelection(name);
  // Pods of a Gateway that is not there (yet) shall not start unprotected.
  if (gateway === undefined)
    return { ref, selection, problem: missing(`there is no Gateway ${name} in this namespace.`) };
  if (sectionName === undefined) return { ref, selection };
  const listener = listenersOf(gateway).find((one) => one.name === sectionName);
  // One that was renamed is served on: the route stays in force at the whole Gateway.
  if (listener === undefined)
    return { ref, selection, problem: missing(`Gateway ${name} has no listener ${sectionName}.`) };
  const { hostname } = listener;
  const hosts = hostname === undefined ? undefined : [hostname];
  const found = within(own, [hosts === undefined ? {} : { hosts }], `listener ${sectionName} of Gateway ${name}`);
  if (found.problem !== undefined) return { ref, ...found };
  const beside = listenersOf(gateway)
    .filter(
      (other) =>
        other !== listener &&
        isHttp(other) &&
        hostsOfBoth(hosts, other.hostname === undefined ? undefined : [other.hostname])?.length !== 0,
    )
    .map((other) => other.name);
  const note = [
    ...(found.note === undefined ? [] : [found.note]),
    ...(beside.length > 0
      ? [
          `Hosts of listener ${sectionName} are served by ${beside.join(', ')}, too: the route is in force there as well.`,
        ]
      : []),
  ].join(' ');
  return { ref, selection, ...found, ...(note === '' ? {} : { note }) };
}

/** One match of an HTTPRoute as this resource says it; what cannot be said is left out, and the match is wider. */
function matchOf(given: HttpRouteMatch, hosts: string[] | undefined): RouteMatch {
  const type = given.path?.type ?? 'PathPrefix';
  const value = given.path?.value ?? '/';
  const match: RouteMatch = { ...(hosts === undefined ? {} : { hosts }) };
  if (type === 'RegularExpression') {
    if (patternMistake(value) === undefined) match.path = { type: 'Pattern', value };
  } else if (canonicalPath(value) !== undefined) match.path = { type: type === 'Exact' ? 'Exact' : 'Prefix', value };
  const headers = (given.headers ?? []).filter(
    (header) =>
      header.name.toLowerCase() !== 'host' &&
      (header.type !== 'RegularExpression' || patternMistake(header.value) === undefined),
  );
  if (headers.length > 0)
    match.headers = headers.map((header) => ({
      name: header.name,
      type: header.type === 'RegularExpression' ? 'Pattern' : 'Exact',
      value: header.value,
    }));
  if (given.method !== undefined) match.methods = [given.method as NonNullable<RouteMatch['methods']>[number]];
  return match;
}

/** Hosts of an HTTPRoute at one of its Gateways; undefined: all; empty: none. */
function hostsAt(
  gateway: KubeObject | undefined,
  parent: ParentRef,
  hostnames: string[] | undefined,
): string[] | undefined {
  if (gateway === undefined) return hostnames;
  const lists = listenersOf(gateway)
    .filter(
      ({ name, port, protocol }) =>
        isHttp({ protocol }) &&
        (parent.sectionName === undefined || parent.sectionName === name) &&
        (parent.port === undefined || parent.port === port),
    )
    .map(({ hostname }) => hostsOfBoth(hostnames, hostname === undefined ? undefined : [hostname]));
  if (lists.includes(undefined)) return undefined;
  return [...new Set(lists.flatMap((list) => list ?? []))];
}

function ofHttpRoute(ref: TargetRef, own: RouteMatch, facts: TargetFacts): Place[] {
  const { name, sectionName } = ref;
  const object = facts.httpRoutes?.get(name);
  if (object === undefined) return [{ ref, problem: missing(`there is no HTTPRoute ${name} in this namespace.`) }];
  const { namespace } = object.metadata;
  const { hostnames, parentRefs, rules } = (object.spec ?? {}) as {
    hostnames?: string[];
    parentRefs?: ParentRef[];
    rules?: { name?: string; matches?: HttpRouteMatch[] }[];
  };
  const named = (rules ?? [{}]).filter((rule) => sectionName === undefined || rule.name === sectionName);
  const isLost = sectionName !== undefined && named.length === 0;
  const taken = (isLost ? (rules ?? [{}]) : named).flatMap(({ matches = [] }) =>
    matches.length === 0 ? [{}] : matches,
  );
  const what = sectionName === undefined || isLost ? `HTTPRoute ${name}` : `rule ${sectionName} of HTTPRoute ${name}`;
  const places = (parentRefs ?? []).map((parent): Place => {
    const kind = parent.kind ?? 'Gateway';
    if (kind !== 'Gateway' || (parent.group ?? GATEWAY_GROUP) !== GATEWAY_GROUP)
      return { ref, problem: unsupported(`HTTPRoute ${name} is of a ${kind}: use selector for its sidecars.`) };
    if (parent.namespace !== undefined && parent.namespace !== namespace)
      return {
        ref,
        problem: unsupported(
          `the Gateway of HTTPRoute ${name} is in namespace ${parent.namespace}: a route can only speak for its own namespace.`,
        ),
      };
    const gateway = facts.gateways.get(parent.name);
    if (isWaypoint(gateway))
      return { ref, problem: unsupported(`Gateway ${parent.name} of HTTPRoute ${name} is a waypoint.`) };
    const hosts = hostsAt(gateway, parent, hostnames);
    const found =
      hosts?.length === 0
        ? within(own, [], what)
        : within(
            own,
            taken.map((match) => matchOf(match, hosts)),
            what,
          );
    if (found.problem !== undefined) return { ref, ...found };
    const problem = isLost
      ? missing(`HTTPRoute ${name} has no rule ${sectionName}.`)
      : gateway === undefined
        ? missing(`HTTPRoute ${name} names Gateway ${parent.name}, which is not there.`)
        : undefined;
    return { ref, selection: gatewaySelection(parent.name), ...found, ...(problem === undefined ? {} : { problem }) };
  });
  return places.length > 0 ? places : [{ ref, problem: unsupported(`HTTPRoute ${name} has no Gateway.`) }];
}

/** Part of a spec that decides its workloads. */
export type PlacedSpec = Pick<RouteSpec, 'targetRefs' | 'selector' | 'match'>;

/** The targets of a route that has some, in their order. */
export function placesOf({ targetRefs = [], match = {} }: PlacedSpec, facts: TargetFacts): Place[] {
  return targetRefs.flatMap((ref): Place[] => {
    if (ref.kind === 'HTTPRoute') return ofHttpRoute(ref, match, facts);
    return ref.kind === 'Gateway' ? [ofGateway(ref, match, facts)] : [{ ref, ...ofService(ref.name, facts) }];
  });
}

/** Whether what a route concerns depends on objects besides it: listeners and HTTPRoutes. */
export function isScoped({ targetRefs = [] }: PlacedSpec): boolean {
  return targetRefs.some(({ kind, sectionName }) => kind === 'HTTPRoute' || sectionName !== undefined);
}

/**
 * The proxies that a route names. Without `targetRefs` and `selector`: all gateways of its namespace, never sidecars.
 */
export function selectionsOf(
  { spec }: { spec: PlacedSpec },
  facts: TargetFacts,
): { selections: Selection[]; problems: TargetProblem[]; places: Place[] } {
  const { selector, targetRefs = [] } = spec;
  if (selector !== undefined) {
    const terms = selector.matchLabels;
    return {
      selections: [{ lattice: isGateway(terms, facts) ? 'gateway' : 'sidecar', terms }],
      problems: [],
      places: [],
    };
  }
  if (targetRefs.length === 0) return { selections: [{ lattice: 'gateway', terms: {} }], problems: [], places: [] };
  const places = placesOf(spec, facts);
  return {
    selections: places.flatMap(({ selection }) => selection ?? []),
    problems: places.flatMap(({ problem }) => problem ?? []),
    places,
  };
}

/** Matches of a route at the proxies of a selection, one by one. Undefined: its own. */
export function matchesAt(places: readonly Place[], selection: Selection): RouteMatch[] | undefined {
  const key = selectionKey(selection);
  const here = places.filter(
    (place) =>
      place.selection !== undefined &&
      (selectionKey(place.selection) === key || isNarrower(selection, place.selection)),
  );
  if (here.length === 0 || here.some(({ matches }) => matches === undefined)) return undefined;
  const all = here.flatMap(({ matches = [] }) => matches);
  return [...new Map(all.map((match) => [JSON.stringify(match), match])).values()];
}
