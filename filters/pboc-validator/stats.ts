import { Counter } from '../runtime/metrics';

/** Messages that passed all rules, and messages that did not (under `Observe` these go on all the same). */
export const pbocValid: Counter = new Counter('fim.pboc.valid');
export const pbocInvalid: Counter = new Counter('fim.pboc.invalid');
/** Messages that were no JSON: by content type, without body, by syntax. */
export const pbocUnreadable: Counter = new Counter('fim.pboc.unreadable');
/** Errors found in invalid messages, up to each route's `maxErrors` a message. */
export const pbocErrors: Counter = new Counter('fim.pboc.errors');

export function definePbocStats(): void {
  pbocValid.define();
  pbocInvalid.define();
  pbocUnreadable.define();
  pbocErrors.define();
}
