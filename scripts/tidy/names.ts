// File and folder names are kebab-case and describe their content.
import type { Finding, Project, Rule } from './project.ts';

const KEBAB = /^\.?[a-z0-9]+(?:[-.][a-z0-9]+)*$/;
/** Names that tools prescribe. The last one comes from the AssemblyScript library. */
const FIXED_NAMES = new Set([
  'README.md',
  'LICENSE',
  'NOTICE',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'Cargo.toml',
  'Cargo.lock',
  'Dockerfile',
  'wasi_unstable.ts',
]);
const GRAB_BAGS = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc']);

export const names: Rule = {
  name: 'names',
  check(project: Project): Finding[] {
    const findings: Finding[] = [];
    for (const file of project.paths) {
      for (const part of file.split('/')) {
        if (FIXED_NAMES.has(part)) continue;
        if (!KEBAB.test(part)) findings.push({ path: file, line: 0, message: `"${part}" is not kebab-case` });
        const bag = part.split(/[-.]/).find((word) => GRAB_BAGS.has(word));
        if (bag !== undefined)
          findings.push({ path: file, line: 0, message: `"${bag}" in a name says nothing: name what is inside` });
      }
    }
    return findings;
  },
};
