// Merges the platform's baselines into a route, as inherited policies of the Gateway API do (GEP-713). Sections are
// atomic. For each counts the oldest baseline whose overrides have it, else the route, else the oldest baseline whose
// defaults have it. Pure; equal inputs in any order give the same route.
import { byAge, type BaselinePart, type BaselineResource } from './baseline.ts';
import type { BaselineOverrides, RouteSpec } from './financial-route.gen.ts';
import { placeIn, type Origins, type SectionOrigin } from './origin.ts';
import { joinProfile } from './profile-resource.ts';
import type { RouteResource } from './resource.ts';
import { issueAt, type RouteIssue } from './route-error.ts';
import { checkWhole } from './rules-route.ts';
import type { Report } from './schema-check.ts';
import type { Section, Sections } from './sections.ts';
import { askedStages, STAGES, type SectionName } from './stages/table.ts';
import { warnings } from './warnings.ts';

type Inherited = Exclude<keyof BaselineOverrides, 'enforcement'>;

/** Name of the route that stands for requests without one. No object can have it. */
export const BASELINE_ROUTE = '~baseline';

/** Whether a route is that of its namespace for requests without one. */
export function isBaselineRoute(key: string): boolean {
  return key.endsWith(`/${BASELINE_ROUTE}`);
}

/** The section of the oldest baseline that has it in this part. */
function oldest(
  ordered: readonly BaselineResource[],
  part: BaselinePart,
  name: Inherited,
): BaselineResource | undefined {
  return ordered.find(({ spec }) => spec[part]?.[name] !== undefined);
}

class Merge {
  readonly spec: RouteSpec;
  readonly sections: Record<string, Section<unknown> | undefined>;
  readonly origins = new Map<string, SectionOrigin>();
  private readonly route: RouteResource;
  private readonly ordered: readonly BaselineResource[];

  constructor(route: RouteResource, ordered: readonly BaselineResource[]) {
    this.route = route;
    this.ordered = ordered;
    this.spec = { ...route.spec };
    this.sections = { ...route.sections };
  }

  stages(): void {
    for (const { section } of STAGES) {
      const name = section as SectionName;
      const override = oldest(this.ordered, 'overrides', name);
      if (override !== undefined) this.take(name, override, 'overrides');
      else if (this.route.sections[name] === undefined) {
        const fitting = this.ordered.filter((baseline) => this.fits(name, baseline));
        const preset = oldest(fitting, 'defaults', name);
        if (preset !== undefined) this.take(name, preset, 'defaults');
      }
    }
    const tls = oldest(this.ordered, 'overrides', 'tls');
    const preset = oldest(this.ordered, 'defaults', 'tls');
    if (tls !== undefined) this.note('tls', tls, 'overrides', this.route.spec.tls !== undefined);
    else if (this.route.spec.tls === undefined && preset !== undefined) this.note('tls', preset, 'defaults', false);
  }

  /**
   * The format of bodies goes with what reads them: a route that could name another format would have an override see
   * nothing.
   */
  body(): void {
    const reader = this.readers('overrides')[0];
    const owner = oldest(this.ordered, 'overrides', 'body') ?? reader?.baseline;
    const own = this.route.spec.body;
    if (owner !== undefined) {
      this.note('body', owner, 'overrides', own !== undefined);
      return;
    }
    const preset = oldest(this.ordered, 'defaults', 'body') ?? this.readers('defaults')[0]?.baseline;
    if (own === undefined && preset?.spec.defaults?.body !== undefined) this.note('body', preset, 'defaults', false);
  }

  /**
   * Tells which sections refuse. A baseline's own do as it says, and enforce if it says nothing; a route's own do as
   * the route says, unless a baseline lets none observe. Returns those that enforce in a route that observes others.
   */
  enforcement(): string[] {
    const strict = this.ordered.find(({ spec }) => spec.overrides?.enforcement === 'Enforce');
    const own = strict === undefined ? (this.route.spec.enforcement ?? 'Enforce') : 'Enforce';
    const wanted = askedStages(this.sections as Sections)
      .filter(({ row }) => row.observable)
      .map(({ row }) => {
        const origin = this.origins.get(row.section);
        const said = origin?.part === 'overrides' ? (origin.baseline.spec.overrides?.enforcement ?? 'Enforce') : own;
        return { name: row.section, said };
      });
    const enforced = wanted.filter(({ said }) => said === 'Enforce').map(({ name }) => name);
    const observes = wanted.length === 0 ? own === 'Observe' : enforced.length < wanted.length;
    this.spec.enforcement = observes ? 'Observe' : 'Enforce';
    if (strict !== undefined && this.route.spec.enforcement === 'Observe')
      this.origins.set('enforcement', this.origin(strict, 'overrides', true));
    return observes ? enforced : [];
  }

  private readers(part: BaselinePart): SectionOrigin[] {
    return askedStages(this.sections as Sections).flatMap(({ row, section }) => {
      const origin = this.origins.get(row.section);
      return origin?.part === part && row.readsBody(section.value) ? [origin] : [];
    });
  }

  /** Whether a default of the baseline reads bodies as the route says that they are. */
  private fits(name: SectionName, { spec }: BaselineResource): boolean {
    const { body } = this.route.spec;
    const value = spec.defaults?.[name];
    const row = STAGES.find(({ section }) => section === name);
    if (body === undefined || value === undefined || row?.readsBody(value) !== true) return true;
    return (body.format ?? 'JSON') === (spec.defaults?.body?.format ?? 'JSON');
  }

  private take(name: SectionName, baseline: BaselineResource, part: BaselinePart): void {
    const before = this.route.sections[name];
    // The short form stands for the section that it fills.
    if (before !== undefined && this.route.spec[name] === undefined) delete this.spec.wasm;
    this.note(name, baseline, part, before !== undefined);
    this.sections[name] = { value: this.spec[name], path: ['spec', part, name] };
  }

  private note(name: Inherited, baseline: BaselineResource, part: BaselinePart, replaces: boolean): void {
    const value = structuredClone(baseline.spec[part]?.[name]);
    if (value === undefined) delete this.spec[name];
    else Object.assign(this.spec, { [name]: value });
    this.origins.set(name, this.origin(baseline, part, replaces));
  }

  private origin(baseline: BaselineResource, part: BaselinePart, replaces: boolean): SectionOrigin {
    return { baseline, part, source: baseline.source.toldOf(this.route.key, baseline.name), replaces };
  }
}

/** A route that reads bodies otherwise than the baseline over it. */
function otherFormat(route: RouteResource, { spec, origins }: RouteResource): RouteIssue[] {
  const over = origins?.get('body');
  const own = route.spec.body?.format ?? 'JSON';
  const format = spec.body?.format ?? 'JSON';
  if (over?.part !== 'overrides' || !over.replaces || own === format) return [];
  const detail = `${own}; FinancialBaseline ${over.baseline.name}: ${format}`;
  const issue = issueAt(route.source, 'FIM-CFG-1083', ['spec', 'body', 'format'], detail);
  return [{ ...issue, baseline: over.baseline.name }];
}

/**
 * The route with the baselines of its namespace merged into it. What is wrong with it then goes to `errors`, at the
 * line of the baseline where the section is the baseline's. `isKnown`: it has been merged before without errors.
 */
export function mergeBaselines(
  route: RouteResource,
  baselines: readonly BaselineResource[],
  errors: RouteIssue[] = [],
  isKnown = false,
): RouteResource {
  if (baselines.length === 0) return route;
  const merge = new Merge(route, byAge(baselines));
  merge.stages();
  merge.body();
  const enforced = merge.enforcement();
  const origins: Origins = merge.origins;
  if (origins.size === 0) return route;
  const { spec } = merge;
  const sections = merge.sections as Sections;
  const merged: RouteResource = { ...route, spec, sections, origins, enforced };
  const into =
    (issues: RouteIssue[]): Report =>
    (code, path, detail) => {
      const place = placeIn(merged, path);
      return issues.push(issueAt(place.source, code, place.path, detail)) > 0;
    };
  if (!isKnown) {
    errors.push(...otherFormat(route, merged));
    checkWhole(spec, sections, into(errors), new Set(origins.keys()));
  }
  const notes = route.warnings.filter(({ code }) => code === 'FIM-CFG-1067');
  warnings(spec, sections, into(notes));
  merged.warnings = notes;
  return merged;
}

/** Whether the baseline has a section that requests without a route would meet. */
export function overridesSections({ spec }: BaselineResource): boolean {
  return Object.keys(spec.overrides ?? {}).some((name) => name !== 'enforcement' && name !== 'body');
}

/**
 * The route of a namespace for requests that no other route concerns, with the overrides of its baselines. Undefined
 * where they have none. It yields to every route with the same match.
 */
export function baselineRoute(
  namespace: string,
  baselines: readonly BaselineResource[],
  errors: RouteIssue[] = [],
): RouteResource | undefined {
  const overriding = byAge(baselines).filter(overridesSections);
  const key = `${namespace}/${BASELINE_ROUTE}`;
  const [first] = overriding;
  if (first === undefined) return undefined;
  const source = first.source.toldOf(key, first.name);
  const empty: RouteResource = {
    key,
    namespace,
    name: BASELINE_ROUTE,
    created: 0,
    generation: undefined,
    annotations: {},
    spec: { enforcement: 'Enforce' },
    sections: {},
    profiles: [],
    warnings: [],
    source,
    yields: true,
  };
  const overrides = overriding.map((baseline) => ({ ...baseline, spec: { overrides: baseline.spec.overrides } }));
  const merged = mergeBaselines(empty, overrides as BaselineResource[], errors);
  return joinProfile(merged, errors) ? merged : undefined;
}
