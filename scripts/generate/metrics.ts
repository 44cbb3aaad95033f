// Generates names, tag rules and the reference of metrics from filters/metrics.json.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { banner, cell, type Output } from './output.ts';

const SOURCE = 'filters/metrics.json';
const NAME = /^fim(\.[a-z0-9_]+)*\.([a-z0-9_]+|\*)$/;
const LABEL = /^[a-z]+$/;
const TYPES = ['counter', 'gauge', 'histogram'];

interface Metric {
  /** `fim.area.what`; a last part `*` is a number. One with labels ends in `_total`. */
  name: string;
  type: string;
  unit: string;
  labels?: string[];
  help: string;
}

export interface MetricModel {
  labels: Record<string, { help: string; maxLength: number }>;
  metrics: Metric[];
}

/** The model. Throws if it contradicts itself. */
export function metricModel(repository: string): MetricModel {
  const model = JSON.parse(readFileSync(join(repository, SOURCE), 'utf8')) as MetricModel;
  const problem = problemOf(model);
  if (problem !== undefined) throw new Error(`${SOURCE}: ${problem}`);
  return model;
}

/** The first thing that is wrong with a model. Undefined: nothing. */
export function problemOf({ labels, metrics }: MetricModel): string | undefined {
  const names = Object.keys(labels);
  for (const label of names) {
    if (!LABEL.test(label)) return `label ${label} is not in small letters`;
    // The rule of one label would find the other too: a proxy looks for `suite=.=` anywhere in the name.
    if (names.some((other) => other !== label && other.endsWith(label))) return `another label ends in ${label}`;
    if (!metrics.some((metric) => metric.labels?.includes(label))) return `label ${label} is used nowhere`;
  }
  const seen = new Set<string>();
  for (const { name, type, unit, help, labels: own = [] } of metrics) {
    if (!NAME.test(name) || seen.has(name)) return `bad or repeated name ${name}`;
    if (!TYPES.includes(type) || unit === '' || help === '') return `${name} lacks type, unit or help`;
    if (own.length > 0 !== name.endsWith('_total')) return `${name}: names end in _total with labels, and only then`;
    if (type === 'histogram' && !name.endsWith('_ms')) return `${name}: a histogram says its unit, _ms`;
    const unknown = own.find((label) => labels[label] === undefined);
    if (unknown !== undefined) return `${name}: no label ${unknown}`;
    seen.add(name);
  }
  return undefined;
}

const constantOf = (name: string): string =>
  name
    .replace(/^fim\./, '')
    .replace(/\.\*$/, '')
    .replaceAll('.', '_');

/** A function that makes the name with its labels, which stand before the last part: what is left when they are taken out is the name. */
function labelledSource({ name, labels = [] }: Metric): string {
  const at = name.lastIndexOf('.') + 1;
  const called = constantOf(name).replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const pieces = labels.map((label, i) => `${i === 0 ? `'${name.slice(0, at)}` : "';.;"}${label}=.=' + ${label}`);
  const parameters = labels.map((label) => `${label}: string`).join(', ');
  return `export function ${called}(${parameters}): string {\n  return ${pieces.join(' + ')} + ';.;${name.slice(at)}';\n}`;
}

function filterSource({ metrics }: MetricModel): string {
  const plain = metrics.filter(({ labels }) => labels === undefined);
  const constants = plain.map(({ name }) => {
    const constant = constantOf(name).toUpperCase();
    return name.endsWith('.*')
      ? `/** Before the number. */\nexport const ${constant}: string = '${name.slice(0, -1)}';`
      : `export const ${constant}: string = '${name}';`;
  });
  const labelled = metrics.filter(({ labels }) => labels !== undefined).map(labelledSource);
  return `${banner(SOURCE)}\n// Names of metrics as the host gets them. Labels are written as Istio's proxies read them: \`label=.=value;.;\`.\n\n${constants.join('\n')}\n\n${labelled.join('\n\n')}\n`;
}

function tagSource({ labels }: MetricModel): string {
  const rows = Object.entries(labels).map(
    ([label, { maxLength }]) => `  { label: '${label}', maxLength: ${maxLength} },`,
  );
  return `${banner(SOURCE)}\n\n/** Labels of metrics, and the most characters of a value. */\nexport const METRIC_LABELS: readonly { label: string; maxLength: number }[] = [\n${rows.join('\n')}\n];\n`;
}

/** Name in Prometheus. */
export function prometheusName(name: string): string {
  return name.replace('*', 'N').replaceAll('.', '_');
}

function documentSource({ labels, metrics }: MetricModel): string {
  const names = Object.keys(labels);
  const rows = metrics.map(
    ({ name, type, unit, labels: own = [], help }) =>
      `| \`${prometheusName(name)}${own.length > 0 ? `{${own.join(', ')}}` : ''}\` | ${type} | ${unit} | ${cell(help)} |`,
  );
  const labelRows = Object.entries(labels).map(([label, { help }]) => `| \`${label}\` | ${cell(help)} |`);
  return `${banner(SOURCE, '<!--')} -->

# Metrics

What the modules count, as Prometheus reads it from \`/stats/prometheus\` of the proxy. No name and no label holds a value of a message. In \`/stats\` the same
names stand with dots, behind \`wasmcustom.\`, and with their labels inside: \`wasmcustom.fim.limit.limit=.=each;.;outcome=.=refused;.;requests_total\`.
Counters are those of all workers; a worker tells what it has counted at its next tick, within a second.

- \`fim up\` and \`fim render\` write the rules that make labels into Envoy's configuration (\`stats_config.stats_tags\`).
- In a mesh a proxy makes labels of the names that it is told when it starts: the annotation below on pods and gateways, or \`meshConfig.defaultConfig.extraStatTags\` for
  all of them. Proxies without it show the labels in the name: \`fim_limit_limit___each___outcome___refused___requests_total\`. FIM reads both.

\`\`\`yaml
sidecar.istio.io/extraStatTags: ${names.join(',')}
\`\`\`

| metric | type | unit | what |
|---|---|---|---|
${rows.join('\n')}

| label | values |
|---|---|
${labelRows.join('\n')}
`;
}

/** Names for the modules, labels for the proxy's configuration, and the reference. */
export function metricOutputs(repository: string): Output[] {
  if (!existsSync(join(repository, SOURCE))) return [];
  const model = metricModel(repository);
  return [
    { path: 'filters/metrics.gen.ts', text: filterSource(model) },
    { path: 'envoy/xds/metric-labels.gen.ts', text: tagSource(model) },
    { path: 'docs/metrics.md', text: documentSource(model) },
  ];
}
