// The objects of the mesh around FIM: a namespace with STRICT mutual TLS, a gateway, services with sidecars.
import type { KubeObject } from './cluster-objects.ts';

export const NAMESPACE = 'demo';
/** The gateway's listener, on its pod's address. */
export const GATEWAY_PORT = 8080;
/** A sidecar's inbound listener, on its pod's address. */
export const SIDECAR_PORT = 8000;
const OUTBOUND_PORT = 8001;

const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const serviceAccount = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: NAMESPACE },
});

/** Namespaces and the rule that sidecars take nothing but mutual TLS. */
export function namespaceObjects(): KubeObject[] {
  return [
    ...['istio-system', NAMESPACE].map(namespace),
    serviceAccount('gw'),
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'strict', namespace: NAMESPACE },
      spec: { mtls: { mode: 'STRICT' } },
    },
  ];
}

/** Label by which a gateway's pod is told from the others. */
export const POD_LABEL = 'mesh/pod';
/** Names of the pods that a gateway may have. */
const GATEWAY_PODS = ['gw-0', 'gw-1', 'gw-2'];

/**
 * The listener of one gateway pod. Each pod has an Istio Gateway of its own: the address to listen on is the Gateway's
 * to say, and on the wildcard address the kernel would share out connections among all gateways of this machine.
 */
export function gatewayObject(pod: string, address: string): KubeObject {
  const server = { port: { number: GATEWAY_PORT, name: 'http', protocol: 'HTTP' }, bind: address, hosts: ['*'] };
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: pod, namespace: NAMESPACE },
    spec: { selector: { [POD_LABEL]: pod }, servers: [server] },
  };
}

/**
 * Label by which Istio tells which Gateway of the Gateway API a pod serves; whoever deploys such a gateway by hand sets
 * it too.
 */
const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';
/** Public port for clients of such a gateway. Its pods listen on the Service's target port. */
const PUBLIC_PORT = 80;

export const gatewayApiLabels = (name: string): Record<string, string> => ({ [GATEWAY_NAME_LABEL]: name });

/**
 * A Gateway of the Gateway API with manually deployed pods: its address names their Service. It leads to the service
 * `backend`. `port`: listening port of the pods, at all addresses, since this kind of Gateway offers no other way. It
 * must be free on the whole machine.
 */
export function gatewayApiObjects(name: string, port: number, backend: string): KubeObject[] {
  const metadata = { name, namespace: NAMESPACE };
  const version = 'gateway.networking.k8s.io/v1';
  const address = { type: 'Hostname', value: `${name}.${NAMESPACE}.svc.cluster.local` };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: gatewayApiLabels(name), ports: [{ name: 'http', port: PUBLIC_PORT, targetPort: port }] },
    },
    {
      apiVersion: version,
      kind: 'Gateway',
      metadata,
      spec: {
        gatewayClassName: 'istio',
        addresses: [address],
        listeners: [{ name: 'http', port: PUBLIC_PORT, protocol: 'HTTP' }],
      },
    },
    {
      apiVersion: version,
      kind: 'HTTPRoute',
      metadata,
      spec: { parentRefs: [{ name }], rules: [{ backendRefs: [{ name: backend, port: SIDECAR_PORT }] }] },
    },
  ];
}

/**
 * A service of one pod with a sidecar. The endpoint is a WorkloadEntry, because EndpointSlices refuse loopback
 * addresses. The sidecar's listeners are listed, because nothing redirects its traffic. `publicHost`: host for clients
 * of the gateway; `*` for all other hosts.
 */
export function workloadObjects(
  name: string,
  address: string,
  application: URL,
  publicHost = `${name}.bank.example`,
): KubeObject[] {
  const host = `${name}.${NAMESPACE}.svc.cluster.local`;
  const metadata = { name, namespace: NAMESPACE };
  const ingress = {
    port: { number: SIDECAR_PORT, protocol: 'HTTP', name: 'http' },
    bind: address,
    defaultEndpoint: `127.0.0.1:${application.port}`,
    captureMode: 'NONE',
  };
  const egress = {
    port: { number: OUTBOUND_PORT, protocol: 'HTTP', name: 'outbound' },
    bind: address,
    captureMode: 'NONE',
    hosts: [`${NAMESPACE}/*`, 'fim-system/*'],
  };
  return [
    serviceAccount(name),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: name }, ports: [{ name: 'http', port: SIDECAR_PORT, targetPort: SIDECAR_PORT }] },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'WorkloadEntry',
      metadata,
      spec: {
        address,
        labels: { app: name, 'security.istio.io/tlsMode': 'istio' },
        ports: { http: SIDECAR_PORT },
        serviceAccount: name,
      },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'DestinationRule',
      metadata,
      spec: { host, trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Sidecar',
      metadata,
      spec: { workloadSelector: { labels: { app: name } }, ingress: [ingress], egress: [egress] },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata,
      spec: {
        hosts: [publicHost],
        gateways: GATEWAY_PODS,
        http: [{ route: [{ destination: { host, port: { number: SIDECAR_PORT } } }] }],
      },
    },
  ];
}

/** Port of a workload that leads plain TCP to its application. */
export const RAW_PORT = 8002;

/**
 * A second port of a workload made by `workloadObjects`: TCP, without mutual TLS. These replace its Service and its
 * Sidecar.
 */
export function rawPortObjects(name: string, address: string, application: URL): KubeObject[] {
  const objects = workloadObjects(name, address, application);
  const service = objects.find(({ kind }) => kind === 'Service')!;
  const sidecar = objects.find(({ kind }) => kind === 'Sidecar')!;
  (service.spec!.ports as object[]).push({ name: 'tcp-raw', port: RAW_PORT, targetPort: RAW_PORT });
  (sidecar.spec!.ingress as object[]).push({
    port: { number: RAW_PORT, protocol: 'TCP', name: 'tcp-raw' },
    bind: address,
    defaultEndpoint: `127.0.0.1:${application.port}`,
    captureMode: 'NONE',
  });
  const plain = {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: { app: name } },
      mtls: { mode: 'STRICT' },
      portLevelMtls: { [RAW_PORT]: { mode: 'DISABLE' } },
    },
  };
  return [service, sidecar, plain];
}
