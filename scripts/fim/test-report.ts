// Reports of `fim test`: for people, for readers of JUnit and for annotations of GitHub.
import { XMLBuilder } from 'fast-xml-parser';
import type { CaseReport, FileReport } from '../../envoy/cases/index.ts';
import { formatPlace, type RouteIssue } from '../../envoy/route/index.ts';
import { styled } from './terminal.ts';
import { describe, tellMistakes } from './transcript.ts';

export interface Totals {
  cases: number;
  passed: number;
  failed: number;
  /** Mistakes in files of cases and resources. */
  errors: number;
  /** Rules of the policies, with `--coverage`. */
  rules?: { tested: number; untested: number };
}

export function totalsOf(files: readonly FileReport[], errors: readonly RouteIssue[]): Totals {
  const cases = files.flatMap((file) => file.cases);
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  const rules = files.flatMap(({ rules: found }) => found ?? []);
  return {
    cases: cases.length,
    passed: cases.length - failed,
    failed,
    errors: errors.length + files.reduce((sum, file) => sum + file.errors.length, 0),
    ...(rules.length === 0
      ? {}
      : {
          rules: {
            tested: rules.reduce((sum, { tested }) => sum + tested, 0),
            untested: rules.reduce((sum, { untested }) => sum + untested.length, 0),
          },
        }),
  };
}

/** One file, for people: what fails, and with `verbose` everything. */
export function tellFile({ file, cases, errors, rules }: FileReport, verbose: boolean): void {
  const bad = cases.filter(({ failures }) => failures.length > 0);
  if (verbose || bad.length > 0 || errors.length > 0) print(styled('bold', file));
  tellMistakes(errors, `  ${styled('red', '✗')} `);
  for (const one of verbose ? cases : bad) tellCase(file, one);
  for (const rule of rules?.untested ?? []) print(`  ${styled('yellow', '!')} ${describe(rule)}`);
}

function tellCase(file: string, { name, failures, tookMs }: CaseReport): void {
  const good = failures.length === 0;
  print(
    `  ${good ? styled('green', '✓') : styled('red', '✗')} ${plain(name)}${good ? styled('dim', `  ${tookMs.toFixed(1)} ms`) : ''}`,
  );
  for (const { line, path, message } of failures)
    print(`      ${placeOf(file, line)}: ${path.replace(/^\$\.cases\[\d+\]\.?/, '')}: ${plain(message)}`);
}

export function summaryLine({ cases, passed, failed, errors, rules }: Totals, tookMs: number): string {
  const parts = [
    `${cases} cases: ${passed} passed`,
    failed > 0 ? styled('red', `${failed} failed`) : '0 failed',
    ...(errors > 0 ? [styled('red', `${errors} mistakes in files`)] : []),
    ...(rules === undefined ? [] : [`${rules.tested} of ${rules.tested + rules.untested} rules tested`]),
  ];
  return `${parts.join(', ')} (${(tookMs / 1000).toFixed(1)} s)`;
}

/** Annotations of GitHub Actions. */
export function githubLines(files: readonly FileReport[], errors: readonly RouteIssue[]): string[] {
  const annotation = (kind: string, file: string, line: number | undefined, title: string, message: string): string =>
    `::${kind} file=${property(file)}${line === undefined ? '' : `,line=${line}`},title=${property(title)}::${escaped(message)}`;
  const issue = (kind: string, { file, line, code, message }: RouteIssue): string =>
    annotation(kind, file, line, code, message);
  return [
    ...errors.map((one) => issue('error', one)),
    ...files.flatMap(({ file, cases, errors: own, rules }) => [
      ...own.map((one) => issue('error', one)),
      ...cases.flatMap(({ name, failures }) =>
        failures.map(({ line, path, message }) => annotation('error', file, line, name, `${path}: ${message}`)),
      ),
      ...(rules?.untested ?? []).map((one) => issue('warning', one)),
    ]),
  ];
}

const escaped = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

/** The form that JUnit made common: one suite a file. */
export function junit(files: readonly FileReport[], errors: readonly RouteIssue[]): string {
  const suites = [
    ...files.map(({ file, cases, errors: own }) => suite(file, cases, own)),
    ...(errors.length === 0 ? [] : [suite('files', [], errors)]),
  ];
  const builder = new XMLBuilder({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    format: true,
    suppressEmptyNode: true,
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${builder.build({ testsuites: { testsuite: suites } })}`;
}

function suite(name: string, cases: readonly CaseReport[], errors: readonly RouteIssue[]): object {
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);
  return {
    '@name': plain(name),
    '@tests': cases.length + errors.length,
    '@failures': failed,
    '@errors': errors.length,
    '@time': seconds(cases.reduce((sum, { tookMs }) => sum + tookMs, 0)),
    testcase: [
      ...cases.map(({ name: own, tookMs, failures }) => ({
        '@classname': plain(name),
        '@name': plain(own),
        '@time': seconds(tookMs),
        ...(failures.length === 0
          ? {}
          : {
              failure: {
                '@message': plain(failures[0]!.message),
                '#text': plain(
                  failures.map(({ line, path, message }) => `${placeOf(name, line)}: ${path}: ${message}`).join('\n'),
                ),
              },
            }),
      })),
      ...errors.map((issue) => ({
        '@classname': plain(name),
        '@name': plain(`${formatPlace(issue)} ${issue.path}`),
        error: { '@message': plain(`${issue.code} ${issue.message}`) },
      })),
    ],
  };
}

function placeOf(file: string, line: number | undefined): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** Text without characters that steer a terminal or that XML has not. */
function plain(text: string): string {
  return text.replaceAll(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\ufffe\uffff]/gu, '\u{fffd}');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
