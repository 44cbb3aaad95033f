// Links between Markdown files have existing targets.
import path from 'node:path';
import { type Finding, lineAt, type Project, type Rule } from './project.ts';

const LINK = /\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;

/** Text with fenced and inline code replaced by spaces at the same positions. */
function prose(text: string): string {
  const spaces = (code: string): string => code.replaceAll(/[^\n]/g, ' ');
  return text.replaceAll(/^(```|~~~)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, spaces).replaceAll(/`[^`\n]*`/g, spaces);
}

/** Anchors of a Markdown file: headings as the usual hosts number them, and explicit `<a id>`. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const withoutFences = text.replaceAll(/^(```|~~~)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, '');
  for (const [, heading = ''] of withoutFences.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '');
    const slug = words
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    let anchor = slug;
    for (let copy = 1; anchors.has(anchor); copy++) anchor = `${slug}-${copy}`;
    anchors.add(anchor);
  }
  for (const [, id = ''] of text.matchAll(/<a (?:id|name)="([^"]+)">/g)) anchors.add(id);
  return anchors;
}

function problemOf(project: Project, file: string, target: string): string | null {
  if (/^(https|mailto):/.test(target)) return null;
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return `link to ${target}: use https`;
  const [pathPart = '', anchor] = target.split('#');
  const resolved =
    pathPart === '' ? file : path.posix.normalize(path.posix.join(path.posix.dirname(file), decodeURI(pathPart)));
  const folder = `${resolved.replace(/\/$/, '')}/`;
  if (!project.has(resolved) && !project.paths.some((known) => known.startsWith(folder)))
    return `link to ${target}: there is no ${resolved}`;
  if (anchor === undefined || !resolved.endsWith('.md')) return null;
  return anchorsOf(project.text(resolved)).has(anchor) ? null : `link to ${target}: ${resolved} has no such heading`;
}

export const links: Rule = {
  name: 'links',
  check(project: Project): Finding[] {
    const findings: Finding[] = [];
    for (const file of project.paths.filter((candidate) => candidate.endsWith('.md'))) {
      const text = prose(project.text(file));
      for (const match of text.matchAll(LINK)) {
        const message = problemOf(project, file, match[1] ?? '');
        if (message !== null) findings.push({ path: file, line: lineAt(text, match.index), message });
      }
    }
    return findings;
  },
};
