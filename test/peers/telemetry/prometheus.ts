// Debian's Prometheus 2, unpacked into the user's cache: no program of the machine, and no root.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder } from '../../../envoy/standalone/cache-folder.ts';

function installed(): string {
  const folder = cacheFolder('telemetry-peers');
  const done = join(folder, '.complete');
  if (!existsSync(done)) {
    mkdirSync(folder, { recursive: true });
    execFileSync('apt-get', ['download', 'prometheus'], { cwd: folder, stdio: 'pipe' });
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.deb')))
      execFileSync('dpkg', ['-x', name, 'root'], { cwd: folder });
    writeFileSync(done, '');
  }
  return join(folder, 'root/usr/bin');
}

/** Runs promtool. */
export function promtool(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(join(installed(), 'promtool'), args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

/** A place to scrape. */
export interface Target {
  /** HOST:PORT. */
  address: string;
  path: string;
}

/** A Prometheus of a test's own, which scrapes every half second. */
export class Prometheus {
  private readonly child: ChildProcess;
  private readonly folder: string;
  private readonly url: string;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.child = child;
    this.folder = folder;
    this.url = url;
  }

  static async start(targets: readonly Target[], rules: readonly string[]): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'fim-prometheus-'));
    const config = {
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: rules,
      scrape_configs: targets.map(({ address, path }, n) => ({
        job_name: `target-${n}`,
        metrics_path: path,
        static_configs: [{ targets: [address] }],
      })),
    };
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const child = spawn(
      join(installed(), 'prometheus'),
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        '--web.listen-address=127.0.0.1:0',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    // Port 0 is a free one; the log tells which.
    for await (const line of createInterface({ input: child.stderr })) {
      const address = /msg="Listening on" address=(\S+)/.exec(line)?.[1];
      if (address !== undefined) {
        child.stderr.resume();
        return new Prometheus(child, folder, `http://${address}`);
      }
    }
    throw new Error('Prometheus ended before it listened');
  }

  /** Number of series with a number that a query has now. */
  async series(query: string): Promise<number> {
    const answer = await this.ask(`/api/v1/query?query=${encodeURIComponent(query)}`);
    const { result } = (answer as { data: { result: { value: [number, string] }[] } }).data;
    return result.filter(({ value: [, number] }) => number !== 'NaN').length;
  }

  /** Rules that it evaluates, by their names, with the error of the last time. */
  async rules(): Promise<{ name: string; lastError?: string; health: string }[]> {
    const answer = await this.ask('/api/v1/rules');
    return (
      answer as { data: { groups: { rules: { name: string; lastError?: string; health: string }[] }[] } }
    ).data.groups.flatMap((group) => group.rules);
  }

  private async ask(path: string): Promise<unknown> {
    const response = await fetch(this.url + path);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text) as unknown;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill();
    await ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}
