// A translation that skips the rules of the TypeScript side: what would the module say if the rules had a hole?
import { parse } from 'yaml';
import type { FinancialRoute } from '../../envoy/route/financial-route.gen.ts';
import type { RouteResource } from '../../envoy/route/resource.ts';
import type { Sections } from '../../envoy/route/sections.ts';
import { withDefaults } from '../../envoy/route/schema-check.ts';
import { RouteSource } from '../../envoy/route/source.ts';
import { translate, type Translation } from '../../envoy/route/index.ts';
import { withoutDroppedNulls } from './structural-schema.ts';

const SECTIONS = {
  'rate-limiter.wasm': 'rateLimit',
  'pboc-validator.wasm': 'validation',
  'field-masker.wasm': 'masking',
  'sm4-encryptor.wasm': 'encryption',
} as const;

/** Translates a resource of the right shape, whatever its values. */
export function translateUnchecked(text: string): Translation {
  const route = withDefaults('route', withoutDroppedNulls(parse(text))) as FinancialRoute;
  const { spec } = route;
  const sections: Record<string, unknown> = {};
  for (const name of [...Object.values(SECTIONS), 'signature' as const])
    if (spec[name] !== undefined) sections[name] = { value: spec[name], path: ['spec', name] };
  if (spec.wasm !== undefined) {
    const name = SECTIONS[spec.wasm.module];
    const config = name === 'encryption' ? { request: 'Encrypt', ...spec.wasm.config } : spec.wasm.config;
    sections[name] = { value: withDefaults(name, config), path: ['spec', 'wasm', 'config'] };
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
  return translate([resource], { layout: 'fused' });
}
