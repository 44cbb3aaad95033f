import { Counter } from '../runtime/metrics';

/** Messages of which something was hidden. */
export const maskChanged: Counter = new Counter('fim.mask.changed');
/** Messages that were looked at and had nothing to hide. */
export const maskUnchanged: Counter = new Counter('fim.mask.unchanged');
/** Messages refused because they could not be masked. */
export const maskRefused: Counter = new Counter('fim.mask.refused');
/** Values hidden because a field names them, and numbers hidden because of what they are. */
export const maskFields: Counter = new Counter('fim.mask.fields');
export const maskDetected: Counter = new Counter('fim.mask.detected');

export function defineMaskStats(): void {
  maskChanged.define();
  maskUnchanged.define();
  maskRefused.define();
  maskFields.define();
  maskDetected.define();
}
