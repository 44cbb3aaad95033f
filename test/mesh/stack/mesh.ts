import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { DevelopmentKms } from '../../../envoy/standalone/development-kms.ts';
import { envoyBinary } from '../../../envoy/standalone/envoy-binary.ts';
import { buildPrograms, type Programs } from '../programs/programs.ts';
import { ApiServer } from './api-server.ts';
import { ClusterObjects, type KubeObject, objectsOf, objectsOfFile } from './cluster-objects.ts';
import { Istiod } from './istiod.ts';
import { Operator, type OperatorOptions } from './operator.ts';
import { freePorts } from './ports.ts';
import { Proxy, type ProxyOptions } from './proxy.ts';
import { ServedModules } from './served-modules.ts';
import {
  GATEWAY_PORT,
  gatewayApiLabels,
  gatewayApiObjects,
  gatewayObject,
  NAMESPACE,
  namespaceObjects,
  POD_LABEL,
  SIDECAR_PORT,
  workloadObjects,
} from './topology.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** First two numbers after 127 of the pods' addresses are drawn: meshes side by side do not meet. */
const [SMALLEST, LARGEST] = [1, 250];

const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

export type Progress = (line: string) => void;

/** Clean-up steps, run in reverse order. */
type Undo = (() => Promise<unknown> | void)[];

/**
 * An API server, istiod, a gateway and sidecars on loopback, with a server of modules and a key service: a mesh without
 * containers.
 */
export class Mesh {
  readonly api = new ApiServer();
  readonly objects = new ClusterObjects(this.api);
  readonly modules = new ServedModules();
  readonly kms = new DevelopmentKms();
  kmsUrl!: URL;
  istiod!: Istiod;
  programs!: Programs;
  /** Kubeconfig of an administrator. */
  kubeconfig!: string;
  private operatorKubeconfig = '';
  readonly folder = mkdtempSync(path.join(tmpdir(), 'fim-mesh-'));
  private envoy = '';
  private readonly prefix = `127.${randomInt(SMALLEST, LARGEST)}.${randomInt(SMALLEST, LARGEST)}`;
  private pods = 0;
  private readonly undo: Undo = [];
  /** Drain duration of proxies started from now on. */
  drainDuration = '1s';

  /** Starts the control plane and waits until it answers. What was started is ended again if a later step fails. */
  static async start(progress: Progress = () => {}): Promise<Mesh> {
    const mesh = new Mesh();
    try {
      await mesh.begin(progress);
      return mesh;
    } catch (error) {
      await mesh.stop();
      throw error;
    }
  }

  private async begin(progress: Progress): Promise<void> {
    const started = performance.now();
    const tell = (line: string): void => progress(`${line} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    this.undo.push(() => rmSync(this.folder, { recursive: true, force: true }));
    [this.programs, this.envoy] = await Promise.all([buildPrograms(progress), envoyBinary(progress)]);
    await this.modules.start();
    this.undo.push(() => this.modules.stop());
    this.kmsUrl = await this.kms.start();
    this.undo.push(() => this.kms.stop());
    this.undo.push(() => this.api.stop());
    await this.api.start(this.programs);
    this.kubeconfig = this.api.writeKubeconfig('admin');
    tell('etcd and the API server are ready');
    await this.objects.applyAll([...this.definitions(), ...namespaceObjects()]);
    tell('Istio and the Gateway API are defined');
    await this.install();
    tell('FIM is installed: definition, roles, admission policies');
    this.istiod = new Istiod(this.programs.pilotDiscovery, this.kubeconfig, path.join(this.folder, 'istiod'));
    this.undo.push(() => this.istiod.stop());
    await this.istiod.start();
    tell('istiod is ready');
  }

  private definitions(): KubeObject[] {
    const gateway = readdirSync(this.programs.gatewayDefinitions).filter((file) => file.endsWith('.yaml'));
    const files = [
      this.programs.istioDefinitions,
      ...gateway.map((file) => path.join(this.programs.gatewayDefinitions, file)),
    ];
    return files.flatMap(objectsOfFile).filter(({ kind }) => kind === 'CustomResourceDefinition');
  }

  /**
   * Applies the manifests as a user does, by kustomize. What they would have run in containers, the mesh runs as
   * processes, with the same rights.
   */
  private async install(): Promise<void> {
    const { stdout } = await promisify(execFile)(
      this.programs.kubectl,
      ['kustomize', path.join(ROOT, 'istio/manifests/base')],
      { maxBuffer: MAX_MANIFEST_BYTES },
    );
    await this.objects.applyAll(objectsOf(stdout));
    this.operatorKubeconfig = await this.kubeconfigOf('fim-system', 'fim-operator');
  }

  /** A kubeconfig with the rights of a service account. */
  async kubeconfigOf(namespace: string, account: string): Promise<string> {
    return this.api.writeKubeconfig(
      account,
      await this.api.tokenOf(namespace, account, 'https://kubernetes.default.svc'),
    );
  }

  /** Starts a gateway's pod, `gw-0` unless told; `gw-1` may be another. Its listener: `gatewayUrl`. */
  async addGateway(pod = 'gw-0', options: Partial<ProxyOptions> = {}): Promise<Proxy> {
    const address = this.nextAddress();
    await this.objects.apply(gatewayObject(pod, address));
    return this.addProxy({
      kind: 'router',
      name: 'gw',
      pod,
      labels: { app: 'gw', [POD_LABEL]: pod },
      address,
      ...options,
    });
  }

  /**
   * Starts a pod that serves a Gateway of the Gateway API, which leads to the service `backend`; returns it and where
   * clients reach it.
   */
  async addGatewayApiGateway(name: string, backend: string): Promise<{ gateway: Proxy; url: string }> {
    const [port = 0] = await freePorts(1, '0.0.0.0');
    await this.objects.applyAll(gatewayApiObjects(name, port, backend));
    const gateway = await this.addProxy({
      kind: 'router',
      name: 'gw',
      pod: `${name}-0`,
      labels: gatewayApiLabels(name),
    });
    return { gateway, url: `http://${gateway.address}:${port}` };
  }

  /**
   * Starts a pod of the workload `name` with a sidecar in front of `application` (http, on loopback), as a service that
   * the gateway leads to. `publicHost`: the host name for that; `NAME.bank.example` unless told, `*` for all that is
   * nobody else's.
   */
  async addWorkload(
    name: string,
    application: URL,
    publicHost?: string,
    options: Partial<ProxyOptions> = {},
  ): Promise<Proxy> {
    const address = this.nextAddress();
    await this.objects.applyAll(workloadObjects(name, address, application, publicHost));
    return this.addProxy({ kind: 'sidecar', name, labels: { app: name }, address, ...options });
  }

  private nextAddress(): string {
    return `${this.prefix}.${++this.pods}`;
  }

  private async addProxy(options: Omit<ProxyOptions, 'address' | 'namespace'> & Partial<ProxyOptions>): Promise<Proxy> {
    const { pilotAgent, envoyBootstrap } = this.programs;
    const parts = {
      api: this.api,
      objects: this.objects,
      pilotAgent,
      envoy: this.envoy,
      bootstrap: envoyBootstrap,
      discoveryAddress: this.istiod.discoveryAddress,
      folder: this.folder,
    };
    const proxy = new Proxy(
      { namespace: NAMESPACE, address: this.nextAddress(), drainDuration: this.drainDuration, ...options },
      parts,
    );
    this.undo.push(() => proxy.stop());
    await proxy.start();
    return proxy;
  }

  /** Folder whose modules the operator ships. */
  get moduleFolder(): string {
    return path.join(this.folder, 'modules');
  }

  /**
   * Has the server of modules serve `bytes` and the operator's folder hold them, as fim.wasm unless told, as a release of
   * the modules does. Returns their sha256.
   */
  releaseModule(bytes: Buffer, name = 'fim'): string {
    const sha256 = this.modules.add(bytes);
    mkdirSync(this.moduleFolder, { recursive: true });
    const file = path.join(this.moduleFolder, `${name}.wasm`);
    writeFileSync(`${file}~`, bytes);
    renameSync(`${file}~`, file);
    return sha256;
  }

  /** Starts a replica of the operator; `leads` of it tells when it does. */
  async addOperator(identity: string, options: Partial<OperatorOptions> = {}): Promise<Operator> {
    const moduleUrl = `${this.modules.url}/{sha256}.wasm`;
    const operator = new Operator({
      identity,
      kubeconfig: this.operatorKubeconfig,
      modules: this.moduleFolder,
      moduleUrl,
      kms: this.kmsUrl,
      folder: path.join(this.folder, 'operators'),
      ...options,
    });
    this.undo.push(() => operator.stop());
    await operator.start();
    return operator;
  }

  /** Address of a gateway for clients. */
  gatewayUrl(gateway: Proxy): string {
    return `http://${gateway.address}:${GATEWAY_PORT}`;
  }

  /** Address of a sidecar's inbound listener. It requires the mesh's certificates. */
  sidecarAddress(sidecar: Proxy): { host: string; port: number } {
    return { host: sidecar.address, port: SIDECAR_PORT };
  }

  /** Has `step` done before all that was started so far is ended. */
  atEnd(step: () => Promise<unknown> | void): void {
    this.undo.push(step);
  }

  /** Ends everything, the last first, and removes what was written. */
  async stop(): Promise<void> {
    for (let step = this.undo.pop(); step; step = this.undo.pop()) await step();
  }
}
