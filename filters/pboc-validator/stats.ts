import { PBOC_ERRORS, PBOC_INVALID, PBOC_UNREADABLE, PBOC_VALID, pbocBreachesTotal } from '../metrics.gen';
import { ErrorId } from '../errors.gen';
import { Counter } from '../runtime/metrics';

/** Messages that passed all rules, and messages that did not (under `Observe` these pass too). */
export const pbocValid: Counter = new Counter(PBOC_VALID);
export const pbocInvalid: Counter = new Counter(PBOC_INVALID);
/** Unreadable messages: by content type, without body, by syntax. */
export const pbocUnreadable: Counter = new Counter(PBOC_UNREADABLE);
/** Errors in invalid messages, up to each route's `maxErrors` a message. */
export const pbocErrors: Counter = new Counter(PBOC_ERRORS);

// The same errors by kind of rule. A fixed set for all routes.
const missing: Counter = new Counter(pbocBreachesTotal('required'));
const forbidden: Counter = new Counter(pbocBreachesTotal('forbidden'));
const type: Counter = new Counter(pbocBreachesTotal('type'));
const length: Counter = new Counter(pbocBreachesTotal('length'));
const pattern: Counter = new Counter(pbocBreachesTotal('pattern'));
const enumeration: Counter = new Counter(pbocBreachesTotal('enum'));
const range: Counter = new Counter(pbocBreachesTotal('range'));
const check: Counter = new Counter(pbocBreachesTotal('check'));
const cross: Counter = new Counter(pbocBreachesTotal('cross'));

/** Counts an error by the kind of its rule. */
export function countBreach(error: ErrorId): void {
  kindOf(error).add(1);
}

function kindOf(error: ErrorId): Counter {
  switch (error) {
    case ErrorId.FIM_PBOC_0005:
      return missing;
    case ErrorId.FIM_PBOC_0019:
    case ErrorId.FIM_PBOC_0033:
      return forbidden;
    case ErrorId.FIM_PBOC_0006:
      return type;
    case ErrorId.FIM_PBOC_0007:
      return pattern;
    case ErrorId.FIM_PBOC_0008:
    case ErrorId.FIM_PBOC_0009:
      return length;
    case ErrorId.FIM_PBOC_0010:
      return enumeration;
    case ErrorId.FIM_PBOC_0020:
    case ErrorId.FIM_PBOC_0021:
    case ErrorId.FIM_PBOC_0022:
      return range;
    case ErrorId.FIM_PBOC_0029:
    case ErrorId.FIM_PBOC_0030:
    case ErrorId.FIM_PBOC_0031:
      return cross;
  }
  return check;
}

export function definePbocStats(): void {
  pbocValid.define();
  pbocInvalid.define();
  pbocUnreadable.define();
  pbocErrors.define();
  missing.define();
  forbidden.define();
  type.define();
  length.define();
  pattern.define();
  enumeration.define();
  range.define();
  check.define();
  cross.define();
}
