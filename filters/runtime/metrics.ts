// Metrics are declared once, as constants in a folder's stats.ts, and defined with the host once per VM. What they count
// is kept here and given to the host by `flushCounters`: a message makes no host call to be counted.
import { MetricType, Result, proxy_define_metric, proxy_increment_metric, proxy_record_metric } from './abi';

const ID: usize = memory.data(4, 4);

function define(type: MetricType, name: string): u32 {
  const text = String.UTF8.encode(name);
  const result = proxy_define_metric(type, changetype<usize>(text), text.byteLength, ID);
  return result == Result.Ok ? load<u32>(ID) : u32.MAX_VALUE;
}

/** The counters that the host has not been told all of. */
let behind: Counter | null = null;

/** Tells the host what was counted since the last time: at each tick, with each configuration, at each root's end. */
export function flushCounters(): void {
  let counter = behind;
  behind = null;
  while (counter != null) counter = counter.flush();
}

/** A count that only grows. The host adds the counts of all workers. */
export class Counter {
  private id: u32 = u32.MAX_VALUE;
  /** Counts that the host has not been told. */
  private untold: u64 = 0;
  private next: Counter | null = null;

  /** `name`: `fim.<area>.<what>`; Envoy shows it as `wasmcustom.<name>`. */
  constructor(readonly name: string) {}

  /** Defines the metric with the host. Call it once per VM before the first `add`, which otherwise does nothing. */
  define(): void {
    if (this.id == u32.MAX_VALUE) this.id = define(MetricType.Counter, this.name);
  }

  /** Counts; the host knows by the next tick. */
  add(amount: u64): void {
    if (amount == 0 || this.id == u32.MAX_VALUE) return;
    if (this.untold == 0) {
      this.next = behind;
      behind = this;
    }
    this.untold += amount;
  }

  /** Tells the host; the counter after it in the list. */
  flush(): Counter | null {
    proxy_increment_metric(this.id, this.untold);
    this.untold = 0;
    const next = this.next;
    this.next = null;
    return next;
  }
}

/** A distribution of values. Its name contains the unit. */
export class Histogram {
  private id: u32 = u32.MAX_VALUE;

  constructor(readonly name: string) {}

  define(): void {
    if (this.id == u32.MAX_VALUE) this.id = define(MetricType.Histogram, this.name);
  }

  record(value: u64): void {
    if (this.id != u32.MAX_VALUE) proxy_record_metric(this.id, value);
  }
}
