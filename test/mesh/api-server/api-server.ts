// A real API server on loopback: etcd and kube-apiserver in a folder of their own, gone when the test ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Programs } from './programs.ts';

const HOST = '127.0.0.1';
const READY_DEADLINE_MS = 120_000;
const POLL_MS = 100;
const LOG_LINES = 20;

/** What the API server said to one request. */
export interface ApiReply {
  status: number;
  // The body of a Kubernetes object or Status: tests look into it.
  body: { message?: string; reason?: string; [member: string]: unknown };
}

/** Ports that were free a moment ago. Neither program can be told to choose one and say which. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, HOST);
    await once(server, 'listening');
    ports.push((server.address() as { port: number }).port);
  }
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports;
}

async function poll(condition: () => Promise<boolean>, problem: () => string): Promise<void> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(problem());
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
}

export class ApiServer {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'fim-api-server-'));
  private readonly token = randomBytes(24).toString('hex');
  private readonly children: ChildProcess[] = [];
  private port = 0;
  private certificate: Buffer | undefined;

  /** Starts both programs and waits until the server is ready. */
  async start(programs: Programs): Promise<void> {
    const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3);
    this.port = port;
    const etcd = `http://${HOST}:${etcdPort}`;
    const peer = `http://${HOST}:${peerPort}`;
    this.run(programs.etcd, [
      ...['--data-dir', path.join(this.folder, 'etcd'), '--listen-client-urls', etcd, '--advertise-client-urls', etcd],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`, '--unsafe-no-fsync'],
    ]);
    const key = path.join(this.folder, 'service-account.key');
    writeFileSync(key, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const tokens = path.join(this.folder, 'tokens.csv');
    writeFileSync(tokens, `${this.token},test,test,system:masters\n`, { mode: 0o600 });
    this.run(programs.kubeApiserver, [
      ...[`--etcd-servers=${etcd}`, `--bind-address=${HOST}`, `--secure-port=${port}`, `--advertise-address=${HOST}`, `--cert-dir=${path.join(this.folder, 'pki')}`],
      ...['--endpoint-reconciler-type=none', '--service-cluster-ip-range=10.96.0.0/16', '--service-account-issuer=https://kubernetes.default.svc'],
      ...[`--service-account-key-file=${key}`, `--service-account-signing-key-file=${key}`, `--token-auth-file=${tokens}`],
      ...['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount', '--profiling=false'],
    ]);
    await poll(() => this.isReady(), () => `the API server is not ready\n${this.logs()}`);
  }

  private run(program: string, args: string[]): void {
    const log = openSync(path.join(this.folder, `${path.basename(program)}.log`), 'w');
    this.children.push(spawn(program, args, { cwd: this.folder, stdio: ['ignore', log, log] }));
    closeSync(log);
  }

  private logs(): string {
    const tail = (name: string): string => readFileSync(path.join(this.folder, name), 'utf8').split('\n').slice(-LOG_LINES).join('\n');
    return `${tail('etcd.log')}\n${tail('kube-apiserver.log')}`;
  }

  private async isReady(): Promise<boolean> {
    const dead = this.children.find((child) => child.exitCode !== null);
    if (dead !== undefined) throw new Error(`${dead.spawnfile} ended with ${dead.exitCode}\n${this.logs()}`);
    try {
      this.certificate = readFileSync(path.join(this.folder, 'pki/apiserver.crt'));
      return (await this.send('GET', '/readyz')).status === 200;
    } catch {
      return false; // no certificate, or nobody listens, yet
    }
  }

  /** Sends a request as an administrator; `body` as JSON. */
  send(method: string, pathname: string, body?: unknown): Promise<ApiReply> {
    const { promise, resolve, reject } = Promise.withResolvers<ApiReply>();
    const headers = { authorization: `Bearer ${this.token}`, accept: 'application/json', 'content-type': 'application/json' };
    const outgoing = request({ host: HOST, port: this.port, ca: this.certificate, method, path: pathname, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = incoming.headers['content-type']?.includes('json') === true;
        resolve({ status: incoming.statusCode ?? 0, body: isJson ? (JSON.parse(text) as ApiReply['body']) : { message: text } });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }

  /** Creates a CustomResourceDefinition and waits until its objects can be listed. */
  async addDefinition(definition: { spec: { group: string; names: { plural: string }; versions: { name: string }[] } }): Promise<ApiReply> {
    const created = await this.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?fieldValidation=Strict', definition);
    if (created.status !== 201) return created;
    const { group, names, versions } = definition.spec;
    await poll(
      async () => (await this.send('GET', `/apis/${group}/${versions[0]?.name}/${names.plural}`)).status === 200,
      () => `${names.plural}.${group} cannot be listed`,
    );
    return created;
  }

  /** Ends the server, then etcd: a server whose etcd is gone hangs. */
  async stop(): Promise<void> {
    for (const child of this.children.splice(0).reverse()) {
      if (child.exitCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(hard);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
