// Limits are in one place: filters/limits.ts for the modules, envoy/limits.ts and istio/limits.ts for code on Node.
import { findAll, type Finding, lineAt, type Project, type Rule } from './project.ts';

const SHIPPED = /^(filters|envoy|istio)\//;
/** Constants of algorithms, which are no limits of messages or configurations. */
const ALGORITHMS = /^filters\/crypto\//;
/** A number called MAX or DEFAULT with a unit or a plural. Properties of number types are no limits. */
const DECLARATION =
  /\b(?:const|let|static(?:\s+readonly)?)\s+((?:MAX|DEFAULT)_[A-Z0-9_]*(?:_DEPTH|_COUNT|S))\b(?<!_DIGITS)[^=\n;]*=\s*(?=[-(\d])/g;
const EXPORTED_LIMIT = /^export const ([A-Z0-9_]+)\b.*$/gm;

function strayLimits(project: Project): Finding[] {
  return project
    .code()
    .filter((file) => SHIPPED.test(file) && !isLimitsFile(file) && !ALGORITHMS.test(file))
    .flatMap((file) =>
      findAll(
        file,
        project.blank(file).codeOnly,
        DECLARATION,
        (match) => `limit ${match[1]} belongs into ${file.split('/')[0]}/limits.ts`,
      ),
    );
}

function isLimitsFile(file: string): boolean {
  return /^(filters|envoy|istio)\/limits\.ts$/.test(file);
}

/** Value of a limit that is a product of whole numbers. Null for others. */
function valueOf(declaration: string): number | null {
  const factors = /=\s*([\d_]+(?:\s*\*\s*[\d_]+)*)\s*;/.exec(declaration)?.[1]?.split('*');
  return factors?.reduce((product, factor) => product * Number(factor.trim().replaceAll('_', '')), 1) ?? null;
}

/** Whether a configuration schema has the same number, so that its generated decoder enforces it. */
function isKeptBySchema(project: Project, top: string, declaration: string): boolean {
  const value = valueOf(declaration);
  const bound = new RegExp(`"(?:maximum|maxItems|maxLength)": ${value}\\b`);
  return (
    value !== null &&
    project.paths.some(
      (file) => file.startsWith(top) && file.endsWith('.schema.json') && bound.test(project.text(file)),
    )
  );
}

/** Limits without a comment directly above, and limits that nothing enforces. */
function idleLimits(project: Project, file: string): Finding[] {
  const text = project.text(file);
  const findings: Finding[] = [];
  const top = `${file.split('/')[0]}/`;
  const users = project.code({ generated: true }).filter((user) => user.startsWith(top));
  for (const match of text.matchAll(EXPORTED_LIMIT)) {
    const [, name = ''] = match;
    const line = lineAt(text, match.index);
    const above = text.slice(0, match.index).trimEnd();
    if (!above.endsWith('*/'))
      findings.push({ path: file, line, message: `${name} has no doc comment: unit, and what happens beyond it` });
    const word = new RegExp(`\\b${name}\\b`, 'g');
    const uses = users.reduce((count, user) => count + [...project.blank(user).codeOnly.matchAll(word)].length, 0);
    if (uses < 2 && !isKeptBySchema(project, top, match[0]))
      findings.push({ path: file, line, message: `${name} is kept by nobody` });
  }
  return findings;
}

export const limits: Rule = {
  name: 'limits',
  check(project: Project): Finding[] {
    return [
      ...strayLimits(project),
      ...project.paths.filter(isLimitsFile).flatMap((file) => idleLimits(project, file)),
    ];
  },
};
