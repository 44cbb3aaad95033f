// `fim test`: runs test cases of policies against the very module, without Envoy.
import { writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCases, runFile, type FileReport } from '../../envoy/cases/index.ts';
import { loadModule, type LoadedModule } from '../../envoy/host/index.ts';
import { CodedError, messageOf } from '../../envoy/standalone/coded-error.ts';
import { buildModules } from '../build.ts';
import { ROOT } from './project.ts';
import { progress, tell } from './terminal.ts';
import { githubLines, junit, summaryLine, tellFile, totalsOf } from './test-report.ts';
import { tellMistakes } from './transcript.ts';
import { watchFolders } from './test-watch.ts';

export interface TestFlags {
  only?: string;
  coverage?: boolean;
  watch?: boolean;
  verbose?: boolean;
  output: string;
  junit?: string;
}

const OUTPUTS = ['text', 'json', 'github'];

/** Runs the cases of files and folders. Returns the exit status: 0 all hold, 1 one does not or cannot be run. */
export async function test(paths: string[], flags: TestFlags): Promise<number> {
  if (!OUTPUTS.includes(flags.output)) throw new CodedError('FIM-UP-0020', `--output is one of ${OUTPUTS.join(', ')}`);
  if (flags.watch === true && (flags.output !== 'text' || flags.junit !== undefined))
    throw new CodedError('FIM-UP-0020', '--watch is for people: without --junit, and with --output text');
  const places = paths.length === 0 ? ['.'] : paths;
  const module = await builtModule();
  if (flags.watch !== true) return runOnce(places, flags, module);
  for (;;) {
    // What changes while the cases run is not missed: they are run again.
    const changed = watchFolders(places);
    try {
      await runOnce(places, flags, module);
    } catch (error) {
      tell(error);
    }
    process.stdout.write('waiting for changes; Ctrl-C ends\n');
    await changed;
    process.stdout.write('\n');
  }
}

async function builtModule(): Promise<LoadedModule> {
  const [built] = await buildModules(['fim'], progress);
  return loadModule(await readFile(join(ROOT, 'build', `${built!.name}.wasm`)));
}

async function runOnce(paths: string[], flags: TestFlags, module: LoadedModule): Promise<number> {
  const began = performance.now();
  const { files, errors } = loadCases(paths);
  if (files.length === 0 && errors.length === 0) throw new CodedError('FIM-UP-0081', paths.join(', '));
  const isText = flags.output === 'text';
  const reports: FileReport[] = [];
  for (const loaded of files) {
    const report = await runFile(module, loaded, {
      ...(flags.only === undefined ? {} : { only: flags.only }),
      ...(flags.coverage === undefined ? {} : { coverage: flags.coverage }),
    });
    reports.push(report);
    if (isText) tellFile(report, flags.verbose === true);
  }
  const totals = totalsOf(reports, errors);
  if (totals.cases === 0 && totals.errors === 0)
    throw new CodedError('FIM-UP-0081', `none whose name holds ${flags.only}`);
  if (isText) {
    tellMistakes(errors, '');
    process.stdout.write(`${summaryLine(totals, performance.now() - began)}\n`);
  } else if (flags.output === 'json')
    process.stdout.write(`${JSON.stringify({ ...totals, errors, files: reports })}\n`);
  else for (const line of githubLines(reports, errors)) process.stdout.write(`${line}\n`);
  if (flags.junit !== undefined) await writeReport(flags.junit, junit(reports, errors));
  return totals.failed === 0 && totals.errors === 0 ? 0 : 1;
}

async function writeReport(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new CodedError('FIM-UP-0020', `--junit ${file}: ${messageOf(error)}`);
  }
}
