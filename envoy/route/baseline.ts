// Baselines of the platform: checked one by one, and chosen for a namespace by its labels.
import { MAX_BASELINE_BYTES, MAX_BASELINES, MAX_RESOURCE_ERRORS } from '../limits.ts';
import type {
  BaselineDefaults,
  BaselineOverrides,
  BaselineSpec,
  FinancialBaseline,
  LabelExpression,
  NamespaceSelector,
  RouteSpec,
} from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import { broughtProfiles } from './profiles.ts';
import { issueAt, type RouteIssue } from './route-error.ts';
import { checkWhole, createdAt } from './rules-route.ts';
import { checkSchema, isRecord, withDefaults, type Report } from './schema-check.ts';
import type { Section, Sections } from './sections.ts';
import type { RouteSource } from './source.ts';
import { STAGES } from './stages/table.ts';

/** Place of a section in a baseline. */
export type BaselinePart = 'overrides' | 'defaults';
export const BASELINE_PARTS: readonly BaselinePart[] = ['overrides', 'defaults'];

/** A baseline that passed every check. */
export interface BaselineResource {
  name: string;
  /** Milliseconds since 1970. Infinity if unknown. */
  created: number;
  generation: number | undefined;
  /** Spec with defaults. */
  spec: BaselineSpec;
  source: RouteSource;
}

/** Label that every namespace has: its name. */
export const NAMESPACE_NAME_LABEL = 'kubernetes.io/metadata.name';

/** Whether plain data declares itself a baseline. */
export function isBaseline(value: unknown): boolean {
  return isRecord(value) && value.kind === 'FinancialBaseline';
}

/** A part as the spec of a route that says nothing else. */
export function specOf(part: BaselineOverrides | undefined): RouteSpec {
  const { enforcement = 'Enforce', ...sections } = part ?? {};
  return { ...sections, enforcement };
}

/** The stages' sections of a part. */
export function sectionsOfPart(spec: BaselineSpec, part: BaselinePart): Sections {
  const sections: Record<string, Section<unknown>> = {};
  for (const { section } of STAGES) {
    const value = spec[part]?.[section as keyof BaselineDefaults];
    if (value !== undefined) sections[section] = { value, path: ['spec', part, section] };
  }
  return sections as Sections;
}

/** Place in a baseline of a place in the spec of a route that has its part. */
export function placeInPart(part: BaselinePart, path: Path): Path {
  return path[1] === part ? path : ['spec', part, ...path.slice(1)];
}

function checkPart(spec: BaselineSpec, part: BaselinePart, report: Report): void {
  const own = spec[part];
  if (own === undefined) return;
  const sections = sectionsOfPart(spec, part);
  checkWhole(specOf(own), sections, (code, path, detail) => report(code, placeInPart(part, path), detail));
  const profile = sections.validation?.value.profile;
  if (profile !== undefined && !broughtProfiles().has(profile))
    report('FIM-CFG-1082', ['spec', part, 'validation', 'profile']);
}

function checkSelector({ matchLabels = {}, matchExpressions = [] }: NamespaceSelector, report: Report): void {
  const at = ['spec', 'namespaces'];
  for (const key of Object.keys(matchLabels))
    if (!/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(key))
      report('FIM-CFG-1010', [...at, 'matchLabels', key], 'a label key');
  matchExpressions.forEach(({ operator, values }, index) => {
    if ((operator === 'In' || operator === 'NotIn') !== (values !== undefined))
      report('FIM-CFG-1081', [...at, 'matchExpressions', index]);
  });
}

/** Checks one baseline given as plain data. Never throws. */
export function checkBaseline(
  value: unknown,
  source: RouteSource,
): { baseline?: BaselineResource; errors: RouteIssue[] } {
  const metadataOf = isRecord(value) && isRecord(value.metadata) ? value.metadata : {};
  if (typeof metadataOf.name === 'string' && /^[a-z0-9.-]{1,253}$/.test(metadataOf.name))
    source.resource = metadataOf.name;
  const errors: RouteIssue[] = [];
  const report: Report = (code, path, detail = '') => {
    if (errors.length < MAX_RESOURCE_ERRORS) errors.push(issueAt(source, code, path, detail));
    return errors.length < MAX_RESOURCE_ERRORS;
  };
  checkSchema('baseline', value, [], report);
  if (errors.length > 0) return { errors };
  const { metadata, spec } = withDefaults('baseline', value) as FinancialBaseline;
  const bytes = Buffer.byteLength(JSON.stringify(spec));
  if (bytes > MAX_BASELINE_BYTES)
    report('FIM-CFG-1002', ['spec'], `${bytes} bytes, of ${MAX_BASELINE_BYTES} that a baseline may have`);
  if (spec.defaults === undefined && spec.overrides === undefined) report('FIM-CFG-1080', ['spec']);
  if (spec.namespaces !== undefined) checkSelector(spec.namespaces, report);
  const { overrides } = spec;
  if (overrides?.enforcement === 'Observe' && overrides.validation === undefined && overrides.rateLimit === undefined)
    report('FIM-CFG-1080', ['spec', 'overrides', 'enforcement'], 'there is nothing to observe');
  for (const part of BASELINE_PARTS) checkPart(spec, part, report);
  const created = createdAt(metadata.creationTimestamp, report);
  if (errors.length > 0) return { errors };
  return { baseline: { name: metadata.name, created, generation: metadata.generation, spec, source }, errors };
}

/** Oldest first, then by name. */
export function byAge(baselines: readonly BaselineResource[]): BaselineResource[] {
  return baselines.toSorted((a, b) => (a.created === b.created ? (a.name < b.name ? -1 : 1) : a.created - b.created));
}

/** The baselines that count, and those beyond their number: the youngest. */
export function withinBounds(baselines: readonly BaselineResource[]): {
  kept: BaselineResource[];
  over: BaselineResource[];
} {
  const ordered = byAge(baselines);
  return { kept: ordered.slice(0, MAX_BASELINES), over: ordered.slice(MAX_BASELINES) };
}

function holds({ key, operator, values = [] }: LabelExpression, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

function expressionsOf({ matchLabels = {}, matchExpressions = [] }: NamespaceSelector): LabelExpression[] {
  return [
    ...Object.entries(matchLabels).map(([key, value]): LabelExpression => ({ key, operator: 'In', values: [value] })),
    ...matchExpressions,
  ];
}

/** Whether the baseline is for the namespace of that name with these labels. */
export function reaches({ spec }: BaselineResource, namespace: string, labels: Record<string, string> = {}): boolean {
  const all = { ...labels, [NAMESPACE_NAME_LABEL]: namespace };
  return expressionsOf(spec.namespaces ?? {}).every((expression) => holds(expression, all));
}

/**
 * Whether the baseline may be for the namespace, of which nothing but the name is known: a condition on another label
 * is taken to hold, since a rule too many is better than one too few.
 */
export function mayReach({ spec }: BaselineResource, namespace: string): boolean {
  const labels = { [NAMESPACE_NAME_LABEL]: namespace };
  return expressionsOf(spec.namespaces ?? {}).every(
    (expression) => expression.key !== NAMESPACE_NAME_LABEL || holds(expression, labels),
  );
}

/** Whether a selector asks for more than names of namespaces. */
export function needsLabels({ spec }: BaselineResource): boolean {
  return expressionsOf(spec.namespaces ?? {}).some(({ key }) => key !== NAMESPACE_NAME_LABEL);
}

/** Namespaces that a selector names. */
export function namedNamespaces({ spec }: BaselineResource): string[] {
  return expressionsOf(spec.namespaces ?? {}).flatMap(({ key, operator, values = [] }) =>
    key === NAMESPACE_NAME_LABEL && operator === 'In' ? values : [],
  );
}
