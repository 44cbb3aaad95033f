// npm run tidy: checks the house rules over every file that git tracks or would track.
import { fileURLToPath } from 'node:url';
import { loadProject } from './tidy/project.ts';
import { RULES } from './tidy/rules.ts';

const start = performance.now();
const project = loadProject(fileURLToPath(new URL('..', import.meta.url)));
let count = 0;
for (const rule of RULES) {
  for (const finding of rule.check(project)) {
    count++;
    const place = finding.line === 0 ? finding.path : `${finding.path}:${finding.line}`;
    process.stdout.write(`${place}: ${finding.message} (${rule.name})\n`);
  }
}
process.stdout.write(
  `tidy: ${project.paths.length} files, ${RULES.length} rules, ${count} findings, ${Math.round(performance.now() - start)} ms\n`,
);
process.exit(count === 0 ? 0 : 1);
