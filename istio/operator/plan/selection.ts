// Proxies of a route in Istio's terms: a set of labels that a proxy must have. More labels select fewer proxies.
import { createHash } from 'node:crypto';
import type { KubeObject } from '../kube/objects.ts';

/** Label that Istio puts on the pods of a Gateway API Gateway. */
export const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';
/** Label that marks pods as gateways if neither a Gateway nor Istio's conventions do. */
export const OWN_GATEWAY_LABEL = 'fim.financial/gateway';
/** Label of Istio's own gateway deployments (`istio: ingressgateway`). */
const ISTIO_GATEWAY_LABEL = 'istio';
const USE_WAYPOINT_LABEL = 'istio.io/use-waypoint';
const USE_WAYPOINT_NAMESPACE_LABEL = 'istio.io/use-waypoint-namespace';
const WAYPOINT_CLASS = 'istio-waypoint';
/** Terms of waypoints are names and not pod labels. */
export const WAYPOINT_TERM = 'waypoint';
export const SERVICE_TERM = 'service';

/** Kinds of proxies. A filter for one kind never applies to another. */
export type Lattice = 'gateway' | 'sidecar' | 'waypoint';

export interface Selection {
  lattice: Lattice;
  /** Labels of the pod, for gateways and sidecars. Empty: all gateways of the namespace. */
  terms: Record<string, string>;
}

/** A target that does not exist or that Istio cannot serve. */
export interface TargetProblem {
  reason: 'TargetNotFound' | 'UnsupportedTarget' | 'NoMatchingHostname' | 'NoMatchingRequest';
  message: string;
}

/** Objects of the route's namespace in which targets are looked up, by name. */
export interface TargetFacts {
  gateways: ReadonlyMap<string, KubeObject>;
  istioGateways: ReadonlyMap<string, KubeObject>;
  services: ReadonlyMap<string, KubeObject>;
  /** Absent: none is known. */
  httpRoutes?: ReadonlyMap<string, KubeObject>;
  /** Absent: the pods are unknown. */
  pods?: ReadonlyMap<string, KubeObject>;
}

function istioSelectors({ istioGateways }: TargetFacts): Record<string, string>[] {
  return [...istioGateways.values()]
    .map((gateway) => (gateway.spec?.selector ?? {}) as Record<string, string>)
    .filter((labels) => Object.keys(labels).length > 0);
}

/** Whether `whole` contains all of `part`. */
export function includes(whole: Record<string, string>, part: Record<string, string>): boolean {
  return Object.entries(part).every(([name, value]) => whole[name] === value);
}

/**
 * Whether pods with these labels are gateways: of the Gateway API, of Istio (an Istio Gateway selects them, or the
 * label `istio` marks them), or by FIM's label.
 */
export function isGateway(labels: Record<string, string>, facts: TargetFacts): boolean {
  return (
    labels[GATEWAY_NAME_LABEL] !== undefined ||
    labels[OWN_GATEWAY_LABEL] === 'true' ||
    (labels[ISTIO_GATEWAY_LABEL]?.endsWith('gateway') ?? false) ||
    istioSelectors(facts).some((selector) => includes(labels, selector))
  );
}

/** Whether pods with these labels belong to a waypoint. */
export function isWaypointPod(labels: Record<string, string>, { gateways }: TargetFacts): boolean {
  return isWaypoint(gateways.get(labels[GATEWAY_NAME_LABEL] ?? ''));
}

export function isWaypoint(gateway: KubeObject | undefined): boolean {
  return gateway?.spec?.gatewayClassName === WAYPOINT_CLASS;
}

/** Whether pods with these labels are proxies of a selection. */
export function meets({ lattice, terms }: Selection, labels: Record<string, string>, facts: TargetFacts): boolean {
  if (lattice === 'waypoint') return labels[GATEWAY_NAME_LABEL] === terms[WAYPOINT_TERM];
  if (!includes(labels, terms)) return false;
  return isGateway(labels, facts) === (lattice === 'gateway') && !isWaypointPod(labels, facts);
}

/** The proxies of a Service, if Istio has one that stands for it. */
export function ofService(
  name: string,
  { services, gateways }: TargetFacts,
): { selection?: Selection; problem?: TargetProblem } {
  const service = services.get(name);
  if (service === undefined)
    return {
      problem: { reason: 'TargetNotFound', message: `FIM-OP-0004: there is no Service ${name} in this namespace.` },
    };
  const labels = service.metadata.labels ?? {};
  const waypoint = labels[USE_WAYPOINT_LABEL];
  const unsupported = (message: string): { problem: TargetProblem } => ({
    problem: { reason: 'UnsupportedTarget', message: `FIM-OP-0005: ${message}` },
  });
  if (waypoint === undefined || waypoint === 'none')
    return unsupported(
      `Service ${name} has no waypoint (label ${USE_WAYPOINT_LABEL}): Istio has no proxy that stands for it. Use selector for its sidecars.`,
    );
  const elsewhere = labels[USE_WAYPOINT_NAMESPACE_LABEL];
  if (elsewhere !== undefined && elsewhere !== service.metadata.namespace)
    return unsupported(
      `The waypoint of Service ${name} is in namespace ${elsewhere}: a route can only speak for its own namespace.`,
    );
  if (!isWaypoint(gateways.get(waypoint)))
    return {
      problem: {
        reason: 'TargetNotFound',
        message: `FIM-OP-0004: Service ${name} names the waypoint ${waypoint}, which is not there.`,
      },
    };
  return { selection: { lattice: 'waypoint', terms: { [WAYPOINT_TERM]: waypoint, [SERVICE_TERM]: name } } };
}

/** One text for one selection. */
export function selectionKey({ lattice, terms }: Selection): string {
  return JSON.stringify([lattice, Object.entries(terms).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Selection of the proxies that match both. Undefined if no proxy can. */
export function unionOf(a: Selection, b: Selection): Selection | undefined {
  if (a.lattice !== b.lattice) return undefined;
  for (const [name, value] of Object.entries(a.terms))
    if (b.terms[name] !== undefined && b.terms[name] !== value) return undefined;
  return { lattice: a.lattice, terms: { ...a.terms, ...b.terms } };
}

/** Whether `narrow` differs from `wide` and every proxy of `narrow` is also in `wide`. */
export function isNarrower(narrow: Selection, wide: Selection): boolean {
  return (
    narrow.lattice === wide.lattice &&
    includes(narrow.terms, wide.terms) &&
    Object.keys(narrow.terms).length > Object.keys(wide.terms).length
  );
}

/** Longest readable part of a workload's name, characters. */
const NAME_CHARACTERS = 40;

/** Name of the workload, unique in its namespace. The names of its object and its filter contain it. */
export function workloadName(selection: Selection): string {
  const { lattice, terms } = selection;
  const names = Object.keys(terms);
  const [only = ''] = names;
  const hash = createHash('sha256').update(selectionKey(selection)).digest('hex').slice(0, 8);
  const short = (kind: string, value: string): string =>
    value.length <= NAME_CHARACTERS
      ? `${kind}-${value}`
      : `${kind}-${value.slice(0, NAME_CHARACTERS).replace(/[^a-z0-9]+$/, '')}-${hash}`;
  if (lattice === 'gateway' && names.length === 0) return 'gateways';
  if (lattice === 'gateway' && names.length === 1 && only === GATEWAY_NAME_LABEL)
    return short('gateway', terms[only] ?? '');
  if (lattice === 'waypoint')
    return terms[SERVICE_TERM] === undefined
      ? short('waypoint', terms[WAYPOINT_TERM] ?? '')
      : short('service', terms[SERVICE_TERM] ?? '');
  const readable = Object.entries(terms)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, value]) => value)
    .join('-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_CHARACTERS)
    .replaceAll(/^-+|-+$/g, '');
  return [lattice === 'gateway' ? 'gateways' : 'sidecars', readable, hash].filter((part) => part !== '').join('-');
}
