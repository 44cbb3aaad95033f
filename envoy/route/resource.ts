// Checks one resource: schema, short form, defaults, rules.
import { MAX_RESOURCE_ERRORS } from '../limits.ts';
import { canaryResource } from './canary.ts';
import { ERRORS, type ErrorCode } from './errors.gen.ts';
import type { FinancialRoute, RouteMatch, RouteSpec } from './financial-route.gen.ts';
import type { Path } from './json-path.ts';
import type { Origins } from './origin.ts';
import type { RouteConfig } from './plugin-config.gen.ts';
import type { ResolvedProfile } from './profiles.ts';
import { issueAt, type RouteIssue } from './route-error.ts';
import { checkWhole, createdAt } from './rules-route.ts';
import { checkSchema, formerNames, isRecord, withDefaults, type Report } from './schema-check.ts';
import type { Section, Sections } from './sections.ts';
import type { RouteSource } from './source.ts';
import { stageOfModule, STAGES } from './stages/table.ts';
import { warnings } from './warnings.ts';

/** A resource that passed every check. */
export interface RouteResource {
  /** `namespace/name`. */
  key: string;
  namespace: string;
  name: string;
  /** Milliseconds since 1970. Infinity if unknown, so that resources of known age count as older. */
  created: number;
  generation: number | undefined;
  annotations: Record<string, string>;
  /** Spec with defaults. */
  spec: RouteSpec;
  sections: Sections;
  /** Profiles that its validation names, with everything that they inherit. Set once all profiles are known. */
  profiles: ResolvedProfile[];
  /** Warnings about this resource. */
  warnings: RouteIssue[];
  source: RouteSource;
  /** Matches at its targets, one by one. Absent: those of `spec.match`. */
  matches?: RouteMatch[];
  /** Sections that a baseline has given it. Absent: none. */
  origins?: Origins;
  /** Sections that enforce although the route observes. Absent: none. */
  enforced?: readonly string[];
  /** Whether every route with the same match goes before it, whatever their age. */
  yields?: boolean;
  /** The route as its canary has it. Absent: it has none. */
  canary?: RouteResource;
  /** Earlier translation of the route. It is used as it is and only ordered among the others. */
  compiled?: RouteConfig;
}

export interface CheckedResource {
  resource?: RouteResource;
  errors: RouteIssue[];
  warnings: RouteIssue[];
}

const CONFIG_PATH: Path = ['spec', 'wasm', 'config'];

/** Errors of shape. In `wasm.config` they mean that the configuration is for another module. */
const SHAPE: ReadonlySet<ErrorCode> = new Set(['FIM-CFG-0010', 'FIM-CFG-0011', 'FIM-CFG-0012']);

/** Section that the short form stands for. Undefined if `wasm` is absent or its configuration does not fit. */
function shortForm(spec: RouteSpec, report: Report): { name: keyof RouteSpec; value: unknown } | undefined {
  if (spec.wasm === undefined) return undefined;
  const { module, config } = spec.wasm;
  const row = stageOfModule(module);
  if (row === undefined) throw new Error(`the schema allows ${module}, which is the module of no stage`);
  const name = row.section;
  if (spec[name] !== undefined) {
    report('FIM-CFG-1030', ['spec', 'wasm'], `${module} is the short form of ${name}`);
    return undefined;
  }
  const value = { ...row.shortForm, ...config };
  let fits = true;
  checkSchema(name, value, CONFIG_PATH, (code, path, detail = '') => {
    fits = false;
    return SHAPE.has(code)
      ? report('FIM-CFG-1032', path, `${ERRORS[code].title}: ${detail}`)
      : report(code, path, detail);
  });
  return fits ? { name, value: withDefaults(name, value) } : undefined;
}

function sectionsOf(spec: RouteSpec, report: Report): Sections {
  const sections: Record<string, Section<unknown>> = {};
  for (const { section } of STAGES)
    if (spec[section] !== undefined) sections[section] = { value: spec[section], path: ['spec', section] };
  const short = shortForm(spec, report);
  if (short !== undefined) sections[short.name] = { value: short.value, path: CONFIG_PATH };
  return sections as Sections;
}

/** One warning for all former names in a resource, at the first of them. */
function formerNote(value: unknown, source: RouteSource): RouteIssue[] {
  const found = formerNames('route', isRecord(value) ? { spec: value.spec } : value);
  const [first] = found;
  if (first === undefined) return [];
  const said = [...new Set(found.map(({ former, name }) => `\`${former}\` is now \`${name}\``))].join(', ');
  return [issueAt(source, 'FIM-CFG-1067', first.path, said)];
}

/** Sets the source's resource name, if the name can be printed. */
export function nameResource(value: unknown, source: RouteSource): void {
  const metadata = isRecord(value) && isRecord(value.metadata) ? value.metadata : {};
  const { name, namespace = 'default' } = metadata;
  const plain = /^[a-z0-9.-]{1,253}$/;
  if (typeof name === 'string' && typeof namespace === 'string' && plain.test(name) && plain.test(namespace))
    source.resource = `${namespace}/${name}`;
}

/**
 * Checks one resource given as plain data. Never throws. `isKnown`: the same value has passed before and is only read.
 */
export function checkResource(value: unknown, source: RouteSource, isKnown = false): CheckedResource {
  nameResource(value, source);
  const errors: RouteIssue[] = [];
  const report: Report = (code, path, detail = '') => {
    if (errors.length < MAX_RESOURCE_ERRORS) errors.push(issueAt(source, code, path, detail));
    return errors.length < MAX_RESOURCE_ERRORS;
  };
  if (!isKnown) checkSchema('route', value, [], report);
  if (errors.length > 0) return { errors, warnings: [] };

  const route = withDefaults('route', value) as FinancialRoute;
  const { spec, metadata } = route;
  const sections = sectionsOf(spec, report);
  if (!isKnown) checkWhole(spec, sections, report);
  const created = createdAt(metadata.creationTimestamp, report);
  if (errors.length > 0) return { errors, warnings: [] };

  const namespace = metadata.namespace ?? 'default';
  const notes: RouteIssue[] = [];
  warnings(spec, sections, (code, path, detail = '') => notes.push(issueAt(source, code, path, detail)) > 0);
  notes.push(...formerNote(value, source));
  const resource: RouteResource = {
    key: `${namespace}/${metadata.name}`,
    namespace,
    name: metadata.name,
    created,
    generation: metadata.generation,
    annotations: metadata.annotations ?? {},
    spec,
    sections,
    profiles: [],
    warnings: notes,
    source,
  };
  return spec.canary === undefined ? { resource, errors, warnings: notes } : withCanary(resource, value, isKnown);
}

/** The resource with what its canary makes of it. What is wrong with that is told where the canary says it. */
function withCanary(resource: RouteResource, value: unknown, isKnown: boolean): CheckedResource {
  const { value: changed, sections } = canaryResource(value);
  const own = checkResource(changed, resource.source.ofCanary(sections), isKnown);
  const said = new Set(resource.warnings.map(({ code, path }) => `${code} ${path}`));
  const notes = own.warnings.filter(({ code, path }) => !said.has(`${code} ${path}`));
  resource.warnings.push(...notes);
  if (own.resource === undefined) return { errors: own.errors, warnings: [] };
  return { resource: { ...resource, canary: own.resource }, errors: [], warnings: resource.warnings };
}
