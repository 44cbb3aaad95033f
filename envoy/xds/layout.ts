import type { PluginConfig, StagesConfig } from '../route/plugin-config.gen.ts';

/** `fused`: one filter with all stages. `chain`: one filter for each stage, for those who place, version and swap stages apart. */
export type Layout = 'fused' | 'chain';

/** One Wasm filter of the listener. */
export interface FilterSlot {
  /** Name of the filter and of its discovered extension configuration. */
  filter: string;
  /** Module file without `.wasm`. */
  module: string;
  /** The stages whose sections this filter gets. */
  sections: readonly (keyof StagesConfig)[];
}

const FUSED: readonly FilterSlot[] = [{ filter: 'fim', module: 'fim', sections: ['rateLimiter', 'pbocValidator', 'fieldMasker', 'sm4Encryptor'] }];

/** Requests pass it downwards, responses upwards: so a chain serves routes that encrypt requests, not those that decrypt them before validation. */
const CHAIN: readonly FilterSlot[] = [
  { filter: 'fim.rate-limiter', module: 'rate-limiter', sections: ['rateLimiter'] },
  { filter: 'fim.pboc-validator', module: 'pboc-validator', sections: ['pbocValidator'] },
  { filter: 'fim.field-masker', module: 'field-masker', sections: ['fieldMasker'] },
  { filter: 'fim.sm4-encryptor', module: 'sm4-encryptor', sections: ['sm4Encryptor'] },
];

/** The filters of a layout, in the order in which requests meet them. */
export function filterSlots(layout: Layout): readonly FilterSlot[] {
  return layout === 'fused' ? FUSED : CHAIN;
}

/** The part of the configuration that concerns one filter. Every route stays, with or without a stage: which route a request meets must not depend on the filter. */
export function sectionFor(slot: FilterSlot, config: PluginConfig): PluginConfig {
  const routes = config.routes.map((route) => {
    const stages: Partial<Record<keyof StagesConfig, unknown>> = {};
    for (const name of slot.sections) if (route.stages[name]) stages[name] = route.stages[name];
    return { ...route, stages: stages as StagesConfig };
  });
  return { ...config, routes };
}
