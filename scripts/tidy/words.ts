// Words that tracked files must not contain: unfinished work, package registries, organisation of the work.
import { findAll, type Finding, type Project, type Rule } from './project.ts';

/** Files that tools write. */
const FROM_TOOLS = /(?:^|\/)(?:package-lock\.json|go\.sum|go\.mod)$/;

// Letters in brackets keep this file from finding itself.
const FORBIDDEN: { pattern: RegExp; why: string }[] = [
  { pattern: /\b(?:TO[D]O|FI[X]ME)\b/g, why: 'unfinished work: do it, or state the limit' },
  { pattern: /\b(?:registry\.[n]pmjs|[n]pmmirror|registry\.[y]arnpkg)\b/g, why: 'names a package registry' },
  {
    pattern: /\b(?:[p]ypi\.org|files\.[p]ythonhosted|proxy\.[g]olang|sum\.[g]olang|goproxy\.[a-z]{2})\b/g,
    why: 'names a package registry',
  },
  {
    pattern:
      /\b(?:repo1?\.[m]aven|[m]aven\.google|static\.[c]rates\.io|index\.[c]rates\.io|[g]hcr\.io|quay\.[i]o|registry-1\.[d]ocker)\b/g,
    why: 'names a package registry',
  },
  {
    pattern: /\bhelper [s]ession\b|\bthe [h]elpers? (?:that|who|called)\b/gi,
    why: 'speaks of how the work was organised',
  },
  {
    pattern: /\b(?:see|fix(?:es)?|close[sd]?|refs?|in|per) #\d+\b|(?<![\w/-])[i]ssues? #?\d+\b/gi,
    why: 'refers to a tracker; say what is meant (other projects: owner/name#1)',
  },
  { pattern: /(?<![\w.])\/(?:[w]ork|tmp\/[f]im)\//g, why: 'a path of one machine' },
];

export const words: Rule = {
  name: 'words',
  check(project: Project): Finding[] {
    const findings: Finding[] = [];
    for (const file of project.paths) {
      if (FROM_TOOLS.test(file)) continue;
      for (const { pattern, why } of FORBIDDEN)
        findings.push(...findAll(file, project.text(file), pattern, (match) => `"${match[0].trim()}": ${why}`));
    }
    return findings;
  },
};
