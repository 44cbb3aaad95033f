// A translation that skips the TypeScript rules, to test the module's verdict in case the rules had a gap.
import { parse } from 'yaml';
import type { FinancialRoute } from '../../envoy/route/financial-route.gen.ts';
import type { RouteResource } from '../../envoy/route/resource.ts';
import { withDefaults } from '../../envoy/route/schema-check.ts';
import type { Sections } from '../../envoy/route/sections.ts';
import { RouteSource } from '../../envoy/route/source.ts';
import { stageOfModule, STAGES } from '../../envoy/route/stages/table.ts';
import { translate, type Translation } from '../../envoy/route/index.ts';
import { withoutDroppedNulls } from './structural-schema.ts';

/** A baseline's overrides as the route of requests that have none, and any route as it is. */
function asRoute(value: unknown): FinancialRoute {
  const { kind, spec, ...rest } = withoutDroppedNulls(value) as FinancialRoute & {
    spec: { overrides?: FinancialRoute['spec'] };
  };
  const own = (kind as string) === 'FinancialBaseline' ? (spec.overrides ?? {}) : spec;
  return withDefaults('route', { ...rest, kind: 'FinancialRoute', spec: own }) as FinancialRoute;
}

/** Translates a resource of the right shape, whatever its values. */
export function translateUnchecked(text: string): Translation {
  const route = asRoute(parse(text));
  const { spec } = route;
  const sections: Record<string, unknown> = {};
  for (const { section } of STAGES)
    if (spec[section] !== undefined) sections[section] = { value: spec[section], path: ['spec', section] };
  if (spec.wasm !== undefined) {
    const { section, shortForm } = stageOfModule(spec.wasm.module)!;
    const config = { ...shortForm, ...spec.wasm.config };
    sections[section] = { value: withDefaults(section, config), path: ['spec', 'wasm', 'config'] };
  }
  const resource: RouteResource = {
    key: `default/${route.metadata.name}`,
    namespace: 'default',
    name: route.metadata.name,
    created: Infinity,
    generation: undefined,
    annotations: {},
    spec,
    sections: sections as Sections,
    profiles: [],
    warnings: [],
    source: new RouteSource('unchecked'),
  };
  return translate([resource], { layout: 'fused', countsGlobally: true, collects: true });
}
