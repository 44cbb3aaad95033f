// Every error code in the sources is in the table, and every code of the table is used and documented.
import { type Finding, lineAt, type Project, type Rule } from './project.ts';

const TABLE = 'filters/errors.json';
const DOCUMENT = 'docs/errors.md';
const CODE = /\bFIM[-_]([A-Z0-9]+)[-_](\d{4})\b/g;
/** Other forms of the table itself, which do not count as use. */
const TABLE_COPIES = /(?:^|\/)errors\.gen\.ts$/;
/** The public schema names the error code of each form. */
const SCHEMA = /\.schema\.json$/;
const SHIPPED = /^(filters|envoy|istio|services|scripts)\//;

interface Entry {
  code?: unknown;
  title?: unknown;
  titleZh?: unknown;
  advice?: unknown;
  status?: unknown;
}

function entryProblems(entry: Entry, seen: Set<string>): string[] {
  const code = String(entry.code);
  const problems: string[] = [];
  if (!/^FIM-[A-Z0-9]+-\d{4}$/.test(code))
    problems.push(`"${code}" is not FIM, area and four digits, joined by hyphens`);
  if (seen.has(code)) problems.push(`${code} is there twice`);
  for (const field of ['title', 'titleZh', 'advice'] as const) {
    if (typeof entry[field] !== 'string' || entry[field] === '') problems.push(`${code} has no ${field}`);
  }
  if (
    entry.status !== undefined &&
    !(Number.isInteger(entry.status) && Number(entry.status) >= 400 && Number(entry.status) <= 599)
  )
    problems.push(`${code} has a status that is no error`);
  seen.add(code);
  return problems;
}

function useFindings(project: Project, known: Set<string>, used: Set<string>): Finding[] {
  const findings: Finding[] = [];
  for (const file of [...project.code({ generated: true }), ...project.paths.filter((path) => SCHEMA.test(path))]) {
    if (TABLE_COPIES.test(file)) continue;
    const text = project.blank(file).withoutComments;
    for (const match of text.matchAll(CODE)) {
      const code = `FIM-${match[1]}-${match[2]}`;
      if (SHIPPED.test(file)) used.add(code);
      if (!known.has(code) && !file.startsWith('test/tidy/'))
        findings.push({ path: file, line: lineAt(text, match.index), message: `${code} is not in ${TABLE}` });
    }
  }
  return findings;
}

export const errorCodes: Rule = {
  name: 'error codes',
  check(project: Project): Finding[] {
    if (!project.has(TABLE)) return [];
    const table = project.text(TABLE);
    const { errors } = JSON.parse(table) as { errors: Entry[] };
    const at = (code: string): number => lineAt(table, Math.max(0, table.indexOf(`"${code}"`)));
    const seen = new Set<string>();
    const findings = errors.flatMap((entry) =>
      entryProblems(entry, seen).map((message) => ({ path: TABLE, line: at(String(entry.code)), message })),
    );
    const used = new Set<string>();
    findings.push(...useFindings(project, seen, used));
    const documented = project.text(DOCUMENT);
    for (const code of seen) {
      if (!used.has(code)) findings.push({ path: TABLE, line: at(code), message: `${code} is used nowhere` });
      if (!documented.includes(`\`${code}\``))
        findings.push({ path: TABLE, line: at(code), message: `${code} is not in ${DOCUMENT}` });
    }
    return findings;
  },
};
