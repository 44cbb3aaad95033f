import { ErrorId } from '../errors.gen';
import { Counter } from '../runtime/metrics';

/** Messages that passed all rules, and messages that did not (under `Observe` these pass too). */
export const pbocValid: Counter = new Counter('fim.pboc.valid');
export const pbocInvalid: Counter = new Counter('fim.pboc.invalid');
/** Unreadable messages: by content type, without body, by syntax. */
export const pbocUnreadable: Counter = new Counter('fim.pboc.unreadable');
/** Errors in invalid messages, up to each route's `maxErrors` a message. */
export const pbocErrors: Counter = new Counter('fim.pboc.errors');

// The same errors by kind of rule. A fixed set for all routes.
const missing: Counter = new Counter('fim.pboc.errors.required');
const forbidden: Counter = new Counter('fim.pboc.errors.forbidden');
const type: Counter = new Counter('fim.pboc.errors.type');
const length: Counter = new Counter('fim.pboc.errors.length');
const pattern: Counter = new Counter('fim.pboc.errors.pattern');
const enumeration: Counter = new Counter('fim.pboc.errors.enum');
const range: Counter = new Counter('fim.pboc.errors.range');
const check: Counter = new Counter('fim.pboc.errors.check');
const cross: Counter = new Counter('fim.pboc.errors.cross');

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
