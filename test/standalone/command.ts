import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FUSED_MODULE, TLCP_MODULE } from '../../envoy/route/stages/table.ts';
import type { StackEvent } from '../../envoy/standalone/events.ts';
import { buildModules } from '../../scripts/build.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LINE_TIMEOUT_MS = 60_000;

/**
 * Builds the modules of `fim up` before a test waits for it: to compile takes longer than a test waits on a busy machine,
 * and a test that ends `fim up` ends the compilation too.
 */
export async function buildForUp(): Promise<void> {
  await buildModules([FUSED_MODULE, TLCP_MODULE]);
}

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `fim ARGS` to its end, without the launcher. */
export async function fim(
  args: readonly string[],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['scripts/fim.ts', ...args], { cwd: ROOT, env: { ...process.env, ...env } });
  const ended: Ended = { status: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text));
  child.stdin.end(input);
  [ended.status] = (await once(child, 'close')) as [number];
  return ended;
}

/** A running `fim up --json`. */
export class Running {
  readonly child: ChildProcess;
  readonly events: StackEvent[] = [];
  stderr = '';
  private readonly waiters = new Set<() => void>();

  /** `command`: what starts it, up to the arguments of `fim up`. */
  constructor(
    args: readonly string[],
    env: Record<string, string> = {},
    command: readonly [string, ...string[]] = [process.execPath, 'scripts/fim.mjs', 'up'],
  ) {
    const [program, ...first] = command;
    this.child = spawn(program, [...first, '--json', '--listen', ':0', '--admin', ':0', ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.events.push(JSON.parse(line) as StackEvent);
      for (const look of this.waiters) look();
    });
  }

  /** The first event of a kind after the first `from` events. */
  async event<K extends StackEvent['event']>(kind: K, from = 0): Promise<Extract<StackEvent, { event: K }>> {
    return new Promise((done, failed) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.waiters.delete(look);
        this.child.off('close', ended);
      };
      const look = (): void => {
        const found = this.events.slice(from).find((event) => event.event === kind);
        if (!found) return;
        finish();
        done(found as Extract<StackEvent, { event: K }>);
      };
      const ended = (): void => {
        finish();
        failed(new Error(`ended without ${kind}: ${this.stderr}`));
      };
      const timer = setTimeout(ended, LINE_TIMEOUT_MS);
      this.waiters.add(look);
      this.child.on('close', ended);
      look();
    });
  }

  /** Sends a signal and waits for the end; returns the exit status. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const closed = once(this.child, 'close') as Promise<[number | null]>;
    this.child.kill(signal);
    return (await closed)[0];
  }
}

/** Whether a process exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
