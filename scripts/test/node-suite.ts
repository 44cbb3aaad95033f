// Runs node:test files as one stage and counts their results.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { NO_TEST, type ReportLine } from './count-reporter.ts';
import { emptyOutcome, type Outcome, type Ran } from './outcome.ts';
import { ENDED_CHILDREN } from './processor-time.ts';

/** Lines of a failed file's own output that are shown. */
const MAX_OUTPUT_LINES = 40;
/** Most failed files of a stage that are run again. More failures are not due to chance. */
const MAX_FILES_AGAIN = 4;

export interface SuiteOptions {
  /** Folder under test/. */
  tier: string;
  /**
   * Parts of paths: a file runs if its path contains one of them. A name that is in no path is part of a test's name.
   * Empty: all.
   */
  names: string[];
  /** Files that run in parallel. */
  concurrency: number;
  /** Names of the files that take longest, the longest first. They are started before the others. */
  long?: readonly string[];
  /** Time after which the stage is stopped and has failed. */
  deadlineMs: number;
  print: (line: string) => void;
}

type ResultLine = Extract<ReportLine, { ms: number }>;

interface FileTally {
  passed: number;
  failed: number;
  output: string[];
}

/** Collects the reporter's lines into an outcome. */
class Collector {
  readonly outcome = emptyOutcome();
  readonly files = new Map<string, FileTally>();
  private readonly begun = new Map<string, number>();
  /** Time from a file's begin to its end. The sum of its tests' times is more where they run side by side. */
  private readonly tookMs = new Map<string, number>();
  /** Whether the deadline stopped the run. Files without a report may then be sound. */
  stopped = false;

  private readonly print: (line: string) => void;
  private readonly byName: boolean;

  /** `byName`: tests were asked for by name, and a file without one of them has not failed. */
  constructor(print: (line: string) => void, byName: boolean) {
    this.print = print;
    this.byName = byName;
  }

  private tally(file: string): FileTally {
    const known = this.files.get(file);
    if (known !== undefined) return known;
    const fresh = { passed: 0, failed: 0, output: [] };
    this.files.set(file, fresh);
    return fresh;
  }

  take(line: ReportLine): void {
    if (line.kind === 'begin') this.begun.set(line.file, line.atMs);
    else if (line.kind === 'end') {
      this.tookMs.set(line.file, line.atMs - (this.begun.get(line.file) ?? line.atMs));
      this.outcome.costs.push({ name: line.file, processorMs: line.processorMs });
    } else this.takeResult(line);
  }

  private takeResult(line: Exclude<ReportLine, { atMs: number }>): void {
    if (this.byName && line.kind === 'fail' && line.detail === NO_TEST) return;
    const tally = this.tally(line.file);
    if (line.kind === 'note') this.print(`    ${line.text}`);
    else if (line.kind === 'output') tally.output.push(...line.text.split('\n').filter((text) => text.trim() !== ''));
    else this.count(line, tally);
  }

  private count(line: ResultLine, tally: FileTally): void {
    const name = `${line.file} › ${line.name}`;
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

  /** Prints one line for each file. The end of a failed file's output is added to its last failure. */
  finish(expected: string[]): void {
    for (const file of expected) {
      const tally = this.files.get(file);
      if (tally === undefined || tally.passed + tally.failed === 0) this.fail(file, NO_TEST);
    }
    for (const [file, tally] of [...this.files].sort(([a], [b]) => a.localeCompare(b))) {
      if (tally.passed + tally.failed === 0) continue;
      const failedText = tally.failed === 0 ? '' : `, ${tally.failed} failed`;
      this.print(
        `  ${tally.failed === 0 ? '✔' : '✖'} ${file}  ${tally.passed} passed${failedText}  (${Math.round(this.tookMs.get(file) ?? 0)} ms, processor ${this.processorMs(file)} ms)`,
      );
      const last = this.failuresOf(file).at(-1);
      if (last !== undefined && tally.output.length > 0) {
        last.detail += `\n— the file printed —\n${tally.output.slice(-MAX_OUTPUT_LINES).join('\n')}`;
      }
    }
  }

  private processorMs(file: string): number {
    return this.outcome.costs.find(({ name }) => name === file)?.processorMs ?? 0;
  }

  /** Files with a failure of their own, sorted. */
  failedFiles(): string[] {
    return [...this.files.keys()].filter((file) => this.failuresOf(file).length > 0).sort();
  }

  /** Replaces a file's results by those of its run alone. */
  replace(file: string, alone: Outcome): void {
    this.outcome.passed += alone.passed - (this.files.get(file)?.passed ?? 0);
    const failures = this.failuresOf(file);
    this.outcome.failed -= failures.length;
    this.outcome.failures = this.outcome.failures.filter((failure) => !failures.includes(failure));
    this.outcome.unstable.push(`${file}: ${failures.map(({ detail }) => detail.split('\n')[0]).join('; ')}`);
  }

  private failuresOf(file: string): Outcome['failures'] {
    return this.outcome.failures.filter(({ name }) => name === file || name.startsWith(`${file} › `));
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

/** Names that are in the path of no file of the tier: parts of the names of tests. */
function testNames({ tier, names }: SuiteOptions): string[] {
  return names.filter((name) => suiteFiles(tier, [name]).length === 0);
}

/** Runs `files` in one node:test process and passes its reports to `collector`. */
async function runFiles(files: string[], options: SuiteOptions, collector: Collector): Promise<void> {
  const reporter = new URL('./count-reporter.ts', import.meta.url).href;
  const named = testNames(options);
  const args = [
    '--test',
    `--test-concurrency=${options.concurrency}`,
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stdout',
    ...(named.length === 0 ? [] : [`--import=${new URL('./ordered-hooks.ts', import.meta.url).href}`]),
    ...named.map((name) => `--test-name-pattern=${RegExp.escape(name)}`),
    ...files,
  ];
  // detached: the runner and the test processes form a group, so that a deadline ends all of them.
  const env = { ...process.env };
  delete env.NODE_TEST_CONTEXT; // set if a test runs this; the inner runner would then act as a test file
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const stop = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // the group has ended already
    }
  };
  const deadline = setTimeout(() => {
    collector.stopped = true;
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
  ENDED_CHILDREN.sinceLastMs(); // counted by file
  collector.finish(named.length === 0 ? files : []);
  if (code !== 0 && collector.outcome.failed === 0)
    collector.fail(
      `test/${options.tier}`,
      `node --test ended with ${code}\n${errors.slice(-MAX_OUTPUT_LINES).join('\n')}`,
    );
}

/** Runs each failed file once more, alone. A file that passes then is no failure, but is named as unstable. */
async function runFailedAgain(failed: string[], options: SuiteOptions, collector: Collector): Promise<void> {
  for (const file of failed) {
    options.print(`  … ${file} once more, alone`);
    const again = new Collector(options.print, testNames(options).length > 0);
    await runFiles([file], { ...options, concurrency: 1 }, again);
    if (again.outcome.failed === 0) collector.replace(file, again.outcome);
  }
}

/** Long files stand first, so that none of them runs on by itself in the end. */
export function longFirst(files: string[], long: readonly string[]): string[] {
  const rank = (file: string): number => {
    const at = long.findIndex((name) => file.endsWith(`/${name}.test.ts`));
    return at < 0 ? long.length : at;
  };
  return files.toSorted((a, b) => rank(a) - rank(b));
}

/**
 * Runs the files of one tier. A tier without files fails, so that a listed tier cannot be empty. `again` of the result
 * runs the failed files once more and corrects the outcome. Call it when nothing else runs.
 */
export async function runSuiteOnce(options: SuiteOptions): Promise<Ran> {
  const collector = new Collector(options.print, testNames(options).length > 0);
  const { outcome } = collector;
  const { tier, names } = options;
  const inTests = testNames(options);
  const files = suiteFiles(
    tier,
    names.filter((name) => !inTests.includes(name)),
  );
  if (files.length === 0) {
    collector.fail(`test/${tier}`, 'there is no test file **/*.test.ts');
    return { outcome };
  }
  const { long = [] } = options;
  for (const name of long)
    if (!suiteFiles(tier).some((file) => file.endsWith(`/${name}.test.ts`)))
      collector.fail(`test/${tier}`, `no file ${name}.test.ts, which is to run first`);
  await runFiles(longFirst(files, long), options, collector);
  if (collector.files.size === 0 && outcome.failed === 0)
    collector.fail(`test/${tier}`, `no file and no test of it has ${inTests.join(' or ')} in its name`);
  const failed = collector.failedFiles();
  return collector.stopped || failed.length === 0 || failed.length > MAX_FILES_AGAIN
    ? { outcome }
    : { outcome, again: () => runFailedAgain(failed, options, collector) };
}

/** Runs the files of one tier, and what failed once more. */
export async function runSuite(options: SuiteOptions): Promise<Outcome> {
  const { outcome, again } = await runSuiteOnce(options);
  await again?.();
  return outcome;
}
