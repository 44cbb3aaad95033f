// A real API server on loopback: etcd and kube-apiserver in a temporary folder.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Programs } from '../programs/programs.ts';
import { freePorts } from './ports.ts';
import { Program } from './program.ts';
import { until } from './until.ts';

const HOST = '127.0.0.1';
const READY_DEADLINE_MS = 120_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Response of the API server to one request. */
export interface ApiReply {
  status: number;
  // The body of a Kubernetes object or Status: tests look into it.
  body: { message?: string; reason?: string; [member: string]: unknown };
}

interface Definition {
  spec: { group: string; names: { plural: string }; versions: { name: string; served?: boolean }[] };
}

export class ApiServer {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'fim-api-server-'));
  /** Token of the administrator. */
  readonly token = randomBytes(24).toString('hex');
  private etcd: Program | undefined;
  private server: Program | undefined;
  private programs: Programs | undefined;
  private ports = { etcd: 0, peer: 0, api: 0 };
  private agent = new Agent({ keepAlive: true });

  get url(): string {
    return `https://${HOST}:${this.ports.api}`;
  }

  /** File with the certificates that clients must trust. */
  get certificateFile(): string {
    return path.join(this.folder, 'pki/apiserver.crt');
  }

  /** Starts both programs and waits until the server is ready. */
  async start(programs: Programs): Promise<void> {
    this.programs = programs;
    const [etcd = 0, peer = 0, api = 0] = await freePorts(3);
    this.ports = { etcd, peer, api };
    writeFileSync(
      this.file('service-account.key'),
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
      { mode: 0o600 },
    );
    writeFileSync(this.file('tokens.csv'), `${this.token},test,test,system:masters\n`, { mode: 0o600 });
    const client = `http://${HOST}:${etcd}`;
    const peers = `http://${HOST}:${peer}`;
    this.etcd = this.run('etcd', programs.etcd, [
      '--data-dir',
      this.file('etcd'),
      '--listen-client-urls',
      client,
      '--advertise-client-urls',
      client,
      '--listen-peer-urls',
      peers,
      '--initial-advertise-peer-urls',
      peers,
      '--initial-cluster',
      `default=${peers}`,
      '--unsafe-no-fsync',
    ]);
    await this.startServer();
  }

  /** Starts the API server on its port with what etcd holds; for a start after `kill`. */
  async startServer(): Promise<void> {
    const key = this.file('service-account.key');
    this.server = this.run('kube-apiserver', this.programs!.kubeApiserver, [
      `--etcd-servers=http://${HOST}:${this.ports.etcd}`,
      `--bind-address=${HOST}`,
      `--secure-port=${this.ports.api}`,
      `--advertise-address=${HOST}`,
      `--cert-dir=${this.file('pki')}`,
      '--endpoint-reconciler-type=none',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--service-account-issuer=https://kubernetes.default.svc',
      '--api-audiences=https://kubernetes.default.svc,istio-ca',
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      `--token-auth-file=${this.file('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--profiling=false',
      '--allow-privileged=true',
    ]);
    await until('the API server is ready', () => this.isReady(), READY_DEADLINE_MS);
  }

  /** Ends the API server as a crash does; etcd stays. */
  async kill(): Promise<void> {
    await this.server?.kill();
    this.agent.destroy();
    this.agent = new Agent({ keepAlive: true });
  }

  private file(name: string): string {
    return path.join(this.folder, name);
  }

  private run(name: string, binary: string, args: string[]): Program {
    return new Program({ name, command: [binary, ...args], folder: this.folder, log: this.file(`${name}.log`) });
  }

  private async isReady(): Promise<boolean> {
    this.etcd?.assertAlive();
    this.server?.assertAlive();
    return existsSync(this.certificateFile) && (await this.send('GET', '/readyz')).status === 200;
  }

  /** Sends a request as an administrator; `body` as JSON unless told. */
  send(method: string, pathname: string, body?: unknown, contentType = 'application/json'): Promise<ApiReply> {
    const { promise, resolve, reject } = Promise.withResolvers<ApiReply>();
    const headers = { authorization: `Bearer ${this.token}`, accept: 'application/json', 'content-type': contentType };
    const options = {
      host: HOST,
      port: this.ports.api,
      ca: readFileSync(this.certificateFile),
      agent: this.agent,
      method,
      path: pathname,
      headers,
      timeout: REQUEST_TIMEOUT_MS,
    };
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = incoming.headers['content-type']?.includes('json') === true;
        resolve({
          status: incoming.statusCode ?? 0,
          body: isJson ? (JSON.parse(text) as ApiReply['body']) : { message: text },
        });
      });
    });
    outgoing.on('timeout', () =>
      outgoing.destroy(new Error(`no answer to ${method} ${pathname} in ${REQUEST_TIMEOUT_MS / 1000} s`)),
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }

  /** Creates a CustomResourceDefinition and waits until its objects can be listed. */
  async addDefinition(definition: Definition): Promise<ApiReply> {
    const created = await this.send(
      'POST',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?fieldValidation=Strict',
      definition,
    );
    if (created.status === 201) await this.canBeListed(definition);
    return created;
  }

  /**
   * Waits until objects of a definition can be listed. After it is established the server may still return 404 or 429.
   */
  async canBeListed({ spec }: Definition): Promise<void> {
    const version = (spec.versions.find((one) => one.served !== false) ?? spec.versions[0])?.name;
    await until(
      `${spec.names.plural}.${spec.group} can be listed`,
      async () =>
        (await this.send('GET', `/apis/${spec.group}/${version}/${spec.names.plural}?limit=1`)).status === 200,
    );
  }

  /** A token of a service account for an audience, good for 12 hours. */
  async tokenOf(namespace: string, account: string, audience: string): Promise<string> {
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: [audience], expirationSeconds: 43_200 },
    };
    const { status, body } = await this.send(
      'POST',
      `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      request,
    );
    if (status !== 201) throw new Error(`no token of ${namespace}/${account}: ${status} ${body.message ?? ''}`);
    return (body.status as { token: string }).token;
  }

  /** Writes a kubeconfig for a bearer token and returns its path. */
  writeKubeconfig(name: string, token = this.token): string {
    const file = this.file(`${name}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'mesh',
      clusters: [{ name: 'mesh', cluster: { server: this.url, 'certificate-authority': this.certificateFile } }],
      users: [{ name, user: { token } }],
      contexts: [{ name: 'mesh', context: { cluster: 'mesh', user: name } }],
    };
    writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
    return file;
  }

  /** Ends the server, then etcd: a server whose etcd is gone hangs. */
  async stop(): Promise<void> {
    this.agent.destroy();
    await this.server?.stop();
    await this.etcd?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
