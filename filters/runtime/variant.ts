// One of two configurations among which the requests of a route are divided: what is counted of it, and who is told.
import { ERROR_COUNT, ErrorId, errorCode, errorCodeLength, errorStatus } from '../errors.gen';
import { Bytes } from '../memory/bytes';
import { variantRefusedTotal, variantRequestsTotal, variantTookTotal } from '../metrics.gen';
import { HeaderMap, proxy_set_property } from './abi';
import { VariantConfig, VariantName } from './config.gen';
import { Exchange } from './exchange';
import { readHeader, resultLength, resultPointer } from './host';
import { Counter } from './metrics';
import { STATUS } from './names';
import { Outcome } from './outcome';

const HEADER: Bytes = Bytes.from('x-fim-variant');
/** Filter state `wasm.fim.variant`, for access logs. No extraction can write it: their names have no dot. */
const STATE: Bytes = Bytes.from('fim.variant');
const FIVE: u8 = 53;
const FAULT: u32 = 500;

/** Upper bounds of the times that are told apart, microseconds: ten in each decade, so that 8 ms and +20 % can be judged. */
const BOUNDS: StaticArray<u32> = [
  100, 125, 160, 200, 250, 320, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3200, 4000, 5000, 6300, 8000, 10000,
  12500, 16000, 20000, 25000, 32000, 40000, 50000, 63000, 80000, 100000, 125000, 160000, 200000, 250000, 320000, 400000,
  500000, 630000, 800000, 1000000, 1250000, 1600000, 2000000, 2500000, 3200000, 4000000, 5000000, 6300000, 8000000,
  10000000,
];

/** Parts of an answer that have been seen. */
export const enum Answer {
  None = 0,
  Good = 1,
  Fault = 2,
}

/** Counters of one variant; of a name there is one in a VM, whatever the configurations. */
class VariantCounters {
  readonly answered: Counter;
  readonly failed: Counter;
  readonly refused: Counter;
  private readonly took: StaticArray<Counter>;
  private readonly codes: StaticArray<Counter> = new StaticArray<Counter>(<i32>ERROR_COUNT);

  constructor(readonly name: string) {
    this.answered = counter(variantRequestsTotal(name, 'answered'));
    this.failed = counter(variantRequestsTotal(name, 'failed'));
    this.refused = counter(variantRequestsTotal(name, 'refused'));
    this.took = new StaticArray<Counter>(BOUNDS.length + 1);
    for (let i = 0; i < BOUNDS.length; i++) this.took[i] = counter(variantTookTotal(name, bound(BOUNDS[i])));
    this.took[BOUNDS.length] = counter(variantTookTotal(name, 'more'));
    for (let i = 0; i < <i32>ERROR_COUNT; i++) {
      const code = String.UTF8.decodeUnsafe(errorCode(<ErrorId>i), errorCodeLength(<ErrorId>i));
      this.codes[i] = new Counter(variantRefusedTotal(name, code));
    }
  }

  /** Counts a time, by the first bound that is not below it. */
  time(micros: u64): void {
    let low = 0;
    let high = BOUNDS.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (<u64>unchecked(BOUNDS[middle]) < micros) low = middle + 1;
      else high = middle;
    }
    unchecked(this.took[low]).add(1);
  }

  /** The host never forgets a counter: it gets to know those of codes that occur. */
  refuse(error: ErrorId): void {
    this.refused.add(1);
    const count = unchecked(this.codes[<i32>error]);
    count.define();
    count.add(1);
  }
}

function counter(name: string): Counter {
  const made = new Counter(name);
  made.define();
  return made;
}

/** Milliseconds without needless zeros: 100 → `0.1`, 8000 → `8`. */
function bound(micros: u32): string {
  const whole = (micros / 1000).toString();
  const rest = micros % 1000;
  if (rest == 0) return whole;
  let digits = (1000 + rest).toString().slice(1);
  while (digits.endsWith('0')) digits = digits.slice(0, digits.length - 1);
  return whole + '.' + digits;
}

const known: VariantCounters[] = [];

function countersOf(name: string): VariantCounters {
  for (let i = 0; i < known.length; i++) if (known[i].name == name) return known[i];
  const made = new VariantCounters(name);
  known.push(made);
  return made;
}

/** The variant that a configuration is. Immutable. */
export class Variant {
  readonly name: string;
  /** Name of the route whose requests are divided. */
  private readonly route: Bytes;
  /** Whether upstreams are told. */
  private readonly tells: bool;
  private readonly text: Bytes;
  private readonly counters: VariantCounters;

  constructor(config: VariantConfig) {
    const name = config.name == VariantName.canary ? 'canary' : 'stable';
    this.name = name;
    this.route = config.route;
    this.tells = config.upstreamHeader;
    this.text = Bytes.from(name);
    this.counters = countersOf(name);
  }

  rules(route: Bytes): bool {
    return this.route.equals(route.pointer, route.length);
  }

  /** The request goes on: its access log knows the variant, and the upstream if it is to. */
  mark(exchange: Exchange): void {
    proxy_set_property(STATE.pointer, STATE.length, this.text.pointer, this.text.length);
    if (this.tells) exchange.setHeader(HEADER.pointer, HEADER.length, this.text.pointer, this.text.length);
  }

  /** The stream is over. A client that went before an answer says nothing of the variant. */
  count(request: Outcome, response: Outcome, answer: Answer, nanos: u64): void {
    const counters = this.counters;
    if (response.enforced) return counters.refuse(response.code);
    if (request.enforced && errorStatus(request.code) < FAULT) return counters.refuse(request.code);
    if (answer == Answer.None && !request.enforced) return;
    if (request.enforced || answer == Answer.Fault) counters.failed.add(1);
    else counters.answered.add(1);
    counters.time(nanos / 1000);
  }
}

/** The variant of a configuration. Null: all requests meet it. */
export function compileVariant(config: VariantConfig | null): Variant | null {
  return config == null ? null : new Variant(config);
}

/** Class of the answer whose headers the host has. */
export function readAnswer(): Answer {
  if (!readHeader(HeaderMap.ResponseHeaders, STATUS.pointer, STATUS.length) || resultLength() != 3) return Answer.None;
  return load<u8>(resultPointer()) >= FIVE ? Answer.Fault : Answer.Good;
}
