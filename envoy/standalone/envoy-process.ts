import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CodedError } from './coded-error.ts';
import { EnvoyAdmin } from './envoy-admin.ts';
import type { EnvoyObject } from '../xds/index.ts';

/** Lines of Envoy's log kept for error messages. */
const KEPT_LOG_LINES = 400;
const START_TIMEOUT_MS = 60_000;
/** Under a profiler everything takes many times as long. */
const SLOW_START_TIMEOUT_MS = 600_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 10;
/** Tool of util-linux that makes the kernel end Envoy when this process dies in any way. */
const PARENT_DEATH_WRAPPER = '/usr/bin/setpriv';

/** File in Envoy's folder that names the address of its admin interface. */
export const ADMIN_ADDRESS_FILE = 'admin-address';

export interface EnvoyOptions {
  binary: string;
  bootstrap: EnvoyObject;
  /** Folder for the bootstrap file and the admin address. The caller removes it. */
  folder: string;
  /** Worker threads. */
  concurrency: number;
  /** Command that runs Envoy's, such as a profiler; Envoy is then given more time to start. */
  under?: readonly string[];
  logLevel?: string;
  onLog?: (line: string) => void;
}

/** A running Envoy. Its own process group keeps Ctrl-C from it, so that it is shut down in order. */
export class EnvoyProcess {
  readonly admin: EnvoyAdmin;
  readonly pid: number;
  readonly listenPort: number;
  /** Settles with a description when Envoy has ended. */
  readonly ended: Promise<string>;
  private readonly child: ChildProcess;
  private readonly log: string[];

  private constructor(
    child: ChildProcess,
    log: string[],
    ended: Promise<string>,
    admin: EnvoyAdmin,
    listenPort: number,
  ) {
    this.child = child;
    this.pid = child.pid!;
    this.log = log;
    this.ended = ended;
    this.admin = admin;
    this.listenPort = listenPort;
  }

  /** Starts Envoy and waits until its listener accepts connections. Error: FIM-UP-0011 with the end of its log. */
  static async start(options: EnvoyOptions): Promise<EnvoyProcess> {
    const bootstrapFile = join(options.folder, 'envoy.json');
    const addressFile = join(options.folder, ADMIN_ADDRESS_FILE);
    await rm(addressFile, { force: true });
    await writeFile(bootstrapFile, JSON.stringify(options.bootstrap), { mode: 0o600 });
    const log: string[] = [];
    const child = launch(options, bootstrapFile, addressFile);
    for (const stream of [child.stdout!, child.stderr!]) {
      eachLine(stream, (line) => {
        log.push(line);
        if (log.length > KEPT_LOG_LINES) log.shift();
        options.onLog?.(line);
      });
    }
    let over: string | undefined;
    const ended = new Promise<string>((done) => {
      child.once('error', (error) => done((over = error.message)));
      child.once('close', (status, signal) => done((over = status === null ? `signal ${signal}` : `status ${status}`)));
    });
    const deadline = Date.now() + (options.under ? SLOW_START_TIMEOUT_MS : START_TIMEOUT_MS);
    try {
      const admin = new EnvoyAdmin(
        await pollFor(
          () => readAddress(addressFile),
          () => over,
          deadline,
        ),
      );
      const port = await pollFor(
        async () => ((await admin.ready()) ? admin.listenerPort() : undefined),
        () => over,
        deadline,
      );
      return new EnvoyProcess(child, log, ended, admin, port);
    } catch (error) {
      child.kill('SIGKILL');
      throw new CodedError('FIM-UP-0011', [(error as Error).message, ...complaints(log)].join('\n'));
    }
  }

  /** Last log lines at level warning and above. */
  recentComplaints(): string[] {
    return complaints(this.log);
  }

  /** Ends Envoy gracefully, or by force if that takes too long. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    const forced = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.ended;
    clearTimeout(forced);
  }
}

function launch(options: EnvoyOptions, bootstrapFile: string, addressFile: string): ChildProcess {
  const args = ['-c', bootstrapFile, '--admin-address-path', addressFile, '--concurrency', String(options.concurrency)];
  args.push('--disable-hot-restart', '--log-level', options.logLevel ?? 'warning');
  const command = [...(options.under ?? []), options.binary, ...args];
  const wrapped = canWrap() ? [PARENT_DEATH_WRAPPER, '--pdeathsig', 'KILL', ...command] : command;
  return spawn(wrapped[0]!, wrapped.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
}

function canWrap(): boolean {
  try {
    accessSync(PARENT_DEATH_WRAPPER, constants.X_OK);
    return process.platform === 'linux';
  } catch {
    return false;
  }
}

async function readAddress(file: string): Promise<URL | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.includes(':') ? new URL(`http://${text.trim()}`) : undefined;
}

/** Polls until there is a result. Throws when Envoy has ended or the time is up. */
async function pollFor<T>(
  ask: () => Promise<T | undefined>,
  over: () => string | undefined,
  deadline: number,
): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    const how = over();
    if (how !== undefined) throw new Error(`ended with ${how} before it was ready`);
    if (Date.now() > deadline) throw new Error('not ready in time');
    await pause(POLL_MS);
  }
}

function complaints(log: string[]): string[] {
  return log.filter((line) => /\]\[(?:warning|error|critical)\]|^error|exception/i.test(line)).slice(-12);
}

function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.filter((line) => line !== '').forEach(take);
  });
}
