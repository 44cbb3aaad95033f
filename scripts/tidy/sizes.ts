// Bounds the length of files and functions.
import { type Finding, lineAt, type Project, type Rule } from './project.ts';

const MAX_FILE_LINES = 450;
const MAX_FUNCTION_LINES = 90;

/** Keywords before `(…) {` that make it a block and not a function. */
const CONTROL = /(?:^|[^\w$.])(?:if|for|while|switch|catch|with)(?:\s+await)?\s*$/;
/** A call whose callback is a list of tests and not a function to follow. */
const TEST_GROUP = /(?:^|[^\w$.])(?:describe|suite)\s*\([^()]*(?:\([^()]*\)[^()]*)*$/;

/** Position of the `(` that matches the `)` at `text[close]`. -1 if there is none. */
function openingOf(text: string, close: number): number {
  let depth = 0;
  for (let at = close; at >= 0; at--) {
    const char = text.charAt(at);
    if (char === ')') depth++;
    else if (char === '(' && --depth === 0) return at;
  }
  return -1;
}

function closingOf(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return at;
  }
  return text.length - 1;
}

/** Whether the `{` at `open` begins a function body. `code` has no comments and no string contents. */
function beginsFunction(code: string, open: number): boolean {
  const before = code.slice(Math.max(0, open - 400), open);
  const arrow = /=>\s*$/.test(before);
  const header = /\)\s*(?::[^;{}()=]+(?:\([^()]*\)[^;{}()=]*)?)?(?:=>)?\s*$/.exec(before);
  if (header === null) return arrow;
  const parameters = openingOf(code, open - before.length + header.index);
  const lead = code.slice(Math.max(0, parameters - 400), Math.max(0, parameters));
  return !CONTROL.test(lead) && !TEST_GROUP.test(lead);
}

/** Length of every function of a file in lines, by the position of its body. */
export function functionLines(code: string): { position: number; lines: number }[] {
  const found: { position: number; lines: number }[] = [];
  for (let open = code.indexOf('{'); open !== -1; open = code.indexOf('{', open + 1)) {
    if (!beginsFunction(code, open)) continue;
    found.push({ position: open, lines: code.slice(open, closingOf(code, open)).split('\n').length });
  }
  return found;
}

export const sizes: Rule = {
  name: 'sizes',
  check(project: Project): Finding[] {
    const findings: Finding[] = [];
    for (const file of project.code()) {
      const lines = project.text(file).split('\n').length - 1;
      if (lines > MAX_FILE_LINES)
        findings.push({ path: file, line: 0, message: `${lines} lines; at most ${MAX_FILE_LINES}` });
      const { codeOnly } = project.blank(file);
      for (const found of functionLines(codeOnly)) {
        if (found.lines <= MAX_FUNCTION_LINES) continue;
        findings.push({
          path: file,
          line: lineAt(codeOnly, found.position),
          message: `function of ${found.lines} lines; at most ${MAX_FUNCTION_LINES}`,
        });
      }
    }
    return findings;
  },
};
