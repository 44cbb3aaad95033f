/**
 * `fused`: one filter with all stages. `chain`: one filter for each stage, for those who place, version and swap stages
 * apart.
 */
export type Layout = 'fused' | 'chain';

/** One Wasm filter of the listener. */
export interface FilterSlot {
  /** Name of the filter and of its discovered extension configuration. */
  filter: string;
  /** Module file without `.wasm`. */
  module: string;
}

const FUSED: readonly FilterSlot[] = [{ filter: 'fim', module: 'fim' }];

/**
 * Requests pass it downwards, responses upwards: so a chain serves routes that encrypt requests, not those that decrypt
 * them before validation.
 */
const CHAIN: readonly FilterSlot[] = [
  { filter: 'fim.rate-limiter', module: 'rate-limiter' },
  { filter: 'fim.pboc-validator', module: 'pboc-validator' },
  { filter: 'fim.field-masker', module: 'field-masker' },
  { filter: 'fim.sm4-encryptor', module: 'sm4-encryptor' },
];

/**
 * The filters of a layout, in the order in which requests meet them: that of the translation's plugin configurations.
 */
export function filterSlots(layout: Layout): readonly FilterSlot[] {
  return layout === 'fused' ? FUSED : CHAIN;
}
