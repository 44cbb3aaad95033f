import { type Finding, Project, type Rule } from '../../scripts/tidy/project.ts';

/** Findings of `rule` in a repository with exactly these files: `path:line message`, sorted. */
export function tidyOf(rule: Rule, files: Record<string, string>): string[] {
  const found: Finding[] = rule.check(new Project(new Map(Object.entries(files))));
  return found.map((finding) => `${finding.path}:${finding.line} ${finding.message}`).sort();
}
