// A replica of the module server in a process of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from './until.ts';

const MAIN = path.resolve(import.meta.dirname, '../../istio/module-server/main.ts');

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

interface Line {
  event?: string;
  [member: string]: unknown;
}

export class ModuleReplica {
  private readonly child: ChildProcess;
  private readonly folder: string;
  private output = '';

  /** `modules`: content of its image. `peers`: as its command line takes them. */
  constructor(modules: readonly Buffer[], peers?: string, listen = '127.0.0.1:0') {
    this.folder = mkdtempSync(path.join(tmpdir(), 'fim-modules-'));
    for (const bytes of modules) writeFileSync(path.join(this.folder, `${sha256Of(bytes)}.wasm`), bytes);
    const flags = peers === undefined ? [] : [`--peers=${peers}`];
    this.child = spawn(process.execPath, [MAIN, listen, this.folder, ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout!.on('data', (chunk: Buffer) => (this.output += String(chunk)));
  }

  lines(): Line[] {
    return this.output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }

  /** Waits for a line of its log. */
  said(event: string): Promise<Line> {
    return until(`it says ${event}`, () => this.lines().find((line) => line.event === event));
  }

  /** HOST:PORT. */
  async address(): Promise<string> {
    return String((await this.said('listening')).address);
  }

  async get(where: string, method = 'GET'): Promise<{ status: number; body: Buffer; headers: Headers }> {
    const answer = await fetch(new URL(where, `http://${await this.address()}`), { method });
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()), headers: answer.headers };
  }

  async isReady(): Promise<boolean> {
    return (await this.get('/readyz')).status === 200;
  }

  /** Exit code of an end in order. */
  async stop(): Promise<number | null> {
    const { child, folder } = this;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
    return child.exitCode;
  }
}
