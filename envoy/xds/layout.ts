import { CHAIN, FUSED_MODULE } from '../route/index.ts';

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

const FUSED: readonly FilterSlot[] = [{ filter: FUSED_MODULE, module: FUSED_MODULE }];

/**
 * Requests pass it downwards, responses upwards. A chain thus serves routes that encrypt requests, but not those that
 * decrypt them before validation.
 */
const SEPARATE: readonly FilterSlot[] = CHAIN.map(({ folder }) => ({ filter: `fim.${folder}`, module: folder }));

/**
 * Filters of a layout in the order in which requests meet them. The translation's plugin configurations have the same
 * order.
 */
export function filterSlots(layout: Layout): readonly FilterSlot[] {
  return layout === 'fused' ? FUSED : SEPARATE;
}
