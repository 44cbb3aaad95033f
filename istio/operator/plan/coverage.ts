// Ports of a route's workloads by what happens at them. HTTP is judged. Other protocols are refused at sidecars, or
// reported.
import { canonicalHash } from '../../../envoy/route/index.ts';
import type { KubeObject } from '../kube/objects.ts';
import { GATEWAY_NAME_LABEL, includes, isGateway, meets, type Selection, type TargetFacts } from './selection.ts';

/** Treatment of inbound connections that do not speak HTTP at a sidecar. The platform chooses it. */
export const OTHER_PORTS = ['refuse', 'tell'] as const;
export type OtherPorts = (typeof OTHER_PORTS)[number];

/** Annotation with the ports that Istio keeps away from the sidecar, separated by commas. */
export const EXCLUDED_PORTS_ANNOTATION = 'traffic.sidecar.istio.io/excludeInboundPorts';
export const INCLUDED_PORTS_ANNOTATION = 'traffic.sidecar.istio.io/includeInboundPorts';

/** Ports by what happens at them, as texts for a person. */
export interface Coverage {
  judged: string[];
  refused: string[];
  open: string[];
}

interface Port {
  name?: string;
  port?: number;
  protocol?: string;
  appProtocol?: string;
}

const HTTP = /^(?:http|http2|grpc|grpc-web|kubernetes\.io\/h2c|kubernetes\.io\/ws)$/;
const OTHERS = /^(?:tcp|tls|https|mongo|mysql|redis|udp|kubernetes\.io\/wss)$/;

/**
 * Protocol of a Service's port as Istio determines it: `appProtocol`, else the name up to a dash, else detection at run
 * time.
 */
function protocolOf({ name = '', protocol = 'TCP', appProtocol }: Port): 'http' | 'other' | 'either' | 'udp' {
  if (protocol === 'UDP') return 'udp';
  const said = (appProtocol ?? (/^grpc-web(?:-|$)/.test(name) ? 'grpc-web' : (name.split('-')[0] ?? ''))).toLowerCase();
  if (HTTP.test(said)) return 'http';
  return OTHERS.test(said) ? 'other' : 'either';
}

/** A port where connections come in. */
export interface Door {
  /** `OBJECT:PORT` or `GATEWAY/LISTENER:PORT`. */
  name: string;
  protocol: 'http' | 'other' | 'either' | 'udp';
  /** Its protocol if it is not HTTP, as a text for a person. */
  told: string;
  port: number;
  /** Whether it is HTTP within TLS that the gateway terminates. */
  tls?: boolean;
}

const TOLD = { http: '', either: 'if it is not HTTP', other: 'not HTTP', udp: 'UDP' };

export function doorsOfService({ metadata, spec }: KubeObject): Door[] {
  return ((spec?.ports ?? []) as Port[]).map((port) => {
    const protocol = protocolOf(port);
    return { name: `${metadata.name}:${port.port}`, protocol, told: TOLD[protocol], port: port.port ?? 0 };
  });
}

/** Listeners of a Gateway of the Gateway API. */
export function doorsOfGateway({ metadata, spec }: KubeObject): Door[] {
  const listeners = (spec?.listeners ?? []) as {
    name: string;
    port: number;
    protocol: string;
    tls?: { mode?: string };
  }[];
  return listeners.map(({ name, port, protocol, tls }) => {
    const isHttp = protocol === 'HTTP' || (protocol === 'HTTPS' && tls?.mode !== 'Passthrough');
    return {
      name: `${metadata.name}/${name}:${port}`,
      protocol: isHttp ? 'http' : 'other',
      told: isHttp ? '' : protocol,
      port,
      tls: isHttp && protocol === 'HTTPS',
    };
  });
}

/** Protocols of Istio's listeners that are HTTP, where TLS ends there. */
const HTTP_SERVERS = ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'];

/** Listeners that a Sidecar makes instead of those of the workload's Services. */
export function doorsOfSidecar({ metadata, spec }: KubeObject): Door[] {
  const listeners = (spec?.ingress ?? []) as { port?: { number?: number; protocol?: string } }[];
  return listeners.map(({ port }) => {
    const said = (port?.protocol ?? '').toUpperCase();
    const protocol = HTTP_SERVERS.includes(said) ? 'http' : said === '' ? 'either' : 'other';
    return { name: `${metadata.name}:${port?.number}`, protocol, told: TOLD[protocol], port: port?.number ?? 0 };
  });
}

/** Servers of an Istio Gateway. */
export function doorsOfIstioGateway({ metadata, spec }: KubeObject): Door[] {
  const servers = (spec?.servers ?? []) as { port?: { number?: number; protocol?: string }; tls?: { mode?: string } }[];
  return servers.map(({ port, tls }) => {
    const protocol = (port?.protocol ?? '').toUpperCase();
    const isHttp = HTTP_SERVERS.includes(protocol) || (protocol === 'HTTPS' && !/PASSTHROUGH/.test(tls?.mode ?? ''));
    return {
      name: `${metadata.name}:${port?.number}`,
      protocol: isHttp ? 'http' : 'other',
      told: isHttp ? '' : protocol,
      port: port?.number ?? 0,
      tls: isHttp && protocol === 'HTTPS',
    };
  });
}

function portsOfServices({ terms }: Selection, { services }: TargetFacts, otherPorts: OtherPorts): Coverage {
  const coverage: Coverage = { judged: [], refused: [], open: [] };
  for (const service of services.values()) {
    const selector = (service.spec?.selector ?? {}) as Record<string, string>;
    const apart = Object.entries(selector).some(([name, value]) => terms[name] !== undefined && terms[name] !== value);
    if (Object.keys(selector).length === 0 || apart) continue;
    for (const { name, protocol, told } of doorsOfService(service)) {
      if (protocol === 'http' || protocol === 'either') coverage.judged.push(name);
      if (protocol === 'udp') coverage.open.push(`${name} (${told})`);
      else if (protocol !== 'http')
        (otherPorts === 'refuse' ? coverage.refused : coverage.open).push(`${name} (${told})`);
    }
  }
  return coverage;
}

/** Ports that traffic reaches without the sidecar, according to the pods' annotations. */
export function pastSidecars({ terms }: Pick<Selection, 'terms'>, pods: Iterable<KubeObject>): string[] {
  const found = new Set<string>();
  for (const { metadata } of pods) {
    if (!includes(metadata.labels ?? {}, terms)) continue;
    const excluded = metadata.annotations?.[EXCLUDED_PORTS_ANNOTATION] ?? '';
    if (excluded !== '')
      found.add(`ports ${excluded} of ${metadata.name} (past the sidecar: ${EXCLUDED_PORTS_ANNOTATION})`);
    const included = metadata.annotations?.[INCLUDED_PORTS_ANNOTATION];
    if (included !== undefined && included !== '*')
      found.add(
        `ports other than ${included || 'none'} of ${metadata.name} (past the sidecar: ${INCLUDED_PORTS_ANNOTATION})`,
      );
  }
  return [...found];
}

/** Labels by which a Service finds its pods, and an Istio Gateway its own, of any namespace. */
export function selectorOf({ spec }: KubeObject): Record<string, string> {
  return (spec?.selector ?? {}) as Record<string, string>;
}

/**
 * Istio Gateways of other namespaces whose servers the gateway pods of this one have, too. `all`: those of the whole
 * cluster.
 */
export function guestGateways(namespace: string, all: Iterable<KubeObject>, facts: TargetFacts): KubeObject[] {
  const labels = [...(facts.pods?.values() ?? [])]
    .map(({ metadata }) => metadata.labels ?? {})
    .filter((one) => isGateway(one, facts));
  if (labels.length === 0) return [];
  return [...all].filter(
    (gateway) => gateway.metadata.namespace !== namespace && labels.some((one) => includes(one, selectorOf(gateway))),
  );
}

/** Servers of another namespace's Gateway, named with it. */
export function doorsOfGuest(gateway: KubeObject): Door[] {
  return doorsOfIstioGateway(gateway).map((door) => ({ ...door, name: `${gateway.metadata.namespace}/${door.name}` }));
}

function gatewayDoors(selection: Selection, facts: TargetFacts, guests: readonly KubeObject[]): Coverage {
  const { terms } = selection;
  const { gateways, istioGateways } = facts;
  const coverage: Coverage = { judged: [], refused: [], open: [] };
  const own = [...(facts.pods?.values() ?? [])]
    .map(({ metadata }) => metadata.labels ?? {})
    .filter((labels) => meets(selection, labels, facts));
  const only = terms[GATEWAY_NAME_LABEL];
  const doors = [
    ...[...gateways.values()]
      .filter(({ metadata }) => only === undefined || only === metadata.name)
      .flatMap(doorsOfGateway),
    ...[...istioGateways.values()]
      .filter(({ spec }) => {
        const selector = (spec?.selector ?? {}) as Record<string, string>;
        return Object.entries(selector).every(([name, value]) => terms[name] === undefined || terms[name] === value);
      })
      .flatMap(doorsOfIstioGateway),
    ...guests.filter((gateway) => own.some((labels) => includes(labels, selectorOf(gateway)))).flatMap(doorsOfGuest),
  ];
  for (const { name, protocol, told } of doors)
    (protocol === 'http' ? coverage.judged : coverage.open).push(protocol === 'http' ? name : `${name} (${told})`);
  return coverage;
}

/** Ports of the proxies that a selection matches. `pods`: pods of the namespace; `guests`: as of `guestGateways`. */
export function coverageOf(
  selection: Selection,
  facts: TargetFacts,
  pods: Iterable<KubeObject>,
  otherPorts: OtherPorts,
  guests: readonly KubeObject[] = [],
): Coverage {
  if (selection.lattice === 'gateway') return gatewayDoors(selection, facts, guests);
  if (selection.lattice === 'waypoint') return { judged: [], refused: [], open: [] };
  const coverage = portsOfServices(selection, facts, otherPorts);
  coverage.open.push(...pastSidecars(selection, pods));
  return coverage;
}

/**
 * The parts of the Services and Gateways of a namespace that decide about its ports. With it, whatever is said of
 * `Covered` has to be looked at again.
 */
export function doorsHash({ services, gateways, istioGateways }: TargetFacts): string {
  const doors = (objects: ReadonlyMap<string, KubeObject>, of: (object: KubeObject) => Door[]): unknown[] =>
    [...objects.values()]
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
      .map((object) => [object.metadata.name, object.spec?.selector ?? {}, of(object)]);
  return canonicalHash([
    doors(services, doorsOfService),
    doors(gateways, doorsOfGateway),
    doors(istioGateways, doorsOfIstioGateway),
  ]);
}
