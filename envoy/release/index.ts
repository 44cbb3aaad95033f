export {
  begin,
  commanded,
  isRunning,
  judged,
  shadowed,
  shareOf,
  type CanaryCommand,
  type CanaryPhase,
  type CanaryState,
} from './canary.ts';
export { countedOf, ReleaseCounters } from './counters.ts';
export { examine } from './examine.ts';
export { CanaryWindow, gatesOf, type Figures, type Verdict } from './judge.ts';
export { lookTwice } from './look.ts';
export { GENERATION_SLOTS, progressOf, slotOf, vmsOf, type Counted, type Progress } from './proof.ts';
export { isSameRelease, numbered, type ModuleContent, type Release } from './release.ts';
export { NO_SHADOW, readShadow, shadowPattern, shadowSince, type ShadowCounts } from './shadow-counts.ts';
export { countersPattern, NOTHING_COUNTED, readCounts, sumOf, type Counts } from './variant-counts.ts';
