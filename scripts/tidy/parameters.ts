// Bounds the number of parameters of functions of the modules. Addresses and lengths that go together are a span.
import { type Finding, lineAt, type Project, type Rule } from './project.ts';

/** More parameters than this are too many. */
export const MAX_PARAMETERS = 5;

/** Functions with too many parameters that a file may have, by its path. It only shrinks. */
const KNOWN = 'scripts/tidy/parameters.json';

const HEAD =
  /(?:^|[^\w$.])(?:function\s+\w+|constructor|(?:get|set|static|private|protected|public|abstract|override|\s)*\b[a-z]\w*)\s*(?:<[^<>()]*>)?\($/;
const NOT_A_FUNCTION = /(?:^|[^\w$.])(?:if|for|while|switch|catch|return|new|assert)\s*\($/;

/** Functions with a body in code without comments and strings: where their parameters begin, and how many there are. */
export function parameterCounts(code: string): { position: number; count: number }[] {
  const found: { position: number; count: number }[] = [];
  for (let open = code.indexOf('('); open !== -1; open = code.indexOf('(', open + 1)) {
    const lead = code.slice(Math.max(0, open - 120), open + 1);
    if (!HEAD.test(lead) || NOT_A_FUNCTION.test(lead)) continue;
    const { close, count } = listAt(code, open);
    if (
      /^\s*:[^;{}()=]+\{/.test(code.slice(close + 1, close + 200)) ||
      /^\s*\{/.test(code.slice(close + 1, close + 20))
    )
      found.push({ position: open, count });
  }
  return found;
}

/** End of the list in the parentheses at `open`, and the number of its elements. */
function listAt(code: string, open: number): { close: number; count: number } {
  let depth = 0;
  let commas = 0;
  let lastComma = open;
  for (let at = open; at < code.length; at++) {
    const char = code.charAt(at);
    if ('([{<'.includes(char)) depth++;
    else if (')]}'.includes(char) || (char === '>' && code.charAt(at - 1) !== '=')) depth--;
    else if (char === ',' && depth === 1) {
      commas++;
      lastComma = at;
    }
    if (depth === 0) return { close: at, count: commas + (code.slice(lastComma + 1, at).trim() === '' ? 0 : 1) };
  }
  return { close: code.length, count: commas };
}

export const parameters: Rule = {
  name: 'parameters',
  check(project: Project): Finding[] {
    const known = JSON.parse(project.text(KNOWN) || '{}') as Record<string, number>;
    const findings: Finding[] = [];
    for (const path of project.code()) {
      if (!path.startsWith('filters/')) continue;
      const { codeOnly } = project.blank(path);
      const long = parameterCounts(codeOnly).filter(({ count }) => count > MAX_PARAMETERS);
      const allowed = known[path] ?? 0;
      if (long.length > allowed)
        findings.push({
          path,
          line: lineAt(codeOnly, long.at(-1)!.position),
          message: `${long.length} functions with more than ${MAX_PARAMETERS} parameters; ${allowed} may have them: pass a span`,
        });
      else if (long.length < allowed)
        findings.push({
          path: KNOWN,
          line: 0,
          message: `${path} has ${long.length} functions with more than ${MAX_PARAMETERS} parameters now, not ${allowed}: lower it`,
        });
    }
    return findings;
  },
};
