// Metrics of the operator, each declared once.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export class OperatorMetrics {
  readonly registry = new Registry();
  readonly apiRequests = new Counter({
    name: 'fim_operator_api_requests_total',
    help: 'Requests to the API server; code 0: no answer.',
    labelNames: ['verb', 'resource', 'code'],
    registers: [this.registry],
  });
  readonly watchFailures = new Counter({
    name: 'fim_operator_watch_failures_total',
    help: 'Lists and watches that failed and were begun anew.',
    labelNames: ['resource', 'reason'],
    registers: [this.registry],
  });
  readonly reconciles = new Histogram({
    name: 'fim_operator_reconcile_seconds',
    help: 'Time for one key of the work queue.',
    labelNames: ['stage', 'result'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 1, 5, 30],
    registers: [this.registry],
  });
  readonly queueDepth = new Gauge({
    name: 'fim_operator_queue_keys',
    help: 'Keys that wait for a worker.',
    registers: [this.registry],
  });
  readonly queueFailing = new Gauge({
    name: 'fim_operator_queue_failing_keys',
    help: 'Keys that failed at their last try.',
    registers: [this.registry],
  });
  readonly dropped = new Gauge({
    name: 'fim_operator_dropped',
    help: 'Keys and events that found no room.',
    labelNames: ['what'],
    registers: [this.registry],
  });
  readonly applied = new Counter({
    name: 'fim_operator_applied_total',
    help: 'EnvoyFilters applied.',
    registers: [this.registry],
  });
  readonly probes = new Counter({
    name: 'fim_operator_proxy_probes_total',
    help: 'Looks at proxies.',
    labelNames: ['result'],
    registers: [this.registry],
  });
  readonly routes = new Gauge({
    name: 'fim_operator_routes',
    help: 'FinancialRoutes by condition.',
    labelNames: ['condition', 'status'],
    registers: [this.registry],
  });
  readonly baselines = new Gauge({
    name: 'fim_operator_baselines',
    help: 'FinancialBaselines by condition.',
    labelNames: ['condition', 'status'],
    registers: [this.registry],
  });
  readonly leftOut = new Gauge({
    name: 'fim_operator_left_out',
    help: 'Objects that are not looked at: more than a namespace may have, or too long to be read.',
    labelNames: ['resource'],
    registers: [this.registry],
  });
  readonly used = new Gauge({
    name: 'fim_operator_namespace_used_ratio',
    help: 'Part of a budget that a namespace has used; namespaces that have used less than half are not listed.',
    labelNames: ['namespace_of', 'budget'],
    registers: [this.registry],
  });
  readonly leading = new Gauge({
    name: 'fim_operator_leading',
    help: '1 while this replica leads.',
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }
}
