// Metrics are declared once, as constants in a folder's stats.ts, and defined with the host once per VM.
import { MetricType, Result, proxy_define_metric, proxy_increment_metric, proxy_record_metric } from './abi';

const ID: usize = memory.data(4, 4);

function define(type: MetricType, name: string): u32 {
  const text = String.UTF8.encode(name);
  const result = proxy_define_metric(type, changetype<usize>(text), text.byteLength, ID);
  return result == Result.Ok ? load<u32>(ID) : u32.MAX_VALUE;
}

/** A growing count. The host adds the counts of all workers. */
export class Counter {
  private id: u32 = u32.MAX_VALUE;

  /** `name`: `fim.<area>.<what>`; Envoy shows it as `wasmcustom.<name>`. */
  constructor(readonly name: string) {}

  /** Defines the metric with the host. Call it once per VM before the first `add`, which otherwise does nothing. */
  define(): void {
    if (this.id == u32.MAX_VALUE) this.id = define(MetricType.Counter, this.name);
  }

  add(amount: u64): void {
    if (this.id != u32.MAX_VALUE) proxy_increment_metric(this.id, amount);
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
