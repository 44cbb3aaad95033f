// The operator as a process of its own on the small API server, with the memory that its manifest gives it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { FakeApiServer } from './fake-api-server.ts';
import { until } from './until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

interface Container {
  env: { name: string; value?: string }[];
  resources: { limits: { memory: string } };
}

function container(): Container {
  const documents = parseAllDocuments(readFileSync(path.join(ROOT, 'istio/manifests/base/operator.yaml'), 'utf8')).map(
    (document) => document.toJS() as { kind: string; spec: { template: { spec: { containers: Container[] } } } },
  );
  return documents.find(({ kind }) => kind === 'Deployment')!.spec.template.spec.containers[0]!;
}

/** The memory limit of the manifest, bytes. */
export function memoryLimit(): number {
  const [, mebibytes] = /^(\d+)Mi$/.exec(container().resources.limits.memory)!;
  return Number(mebibytes) * 1024 * 1024;
}

/** Environment that the manifest gives the process, as far as it is the same in every pod. */
export function manifestEnvironment(): Record<string, string> {
  return Object.fromEntries(
    container().env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])),
  );
}

/** The most memory that a process has had, bytes. */
export function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

export class OperatorProcess {
  private readonly child: ChildProcess;
  private readonly folder: string;
  private output = '';

  constructor(t: TestContext, server: FakeApiServer, args: string[] = []) {
    this.folder = mkdtempSync(path.join(tmpdir(), 'fim-operator-'));
    const kubeconfig = path.join(this.folder, 'kubeconfig');
    writeFileSync(kubeconfig, server.config().exportConfig());
    const command = [
      '--disable-warning=ExperimentalWarning',
      path.join(ROOT, 'istio/operator/main.ts'),
      '--kubeconfig',
      kubeconfig,
      '--modules',
      path.join(ROOT, 'build'),
    ];
    command.push(
      '--module-url',
      'http://127.0.0.1:1/{sha256}.wasm',
      '--module-check',
      'none',
      '--listen',
      '127.0.0.1:0',
      ...args,
    );
    this.child = spawn(process.execPath, command, {
      // Else each start makes JavaScript of all its TypeScript again.
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...manifestEnvironment() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (chunk: Buffer) => (this.output = `${this.output}${chunk}`.slice(-200_000)));
    t.after(() => this.stop());
  }

  /** Waits for a log line that contains a text. */
  said(text: string, timeoutMs?: number): Promise<true> {
    return until(
      `the operator says ${text}`,
      () => {
        if (this.child.exitCode !== null || this.child.signalCode !== null)
          throw new Error(
            `the operator has ended (${this.child.exitCode ?? this.child.signalCode}): ${this.output.slice(-3000)}`,
          );
        return this.output.includes(text);
      },
      timeoutMs,
    ) as Promise<true>;
  }

  get log(): string {
    return this.output;
  }

  /** The most memory that it has had, bytes. */
  peak(): number {
    return peakOf(this.child.pid!);
  }

  async metrics(): Promise<string> {
    const [, address] = /"address":"([^"]+)"/.exec(this.output) ?? [];
    return (await fetch(`http://${address}/metrics`)).text();
  }

  /** Processor time so far, milliseconds. */
  async processorMs(): Promise<number> {
    return 1000 * Number(/^process_cpu_seconds_total (\S+)/m.exec(await this.metrics())?.[1]);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
