import { MAX_ROUTE_PATH_BYTES } from '../limits.ts';
import { canonicalPath, uncanonicalInPattern } from './canonical-path.ts';
import type { RouteMatch, RouteSpec } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import { patternMistake } from './pattern-syntax.ts';
import { checkUnique } from './rules-fields.ts';
import type { Report } from './schema-check.ts';

/** Reports a pattern outside the supported subset. */
export function checkPattern(pattern: string, path: Path, report: Report): void {
  const mistake = patternMistake(pattern);
  if (mistake !== undefined) report('FIM-CFG-1024', path, mistake);
}

/** Checks the selection of proxies: one way of naming them, and kinds that can carry a policy. */
export function checkTargets(spec: RouteSpec, report: Report): void {
  if (spec.targetRefs !== undefined && spec.selector !== undefined) report('FIM-CFG-1020', ['spec', 'selector']);
  spec.targetRefs?.forEach(({ group, kind, sectionName }, index) => {
    const known =
      (group === 'gateway.networking.k8s.io' && (kind === 'Gateway' || kind === 'HTTPRoute')) ||
      (group === '' && kind === 'Service');
    if (!known) report('FIM-CFG-1021', ['spec', 'targetRefs', index, 'kind']);
    else if (kind === 'Service' && sectionName !== undefined)
      report('FIM-CFG-1021', ['spec', 'targetRefs', index, 'sectionName'], 'a Service has no sections here');
  });
  checkUnique(
    (spec.targetRefs ?? []).map(({ kind, name, sectionName = '' }) => `${kind}/${name}/${sectionName}`),
    ['spec', 'targetRefs'],
    report,
  );
  for (const key of Object.keys(spec.selector?.matchLabels ?? {})) {
    if (!/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(key))
      report('FIM-CFG-1010', ['spec', 'selector', 'matchLabels', key], 'a label key');
  }
}

function checkPath(path: NonNullable<RouteMatch['path']>, at: Path, report: Report): void {
  const { type, value } = path;
  if (type === 'Pattern') return checkPathPattern(value, at, report);
  if (!value.startsWith('/')) report('FIM-CFG-1027', at, 'it begins with /');
  else if (/[?#]|\/\/|\/\.\.?(\/|$)/.test(value.replace(/%2e/gi, '.'))) report('FIM-CFG-1027', at);
  else checkCanonical(canonicalPath(value), at, report);
}

function checkCanonical(canonical: string | undefined, at: Path, report: Report): void {
  if (canonical === undefined)
    report(
      'FIM-CFG-1027',
      at,
      'it has no canonical form: `%` before two hexadecimal digits, no `%2F`, `%5C`, backslash or control character',
    );
  else if (canonical.length > MAX_ROUTE_PATH_BYTES)
    report('FIM-CFG-1027', at, `its canonical form has ${canonical.length} bytes, more than ${MAX_ROUTE_PATH_BYTES}`);
}

/** A pattern is compared with canonical paths, so parts that those never contain would never match. */
function checkPathPattern(pattern: string, at: Path, report: Report): void {
  checkPattern(pattern, at, report);
  const found = uncanonicalInPattern(pattern);
  if (found === undefined) return;
  report(
    'FIM-CFG-1027',
    at,
    `canonical paths hold no \`${found.text}\`${found.canonical === undefined ? '' : `, but \`${found.canonical}\``}`,
  );
}

/** Checks the match of requests. */
export function checkMatch(match: RouteMatch, path: Path, report: Report): void {
  if (match.hosts?.includes('*') && match.hosts.length > 1)
    report('FIM-CFG-1022', [...path, 'hosts', match.hosts.indexOf('*')], '`*` covers the others');
  if (match.path !== undefined) checkPath(match.path, [...path, 'path', 'value'], report);
  checkUnique(
    (match.headers ?? []).map((header) => header.name.toLowerCase()),
    [...path, 'headers'],
    report,
  );
  match.headers?.forEach((header, index) => {
    const at = [...path, 'headers', index];
    if ((header.type === 'Present') === (header.value !== undefined))
      report('FIM-CFG-1028', header.value === undefined ? at : [...at, 'value']);
    if (header.name.toLowerCase() === 'host') report('FIM-CFG-1029', [...at, 'name'], 'use `hosts`');
    if (header.type === 'Pattern' && header.value !== undefined) checkPattern(header.value, [...at, 'value'], report);
  });
}
