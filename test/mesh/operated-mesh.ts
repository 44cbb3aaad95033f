// A mesh with a gateway, a service with a sidecar and the operator, to test FinancialRoutes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { DoorReport } from '../../istio/operator/plan/coverage-report.ts';
import { buildModules } from '../../scripts/build.ts';
import { send } from '../e2e/http-client.ts';
import { RecordingUpstream } from '../e2e/recording-upstream.ts';
import { type KubeObject, objectsOf } from './stack/cluster-objects.ts';
import { Mesh, type Progress } from './stack/mesh.ts';
import type { Operator, OperatorOptions } from './stack/operator.ts';
import type { Proxy } from './stack/proxy.ts';
import { NAMESPACE } from './stack/topology.ts';
import { until } from './stack/until.ts';

/** Lines of the gateway's log that a condition which does not come is told with. */
const PROOF_LOG_LINES = 12;
const FIM = path.resolve(import.meta.dirname, '../../scripts/fim.ts');
export const KEY_ID = 'kms://prod/fund/key-2023';

/** One condition of a route's status. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  observedGeneration?: number;
}

interface StartOptions {
  drainDuration?: string;
  /** Options of the operator, or a function of the mesh that makes them. */
  operator?: Partial<OperatorOptions> | ((mesh: Mesh) => Promise<Partial<OperatorOptions>>);
}

export class OperatedMesh {
  readonly mesh: Mesh;
  readonly upstream: RecordingUpstream;
  gateway!: Proxy;
  sidecar!: Proxy;
  operator!: Operator;
  /** SHA-256 of fim.wasm. */
  sha256 = '';
  moduleBytes = Buffer.alloc(0);

  private constructor(mesh: Mesh, upstream: RecordingUpstream) {
    this.mesh = mesh;
    this.upstream = upstream;
  }

  /** Starts everything and waits until the gateway leads to the service and the operator leads. */
  static async start(
    progress?: Progress,
    { drainDuration = '1s', operator = {} }: StartOptions = {},
  ): Promise<OperatedMesh> {
    const [module] = await buildModules(['fim'], progress);
    const mesh = await Mesh.start(progress);
    mesh.drainDuration = drainDuration;
    const upstream = await RecordingUpstream.start();
    mesh.atEnd(() => upstream.stop());
    const operated = new OperatedMesh(mesh, upstream);
    try {
      operated.moduleBytes = readFileSync(module!.path);
      operated.sha256 = mesh.releaseModule(operated.moduleBytes);
      mesh.kms.createKey(KEY_ID);
      const told = typeof operator === 'function' ? await operator(mesh) : operator;
      operated.operator = await mesh.addOperator('first', told);
      operated.gateway = await mesh.addGateway();
      operated.sidecar = await mesh.addWorkload('web', upstream.url, '*');
      await operated.operator.leads();
      await until(
        'the gateway leads to the workload',
        async () => (await send(operated.url, { method: 'GET' })).status === 200,
      );
      return operated;
    } catch (error) {
      await mesh.stop();
      throw error;
    }
  }

  get url(): string {
    return this.mesh.gatewayUrl(this.gateway);
  }

  stop(): Promise<void> {
    return this.mesh.stop();
  }

  /** Applies FinancialRoutes of the namespace, in YAML; returns the last as the server has it. */
  async apply(yaml: string): Promise<KubeObject> {
    let last: KubeObject | undefined;
    for (const object of objectsOf(yaml))
      last = await this.mesh.objects.apply({ ...object, metadata: { ...object.metadata, namespace: NAMESPACE } });
    assert.ok(last, 'there is a resource');
    return last;
  }

  /** Deletes routes by name and waits until they have gone. */
  async remove(...names: string[]): Promise<void> {
    for (const name of names) {
      await this.mesh.objects.remove(this.reference(name));
      await until(`${name} has gone`, async () => (await this.mesh.objects.read(this.reference(name))) === undefined);
    }
  }

  reference(name: string): Pick<KubeObject, 'apiVersion' | 'kind' | 'metadata'> {
    return { apiVersion: 'fim.financial/v1', kind: 'FinancialRoute', metadata: { name, namespace: NAMESPACE } };
  }

  /** Conditions of a route's current generation, by type. */
  async conditions(name: string): Promise<Record<string, Condition>> {
    const route = await this.mesh.objects.read(this.reference(name));
    const conditions = ((route?.status as { conditions?: Condition[] } | undefined)?.conditions ?? []).filter(
      (condition) => condition.observedGeneration === route?.metadata.generation,
    );
    return Object.fromEntries(conditions.map((condition) => [condition.type, condition]));
  }

  /** Waits for a condition of the route's current generation and returns it. */
  async condition(name: string, type: string, status: Condition['status'], reason?: string): Promise<Condition> {
    let last: Condition | undefined;
    try {
      return await until(`${name}: ${type}=${status}`, async () => {
        last = (await this.conditions(name))[type];
        return last?.status === status && (reason === undefined || last.reason === reason) && last;
      });
    } catch (error) {
      throw new Error(
        `${(error as Error).message}; it is ${JSON.stringify(last)}\n${await this.proof()}\n${this.operator.log()}`,
      );
    }
  }

  /** The gateway's counters from which the operator concludes that a configuration is in force, and its log. */
  private async proof(): Promise<string> {
    const counters = await this.gateway
      .stats('fim.config|server.uptime|listeners_(draining|active)|wasm.*(fetch|missing|env)')
      .then((stats) => [...stats].map(([name, value]) => `${name} ${value}`).join('\n'))
      .catch(String);
    return `${this.gateway.pod}:\n${counters}\n${this.gateway.log(PROOF_LOG_LINES)}`;
  }

  /** Runs kubectl as the administrator; returns what it prints. */
  async kubectl(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(this.mesh.programs.kubectl, [
      '--kubeconfig',
      this.mesh.kubeconfig,
      '-n',
      NAMESPACE,
      ...args,
    ]);
    return stdout;
  }

  /** Report of `fim coverage` on the namespace. */
  async coverage(): Promise<{ covered: boolean; doors: DoorReport[] }> {
    const args = ['coverage', '--kubeconfig', this.mesh.kubeconfig, '-n', NAMESPACE, '--format', 'json'];
    // Its exit status is 1 where something is not covered.
    const stdout = await new Promise<string>((done) =>
      execFile(process.execPath, ['--disable-warning=ExperimentalWarning', FIM, ...args], (_, text) => done(text)),
    );
    return JSON.parse(stdout) as { covered: boolean; doors: DoorReport[] };
  }

  /**
   * The EnvoyFilters with FIM's filters that the operator made, without their seals and without those that are on their
   * way out.
   */
  async filters(): Promise<KubeObject[]> {
    return (await this.objects()).filter(
      ({ metadata }) =>
        !metadata.name.startsWith('fim-seal-') && metadata.annotations?.['fim.financial/retired-at'] === undefined,
    );
  }

  /** All EnvoyFilters that the operator made. */
  async objects(): Promise<KubeObject[]> {
    const all = await this.mesh.objects.list('networking.istio.io/v1alpha3', 'EnvoyFilter', NAMESPACE);
    return all.filter(({ metadata }) => metadata.name.startsWith('fim-'));
  }
}
