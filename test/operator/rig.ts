// An operator on the fake API server, with proxies and a key service that the test controls.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { KubeApi } from '../../istio/operator/kube/api.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import { OperatorMetrics } from '../../istio/operator/metrics.ts';
import { Operator } from '../../istio/operator/operator.ts';
import type { OperatorOptions } from '../../istio/operator/operator-options.ts';
import type { Condition, RouteStatus } from '../../istio/operator/plan/status.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { until } from './until.ts';
import { KmsServer } from '../kms/kms-server.ts';
import { TestKms } from '../kms/test-kms.ts';

const BUILD = path.resolve(import.meta.dirname, '../../build');
export const NAMESPACE = 'demo';
/** Longer than the operator puts anything off that it could do at once. */
const QUIET_MS = 700;
const QUIET_LOOKS = 50;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

/** A proxy as its agent's metrics show it. */
export class FakeProxy {
  concurrency = 2;
  /** When its process began, milliseconds since 1970. */
  startedAt = Date.now() - 3_600_000;
  readonly configured = new Array<number>(16).fill(0);
  checksumMismatches = 0;
  downloadFailures = 0;
  /** Listeners that were replaced and still serve connections. */
  draining = 0;
  /** Listeners in service, including the two of Istio's bootstrap. */
  listeners = 3;
  /** Requests that its seal saw without FIM's stamp; undefined: it has no seal. */
  unseen: number | undefined = 0;
  moduleRefused = 0;
  /** Successful and refused key look-ups. */
  keys = { succeeded: 0, denied: 0, outage: 0, unfit: 0 };
  /** Audit records. */
  audit = { written: 0, acknowledged: 0, lost: 0, waiting: 0 };
  private readonly server = createServer((_, response) => response.end(this.text()));
  port = 0;

  async start(): Promise<void> {
    this.port = await listen(this.server);
  }

  /** All VMs of the proxy take a generation. */
  take(generation: number): void {
    this.configured[generation % 16]! += this.concurrency + 2;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private text(): string {
    return [
      `envoy_server_concurrency{} ${this.concurrency}`,
      `envoy_server_uptime{} ${Math.floor((Date.now() - this.startedAt) / 1000)}`,
      `envoy_listener_manager_total_listeners_draining{} ${this.draining}`,
      `envoy_listener_manager_total_listeners_active{} ${this.listeners}`,
      ...(this.unseen === undefined
        ? []
        : [
            `envoy_http_rbac_fim_passage_rbac{authz_dry_run_result="denied",http_conn_manager_prefix="outbound_0.0.0.0_80"} ${this.unseen}`,
          ]),
      ...this.configured.map((count, slot) => `fim_configured_${slot}{} ${count}`),
      `fim_key_fetch_succeeded{} ${this.keys.succeeded}`,
      `fim_key_unavailable_total{reason="denied"} ${this.keys.denied}`,
      `fim_key_unavailable_total{reason="unfit"} ${this.keys.unfit}`,
      `fim_key_reason___outage___unavailable_total{} ${this.keys.outage}`,
      ...Object.entries(this.audit).map(([name, count]) => `fim_audit_${name}{} ${count}`),
      `fim_config_refused{} ${this.moduleRefused}`,
      `istio_agent_wasm_remote_fetch_count{result="success"} 3`,
      `istio_agent_wasm_remote_fetch_count{result="download_failure"} ${this.downloadFailures}`,
      `istio_agent_wasm_remote_fetch_count{result="checksum_mismatched"} ${this.checksumMismatches}`,
    ].join('\n');
  }
}

export class Rig {
  readonly server = new FakeApiServer();
  readonly proxies: FakeProxy[] = [];
  clusterDomain = 'cluster.local';
  /** The namespaces that the operator looks after; undefined: all. */
  namespaces: readonly string[] | undefined;
  /** Ownership of keys. */
  binding: OperatorOptions['keys'] = { mode: 'claimed', bound: [] };
  /** Collector of audit records; undefined: none. */
  collector: URL | undefined;
  /** Service of global limits; undefined: none. */
  limits: URL | undefined;
  operator!: Operator;
  private readonly shown = new OperatorMetrics();
  private api!: KubeApi;
  /** The key service. It has the keys of its `keys`, by path. */
  readonly kms = new TestKms();
  private kmsServer!: KmsServer;

  static async start(
    t: TestContext,
    prepare: (server: FakeApiServer, rig: Rig) => void = () => undefined,
  ): Promise<Rig> {
    const rig = new Rig();
    await rig.server.start();
    prepare(rig.server, rig);
    rig.kmsServer = await KmsServer.start(rig.kms);
    await rig.startOperator();
    t.after(() => rig.stop());
    return rig;
  }

  options(): OperatorOptions {
    this.api = new KubeApi(this.server.config());
    return {
      api: this.api,
      metrics: this.shown,
      rootNamespace: 'istio-system',
      ...(this.namespaces === undefined ? {} : { namespaces: this.namespaces }),
      clusterDomain: this.clusterDomain,
      requestTimeoutMs: 120_000,
      believedPeers: [],
      probePort: 1,
      version: '0.1.0',
      log: () => undefined,
      tlcp: {},
      seal: 'routes',
      otherPorts: 'refuse',
      modules: { folder: BUILD, urlTemplate: 'http://127.0.0.1:1/{sha256}.wasm', check: false },
      kms: {
        url: this.kmsServer.url,
        cluster: undefined,
        metadataPrefix: '/v1/secret/metadata/',
        tokenFile: undefined,
        check: true,
        proxyFolder: '/etc/fim/kms',
        proxyFiles: [],
      },
      audit: { url: this.collector, proxyFolder: '/etc/fim/audit', proxyFiles: [] },
      limits: this.limits,
      keys: this.binding,
    };
  }

  /** Metrics of the operator, as Prometheus reads them. */
  private async metrics(): Promise<string> {
    this.operator.collect();
    return this.shown.registry.metrics();
  }

  /** Waits for a line of the metrics. Those about conditions follow the watch, and so a status a moment later. */
  async metric(line: string): Promise<void> {
    let read = '';
    await until(line, async () => (read = await this.metrics()).split('\n').includes(line)).catch((error: Error) => {
      const name = line.slice(0, line.search(/[ {]/));
      const held = read.split('\n').filter((one) => one.startsWith(name));
      throw new Error(`${error.message}; it is\n${held.join('\n')}`);
    });
  }

  async startOperator(): Promise<void> {
    this.operator = new Operator(this.options());
    await this.operator.start();
    await this.operator.lead();
  }

  async stopOperator(): Promise<void> {
    await this.operator.stop();
    this.api.close();
  }

  async stop(): Promise<void> {
    await this.stopOperator();
    for (const proxy of this.proxies) proxy.stop();
    await this.kmsServer.stop();
    await this.server.stop();
  }

  /** A pod with its own proxy: ready, or with a readiness gate that waits for its policy. */
  async pod(
    name: string,
    labels: Record<string, string>,
    gated = false,
    prepare: (proxy: FakeProxy) => void = () => undefined,
  ): Promise<FakeProxy> {
    const proxy = new FakeProxy();
    prepare(proxy);
    await proxy.start();
    this.proxies.push(proxy);
    this.server.put('pods', {
      metadata: { name, namespace: NAMESPACE, labels, annotations: { 'fim.financial/probe-port': String(proxy.port) } },
      ...(gated ? { spec: { readinessGates: [{ conditionType: 'fim.financial/enforced' }] } } : {}),
      status: {
        phase: 'Running',
        podIP: '127.0.0.1',
        conditions: [{ type: 'Ready', status: gated ? 'False' : 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      },
    });
    // Watches of two kinds keep no order. A proxy of which the operator hears after it has counted proves nothing.
    const { pods } = this.operator.view.informers;
    await until(`the operator knows ${name}`, () => pods.get(`${NAMESPACE}/${name}`) !== undefined);
    return proxy;
  }

  route(name: string, spec: object, created = '2026-01-01T00:00:00Z', namespace = NAMESPACE): KubeObject {
    return this.server.put('financialroutes', {
      metadata: { name, namespace, creationTimestamp: created },
      spec,
      status: this.server.get('financialroutes', namespace, name)?.status,
    });
  }

  filter(name: string, namespace = NAMESPACE): KubeObject | undefined {
    return this.server.get('envoyfilters', namespace, name);
  }

  /** The plugin configuration in an object. */
  config(
    name: string,
    namespace = NAMESPACE,
  ): { generation: number; hash: string; routes: { name: string; stages: Record<string, unknown> }[] } | undefined {
    const patches = (this.filter(name, namespace)?.spec?.configPatches ?? []) as {
      applyTo: string;
      patch: { value: { typed_config: { config: { configuration: { value: string } } } } };
    }[];
    const text = patches.find((patch) => patch.applyTo === 'EXTENSION_CONFIG')?.patch.value.typed_config.config
      .configuration.value;
    return text === undefined ? undefined : (JSON.parse(text) as ReturnType<Rig['config']>);
  }

  status(name: string, namespace = NAMESPACE): RouteStatus | undefined {
    return this.server.get('financialroutes', namespace, name)?.status as RouteStatus | undefined;
  }

  /** Waits until writing stops: for 700 ms, and for as many turns of the event loop as fit into them. */
  async quiet(): Promise<void> {
    let count = -1;
    let since = performance.now();
    let looks = 0;
    await until('nothing is written', () => {
      const written = this.server.requests.filter((request) => !/^(list|watch|get) /.test(request)).length;
      if (written !== count) [since, looks] = [performance.now(), 0];
      count = written;
      return ++looks > QUIET_LOOKS && performance.now() - since > QUIET_MS;
    });
  }

  /** State of a pod's readiness gate. */
  gate(name: string): string | undefined {
    const conditions = (this.server.get('pods', NAMESPACE, name)?.status?.conditions ?? []) as {
      type: string;
      status: string;
    }[];
    return conditions.find(({ type }) => type === 'fim.financial/enforced')?.status;
  }

  /** Waits for a condition to have this state. */
  condition(name: string, type: string, status: string, reason?: string, namespace = NAMESPACE): Promise<Condition> {
    const find = (): Condition | undefined => {
      const route = this.server.get('financialroutes', namespace, name);
      const found = this.status(name, namespace)?.conditions?.find((condition) => condition.type === type);
      return found?.status === status &&
        found.observedGeneration === route?.metadata.generation &&
        (reason === undefined || found.reason === reason)
        ? found
        : undefined;
    };
    return until(`${name}: ${type}=${status} ${reason ?? ''}`, find).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(this.status(name, namespace))}`);
    });
  }
}
