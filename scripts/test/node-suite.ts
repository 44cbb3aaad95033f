// Runs node:test files as one stage and counts what they say.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { ReportLine } from './count-reporter.ts';
import { emptyOutcome, type Outcome } from './outcome.ts';

/** Lines of a file's own output that are shown when it fails. */
const MAX_OUTPUT_LINES = 40;

export interface SuiteOptions {
  /** Folder under test/. */
  tier: string;
  /** Parts of paths: a file runs if its path holds one of them; empty for all. */
  names: string[];
  /** Files that run side by side. */
  concurrency: number;
  /** The stage is stopped, and fails, after this time. */
  deadlineMs: number;
  print: (line: string) => void;
}

type ResultLine = Extract<ReportLine, { ms: number }>;

interface FileTally {
  passed: number;
  failed: number;
  ms: number;
  output: string[];
}

/** Collects the reporter's lines into an outcome. */
class Collector {
  readonly outcome = emptyOutcome();
  readonly files = new Map<string, FileTally>();

  private readonly print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.print = print;
  }

  private tally(file: string): FileTally {
    const known = this.files.get(file);
    if (known !== undefined) return known;
    const fresh = { passed: 0, failed: 0, ms: 0, output: [] };
    this.files.set(file, fresh);
    return fresh;
  }

  take(line: ReportLine): void {
    const tally = this.tally(line.file);
    if (line.kind === 'note') this.print(`    ${line.text}`);
    else if (line.kind === 'output') tally.output.push(...line.text.split('\n').filter((text) => text.trim() !== ''));
    else this.count(line, tally);
  }

  private count(line: ResultLine, tally: FileTally): void {
    const name = `${line.file} › ${line.name}`;
    tally.ms += line.ms;
    if (line.kind === 'skip') this.outcome.skipped.push(name);
    else if (line.kind === 'pass') {
      this.outcome.passed++;
      tally.passed++;
    } else {
      this.outcome.failed++;
      tally.failed++;
      this.outcome.failures.push({ name, detail: line.detail });
      this.print(`  ✖ ${name}`);
    }
  }

  /** One line a file; the end of what a failed file printed goes to its last failure. */
  finish(expected: string[]): void {
    for (const file of expected) {
      const tally = this.files.get(file);
      if (tally === undefined || tally.passed + tally.failed === 0)
        this.fail(file, 'no test of this file reported a result');
    }
    for (const [file, tally] of [...this.files].sort(([a], [b]) => a.localeCompare(b))) {
      if (tally.passed + tally.failed === 0) continue;
      const failedText = tally.failed === 0 ? '' : `, ${tally.failed} failed`;
      this.print(
        `  ${tally.failed === 0 ? '✔' : '✖'} ${file}  ${tally.passed} passed${failedText}  (${Math.round(tally.ms)} ms)`,
      );
      const last = this.outcome.failures.findLast((failure) => failure.name.startsWith(file));
      if (last !== undefined && tally.output.length > 0) {
        last.detail += `\n— the file printed —\n${tally.output.slice(-MAX_OUTPUT_LINES).join('\n')}`;
      }
    }
  }

  fail(name: string, detail: string): void {
    this.outcome.failed++;
    this.outcome.failures.push({ name, detail });
    this.print(`  ✖ ${name}: ${detail}`);
  }
}

/** Test files of a tier, sorted. */
export function suiteFiles(tier: string, names: string[] = []): string[] {
  const all = globSync(`test/${tier}/**/*.test.ts`)
    .map((file) => file.replaceAll('\\', '/'))
    .sort();
  return names.length === 0 ? all : all.filter((file) => names.some((name) => file.includes(name)));
}

/** Runs the files of one tier. A tier without a file fails: nothing that is listed may be empty. */
export async function runSuite(options: SuiteOptions): Promise<Outcome> {
  const collector = new Collector(options.print);
  const files = suiteFiles(options.tier, options.names);
  if (files.length === 0) {
    collector.fail(`test/${options.tier}`, `no test file matches ${options.names.join(' ') || '**/*.test.ts'}`);
    return collector.outcome;
  }
  const reporter = new URL('./count-reporter.ts', import.meta.url).href;
  const args = [
    '--test',
    `--test-concurrency=${options.concurrency}`,
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stdout',
    ...files,
  ];
  // detached: the runner and the test processes form a group, so that a deadline ends all of them.
  const env = { ...process.env };
  delete env.NODE_TEST_CONTEXT; // set when a test runs this: the inner runner would take itself for a test file
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // the group is gone already
    }
  };
  const deadline = setTimeout(() => {
    collector.fail(`test/${options.tier}`, `not finished after ${options.deadlineMs / 1000} s`);
    stop();
  }, options.deadlineMs);
  process.once('exit', stop);
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) collector.take(JSON.parse(line) as ReportLine);
    else errors.push(line);
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearTimeout(deadline);
  process.off('exit', stop);
  collector.finish(files);
  if (code !== 0 && collector.outcome.failed === 0)
    collector.fail(
      `test/${options.tier}`,
      `node --test ended with ${code}\n${errors.slice(-MAX_OUTPUT_LINES).join('\n')}`,
    );
  return collector.outcome;
}
