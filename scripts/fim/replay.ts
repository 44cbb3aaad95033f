// `fim replay`: what another policy would do with recorded traffic.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRecorded, replay, type Change, type Recorded, type ReplayReport } from '../../envoy/cases/index.ts';
import { loadModule } from '../../envoy/host/index.ts';
import { examine } from '../../envoy/release/index.ts';
import { validateFiles, type PluginConfig } from '../../envoy/route/index.ts';
import { CodedError } from '../../envoy/standalone/coded-error.ts';
import { buildModules } from '../build.ts';
import { ROOT } from './project.ts';
import { progress, styled } from './terminal.ts';
import { tellMistakes } from './transcript.ts';

export interface ReplayFlags {
  policy: string;
  next?: string;
  output: string;
  failOnChange?: boolean;
}

/** Messages between two lines of progress. */
const PROGRESS_MESSAGES = 10_240;

/** Replays recorded traffic. Returns the exit status: 0, or 1 if a policy is wrong or, if asked, something changes. */
export async function replayFiles(files: string[], flags: ReplayFlags): Promise<number> {
  if (flags.output !== 'text' && flags.output !== 'json')
    throw new CodedError('FIM-UP-0020', '--output is text or json');
  const [built] = await buildModules(['fim'], progress);
  const module = loadModule(await readFile(join(ROOT, 'build', `${built!.name}.wasm`)));
  const read = async (path: string): Promise<PluginConfig | null> => {
    const terms = { layout: 'fused', terminatesTlcp: true, countsGlobally: true, collects: true } as const;
    const { errors, translation } = await validateFiles([path], terms, (name, json) =>
      Promise.resolve(name === 'fim.wasm' ? examine(module, json) : undefined),
    );
    tellMistakes(errors, '');
    return errors.length > 0 ? null : (translation.pluginConfigs[0]?.config ?? null);
  };
  const today = await read(flags.policy);
  const next = flags.next === undefined ? today : await read(flags.next);
  if (today === null || next === null) return 1;
  const report = await replay(module, [today, next], allOf(files), (messages) => {
    if (messages > 0 && messages % PROGRESS_MESSAGES === 0) progress(`${messages} messages`);
  });
  if (flags.output === 'json') process.stdout.write(`${JSON.stringify(report)}\n`);
  else tellReport(report, flags.next !== undefined);
  return flags.failOnChange === true && report.same < report.messages ? 1 : 0;
}

async function* allOf(files: readonly string[]): AsyncGenerator<Recorded> {
  for (const file of files) yield* readRecorded(file);
}

function tellReport({ messages, same, before, after, changes, others }: ReplayReport, compares: boolean): void {
  print(`${messages} messages`);
  print(compares ? '  today' : '  verdicts');
  for (const line of verdictLines(before)) print(line);
  if (!compares) return;
  print('  with the next policy');
  for (const line of verdictLines(after)) print(line);
  if (same === messages) {
    print(`${styled('green', '✓')} none would fare differently`);
    return;
  }
  print(`${styled('yellow', '!')} ${messages - same} of ${messages} would fare differently:`);
  for (const change of changes) tellChange(change);
  if (others > 0) print(`  ${others} more, of other kinds`);
}

function verdictLines(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, times]) => `    ${String(times).padStart(8)}  ${name}`);
}

function tellChange({ from, to, route, nextRoute, errors, count, examples }: Change): void {
  const names = route === nextRoute ? route || 'no route' : `${route || 'no route'} → ${nextRoute || 'no route'}`;
  print(`  ${styled('bold', String(count))}  ${from} → ${to}  (${names})`);
  for (const [error, times] of Object.entries(errors).toSorted(([, a], [, b]) => b - a))
    print(`      ${times} × ${error}`);
  print(`      ${styled('dim', examples.join(', '))}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
