export { countedOf, ReleaseCounters } from './counters.ts';
export { examine } from './examine.ts';
export { lookTwice } from './look.ts';
export { GENERATION_SLOTS, progressOf, slotOf, vmsOf, type Counted, type Progress } from './proof.ts';
export { isSameRelease, numbered, type ModuleContent, type Release } from './release.ts';
