// Boards and alerts with a real Prometheus: every query has data under real traffic, and every alert fires for what it is
// about.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import { OperatorMetrics } from '../../../istio/operator/metrics.ts';
import { ruleGroups, telemetryModel } from '../../../scripts/generate/telemetry.ts';
import { CollectorMetrics } from '../../../services/audit/metrics.ts';
import { LimitMetrics } from '../../../services/limits/metrics.ts';
import { Harness, type HarnessOptions } from '../../e2e/harness.ts';
import { CONTRACT } from '../../e2e/resources.ts';
import { Certificates, TlcpClient } from '../../e2e/tlcp-client.ts';
import { TlcpModule } from '../../../scripts/fim/tlcp-module.ts';
import { Prometheus, promtool, type Target } from './prometheus.ts';

const ROOT = join(import.meta.dirname, '../../..');
const MODEL = telemetryModel(ROOT);
const RULES = join(ROOT, 'envoy/telemetry/alerts.yaml');

/** Labels of alerts whose query keeps some. */
const EXTRA_LABELS: Record<string, Record<string, string>> = {
  FimKeyUnavailable: { reason: 'outage' },
  FimKeyWornOut: { key: 'prod/a' },
};
/** Alerts on something that happened once, five minutes after the beginning of its series. */
const FIRES_AT: Record<string, string> = Object.fromEntries(
  MODEL.alerts
    .filter(({ series }) => Object.values(series).some((values) => values.startsWith('0x5 1x')))
    .map(({ name }) => [name, '8m']),
);

const route = (name: string, spec: string): string => `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
  ${spec}
---`;

const FIELDS = '{fields: [{name: code, pattern: "^1"}]}';
const STABLE = [
  route(
    'pay',
    `validation: ${FIELDS}\n  canary: {mode: Shadow, spec: {validation: {fields: [{name: code, pattern: "^[12]"}]}}}`,
  ),
  route('seen', `enforcement: Observe\n  validation: ${FIELDS}`),
  route('cards', 'masking: {fields: [{name: pan, kind: BankCard}]}'),
  route('limit', 'rateLimit: {limits: [{name: each, requests: 1, period: 1m}]}'),
  route('secret', 'encryption: {keyId: "kms://prod/secret", request: Encrypt}'),
].join('');
const CANARY = [
  route(
    'pay',
    `validation: ${FIELDS}\n  canary: {header: {name: X-Canary, value: new, setBy: the test}, percent: 50, hash: {header: X-User}, interval: 10m, spec: {validation: {fields: [{name: code, pattern: "^[12]"}]}}}`,
  ),
  route('secret', 'encryption: {keyId: "kms://prod/secret", request: Encrypt}'),
].join('');

async function start(t: TestContext, options: HarnessOptions): Promise<Harness> {
  const harness = await Harness.start(options);
  t.after(() => harness.stop());
  return harness;
}

const targetOf = ({ stack }: Harness): Target => ({
  address: `127.0.0.1:${stack.admin.port}`,
  path: '/stats/prometheus',
});

async function send({ url }: Harness, path: string, body: object, headers: Record<string, string> = {}): Promise<void> {
  const answer = await fetch(url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
  await answer.arrayBuffer();
}

/** Metrics of the services and the operator as they declare them, each with a number. */
async function services(t: TestContext): Promise<Target> {
  const [operator, limits, audit] = [new OperatorMetrics(), new LimitMetrics(), new CollectorMetrics()];
  operator.routes.set({ condition: 'Programmed', status: 'True' }, 1);
  operator.apiRequests.inc({ verb: 'get', resource: 'pods', code: '200' });
  for (const outcome of ['admitted', 'refused'] as const) limits.count(outcome);
  limits.storeUp.set(1);
  audit.records.inc({ outcome: 'taken' });
  const server = createServer((_request, response) => {
    operator.reconciles.observe({ stage: 'plan', result: 'ok' }, 0.01);
    void Promise.all([operator, limits, audit].map(({ registry }) => registry.metrics())).then((texts) =>
      response.setHeader('content-type', 'text/plain; version=0.0.4').end(texts.join('\n')),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, path: '/metrics' };
}

/** A hello that is none: the handshake fails. */
async function knock({ stack }: Harness): Promise<void> {
  const socket = connect(stack.listen.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.end(Buffer.from('160101000568656c6c6f', 'hex'));
  socket.resume();
  await once(socket, 'close');
}

/** A whole handshake. */
async function greet(module: TlcpModule, { stack }: Harness, { authority, client }: Certificates): Promise<void> {
  const made = await TlcpClient.ready(module, { port: stack.listen.port, trust: authority, identity: client });
  made.destroy();
}

describe('boards and alerts', () => {
  test('Prometheus takes the rules, as a file and as a resource of its operator', (t) => {
    const checked = promtool('check', 'rules', RULES);
    assert.equal(checked.status, 0, checked.output);
    assert.match(checked.output, new RegExp(`${MODEL.alerts.length} rules found`));
    const resource = parse(readFileSync(join(ROOT, 'istio/manifests/production/proxy-alerts.yaml'), 'utf8')) as {
      spec: object;
    };
    assert.deepEqual(resource.spec, ruleGroups(MODEL.alerts));
    const folder = mkdtempSync(join(tmpdir(), 'fim-rules-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const operatorRules = join(folder, 'operator.yaml');
    const { spec } = parse(readFileSync(join(ROOT, 'istio/manifests/production/alerts.yaml'), 'utf8')) as {
      spec: object;
    };
    writeFileSync(operatorRules, stringify(spec));
    assert.equal(promtool('check', 'rules', operatorRules).status, 0);
  });

  test('every alert fires for what it is about, and none without it', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'fim-rules-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const alertOf = ({ name, severity, summary, summaryZh }: (typeof MODEL.alerts)[number]): object => ({
      exp_labels: { severity, ...EXTRA_LABELS[name] },
      exp_annotations: {
        summary: `${summary}.`,
        summary_zh: `${summaryZh}。`,
        runbook: `docs/run-book.md#${name.toLowerCase()}`,
      },
    });
    const tests = MODEL.alerts.map((alert) => ({
      name: alert.name,
      interval: '1m',
      input_series: Object.entries(alert.series).map(([series, values]) => ({ series, values })),
      alert_rule_test: MODEL.alerts.map((other) => ({
        eval_time: FIRES_AT[alert.name] ?? '20m',
        alertname: other.name,
        exp_alerts: other.name === alert.name ? [alertOf(alert)] : [],
      })),
    }));
    const file = join(folder, 'rules.test.yaml');
    writeFileSync(file, stringify({ rule_files: [RULES], evaluation_interval: '1m', tests }));
    const { status, output } = promtool('test', 'rules', file);
    assert.equal(status, 0, output);
  });

  test('every query of every board and alert has data under real traffic', async (t) => {
    const certificates = await Certificates.make();
    const module = await TlcpModule.load();
    const [stable, canary, national] = await Promise.all([
      start(t, { routes: STABLE }),
      start(t, { routes: CANARY, withKms: (kms) => (kms.mood = { status: 503, body: '' }) }),
      start(t, { routes: CONTRACT, tlcp: certificates.identity }),
    ]);
    const prometheus = await Prometheus.start(
      [targetOf(stable), targetOf(canary), targetOf(national), await services(t)],
      [RULES],
    );
    t.after(() => prometheus.stop());
    const waiting = new Set([
      ...MODEL.boards.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ query }) => query))),
      ...MODEL.alerts.map(({ query }) => query),
    ]);
    let round = 0;
    const turn = async (): Promise<boolean> => {
      round++;
      await Promise.all([
        send(stable, '/pay', { code: '1' }),
        send(stable, '/pay', { code: '2' }),
        send(stable, '/seen', { code: '2' }),
        send(stable, '/cards', { pan: '6222021234567894' }),
        send(stable, '/limit', {}),
        send(stable, '/secret', { a: 1 }),
        send(canary, '/pay', { code: '2' }, { 'x-canary': 'new' }),
        send(canary, '/pay', { code: '3' }, { 'x-user': String(round) }),
        send(canary, '/secret', { a: 1 }),
        knock(national),
        greet(module, national, certificates),
      ]);
      for (const query of waiting)
        if ((await prometheus.series(query.replaceAll('$__rate_interval', '1m'))) > 0) waiting.delete(query);
      return waiting.size === 0;
    };
    // The queries that are left say more than that time is over.
    await stable.poll(turn).catch(() => undefined);
    assert.deepEqual([...waiting], []);
    const rules = await prometheus.rules();
    assert.equal(rules.length, MODEL.alerts.length);
    assert.deepEqual(
      rules.filter(({ health }) => health !== 'ok'),
      [],
    );
  });
});
