// Runs a file of cases, and finds out which rules they test.
import type { LoadedModule } from '../host/index.ts';
import { examine } from '../release/index.ts';
import { formatPath, formatPointer, validateFiles } from '../route/index.ts';
import type { Path, PluginConfig, RouteIssue, Translation } from '../route/index.ts';
import { CodedError } from '../standalone/coded-error.ts';
import type { Case } from './case-file.gen.ts';
import { rulesOf, without, type Rule } from './coverage.ts';
import type { LoadedCases } from './load-cases.ts';
import { CaseRunner } from './run-case.ts';

/** An expectation that does not hold, with its place for people. */
export interface ReportedFailure {
  /** JSONPath in the file. */
  path: string;
  line: number | undefined;
  message: string;
}

export interface CaseReport {
  name: string;
  line: number | undefined;
  tookMs: number;
  failures: ReportedFailure[];
}

/** Rules of the file's policies that no case needs. */
export interface RuleReport {
  tested: number;
  /** Rules without which every case still holds, at their places in the resources. */
  untested: RouteIssue[];
}

export interface FileReport {
  file: string;
  cases: CaseReport[];
  /** Mistakes that keep the cases from being run, in a resource or a key. */
  errors: RouteIssue[];
  rules?: RuleReport;
}

export interface RunOptions {
  /** Cases whose names hold this text; absent: all. */
  only?: string;
  /** Whether rules are looked for that no case tests. */
  coverage?: boolean;
}

/** Runs the cases of a file. Never throws for what stands in files. */
export async function runFile(
  module: LoadedModule,
  loaded: LoadedCases,
  options: RunOptions = {},
): Promise<FileReport> {
  const { file, content, routes } = loaded;
  const terms = { layout: 'fused', terminatesTlcp: true, countsGlobally: true, collects: true } as const;
  const { errors, translation } = await validateFiles(routes, terms, (name, json) =>
    Promise.resolve(name === 'fim.wasm' ? examine(module, json) : undefined),
  );
  const config = translation.pluginConfigs[0]?.config;
  if (errors.length > 0 || config === undefined) return { file, cases: [], errors };
  const numbered = content.cases
    .map((one, index) => ({ one, at: ['cases', index] as Path }))
    .filter(({ one }) => options.only === undefined || one.name.includes(options.only));
  try {
    const runner = CaseRunner.of(module, config, file, content.keys);
    const ran = numbered.map(({ one, at }) => ({ one, at, ...runCase(runner, one, at, loaded) }));
    const cases = ran.map(({ report }) => report);
    if (options.coverage !== true) return { file, cases, errors };
    const good = ran.filter(({ report }) => report.failures.length === 0);
    return { file, cases, errors, rules: rulesTested(runner, config, good, translation) };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { file, cases: [], errors: [{ code: error.code, path: '$', message: error.message, file }] };
  }
}

function runCase(
  runner: CaseRunner,
  one: Case,
  at: Path,
  { lineOf }: LoadedCases,
): { report: CaseReport; routes: Set<string> } {
  const began = performance.now();
  let routes = new Set<string>();
  let failures: ReportedFailure[];
  try {
    const result = runner.run(one, at);
    routes = result.routes;
    failures = result.failures.map((failure) => ({
      path: formatPath(failure.at),
      line: lineOf(failure.at),
      message: failure.message,
    }));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    failures = [{ path: formatPath(at), line: lineOf(at), message: error.message }];
  }
  return {
    routes,
    report: { name: one.name, line: lineOf([...at, 'name']), tookMs: performance.now() - began, failures },
  };
}

interface Ran {
  one: Case;
  at: Path;
  routes: Set<string>;
}

function rulesTested(
  runner: CaseRunner,
  config: PluginConfig,
  cases: readonly Ran[],
  translation: Translation,
): RuleReport {
  const untested: RouteIssue[] = [];
  let tested = 0;
  for (const rule of rulesOf(config)) {
    if (isTested(runner, config, rule, cases)) tested++;
    else untested.push(translation.locate('FIM-UP-0082', formatPointer(rule.at)));
  }
  return { tested, untested };
}

/** Whether a case fails without the rule. A policy that cannot do without it is tested by being valid. */
function isTested(runner: CaseRunner, config: PluginConfig, rule: Rule, cases: readonly Ran[]): boolean {
  const other = runner.with(without(config, rule));
  try {
    return cases.some(({ one, at, routes }) => routes.has(rule.route) && other.run(one, at).failures.length > 0);
  } catch (error) {
    if (error instanceof CodedError) return true;
    throw error;
  }
}
