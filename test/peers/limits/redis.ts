// Debian's Redis 7, unpacked into the user's cache: no program of the machine, and no root.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { cacheFolder } from '../../../envoy/standalone/cache-folder.ts';

const PACKAGES = [
  'redis-server',
  'redis-tools',
  'libjemalloc2',
  'liblua5.1-0',
  'lua-bitop',
  'lua-cjson',
  'liblzf1',
  'libhiredis0.14',
];
const TRIES = 10;

function installed(): string {
  const folder = cacheFolder('limits-peers');
  const done = join(folder, '.complete');
  if (existsSync(done)) return join(folder, 'root/usr');
  mkdirSync(folder, { recursive: true });
  execFileSync('apt-get', ['download', ...PACKAGES], { cwd: folder, stdio: 'pipe' });
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.deb')))
    execFileSync('dpkg', ['-x', name, 'root'], { cwd: folder });
  writeFileSync(done, '');
  return join(folder, 'root/usr');
}

/** A Redis of a test's own. */
export class Redis {
  readonly url: string;
  private readonly child: ChildProcess;
  private readonly folder: string;

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.child = child;
    this.url = `redis://127.0.0.1:${port}`;
    this.folder = folder;
  }

  static async start(): Promise<Redis> {
    const root = installed();
    for (let i = 0; i < TRIES; i++) {
      const redis = Redis.on(root, await freePort());
      if (await redis.answers()) return redis;
      await redis.stop();
    }
    throw new Error(`Redis did not start in ${TRIES} tries`);
  }

  private static on(root: string, port: number): Redis {
    const folder = mkdtempSync(join(tmpdir(), 'fim-redis-'));
    const child = spawn(
      join(root, 'bin/redis-server'),
      ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
      { stdio: 'ignore', env: { ...process.env, LD_LIBRARY_PATH: join(root, 'lib/x86_64-linux-gnu') } },
    );
    return new Redis(child, port, folder);
  }

  /** One command, on a connection of its own. */
  async command(...words: string[]): Promise<unknown> {
    const client = await createClient({ url: this.url }).connect();
    try {
      return await client.sendCommand(words);
    } finally {
      client.destroy();
    }
  }

  /** Stops it as a debugger does, and lets it go on. */
  pause(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = new Promise((done) => this.child.once('exit', done));
      this.child.kill('SIGKILL');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Whether it comes up: false if it ended, since its port was taken. */
  private async answers(): Promise<boolean> {
    while (this.child.exitCode === null && this.child.signalCode === null) {
      const answer = await this.command('PING').catch(() => new Promise((done) => setTimeout(done, 50)));
      if (answer === 'PONG') return true;
    }
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
