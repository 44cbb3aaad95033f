import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePorts } from './ports.ts';
import { Program } from './program.ts';
import { until } from './until.ts';

const HOST = '127.0.0.1';

/** Envoy as it is published has none of Istio's own extensions: all settings that would use one are off. */
const FOR_STOCK_ENVOY = {
  PILOT_ENABLE_METADATA_EXCHANGE: 'false',
  PILOT_ENABLE_ALPN_FILTER: 'false',
  PILOT_ENABLE_TELEMETRY_LABEL: 'false',
  PILOT_ENDPOINT_TELEMETRY_LABEL: 'false',
};
const MESH_CONFIG = {
  trustDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  enablePrometheusMerge: false,
  // Without a provider there is no istio.stats filter.
  defaultProviders: {},
};

/** Istio's control plane on free ports of loopback. */
export class Istiod {
  private program: Program | undefined;
  private readonly binary: string;
  private readonly kubeconfig: string;
  private readonly folder: string;
  private ports: { http: number; https: number; grpc: number; secure: number; monitoring: number } | undefined;

  /** `folder`: for its settings and its log; the caller's to remove. */
  constructor(binary: string, kubeconfig: string, folder: string) {
    this.binary = binary;
    this.kubeconfig = kubeconfig;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** `host:port` where proxies get their configuration and their certificates. */
  get discoveryAddress(): string {
    return `${HOST}:${this.ports?.secure}`;
  }

  /** Address of its debug interface and metrics. */
  get debugUrl(): string {
    return `http://${HOST}:${this.ports?.http}`;
  }

  /** Starts it, again on the same ports if it was there before, and waits until it is ready. */
  async start(): Promise<void> {
    if (this.ports === undefined) {
      const [http = 0, https = 0, grpc = 0, secure = 0, monitoring = 0] = await freePorts(5);
      this.ports = { http, https, grpc, secure, monitoring };
    }
    const { http, https, grpc, secure, monitoring } = this.ports;
    writeFileSync(
      path.join(this.folder, 'mesh.yaml'),
      JSON.stringify({ ...MESH_CONFIG, defaultConfig: { discoveryAddress: this.discoveryAddress, tracing: {} } }),
    );
    writeFileSync(path.join(this.folder, 'networks.yaml'), 'networks: {}\n');
    this.program = new Program({
      name: 'istiod',
      command: [
        this.binary,
        'discovery',
        '--kubeconfig',
        this.kubeconfig,
        '--meshConfig',
        './mesh.yaml',
        '--networksConfig',
        './networks.yaml',
        '--domain',
        'cluster.local',
        '--httpAddr',
        `${HOST}:${http}`,
        '--httpsAddr',
        `${HOST}:${https}`,
        '--grpcAddr',
        `${HOST}:${grpc}`,
        '--secureGRPCAddr',
        `${HOST}:${secure}`,
        '--monitoringAddr',
        `${HOST}:${monitoring}`,
        '--ctrlz_port',
        '0',
      ],
      folder: this.folder,
      environment: {
        ...FOR_STOCK_ENVOY,
        POD_NAME: 'istiod',
        POD_NAMESPACE: 'istio-system',
        CLUSTER_ID: 'Kubernetes',
        REVISION: 'default',
        ENABLE_LEADER_ELECTION: 'false',
        ...{
          VALIDATION_WEBHOOK_CONFIG_NAME: '',
          INJECTION_WEBHOOK_CONFIG_NAME: '',
          PILOT_ENABLE_ANALYSIS: 'false',
        },
        ...{
          PILOT_DEBOUNCE_AFTER: '20ms',
          PILOT_DEBOUNCE_MAX: '200ms',
          ISTIOD_CUSTOM_HOST: 'localhost,istiod.istio-system.svc',
        },
      },
      log: path.join(this.folder, 'istiod.log'),
    });
    await until('istiod is ready', async () => {
      this.program?.assertAlive();
      return (await fetch(`${this.debugUrl}/ready`)).ok;
    });
  }

  /** The end of its log. */
  log(): string {
    return this.program?.tail() ?? '';
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    await this.program?.kill();
  }

  async stop(): Promise<void> {
    await this.program?.stop();
  }
}
