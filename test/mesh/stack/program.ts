import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { Fatal, tellLoss } from './until.ts';

const TAIL_LINES = 30;
const STOP_TIMEOUT_MS = 10_000;
/** util-linux; makes the kernel end the program when this process dies, however it dies. */
const PARENT_DEATH_WRAPPER = '/usr/bin/setpriv';

export interface ProgramOptions {
  name: string;
  command: readonly string[];
  folder: string;
  environment?: Record<string, string>;
  /** File that takes all it prints. */
  log: string;
  /** It may end by itself, as an operator does that lost its lease. */
  mayEnd?: boolean;
}

/** A running program that prints to a file. It ends with us. An end that nobody asked for ends every wait after it. */
export class Program {
  readonly name: string;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly log: string;
  private readonly ended: Promise<void>;
  private mayEnd: boolean;

  constructor({ name, command, folder, environment, log, mayEnd = false }: ProgramOptions) {
    this.name = name;
    this.log = log;
    this.mayEnd = mayEnd;
    const output = openSync(log, 'a');
    const [binary = '', ...args] = canWrap() ? [PARENT_DEATH_WRAPPER, '--pdeathsig', 'KILL', ...command] : command;
    // An own process group keeps Ctrl-C from the program, so that all end in order.
    this.child = spawn(binary, args, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', output, output],
      detached: true,
    });
    closeSync(output);
    this.pid = this.child.pid ?? 0;
    this.ended = new Promise((done) => {
      this.child.once('error', () => done());
      this.child.once('exit', () => {
        if (!this.mayEnd) tellLoss(this.ending());
        done();
      });
    });
  }

  get isOver(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined;
  }

  /** Throws, so that a wait ends, if the program has. */
  assertAlive(): void {
    if (this.isOver) throw new Fatal(this.ending());
  }

  private ending(): string {
    const { exitCode, signalCode } = this.child;
    const how = signalCode === null ? `exit code ${exitCode}` : `signal ${signalCode}`;
    return `${this.name} (process ${this.pid}) has ended with ${how}; the end of ${this.log}:\n${this.tail()}`;
  }

  /** The last lines that it printed. */
  tail(lines = TAIL_LINES): string {
    return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** All that it printed. */
  output(): string {
    return readFileSync(this.log, 'utf8');
  }

  /** Asks it to end; ends it by force if that takes longer than 10 s. */
  async stop(): Promise<void> {
    if (this.isOver) return;
    this.mayEnd = true;
    this.child.kill('SIGTERM');
    const forced = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.ended;
    clearTimeout(forced);
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.mayEnd = true;
    if (!this.isOver) this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Ends it and all that it started. */
  async killGroup(): Promise<void> {
    this.mayEnd = true;
    try {
      if (this.pid > 0) process.kill(-this.pid, 'SIGKILL');
    } catch {
      // the group is gone already
    }
    await this.ended;
  }
}

function canWrap(): boolean {
  try {
    accessSync(PARENT_DEATH_WRAPPER, constants.X_OK);
    return process.platform === 'linux';
  } catch {
    return false;
  }
}

/** `unshare` with what this user needs to get namespaces of his own; null if the machine gives none. */
export function namespaceCommand(): readonly string[] | null {
  for (const identity of [[], ['--map-root-user']]) {
    const command = ['unshare', ...identity, '--mount', '--pid', '--fork', '--kill-child=KILL'];
    const [binary = '', ...args] = [...command, 'mount', '-t', 'tmpfs', 'tmpfs', '/var/lib'];
    if (spawnSync(binary, args, { stdio: 'ignore' }).status === 0) return command;
  }
  return null;
}
