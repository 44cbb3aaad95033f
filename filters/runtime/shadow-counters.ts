// Counters of shadows.
import { ERROR_COUNT, ErrorId, errorCode, errorCodeLength } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { shadowDifferencesTotal, shadowMessagesTotal } from '../metrics.gen';
import { Counter } from './metrics';

/** How the verdict of a shadow differs from that of the policy in force. */
export const enum Difference {
  /** It alone refuses. */
  Stricter = 0,
  /** It alone lets pass. */
  Laxer = 1,
  /** Both refuse, for different reasons. */
  Other = 2,
}

const KINDS: i32 = 3;

/** In metrics and samples. */
export function nameOf(difference: Difference): string {
  if (difference == Difference.Stricter) return 'stricter';
  return difference == Difference.Laxer ? 'laxer' : 'other';
}

const agreed: Counter = new Counter(shadowMessagesTotal('same'));
const passedBy: Counter = new Counter(shadowMessagesTotal('skipped'));
const differed: StaticArray<Counter> = [
  new Counter(shadowMessagesTotal('stricter')),
  new Counter(shadowMessagesTotal('laxer')),
  new Counter(shadowMessagesTotal('other')),
];

/** Counters by difference and code, of one route; of a name there is one in a VM, whatever the configurations. */
class CodeCounters {
  readonly codes: StaticArray<Counter> = new StaticArray<Counter>(KINDS * <i32>ERROR_COUNT);

  constructor(readonly route: string) {
    for (let kind = 0; kind < KINDS; kind++)
      for (let i = 0; i < <i32>ERROR_COUNT; i++) {
        const code = String.UTF8.decodeUnsafe(errorCode(<ErrorId>i), errorCodeLength(<ErrorId>i));
        const name = shadowDifferencesTotal(nameOf(<Difference>kind), code, route);
        this.codes[kind * <i32>ERROR_COUNT + i] = new Counter(name);
      }
  }
}

const known: CodeCounters[] = [];

function countersOf(route: string): CodeCounters {
  for (let i = 0; i < known.length; i++) if (known[i].route == route) return known[i];
  const made = new CodeCounters(route);
  known.push(made);
  return made;
}

/** The counters of one route's shadow. */
export class ShadowCounters {
  private readonly codes: CodeCounters;

  constructor(route: Bytes) {
    agreed.define();
    passedBy.define();
    for (let i = 0; i < KINDS; i++) differed[i].define();
    this.codes = countersOf(String.UTF8.decodeUnsafe(route.pointer, route.length));
  }

  same(): void {
    agreed.add(1);
  }

  /** The time for shadows, or the memory, was used up. */
  skipped(): void {
    passedBy.add(1);
  }

  /** The host never forgets a counter: it gets to know those of codes that occur. */
  differ(difference: Difference, code: ErrorId): void {
    unchecked(differed[difference]).add(1);
    const counter = unchecked(this.codes.codes[difference * <i32>ERROR_COUNT + <i32>code]);
    counter.define();
    counter.add(1);
  }
}
