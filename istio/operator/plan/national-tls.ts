// National TLS of a workload: where its gateways can terminate it, by which certificates, and what is missing.
import type { Path } from '../../../envoy/route/json-path.ts';
import { issueAt } from '../../../envoy/route/route-error.ts';
import {
  canonicalHash,
  canonicalJson,
  type KmsConfig,
  type ListenerTls,
  type ReadTls,
  type RouteIssue,
  type RouteResource,
  type TlcpConfigTerms,
  tlcpListenerConfig,
  tlcpSectionPath,
  type TlcpListenerConfig,
  type TlsPairTerms,
} from '../../../envoy/route/index.ts';
import type { KubeObject } from '../kube/objects.ts';
import { TLCP_ANNOTATION } from './applied.ts';
import type { Examine } from './build.ts';
import { doorsOfGateway, doorsOfIstioGateway, type Door } from './coverage.ts';
import type { ModuleReference } from './envoy-filter.ts';
import { GATEWAY_NAME_LABEL, includes, type Selection, type TargetFacts } from './selection.ts';

/** Certificates of a server, whose private keys are at the key service. */
export interface TlcpCertificates {
  pairs: TlsPairTerms[];
  /** Authorities of clients, PEM. */
  trust?: string;
}

/** The platform's supply for national TLS. */
export interface TlcpSupply {
  /** The module, if proxies can fetch it. */
  module?: { reference: ModuleReference; examine: Examine };
  /** Its default certificates. */
  defaults?: TlcpCertificates;
  /** Its OCSP responder, by the cluster that its namespaces get with that of the key service. */
  responder?: TlcpConfigTerms['responder'];
  /** Why one of them is not there, as clauses for a person. */
  moduleLack: string;
  defaultsLack: string;
}

export const NO_SUPPLY: TlcpSupply = {
  moduleLack: 'the operator has no tlcp-listener.wasm',
  defaultsLack: '',
};

/** Place where a workload's proxies terminate it. */
export interface TlcpPlace {
  /** Listener ports that speak it; absent: all that speak HTTP. */
  ports?: number[];
  /** Listeners that do not speak it though routes may be served there, as a clause. */
  lack?: string;
  /** Whether `lack` concerns the whole workload. */
  nowhere: boolean;
  /** Whether some ports speak HTTP in clear. */
  clear?: boolean;
}

/** National TLS in force, or to be. */
export interface TlcpRelease {
  /** Without generation. */
  config: TlcpListenerConfig;
  module: ModuleReference;
  ports?: number[];
}

export function tlcpHash({ config, module, ports }: TlcpRelease): string {
  return canonicalHash({ config, sha256: module.sha256, url: module.url, ...(ports === undefined ? {} : { ports }) });
}

const NO_OTHER_TLS =
  'tls.alsoTls is not served on the ports of national TLS: give the Gateway a server of its own for it (HTTPS, on another port)';

const isPlain = ({ told, tls }: Door): boolean => told === '' && !tls;

/** Ports of a gateway's pods for a port of its Gateway: that, and those that Services lead it to. */
function podPorts(port: number, { services }: TargetFacts): number[] {
  const targets = [...services.values()].flatMap(({ spec }) =>
    ((spec?.ports ?? []) as { port: number; targetPort?: number | string }[])
      .filter((one) => one.port === port)
      .map(({ targetPort }) => targetPort),
  );
  return [port, ...targets.filter((target) => typeof target === 'number')];
}

/** Place where proxies of a selection terminate national TLS: at gateways, on ports that speak HTTP in clear. */
export function tlcpPlace({ lattice, terms }: Selection, facts: TargetFacts): TlcpPlace {
  if (lattice !== 'gateway')
    return {
      nowhere: true,
      lack: `national TLS is terminated at gateways, and not at ${lattice === 'sidecar' ? 'sidecars, which take the mutual TLS of the mesh' : 'waypoints'}`,
    };
  const only = terms[GATEWAY_NAME_LABEL];
  const doors = [
    ...[...facts.gateways.values()]
      .filter(({ metadata }) => only === undefined || only === metadata.name)
      .flatMap(doorsOfGateway),
    ...[...facts.istioGateways.values()]
      .filter(({ spec }) => includes({ ...((spec?.selector ?? {}) as Record<string, string>), ...terms }, terms))
      .flatMap(doorsOfIstioGateway),
  ].filter(({ protocol }) => protocol === 'http');
  const others = doors.filter((door) => !isPlain(door));
  if (others.length === 0) return { nowhere: false };
  const portsOf = (some: Door[]): Set<number> => new Set(some.flatMap(({ port }) => podPorts(port, facts)));
  const ports = portsOf(doors.filter(isPlain));
  const names = others.map(({ name }) => name).sort();
  const lack = `national TLS is not spoken at ${names.join(', ')}, which has another TLS`;
  const shared = [...portsOf(others)].some((port) => ports.has(port));
  if (ports.size === 0 || shared) return { nowhere: true, lack, clear: ports.size > 0 };
  return { nowhere: false, ports: [...ports].sort((a, b) => a - b), lack };
}

/** Facts that a build needs to know of it. */
export interface TlcpInput {
  supply: TlcpSupply;
  place: TlcpPlace;
  /** Settings that proxies were given last. */
  inForce: TlcpRelease | undefined;
  /** Reads certificates that routes name in other objects. */
  read: ReadTls;
}

/** Text that changes with everything that `tlcpOutcome` depends on besides routes and what is in force. */
export function tlcpIdentity(supply: TlcpSupply, place: TlcpPlace): string {
  const { module, defaults, responder, moduleLack, defaultsLack } = supply;
  return canonicalHash(
    JSON.parse(JSON.stringify([module?.reference, defaults, responder, moduleLack, defaultsLack, place])) as never,
  );
}

export type TlcpOutcome =
  /** `lack`: what is missing although it is terminated. */
  | { kind: 'release'; release: TlcpRelease; lack?: string }
  | { kind: 'lack'; lack: string }
  /** The routes' own certificates are refused. */
  | { kind: 'refused'; issues: Map<string, RouteIssue> };

/** Decides about national TLS that routes ask for. */
export function tlcpOutcome(
  tls: ListenerTls,
  routes: ReadonlyMap<string, readonly RouteResource[]>,
  { supply, place, inForce, read }: TlcpInput,
  kms: KmsConfig | undefined,
): TlcpOutcome {
  /** Whether what was in force stays, so that nothing is served in clear that was not. */
  const without = (lack: string): TlcpOutcome =>
    inForce === undefined
      ? { kind: 'lack', lack }
      : { kind: 'release', release: inForce, lack: `${lack}: what was in force of national TLS stays` };
  if (place.nowhere) return place.clear ? without(place.lack ?? '') : { kind: 'lack', lack: place.lack ?? '' };
  const { module, defaults } = supply;
  const isServed = tls.pairs.length > 0 || defaults !== undefined;
  const lacks = [...(module === undefined ? [supply.moduleLack] : []), ...(isServed ? [] : [supply.defaultsLack])];
  if (module === undefined || !isServed) return without(lacks.join('; '));
  const config = tlcpListenerConfig(tls, {
    ...(kms === undefined ? {} : { kms }),
    responder: supply.responder,
    own: defaults ?? null,
    read,
  });
  const refused = (code: RouteIssue['code'], path: Path, detail: string): TlcpOutcome => {
    const issues = new Map<string, RouteIssue>();
    for (const key of tls.routes) {
      const source = routes.get(key)?.[0]?.source;
      if (source !== undefined) issues.set(key, issueAt(source, code, ['spec', 'tls', ...path], detail));
    }
    return { kind: 'refused', issues };
  };
  const isElsewhere = [tls.trust, tls.lists, ...tls.pairs.flatMap(({ sign, encrypt }) => [sign, encrypt])].some(
    (text) => typeof text === 'object',
  );
  // Not the route is wrong, but what it names: it may come any moment.
  if ('code' in config && config.code.startsWith('FIM-OP-'))
    return without(`${config.code} ${config.path}: ${config.message}`);
  if ('code' in config) return refused(config.code, config.code === 'FIM-UP-0033' ? ['ocsp'] : ['crl'], '');
  const refusal = module.examine(canonicalJson(config));
  if (refusal === undefined) {
    const { ports } = place;
    const release = { config, module: module.reference, ...(ports === undefined ? {} : { ports }) };
    const lacking = [place.lack, tls.alsoTls && NO_OTHER_TLS].filter((text) => text !== undefined).join('; ');
    return { kind: 'release', release, ...(lacking === '' ? {} : { lack: lacking }) };
  }
  const detail = `tlcp-listener.wasm refuses ${refusal.pointer}`;
  if (isElsewhere) return without(`what the route names is refused: ${refusal.code}, ${detail}`);
  if (tls.pairs.length === 0)
    return without(`the platform's default certificates are refused: ${refusal.code}, ${detail}`);
  const where = tlcpSectionPath(refusal.pointer);
  return refused(refusal.code as RouteIssue['code'], where.length > 0 ? where : ['certificates'], detail);
}

interface ExtensionPatch {
  applyTo?: string;
  match?: { listener?: { portNumber?: number } };
  patch?: {
    operation?: string;
    value?: {
      typed_config?: {
        config?: {
          configuration?: { value?: string };
          vm_config?: { code?: { remote?: { http_uri?: { uri?: string }; sha256?: string } } };
          capability_restriction_config?: { allowed_capabilities?: Record<string, unknown> };
        };
      };
    };
  };
}

/** Patches of an object that hold the configurations of its filters of national TLS: connections, then requests. */
export function tlcpExtensions({ spec }: KubeObject): Record<string, unknown>[] {
  const patches = (spec?.configPatches ?? []) as ExtensionPatch[];
  return patches.filter(({ applyTo }) => applyTo === 'EXTENSION_CONFIG').slice(1) as Record<string, unknown>[];
}

/** National TLS that an object puts into force. Undefined: none. Never throws. */
export function tlcpInForce(object: KubeObject | undefined): TlcpRelease | undefined {
  if (object?.metadata.annotations?.[TLCP_ANNOTATION] === undefined) return undefined;
  const [connections] = tlcpExtensions(object) as ExtensionPatch[];
  const plugin = connections?.patch?.value?.typed_config?.config;
  const { http_uri: uri, sha256 } = plugin?.vm_config?.code?.remote ?? {};
  try {
    const { generation: _, ...config } = JSON.parse(plugin?.configuration?.value ?? '') as TlcpListenerConfig;
    if (uri?.uri === undefined || sha256 === undefined || config.connections === undefined) return undefined;
    const capabilities = Object.keys(plugin?.capability_restriction_config?.allowed_capabilities ?? {});
    const ports = ((object.spec?.configPatches ?? []) as ExtensionPatch[])
      .filter(({ applyTo, patch }) => applyTo === 'NETWORK_FILTER' && patch?.operation === 'INSERT_BEFORE')
      .flatMap(({ match }) => match?.listener?.portNumber ?? []);
    return { config, module: { url: uri.uri, sha256, capabilities }, ...(ports.length === 0 ? {} : { ports }) };
  } catch {
    return undefined;
  }
}
