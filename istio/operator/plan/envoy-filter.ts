// Makes the one EnvoyFilter that carries a workload's configuration.
import { numbered, type ModuleContent, type Release } from '../../../envoy/release/index.ts';
import {
  asksFleet,
  canonicalHash,
  canonicalJson,
  PLUGIN_CONFIG_VERSION,
  type TlcpListenerConfig,
} from '../../../envoy/route/index.ts';
import {
  connectionHardening,
  discoveredFilter,
  sharedConnectionLimits,
  tlcpConfig,
  tlcpFilter,
  WASM_FILTER,
  wasmFilter,
  type EnvoyObject,
  type TlcpPart,
} from '../../../envoy/xds/index.ts';
import { DEFAULT_REQUEST_TIMEOUT_MS, MAX_ENVOY_BUFFER_BYTES } from '../../../envoy/limits.ts';
import type { KubeObject } from '../kube/objects.ts';
import { specHashOf } from '../kube/packed.ts';
import {
  APPLIED_ANNOTATION,
  GENERATION_ANNOTATION,
  HASH_ANNOTATION,
  MANAGED_BY_LABEL,
  MANAGER,
  MODULE_ANNOTATION,
  OBJECT_PREFIX,
  RETIRED_ANNOTATION,
  SELECTION_ANNOTATION,
  TLCP_ANNOTATION,
  VERSION_ANNOTATION,
  WORKLOAD_LABEL,
} from './applied.ts';
import { claimsPatches } from './claims.ts';
import { fleetPatches } from './fleet.ts';
import { tlcpHash, type TlcpRelease } from './national-tls.ts';
import { GATEWAY_NAME_LABEL, SERVICE_TERM, WAYPOINT_TERM, type Lattice } from './selection.ts';
import type { Workload } from './workloads.ts';

const API_VERSION = 'networking.istio.io/v1alpha3';
const CONNECTION_MANAGER = 'envoy.filters.network.http_connection_manager';
export const ROUTER = 'envoy.filters.http.router';
/** Wider selections come first, so that narrower ones find the filter that they replace. */
export const BASE_PRIORITY = 100;
const PRIORITY_PER_TERM = 10;

export const CONTEXT: Record<Lattice, string> = {
  gateway: 'GATEWAY',
  sidecar: 'SIDECAR_INBOUND',
  waypoint: 'SIDECAR_INBOUND',
};

/** Address of a module, as Istio's agents fetch it. */
export interface ModuleReference extends ModuleContent {
  /** `https://…`, `http://…` or `oci://…`. */
  url: string;
  /** Functions that the module may import and export. Envoy gives it no others. */
  capabilities: readonly string[];
}

/** A release and its place in the order of generations. */
export interface WorkloadRelease extends Release<ModuleReference> {
  generation: number;
  /** Milliseconds since 1970. */
  appliedAt: number;
  /** Version of the operator. */
  version: string;
  /** National TLS; its configuration has the same generation. */
  tlcp?: TlcpRelease;
}

/** Name of the workload's HTTP filter and of its discovered configuration. */
export function filterName(workload: string): string {
  return `fim.${workload}`;
}

export function objectName(workload: string): string {
  return `${OBJECT_PREFIX}${workload}`;
}

/** Default DNS domain of the cluster's Services. */
export const CLUSTER_DOMAIN = 'cluster.local';

/** Names of Envoy's filter chains for the HTTP ports of a waypoint's Service. */
export function waypointChains(service: KubeObject, domain: string): string[] {
  const { name, namespace } = service.metadata;
  const ports = (service.spec?.ports ?? []) as { port: number; protocol?: string }[];
  return ports
    .filter((port) => (port.protocol ?? 'TCP') === 'TCP')
    .map((port) => `inbound-vip|${port.port}|http|${name}.${namespace}.svc.${domain}`);
}

export function chainMatches(
  context: string,
  chains: readonly string[] | undefined,
  subFilter: string | undefined,
): EnvoyObject[] {
  const filter: EnvoyObject = {
    name: CONNECTION_MANAGER,
    ...(subFilter === undefined ? {} : { subFilter: { name: subFilter } }),
  };
  const names: (string | undefined)[] = chains === undefined ? [undefined] : [...chains];
  return names.map((name) => ({
    context,
    listener: { filterChain: { ...(name === undefined ? {} : { name }), filter } },
  }));
}

function codeOf({ url, sha256 }: ModuleReference): EnvoyObject {
  return { remote: { http_uri: { uri: url, timeout: '30s' }, sha256 } };
}

/** A module gets the functions that it uses, and no others. */
function restrictionOf({ capabilities }: ModuleReference): EnvoyObject {
  const allowed = Object.fromEntries(capabilities.map((capability): [string, EnvoyObject] => [capability, {}]));
  return { capability_restriction_config: { allowed_capabilities: allowed } };
}

function extension(context: string, name: string, config: EnvoyObject): EnvoyObject {
  return {
    applyTo: 'EXTENSION_CONFIG',
    match: { context },
    patch: { operation: 'ADD', value: { name, typed_config: config } },
  };
}

function extensionPatch(context: string, name: string, release: WorkloadRelease): EnvoyObject {
  const { module } = release;
  const config = numbered(release, release.generation);
  return extension(context, name, wasmFilter(name, codeOf(module), config, restrictionOf(module)));
}

/** Name of a filter of national TLS and of its discovered configuration. */
function tlcpName(workload: string, part: TlcpPart): string {
  return `${filterName(workload)}.tlcp.${part}`;
}

/** Name of the filter that removes what clients say of themselves. */
function claimsName(workload: string): string {
  return `${filterName(workload)}.claims`;
}

/** Configurations of the filters of national TLS. */
function tlcpExtensionPatches(
  context: string,
  workload: string,
  { config, module }: TlcpRelease,
  generation: number,
): EnvoyObject[] {
  const common = { code: codeOf(module), restriction: restrictionOf(module) };
  const patch = (part: TlcpPart, own: TlcpListenerConfig): EnvoyObject => {
    const name = tlcpName(workload, part);
    return extension(context, name, tlcpConfig(part, name, common, own));
  };
  return [
    patch('connections', { ...config, generation }),
    patch('requests', { version: config.version, generation, requests: { required: true } }),
  ];
}

/**
 * The filters of national TLS: one in front of the connection manager, and one before all of its filters, in the places
 * of those of wider workloads.
 */
function tlcpFilterPatches(context: string, { name, wider }: Workload, { ports }: TlcpRelease): EnvoyObject[] {
  const listeners: EnvoyObject[] = ports === undefined ? [{}] : ports.map((port) => ({ portNumber: port }));
  return listeners.flatMap((listener) => {
    const at = (filter: EnvoyObject): EnvoyObject => ({
      context,
      listener: { ...listener, filterChain: { filter } },
    });
    const manager = at({ name: CONNECTION_MANAGER });
    const add = (applyTo: string, part: TlcpPart, operation: string): EnvoyObject => ({
      applyTo,
      match: manager,
      patch: { operation, value: tlcpFilter(part, tlcpName(name, part), { ads: {} }) },
    });
    const removed = wider.flatMap((other): EnvoyObject[] => [
      {
        applyTo: 'NETWORK_FILTER',
        match: at({ name: tlcpName(other, 'connections') }),
        patch: { operation: 'REMOVE' },
      },
      {
        applyTo: 'HTTP_FILTER',
        match: at({ name: CONNECTION_MANAGER, subFilter: { name: tlcpName(other, 'requests') } }),
        patch: { operation: 'REMOVE' },
      },
    ]);
    return [
      ...removed,
      add('NETWORK_FILTER', 'connections', 'INSERT_BEFORE'),
      add('HTTP_FILTER', 'requests', 'INSERT_FIRST'),
    ];
  });
}

function filterPatches(
  context: string,
  name: string,
  wider: readonly string[],
  chains: readonly string[] | undefined,
): EnvoyObject[] {
  const removed = wider.flatMap((other) =>
    chainMatches(context, chains, filterName(other)).map((match): EnvoyObject => ({
      applyTo: 'HTTP_FILTER',
      match,
      patch: { operation: 'REMOVE' },
    })),
  );
  const value = discoveredFilter(name, { ads: {} }, WASM_FILTER);
  const inserted = chainMatches(context, chains, ROUTER).map((match): EnvoyObject => ({
    applyTo: 'HTTP_FILTER',
    match,
    patch: { operation: 'INSERT_BEFORE', value },
  }));
  return [...removed, ...inserted];
}

/** The policy and the upstream read the same request, and one client cannot hold many requests for long. */
function connectionPatches(
  context: string,
  chains: readonly string[] | undefined,
  requestTimeoutMs: number,
): EnvoyObject[] {
  const value = {
    typed_config: { ...connectionHardening({ sharesPaths: true }), ...sharedConnectionLimits(requestTimeoutMs) },
  };
  return [
    ...chainMatches(context, chains, undefined).map((match): EnvoyObject => ({
      applyTo: 'NETWORK_FILTER',
      match,
      patch: { operation: 'MERGE', value },
    })),
    // Above the largest limit of any route, so that the route's own limit applies first and gives its code.
    {
      applyTo: 'VIRTUAL_HOST',
      match: { context },
      patch: { operation: 'MERGE', value: { request_body_buffer_limit: MAX_ENVOY_BUFFER_BYTES } },
    },
  ];
}

export function attachment({ selection: { lattice, terms } }: Workload): EnvoyObject {
  const gateway = (name: string): EnvoyObject => ({ group: 'gateway.networking.k8s.io', kind: 'Gateway', name });
  const names = Object.keys(terms);
  if (lattice === 'waypoint') {
    const service = terms[SERVICE_TERM];
    return {
      targetRefs: [
        service === undefined ? gateway(terms[WAYPOINT_TERM] ?? '') : { group: '', kind: 'Service', name: service },
      ],
    };
  }
  if (names.length === 0) return {};
  const only = terms[GATEWAY_NAME_LABEL];
  return names.length === 1 && only !== undefined
    ? { targetRefs: [gateway(only)] }
    : { workloadSelector: { labels: terms } };
}

/**
 * An object of the operator. It has no owner references: on deletion of the last route, garbage collection could remove
 * the filter before its seal, and protection would end without the operator.
 */
export function managed(
  namespace: string,
  name: string,
  labels: Record<string, string>,
  annotations: Record<string, string>,
  spec: EnvoyObject,
): KubeObject {
  const metadata = { name, namespace, labels: { [MANAGED_BY_LABEL]: MANAGER, ...labels }, annotations };
  return { apiVersion: API_VERSION, kind: 'EnvoyFilter', metadata, spec: spec as Record<string, unknown> };
}

export interface ChainTerms {
  /** For a waypoint's Service, the names of its filter chains. */
  chains?: readonly string[] | undefined;
  /** Time for a whole request to arrive, milliseconds; 0: any. Absent: DEFAULT_REQUEST_TIMEOUT_MS. */
  requestTimeoutMs?: number;
  /**
   * Configurations of national TLS that the object had. Without a release of it they stay, for connections of listeners
   * that drain.
   */
  formerTlcp?: readonly EnvoyObject[];
  /** SPIFFE ids of proxies that sidecars believe who the client is. */
  believedPeers?: readonly string[];
  /** Whether a service counts global limits. */
  countsGlobally?: boolean;
}

/** EnvoyFilter of a workload. */
export function workloadObject(
  workload: Workload,
  release: WorkloadRelease,
  {
    chains,
    requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
    formerTlcp = [],
    believedPeers = [],
    countsGlobally = false,
  }: ChainTerms = {},
): KubeObject {
  const { namespace, name, selection, wider } = workload;
  const context = CONTEXT[selection.lattice];
  const filter = filterName(name);
  const { tlcp } = release;
  const spec: EnvoyObject = {
    ...attachment(workload),
    priority: BASE_PRIORITY + PRIORITY_PER_TERM * Object.keys(selection.terms).length,
    configPatches: [
      extensionPatch(context, filter, release),
      ...(tlcp === undefined ? formerTlcp : tlcpExtensionPatches(context, name, tlcp, release.generation)),
      ...filterPatches(context, filter, wider, chains),
      ...(tlcp === undefined ? [] : tlcpFilterPatches(context, workload, tlcp)),
      ...(countsGlobally
        ? fleetPatches({
            at: (subFilter) => chainMatches(context, chains, subFilter),
            nameOf: filterName,
            router: ROUTER,
            workload: name,
            wider,
            asks: asksFleet({ ...release.config }),
          })
        : []),
      // Behind those of national TLS, so that the filter comes to stand before.
      ...claimsPatches({
        at: (subFilter) => chainMatches(context, chains, subFilter),
        nameOf: claimsName,
        workload: name,
        wider,
        peers: selection.lattice === 'sidecar' ? believedPeers : [],
      }),
      ...connectionPatches(context, chains, requestTimeoutMs),
    ],
  };
  const annotations = {
    [SELECTION_ANNOTATION]: canonicalJson(selection),
    [HASH_ANNOTATION]: release.hash,
    [MODULE_ANNOTATION]: release.module.sha256,
    [GENERATION_ANNOTATION]: String(release.generation),
    [APPLIED_ANNOTATION]: new Date(release.appliedAt).toISOString(),
    [VERSION_ANNOTATION]: release.version,
    ...(tlcp === undefined ? {} : { [TLCP_ANNOTATION]: tlcpHash(tlcp) }),
  };
  // The value of a label has at most 63 characters.
  return managed(
    namespace,
    objectName(name),
    { [WORKLOAD_LABEL]: name.slice(0, 63).replace(/[^a-z0-9]+$/, '') },
    annotations,
    spec,
  );
}

/**
 * The object without its filter, with an empty configuration. New listeners do not have the filter. Connections on old
 * listeners still find the configuration, without which Envoy would answer 500.
 */
export function retiredObject(object: KubeObject, generation: number, now: Date): KubeObject {
  const { name, namespace, labels, annotations } = object.metadata;
  const body = { version: PLUGIN_CONFIG_VERSION, routes: [] };
  const hash = canonicalHash(body);
  const kept = ((object.spec?.configPatches ?? []) as EnvoyObject[])
    .filter(({ applyTo }) => applyTo === 'EXTENSION_CONFIG')
    .map((patch) => structuredClone(patch));
  // The first is the policy. National TLS stays as it is for the connections that have it.
  const [policy] = kept as {
    patch?: { value?: { typed_config?: { config?: { configuration?: { value?: string } } } } };
  }[];
  const { configuration } = policy?.patch?.value?.typed_config?.config ?? {};
  if (configuration !== undefined) configuration.value = canonicalJson({ ...body, generation, hash });
  const said = {
    ...annotations,
    [HASH_ANNOTATION]: hash,
    [GENERATION_ANNOTATION]: String(generation),
    [RETIRED_ANNOTATION]: now.toISOString(),
  };
  return {
    apiVersion: API_VERSION,
    kind: 'EnvoyFilter',
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), labels, annotations: said },
    spec: { ...object.spec, configPatches: kept },
  };
}

/**
 * Whether the object in the cluster is as wanted. The spec must match exactly; elsewhere only what the operator sets
 * must match.
 */
export function isAsWanted(wanted: KubeObject, found: KubeObject | undefined): boolean {
  if (found === undefined || found.metadata.deletionTimestamp) return false;
  const part = (all: Record<string, string> | undefined, names: Record<string, string> | undefined): unknown =>
    Object.fromEntries(Object.keys(names ?? {}).map((name) => [name, all?.[name]]));
  return (
    specHashOf(wanted) === specHashOf(found) &&
    canonicalJson(part(found.metadata.labels, wanted.metadata.labels)) ===
      canonicalJson(wanted.metadata.labels ?? {}) &&
    canonicalJson(part(found.metadata.annotations, wanted.metadata.annotations)) ===
      canonicalJson(wanted.metadata.annotations ?? {}) &&
    // Earlier versions set owner references.
    !(found.metadata.ownerReferences ?? []).some(({ kind }) => kind === 'FinancialRoute')
  );
}
