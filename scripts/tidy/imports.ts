// Permitted imports between folders.
import path from 'node:path';
import { STAGES as TABLE } from '../../envoy/route/stages/table.ts';
import { type Finding, lineAt, type Project, type Rule } from './project.ts';

const STAGES = TABLE.map(({ folder }) => folder);

/** Folders of filters/ that each folder of filters/ may import besides itself. */
const FILTER_LAYERS: Record<string, string[]> = {
  memory: [],
  crypto: ['memory'],
  x509: ['memory', 'crypto'],
  tlcp: ['memory', 'crypto', 'x509'],
  message: ['memory'],
  match: ['memory', 'message'],
  runtime: ['memory', 'crypto', 'message', 'match'],
  keys: ['memory', 'crypto', 'message', 'match', 'runtime'],
  'audit-digest': ['memory', 'crypto', 'runtime'],
  'tlcp-listener': ['memory', 'crypto', 'x509', 'tlcp', 'runtime', 'keys'],
  ...Object.fromEntries(STAGES.map((stage) => [stage, ['memory', 'crypto', 'message', 'match', 'runtime', 'keys']])),
  fim: ['runtime', 'keys', ...STAGES],
};

/** Folders of envoy/ that each folder of envoy/ may import besides itself. */
const ENVOY_LAYERS: Record<string, string[]> = {
  host: [],
  route: [],
  xds: ['route'],
  release: ['host', 'route'],
  standalone: ['host', 'route', 'xds', 'release'],
  cases: ['host', 'route', 'release', 'standalone'],
};

/** Files that every folder of filters/ may import. */
const FILTER_COMMON = ['filters/limits', 'filters/errors.gen', 'filters/metrics.gen', 'filters/runtime/abort'];

/** Folders that a top folder may not import, with the reason. */
const FORBIDDEN: Record<string, Record<string, string>> = {
  filters: {
    envoy: 'runs in the proxy',
    istio: 'runs in the proxy',
    scripts: 'runs in the proxy',
    test: 'ships',
    bench: 'ships',
  },
  envoy: {
    istio: 'envoy/ works without Kubernetes',
    services: 'services are processes beside the proxy',
    filters: 'envoy/ knows filters/ by generated types and built modules',
    test: 'ships',
    bench: 'ships',
  },
  istio: { filters: 'istio/ knows filters/ by generated types and built modules', test: 'ships', bench: 'ships' },
  services: {
    filters: 'services know the proxy by its protocols',
    istio: 'services work without Kubernetes',
    scripts: 'scripts start services, not the reverse',
    test: 'ships',
    bench: 'ships',
  },
  scripts: {
    test: 'tests import scripts, not the reverse',
    filters: 'scripts know filters/ by generated types and built modules',
  },
};

const SDK = '@solo-io/proxy-runtime';
const SDK_IMPORTER = 'filters/runtime/abi.ts';
const STATEMENT = /(?:^|[\s;}])(?:import|export)\b[^'";]*?(['"])|\bimport\s*\(\s*(['"])/g;
const TYPES_ONLY = /\b(?:import|export)\s+(?:type\b|\{(?:\s*type\s+[\w$]+(?:\s+as\s+[\w$]+)?\s*,?)+\s*\}\s*from)/;

/** A module that a file imports or re-exports, and where it says so. */
export interface Import {
  target: string;
  position: number;
  /** Of types alone: nothing is loaded. */
  typeOnly: boolean;
}

/** Imports and re-exports of a file. */
export function importsOf(project: Project, file: string): Import[] {
  const { codeOnly, withoutComments } = project.blank(file);
  const found: Import[] = [];
  for (const match of codeOnly.matchAll(STATEMENT)) {
    if (match[1] !== undefined && !/\bimport\s*\(?\s*$|\bfrom\s*$/.test(match[0].slice(0, -1))) continue; // a string of another statement
    const start = match.index + match[0].length;
    const quote = match[1] ?? match[2] ?? '';
    const target = withoutComments.slice(start, withoutComments.indexOf(quote, start));
    found.push({ target, position: start, typeOnly: TYPES_ONLY.test(match[0]) });
  }
  return found;
}

function filterProblem(file: string, target: string): string | null {
  const [, from = ''] = file.split('/');
  const [, to = ''] = target.split('/');
  if (FILTER_COMMON.includes(target.replace(/\.ts$/, '')) || !file.includes('/', 'filters/'.length)) return null;
  if (from === to) return null;
  const allowed = FILTER_LAYERS[from];
  if (allowed === undefined) return `filters/${from} has no place in the import rules (scripts/tidy/imports.ts)`;
  if (allowed.includes(to)) return null;
  if (STAGES.includes(from) && STAGES.includes(to)) return `a stage imports another stage: ${target}`;
  return `filters/${from} may not import filters/${to}`;
}

function envoyProblem(file: string, target: string): string | null {
  const [, from = ''] = file.split('/');
  const [, to = ''] = target.split('/');
  if (from === to || [from, to].some((name) => name.endsWith('.ts'))) return null; // files beside the folders
  const allowed = ENVOY_LAYERS[from];
  if (allowed === undefined) return `envoy/${from} has no place in the import rules (scripts/tidy/imports.ts)`;
  return allowed.includes(to) ? null : `envoy/${from} may not import envoy/${to}`;
}

function problemOf(file: string, target: string): string | null {
  if (!target.startsWith('.')) {
    const misplaced = file.startsWith('filters/') && !(target.startsWith(SDK) && file === SDK_IMPORTER);
    return misplaced ? `${target} may not be imported here; ${SDK} only by ${SDK_IMPORTER}` : null;
  }
  const resolved = path.posix.normalize(path.posix.join(path.posix.dirname(file), target));
  if (resolved.startsWith('..')) return `imports from outside the repository: ${target}`;
  const [top = ''] = file.split('/');
  const [targetTop = ''] = resolved.split('/');
  const reason = FORBIDDEN[top]?.[targetTop];
  if (reason !== undefined) return `${top}/ may not import ${targetTop}/: ${reason}`;
  if (top !== targetTop) return null;
  return top === 'filters' ? filterProblem(file, resolved) : top === 'envoy' ? envoyProblem(file, resolved) : null;
}

export const imports: Rule = {
  name: 'imports',
  check(project: Project): Finding[] {
    const findings: Finding[] = [];
    for (const file of project.code({ generated: true })) {
      for (const { target, position } of importsOf(project, file)) {
        const message = problemOf(file, target);
        if (message !== null) findings.push({ path: file, line: lineAt(project.text(file), position), message });
      }
    }
    return findings;
  },
};
