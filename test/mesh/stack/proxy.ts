import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EnvoyAdmin } from '../../../envoy/standalone/envoy-admin.ts';
import type { ApiServer } from './api-server.ts';
import type { ClusterObjects, KubeObject } from './cluster-objects.ts';
import { freePorts } from './ports.ts';
import { namespaceCommand, Program } from './program.ts';
import { until } from './until.ts';

/**
 * Annotation with the port of the agent's and Envoy's counters. In a cluster it is always 15020, because each pod has
 * its own ports.
 */
const PROBE_PORT_ANNOTATION = 'fim.financial/probe-port';
/** Folder in which pilot-agent keeps the modules that it has fetched; no setting moves it. */
const AGENT_DATA = '/var/lib/istio/data';

/** Place of such a bootstrap in the pod's folder. */
const BOOTSTRAP_OVERRIDE = 'etc/istio/custom-bootstrap/custom_bootstrap.json';

export interface ProxyOptions {
  kind: 'router' | 'sidecar';
  /** Name of the pod's workload and of its service account. */
  name: string;
  /** Name of the pod. Default: the workload's with a number. */
  pod?: string;
  namespace: string;
  labels: Record<string, string>;
  /** Address of loopback that no other pod has. */
  address: string;
  /** Worker threads of Envoy. */
  concurrency?: number;
  /**
   * Time for which a replaced listener serves its open connections: Istio's `drainDuration`, 45 s unless a test sets
   * it.
   */
  drainDuration?: string;
  /** `runtimeValues` of Istio's ProxyConfig. */
  runtimeValues?: Record<string, string>;
  /** Content that the annotation `sidecar.istio.io/bootstrapOverride` names: merged by Envoy with Istio's bootstrap. */
  bootstrapOverride?: string;
  /** The pod has the readiness gate that waits for its policy. */
  gated?: boolean;
}

export interface ProxyParts {
  api: ApiServer;
  objects: ClusterObjects;
  pilotAgent: string;
  envoy: string;
  /** Template of Envoy's bootstrap. */
  bootstrap: string;
  discoveryAddress: string;
  /** For its files and its log; the caller's to remove. */
  folder: string;
}

/** A pod's proxy: pilot-agent with an identity of its own, and the stock Envoy that it runs. */
export class Proxy {
  readonly options: ProxyOptions;
  admin!: EnvoyAdmin;
  private ports = { admin: 0, status: 0, health: 0, prometheus: 0 };
  private readonly parts: ProxyParts;
  private program: Program | undefined;
  private readonly folder: string;

  constructor(options: ProxyOptions, parts: ProxyParts) {
    this.options = options;
    this.parts = parts;
    this.folder = path.join(parts.folder, this.pod);
  }

  get pod(): string {
    return this.options.pod ?? `${this.options.name}-0`;
  }

  get address(): string {
    return this.options.address;
  }

  /** Starts both programs and the pod that says so, and waits until Envoy has all that istiod has for it. */
  async start(): Promise<void> {
    const [admin = 0, status = 0, health = 0, prometheus = 0] = await freePorts(4);
    this.ports = { admin, status, health, prometheus };
    await this.parts.objects.apply(this.podObject(false));
    await this.writeIdentity();
    this.admin = new EnvoyAdmin(new URL(`http://127.0.0.1:${admin}`));
    this.program = new Program({
      name: this.pod,
      command: this.command(),
      folder: this.folder,
      environment: this.environment(),
      log: path.join(this.folder, 'proxy.log'),
    });
    await until(`the proxy of ${this.pod} is ready`, async () => {
      this.program?.assertAlive();
      return (await fetch(`http://127.0.0.1:${health}/healthz/ready`)).ok;
    });
    await this.parts.objects.apply(this.podObject(true));
  }

  /** Address of the agent's and Envoy's metrics, for Prometheus. */
  get metricsUrl(): string {
    return `http://${this.address}:${this.ports.status}/stats/prometheus`;
  }

  /** The end of what pilot-agent and Envoy printed. */
  log(lines?: number): string {
    return this.program?.tail(lines) ?? '';
  }

  output(): string {
    return this.program?.output() ?? '';
  }

  /** Counters and gauges, as `/stats` of the admin interface names them. */
  stats(pattern: string): Promise<Map<string, number>> {
    return this.admin.stats(pattern);
  }

  /** Ends the pod; its object goes too. */
  async stop(): Promise<void> {
    await this.program?.killGroup();
  }

  /** The pod as the API server knows it. No kubelet is here to report what runs. */
  private podObject(ready: boolean): KubeObject {
    const { name, namespace, labels, address, kind, gated = false } = this.options;
    const since = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: this.pod,
        namespace,
        labels,
        annotations: { [PROBE_PORT_ANNOTATION]: String(this.ports.status) },
      },
      spec: {
        serviceAccountName: name,
        nodeName: 'loopback',
        ...(gated ? { readinessGates: [{ conditionType: 'fim.financial/enforced' }] } : {}),
        containers: [{ name: 'istio-proxy', image: `stock-envoy-${kind}` }],
      },
      status: {
        phase: 'Running',
        podIP: address,
        podIPs: [{ ip: address }],
        conditions: ['Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
          type,
          status: ready ? 'True' : 'False',
          lastTransitionTime: since,
        })),
        containerStatuses: [
          {
            name: 'istio-proxy',
            ready,
            restartCount: 0,
            image: `stock-envoy-${kind}`,
            imageID: '',
            started: true,
            state: { running: { startedAt: since } },
          },
        ],
      },
    };
  }

  /** Token and root certificate, as the kubelet would mount them. */
  private async writeIdentity(): Promise<void> {
    const { api, bootstrap } = this.parts;
    const { namespace, name } = this.options;
    const token = await api.tokenOf(namespace, name, 'istio-ca');
    const root = await until(`istiod has written its root certificate into ${namespace}`, async () => {
      const { body } = await api.send('GET', `/api/v1/namespaces/${namespace}/configmaps/istio-ca-root-cert`);
      return (body.data as Record<string, string> | undefined)?.['root-cert.pem'];
    });
    const put = (file: string, text: string): void => {
      mkdirSync(path.dirname(path.join(this.folder, file)), { recursive: true });
      writeFileSync(path.join(this.folder, file), text, { mode: 0o600 });
    };
    put('var/run/secrets/tokens/istio-token', token);
    put('var/run/secrets/istio/root-cert.pem', root);
    put('etc/istio/proxy/.keep', '');
    put(
      'var/lib/istio/envoy/envoy_bootstrap_tmpl.json',
      readFileSync(bootstrap, 'utf8').replaceAll('{{ .wildcard }}', '127.0.0.1'),
    );
    const { bootstrapOverride } = this.options;
    if (bootstrapOverride !== undefined) put(BOOTSTRAP_OVERRIDE, bootstrapOverride);
    symlinkSync(this.parts.envoy, path.join(this.folder, 'envoy'));
  }

  /** In namespaces of its own where there are some: nothing stays in /var/lib, and Envoy ends with its agent. */
  private command(): string[] {
    const agent = [
      this.parts.pilotAgent,
      'proxy',
      this.options.kind,
      '--domain',
      `${this.options.namespace}.svc.cluster.local`,
      '--proxyLogLevel=warning,wasm:info,config:info',
    ];
    const namespaces = namespaceCommand();
    if (namespaces !== null)
      return [
        ...namespaces,
        'sh',
        '-ec',
        `mount -t tmpfs tmpfs /var/lib; mkdir -p ${AGENT_DATA}; exec "$@"`,
        'sh',
        ...agent,
      ];
    mkdirSync(AGENT_DATA, { recursive: true });
    return agent;
  }

  private environment(): Record<string, string> {
    const { admin, status, health, prometheus } = this.ports;
    const { name, namespace, labels, address, concurrency = 1, drainDuration = '1s' } = this.options;
    return {
      POD_NAME: this.pod,
      POD_NAMESPACE: namespace,
      SERVICE_ACCOUNT: name,
      INSTANCE_IP: address,
      TRUST_DOMAIN: 'cluster.local',
      ...{
        ISTIO_META_CLUSTER_ID: 'Kubernetes',
        ISTIO_META_WORKLOAD_NAME: name,
        ISTIO_META_NAMESPACE: namespace,
        ISTIO_META_INTERCEPTION_MODE: 'NONE',
      },
      ISTIO_METAJSON_LABELS: JSON.stringify(labels),
      ...{
        ENVOY_STATUS_PORT: String(health),
        ENVOY_PROMETHEUS_PORT: String(prometheus),
      },
      ...{
        ISTIOD_SAN: 'istiod.istio-system.svc',
        CA_ADDR: this.parts.discoveryAddress,
        PEER_METADATA_DISCOVERY: 'false',
      },
      ...(this.options.bootstrapOverride === undefined ? {} : { ISTIO_BOOTSTRAP_OVERRIDE: `./${BOOTSTRAP_OVERRIDE}` }),
      PROXY_CONFIG: JSON.stringify({
        ...{
          binaryPath: './envoy',
          configPath: './etc/istio/proxy',
          discoveryAddress: this.parts.discoveryAddress,
        },
        ...{
          proxyAdminPort: admin,
          statusPort: status,
          concurrency,
          terminationDrainDuration: '1s',
          drainDuration,
          ...(this.options.runtimeValues === undefined ? {} : { runtimeValues: this.options.runtimeValues }),
        },
      }),
    };
  }
}
