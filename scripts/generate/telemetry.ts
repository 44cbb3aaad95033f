// Generates Grafana dashboards, Prometheus rules and the run-book of alerts from envoy/telemetry/telemetry.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { metricModel, type MetricModel } from './metrics.ts';
import { banner, cell, type Output } from './output.ts';

const SOURCE = 'envoy/telemetry/telemetry.json';
const RUN_BOOK = 'docs/run-book.md';
/** Width of Grafana's grid, and size of a panel in it. */
const GRID = 24;
const WIDTH = 8;
const HEIGHT = 8;
const SEVERITIES = ['critical', 'warning'];

interface Query {
  query: string;
  legend: string;
}

interface Panel {
  title: string;
  titleZh: string;
  unit: string;
  kind?: 'stat';
  queries: Query[];
}

export interface Board {
  name: string;
  title: string;
  titleZh: string;
  panels: Panel[];
}

/** An alert is `query` `operator` `threshold`, for the time `for`. */
export interface Alert {
  name: string;
  severity: string;
  query: string;
  operator: string;
  threshold: number;
  for: string;
  summary: string;
  summaryZh: string;
  meaning: string;
  look: string;
  do: string;
  /** Series that make it fire, in the notation of promtool, a value a minute. */
  series: Record<string, string>;
}

export interface Telemetry {
  /** Metrics besides those of the modules, by the source that declares them. */
  others: Record<string, string[]>;
  boards: Board[];
  alerts: Alert[];
}

/** The boards and alerts. Throws if a query names a metric that nobody counts. */
export function telemetryModel(repository: string): Telemetry {
  const model = JSON.parse(readFileSync(join(repository, SOURCE), 'utf8')) as Telemetry;
  const problem = telemetryProblem(model, metricModel(repository));
  if (problem !== undefined) throw new Error(`${SOURCE}: ${problem}`);
  return model;
}

/** The first thing that is wrong. Undefined: nothing. */
export function telemetryProblem({ others, boards, alerts }: Telemetry, { metrics }: MetricModel): string | undefined {
  const known = new Set(Object.values(others).flat());
  for (const { name, type } of metrics) {
    const shown = name.replaceAll('.', '_');
    for (const ending of type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) known.add(shown + ending);
  }
  const queries = [
    ...boards.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ query }) => query))),
    ...alerts.map(({ query }) => query),
  ];
  for (const query of queries)
    for (const [name] of query.matchAll(/\bfim_\w+/g))
      if (!known.has(name) && !known.has(name.replace(/_bucket$/, ''))) return `nobody counts ${name}`;
  const names = [...boards, ...alerts].map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) return `${twice} stands twice`;
  return alerts.find(({ severity }) => !SEVERITIES.includes(severity))?.name;
}

function dashboard({ name, title, panels }: Board): object {
  return {
    uid: `fim-${name}`,
    title,
    tags: ['fim'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus', current: {} }],
    },
    panels: panels.map((panel, index) => ({
      id: index + 1,
      title: panel.title,
      description: panel.titleZh,
      type: panel.kind ?? 'timeseries',
      datasource: { type: 'prometheus', uid: '${datasource}' },
      gridPos: {
        x: (index * WIDTH) % GRID,
        y: Math.floor((index * WIDTH) / GRID) * HEIGHT,
        w: WIDTH,
        h: HEIGHT,
      },
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      targets: panel.queries.map(({ query, legend }, n) => ({
        refId: String.fromCharCode(65 + n),
        expr: query,
        legendFormat: legend,
        datasource: { type: 'prometheus', uid: '${datasource}' },
      })),
    })),
  };
}

/** Rule groups in the form of Prometheus. */
export function ruleGroups(alerts: readonly Alert[]): object {
  return {
    groups: [
      {
        name: 'fim',
        rules: alerts.map((alert) => ({
          alert: alert.name,
          expr: `${alert.query} ${alert.operator} ${alert.threshold}`,
          for: alert.for,
          labels: { severity: alert.severity },
          annotations: {
            summary: `${alert.summary}.`,
            summary_zh: `${alert.summaryZh}。`,
            runbook: `${RUN_BOOK}#${alert.name.toLowerCase()}`,
          },
        })),
      },
    ],
  };
}

function runBook({ alerts, boards }: Telemetry): string {
  const lines = [
    `${banner(SOURCE, '<!--')} -->`,
    '',
    '# Run-book',
    '',
    'The alerts of the proxies, what each means, where to look and what to do. Their rules: [envoy/telemetry](../envoy/telemetry/README.md). Codes of refusals: [errors.md](errors.md).',
    '',
    '| alert | severity | when |',
    '|---|---|---|',
    ...alerts.map(
      ({ name, severity, query, operator, threshold, for: time }) =>
        `| [${name}](#${name.toLowerCase()}) | ${severity} | \`${cell(`${query} ${operator} ${threshold}`)}\` for ${time} |`,
    ),
  ];
  for (const alert of alerts)
    lines.push(
      '',
      `## ${alert.name}`,
      '',
      `${alert.summary}. ${alert.summaryZh}。`,
      '',
      `- **It means:** ${alert.meaning}`,
      `- **Look at:** ${alert.look}`,
      `- **Do:** ${alert.do}`,
    );
  lines.push('', '## Boards', '', '| board | panels |', '|---|---|');
  for (const { name, title, panels } of boards)
    lines.push(
      `| [${title}](../envoy/telemetry/grafana/${name}.json) | ${panels.map((panel) => panel.title).join('; ')} |`,
    );
  return `${lines.join('\n')}\n`;
}

/** Boards, rules and the run-book. */
export function telemetryOutputs(repository: string): Output[] {
  if (!existsSync(join(repository, SOURCE))) return [];
  const model = telemetryModel(repository);
  const rules = ruleGroups(model.alerts);
  const note = banner(SOURCE, '#');
  const resource = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'fim-proxies', namespace: 'fim-system' },
    spec: rules,
  };
  const options = { lineWidth: 0 };
  return [
    ...model.boards.map((board) => ({
      path: `envoy/telemetry/grafana/${board.name}.json`,
      text: `${JSON.stringify(dashboard(board), null, 2)}\n`,
    })),
    { path: 'envoy/telemetry/alerts.yaml', text: `${note}\n${stringify(rules, options)}` },
    { path: 'istio/manifests/production/proxy-alerts.yaml', text: `${note}\n${stringify(resource, options)}` },
    { path: RUN_BOOK, text: runBook(model) },
  ];
}
