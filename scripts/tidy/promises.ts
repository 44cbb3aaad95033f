// Each promise of docs/security.md names the test that verifies it.
import { type Finding, type Project, type Rule } from './project.ts';

const DOCUMENT = 'docs/security.md';
const FILE = /`((?:test|filters|envoy|istio|services|scripts)\/[^`]*)`/g;

/** Whether a table lists promises: its last column is the test. */
function isPromiseTable(header: readonly string[]): boolean {
  return header.at(-1) === 'test';
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, line.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

function rowProblems(project: Project, cells: readonly string[], columns: number): string[] {
  const exists = (file: string): boolean =>
    project.has(file) || project.paths.some((known) => known.startsWith(`${file.replace(/\/$/, '')}/`));
  const problems: string[] = [];
  if (cells.length !== columns) problems.push(`the row has ${cells.length} cells of ${columns}`);
  const tests = [...(cells.at(-1) ?? '').matchAll(FILE)].map(([, file = '']) => file);
  if (!tests.some((file) => /^test\/.*\.(?:test|spec)\.ts$/.test(file))) problems.push('no test holds this');
  for (const cell of cells)
    for (const [, file = ''] of cell.matchAll(FILE)) if (!exists(file)) problems.push(`there is no ${file}`);
  return problems;
}

export const promises: Rule = {
  name: 'promises',
  check(project: Project): Finding[] {
    const findings: Finding[] = [];
    let header: string[] = [];
    for (const [index, line] of project.text(DOCUMENT).split('\n').entries()) {
      if (!line.startsWith('|')) header = [];
      else if (header.length === 0) header = cellsOf(line);
      else if (isPromiseTable(header) && !/^[|\s:-]+$/.test(line))
        findings.push(
          ...rowProblems(project, cellsOf(line), header.length).map((message) => ({
            path: DOCUMENT,
            line: index + 1,
            message,
          })),
        );
    }
    return findings;
  },
};
