// Counters, gauges and histograms of a process. VMs that define the same name share the metric, as Envoy's workers do.
import { MetricKind, Result } from './abi.ts';
import { MAX_HOST_SAMPLES } from '../limits.ts';
import { labelledName } from './metric-name.ts';

interface Metric {
  name: string;
  kind: number;
  value: bigint;
  samples: bigint[];
}

const KIND_NAMES = ['counter', 'gauge', 'histogram'];
/** Envoy keeps the kind in the two low bits of the id. */
const ID_STEP = 4;

export class Metrics {
  private readonly byName = new Map<string, Metric>();

  /** Metric of that name and kind, created on first use. It is asked for with its labels behind: `fim.a.b_total{one=x}`. */
  define(kind: number, written: string): Metric {
    const name = labelledName(written);
    const key = `${KIND_NAMES[kind]} ${name}`;
    let metric = this.byName.get(key);
    if (metric === undefined) this.byName.set(key, (metric = { name, kind, value: 0n, samples: [] }));
    return metric;
  }

  /** Value of a counter or gauge, or the number of samples of a histogram. 0 if undefined. */
  value(name: string): number {
    for (const kind of KIND_NAMES) {
      const metric = this.byName.get(`${kind} ${name}`);
      if (metric !== undefined) return shownValue(metric);
    }
    return 0;
  }

  /** Samples of a histogram. */
  samples(name: string): number[] {
    return (this.byName.get(`histogram ${name}`)?.samples ?? []).map(Number);
  }

  /** Values by name, sorted. */
  all(): Record<string, number> {
    const names = [...this.byName.values()].map((metric) => metric.name).sort();
    return Object.fromEntries(names.map((name) => [name, this.value(name)]));
  }
}

function shownValue({ kind, samples, value }: Metric): number {
  return kind === MetricKind.Histogram ? samples.length : Number(value);
}

/** Metric ids of one VM. */
export class MetricTable {
  private readonly byId = new Map<number, Metric>();
  private readonly lastId = [0, 1, 2];
  private readonly metrics: Metrics;

  constructor(metrics: Metrics) {
    this.metrics = metrics;
  }

  /** Id of the metric. Null for an unknown kind. */
  define(kind: number, name: string): number | null {
    if (kind > MetricKind.Histogram) return null;
    const id = (this.lastId[kind]! += ID_STEP);
    this.byId.set(id, this.metrics.define(kind, name));
    return id;
  }

  increment(id: number, offset: bigint): number {
    const metric = this.byId.get(id);
    if ((id & 3) > MetricKind.Gauge) return Result.BadArgument;
    if (metric === undefined) return Result.NotFound;
    if (metric.kind === MetricKind.Counter && offset <= 0n) return Result.BadArgument;
    metric.value += offset;
    return Result.Ok;
  }

  record(id: number, value: bigint): number {
    const metric = this.byId.get(id);
    if (metric === undefined) return Result.NotFound;
    if (metric.kind === MetricKind.Counter) metric.value += value;
    else if (metric.kind === MetricKind.Gauge) metric.value = value;
    else if (metric.samples.push(value) > MAX_HOST_SAMPLES) metric.samples.shift();
    return Result.Ok;
  }

  get(id: number): bigint | number {
    if ((id & 3) > MetricKind.Gauge) return Result.BadArgument;
    return this.byId.get(id)?.value ?? Result.NotFound;
  }
}
