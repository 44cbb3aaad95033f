import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { Program } from './program.ts';
import { until } from './until.ts';

const MAIN = path.resolve(import.meta.dirname, '../../../istio/operator/main.ts');

export interface OperatorOptions {
  /** Name of the replica in the lease and in its log file. */
  identity: string;
  kubeconfig: string;
  /** Folder with the modules. */
  modules: string;
  /** Address from which agents fetch modules: a URL with `{sha256}`. */
  moduleUrl: string;
  kms: URL;
  /** For its log; the caller's to remove. */
  folder: string;
  /** `istio/operator/main.ts` of another version than this checkout. */
  main?: string;
  /** More of its command line. */
  flags?: string[];
  /** Environment beside that of this process. */
  environment?: Record<string, string>;
}

/** One line of the operator's log. */
export interface LogLine {
  event?: string;
  address?: string;
  msg?: string;
  [member: string]: unknown;
}

/** A replica of the operator in its own process, as its image runs it. */
export class Operator {
  readonly identity: string;
  private readonly options: OperatorOptions;
  private program!: Program;

  constructor(options: OperatorOptions) {
    this.options = options;
    this.identity = options.identity;
    mkdirSync(options.folder, { recursive: true });
  }

  /** Starts it and waits until it listens; it may or may not lead. */
  async start(): Promise<void> {
    const {
      identity,
      kubeconfig,
      modules,
      moduleUrl,
      kms,
      folder,
      main = MAIN,
      flags = [],
      environment = {},
    } = this.options;
    const command = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      main,
      '--kubeconfig',
      kubeconfig,
      '--modules',
      modules,
      '--module-url',
      moduleUrl,
    ];
    command.push(
      '--kms',
      kms.href.replace(/\/$/, ''),
      '--namespace',
      'fim-system',
      '--identity',
      identity,
      '--listen',
      '127.0.0.1:0',
      ...flags,
    );
    this.program = new Program({
      name: `operator ${identity}`,
      command,
      folder,
      environment,
      log: path.join(folder, `${identity}.log`),
      mayEnd: true,
    });
    await this.said('listening');
  }

  get pid(): number {
    return this.program.pid;
  }

  get isOver(): boolean {
    return this.program.isOver;
  }

  /** All lines of its log that are JSON. */
  lines(): LogLine[] {
    return this.program
      .output()
      .split('\n')
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as LogLine];
        } catch {
          return [];
        }
      });
  }

  log(): string {
    return this.program.tail();
  }

  /** Waits until it has logged an event. */
  said(event: string): Promise<LogLine> {
    return until(`operator ${this.identity} says ${event}\n`, () => {
      this.program.assertAlive();
      return this.lines().find((line) => line.event === event);
    });
  }

  leads(): Promise<LogLine> {
    return this.said('leading');
  }

  /** Its metrics, as Prometheus reads them. */
  async metrics(): Promise<string> {
    const { address } = await this.said('listening');
    return (await fetch(`http://${address}/metrics`)).text();
  }

  /** Value of one metric without labels, or the sum of all its series. */
  async metric(name: string): Promise<number> {
    const lines = (await this.metrics())
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** Ends it as its pod is ended: in order. */
  stop(): Promise<void> {
    return this.program.stop();
  }

  /** Ends it as a crash does. */
  kill(): Promise<void> {
    return this.program.kill();
  }
}
