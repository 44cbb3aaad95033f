// Ports of a route's workloads by what happens at them. HTTP is judged. Other protocols are refused at sidecars, or
// reported.
import type { KubeObject } from '../kube/objects.ts';
import { GATEWAY_NAME_LABEL, includes, type Selection, type TargetFacts } from './selection.ts';

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

function portsOfServices({ terms }: Selection, { services }: TargetFacts, otherPorts: OtherPorts): Coverage {
  const coverage: Coverage = { judged: [], refused: [], open: [] };
  for (const service of services.values()) {
    const selector = (service.spec?.selector ?? {}) as Record<string, string>;
    const apart = Object.entries(selector).some(([name, value]) => terms[name] !== undefined && terms[name] !== value);
    if (Object.keys(selector).length === 0 || apart) continue;
    for (const port of (service.spec?.ports ?? []) as Port[]) {
      const door = `${service.metadata.name}:${port.port}`;
      const protocol = protocolOf(port);
      if (protocol === 'http' || protocol === 'either') coverage.judged.push(door);
      if (protocol === 'udp') coverage.open.push(`${door} (UDP)`);
      else if (protocol !== 'http')
        (otherPorts === 'refuse' ? coverage.refused : coverage.open).push(
          `${door} (${protocol === 'either' ? 'if it is not HTTP' : 'not HTTP'})`,
        );
    }
  }
  return coverage;
}

/** Ports that traffic reaches without the sidecar, according to the pods' annotations. */
function pastSidecars({ terms }: Selection, pods: Iterable<KubeObject>): string[] {
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

function gatewayDoors({ terms }: Selection, { gateways, istioGateways }: TargetFacts): Coverage {
  const coverage: Coverage = { judged: [], refused: [], open: [] };
  const only = terms[GATEWAY_NAME_LABEL];
  for (const { metadata, spec } of gateways.values()) {
    if (only !== undefined && only !== metadata.name) continue;
    for (const { name, port, protocol, tls } of (spec?.listeners ?? []) as {
      name: string;
      port: number;
      protocol: string;
      tls?: { mode?: string };
    }[]) {
      const isHttp = protocol === 'HTTP' || (protocol === 'HTTPS' && tls?.mode !== 'Passthrough');
      (isHttp ? coverage.judged : coverage.open).push(
        `${metadata.name}/${name}:${port}${isHttp ? '' : ` (${protocol})`}`,
      );
    }
  }
  for (const { metadata, spec } of istioGateways.values()) {
    const selector = (spec?.selector ?? {}) as Record<string, string>;
    if (Object.entries(selector).some(([name, value]) => terms[name] !== undefined && terms[name] !== value)) continue;
    for (const { port, tls } of (spec?.servers ?? []) as {
      port?: { number?: number; protocol?: string };
      tls?: { mode?: string };
    }[]) {
      const protocol = (port?.protocol ?? '').toUpperCase();
      const isHttp =
        ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'].includes(protocol) ||
        (protocol === 'HTTPS' && !/PASSTHROUGH/.test(tls?.mode ?? ''));
      (isHttp ? coverage.judged : coverage.open).push(
        `${metadata.name}:${port?.number}${isHttp ? '' : ` (${protocol})`}`,
      );
    }
  }
  return coverage;
}

/** Ports of the proxies that a selection matches. `pods`: pods of the namespace. */
export function coverageOf(
  selection: Selection,
  facts: TargetFacts,
  pods: Iterable<KubeObject>,
  otherPorts: OtherPorts,
): Coverage {
  if (selection.lattice === 'gateway') return gatewayDoors(selection, facts);
  if (selection.lattice === 'waypoint') return { judged: [], refused: [], open: [] };
  const coverage = portsOfServices(selection, facts, otherPorts);
  coverage.open.push(...pastSidecars(selection, pods));
  return coverage;
}
