// Tests run completely, wait for events, and do not update their expectations.
import { importsOf } from './imports.ts';
import { findAll, type Finding, lineAt, type Project, type Rule } from './project.ts';

/** Specs of the runner's own test fail and skip on purpose. */
const TEST_FILE = /^test\/(?!runner\/specs\/).*\.(test|spec)\.ts$/;

const FORBIDDEN: { pattern: RegExp; why: string }[] = [
  { pattern: /\.(only|skip|todo)\s*\(/g, why: 'leaves tests out' },
  { pattern: /[{,]\s*(only|skip|todo)\s*:/g, why: 'leaves tests out' },
  { pattern: /(?:^|[^\w.])(xit|xtest|todo)\s*\(/gm, why: 'leaves tests out' },
  { pattern: /\btoMatchSnapshot\b|\.snapshot\s*\(/g, why: 'blesses whatever comes out: state the expected value' },
  {
    pattern: /\bsetTimeout\s*\(\s*(?:resolve|done|r|ok|\(\)\s*=>\s*(?:resolve|done|r|ok)\b)/g,
    why: 'sleeps: wait for an event, or poll with a deadline',
  },
  { pattern: /\b(?:scheduler\.wait|Atomics\.wait)\s*\(/g, why: 'sleeps: wait for an event, or poll with a deadline' },
  { pattern: /\.listen\s*\(\s*(?:\{\s*port\s*:\s*)?[1-9]/g, why: 'a fixed port: use port 0' },
];

const SLEEP_IMPORT = /^(?:node:)?timers\/promises$/;
/** A short pause is part of a poll, or shows that nothing happens. A longer one only hopes that something has. */
const PAUSE = /\bawait\s+\w+\s*\(\s*(\d[\d_]*)/g;
const MAX_PAUSE_MS = 300;

export const testFiles: Rule = {
  name: 'test files',
  check(project: Project): Finding[] {
    const findings: Finding[] = [];
    for (const file of project.paths.filter((candidate) => TEST_FILE.test(candidate))) {
      const { codeOnly } = project.blank(file);
      for (const { pattern, why } of FORBIDDEN)
        findings.push(...findAll(file, codeOnly, pattern, (match) => `"${match[0].trim()}": ${why}`));
      if (importsOf(project, file).some(({ target }) => SLEEP_IMPORT.test(target))) {
        const long = [...codeOnly.matchAll(PAUSE)].filter(
          (match) => Number(match[1]?.replaceAll('_', '')) > MAX_PAUSE_MS,
        );
        findings.push(
          ...long.map((match) => ({
            path: file,
            line: lineAt(codeOnly, match.index),
            message: `"${match[0]}": sleeps: wait for an event, or poll with a deadline`,
          })),
        );
      }
    }
    return findings;
  },
};
