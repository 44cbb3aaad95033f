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
  private untold: i64 = 0;
  private isBehind: bool = false;
  private next: Counter | null = null;

  /** `name`: one of `metrics.gen.ts`; Envoy shows it as `wasmcustom.<name>`. */
  constructor(
    readonly name: string,
    private readonly type: MetricType = MetricType.Counter,
  ) {}

  /** Defines the metric with the host. Call it once per VM before the first `add`, which otherwise does nothing. */
  define(): void {
    if (this.id == u32.MAX_VALUE) this.id = define(this.type, this.name);
  }

  /** Counts; the host knows by the next tick. */
  add(amount: i64): void {
    if (amount == 0 || this.id == u32.MAX_VALUE) return;
    if (!this.isBehind) {
      this.isBehind = true;
      this.next = behind;
      behind = this;
    }
    this.untold += amount;
  }

  /** Tells the host; the counter after it in the list. */
  flush(): Counter | null {
    if (this.untold != 0) proxy_increment_metric(this.id, this.untold);
    this.untold = 0;
    this.isBehind = false;
    const next = this.next;
    this.next = null;
    return next;
  }
}

/**
 * A number that rises and falls. It is told by differences, which the host adds: that of all workers. What a VM that
 * trapped had added stays.
 */
export class Gauge extends Counter {
  constructor(name: string) {
    super(name, MetricType.Gauge);
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
