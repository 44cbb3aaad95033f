// Metrics come from filters/metrics.json, and each one there is in use.
import { findAll, type Finding, lineAt, type Project, type Rule } from './project.ts';

const MODEL = 'filters/metrics.json';
const NAMES = 'filters/metrics.gen.ts';
/** A metric that is made with a name of its own. */
const OWN_NAME = /\bnew (?:Counter|Gauge|Histogram)\(\s*(?=['"`])/g;
const EXPORTED = /^export (?:const|function) (\w+)/gm;
const TEXTS = /^(?:test|docs|filters|envoy|istio)\/.*\.(?:ts|yaml|md)$/;

/** Names with labels as they were before they had any: `fim.a.b.VALUE` instead of `fim.a.b_total{label=VALUE}`. */
function oldForms(project: Project): Finding[] {
  const { metrics } = JSON.parse(project.text(MODEL)) as { metrics: { name: string; labels?: string[] }[] };
  const families = metrics
    .filter(({ labels }) => labels !== undefined)
    .map(({ name }) => name.replace(/_total$/, '').replaceAll('.', String.raw`\.`));
  const old = new RegExp(String.raw`\b(${families.join('|')})\.(?=[A-Z\x60$]|\w+[.\x60'":])`, 'g');
  return project.paths
    .filter((path) => TEXTS.test(path) && !path.endsWith('.gen.ts') && !path.startsWith('test/tidy/'))
    .flatMap((path) =>
      findAll(path, project.text(path), old, (match) => `${match[1]} has labels: ${match[1]}_total{…}`),
    );
}

export const metrics: Rule = {
  name: 'metrics',
  check(project: Project): Finding[] {
    if (!project.has(MODEL)) return [];
    const sources = project.code().filter((path) => path.startsWith('filters/') && path !== NAMES);
    const findings = sources.flatMap((path) =>
      findAll(path, project.text(path), OWN_NAME, () => `the name of a metric belongs into ${MODEL}`),
    );
    const names = project.text(NAMES);
    for (const match of names.matchAll(EXPORTED)) {
      const used = new RegExp(String.raw`\b${match[1]}\b`);
      if (!sources.some((path) => used.test(project.text(path))))
        findings.push({ path: NAMES, line: lineAt(names, match.index), message: `${match[1]} is counted nowhere` });
    }
    return [...findings, ...oldForms(project)];
  },
};
