/**
 * `fused`: one filter with all stages. `chain`: one filter for each stage, to place, version and replace stages
 * separately.
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
 * Requests pass it downwards, responses upwards. A chain thus serves routes that encrypt requests, but not those that
 * decrypt them before validation.
 */
const CHAIN: readonly FilterSlot[] = [
  { filter: 'fim.rate-limiter', module: 'rate-limiter' },
  { filter: 'fim.pboc-validator', module: 'pboc-validator' },
  { filter: 'fim.field-masker', module: 'field-masker' },
  { filter: 'fim.sm4-encryptor', module: 'sm4-encryptor' },
];

/**
 * Filters of a layout in the order in which requests meet them. The translation's plugin configurations have the same
 * order.
 */
export function filterSlots(layout: Layout): readonly FilterSlot[] {
  return layout === 'fused' ? FUSED : CHAIN;
}
