import { Counter } from '../runtime/metrics';

/** Messages in which something was hidden. */
export const maskChanged: Counter = new Counter('fim.mask.changed');
/** Examined messages without anything to hide. */
export const maskUnchanged: Counter = new Counter('fim.mask.unchanged');
/** Messages refused because they could not be masked. */
export const maskRefused: Counter = new Counter('fim.mask.refused');
/** Values hidden by a field rule, and numbers hidden by detection. */
export const maskFields: Counter = new Counter('fim.mask.fields');
export const maskDetected: Counter = new Counter('fim.mask.detected');

export function defineMaskStats(): void {
  maskChanged.define();
  maskUnchanged.define();
  maskRefused.define();
  maskFields.define();
  maskDetected.define();
}
