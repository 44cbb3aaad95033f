// Audit in a mesh: a collector of its own, the operator, and proxies that the test controls.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { BATCH_TYPE, HEADER_PROXY } from '../../services/audit/record.gen.ts';
import { newSourceId } from '../../services/audit/uuid.ts';
import type { RunningCollector } from '../../services/audit/start-collector.ts';
import { readOptions } from '../../istio/operator/options.ts';
import { judgeAudit, noAudit, type AuditBook, type AuditLook } from '../../istio/operator/plan/audited.ts';
import { AUDIT_STUCK_MS } from '../../istio/limits.ts';
import { assertRestricted, BASE, resourcesOf } from './manifest-files.ts';
import { collectorFor, messageLine } from '../audit/writers.ts';
import { Rig } from './rig.ts';
import { until } from './until.ts';

const GATEWAY = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
const AUDITED = { match: { path: { value: '/transfers' } }, audit: { mode: 'Sync' } };
const PLAIN = { match: { path: { value: '/rates' } }, rateLimit: { requests: 5, period: '1s' } };

/** A record as the Envoy of a proxy sends it. */
async function send({ url }: RunningCollector, proxy: string): Promise<number> {
  const answer = await fetch(`${url}/v1/batches`, {
    method: 'POST',
    headers: { 'content-type': BATCH_TYPE, [HEADER_PROXY]: proxy },
    body: `${messageLine(newSourceId(), 1)}\n`,
  });
  return answer.status;
}

async function audited(t: TestContext): Promise<{ rig: Rig; collector: RunningCollector }> {
  const collector = await collectorFor(t);
  const rig = await Rig.start(t, (_, rig) => (rig.collector = new URL(collector.url)));
  return { rig, collector };
}

describe('a route that asks for records', () => {
  it('is refused where the operator knows no collector, and others are not', async (t) => {
    const rig = await Rig.start(t);
    rig.route('transfers', AUDITED);
    rig.route('rates', PLAIN);
    const { message } = await rig.condition('transfers', 'Accepted', 'False', 'Invalid');
    assert.match(message, /FIM-CFG-1121 .*--audit/);
    await rig.condition('rates', 'Accepted', 'True');
    assert.equal(rig.filter('fim-audit'), undefined);
    assert.deepEqual(
      rig.config('fim-gateways')?.routes.map(({ name }) => name),
      ['demo/rates'],
    );
  });

  it('gives its namespace a cluster to the collector, which goes with the last such route', async (t) => {
    const { rig } = await audited(t);
    rig.route('rates', PLAIN);
    rig.route('transfers', AUDITED);
    await until('a cluster', () => rig.filter('fim-audit') !== undefined);
    const text = JSON.stringify(rig.filter('fim-audit')!.spec);
    assert.match(text, /%ENVIRONMENT\(POD_NAME\)%\.%ENVIRONMENT\(POD_NAMESPACE\)%/);
    await until('in force', () => rig.config('fim-gateways')?.routes.length === 2);
    rig.server.remove('financialroutes', 'demo', 'transfers');
    await until('no cluster', () => rig.filter('fim-audit') === undefined);
  });

  it('is Audited when the collector has records of each proxy that runs it, and not before', async (t) => {
    const { rig, collector } = await audited(t);
    const proxies = [await rig.pod('gw-1', GATEWAY), await rig.pod('gw-2', GATEWAY)];
    rig.route('transfers', AUDITED);
    rig.route('rates', PLAIN);
    await until('in force', () => rig.config('fim-gateways')?.routes.length === 2);
    for (const proxy of proxies) proxy.take(rig.config('fim-gateways')!.generation);
    const first = await rig.condition('transfers', 'Audited', 'Unknown', 'NothingSent');
    assert.match(first.message, /0 of 2 proxies; gw-1, gw-2 had none/);
    await rig.condition('transfers', 'Ready', 'True');
    assert.equal(
      rig.status('rates')!.conditions.find(({ type }) => type === 'Audited'),
      undefined,
    );
    // Records of somebody with a proxy's name prove nothing of a proxy that has written none.
    for (const name of ['gw-1.demo', 'gw-2.demo', 'gw-2.other']) assert.equal(await send(collector, name), 200);
    proxies[0]!.audit = { written: 1, acknowledged: 1, lost: 0, waiting: 0 };
    const half = await rig.condition('transfers', 'Audited', 'Unknown', 'NothingSent').then(() =>
      until('one of two', () => {
        const found = rig.status('transfers')!.conditions.find(({ type }) => type === 'Audited');
        return found?.message.includes('1 of 2') ? found : undefined;
      }),
    );
    assert.match(half.message, /gw-2 had none/);
    proxies[1]!.audit = { written: 3, acknowledged: 3, lost: 2, waiting: 0 };
    const whole = await rig.condition('transfers', 'Audited', 'True', 'Audited');
    assert.match(whole.message, /2 of 2 proxies\. 2 records were dropped/);
    // The operator that comes after it knows it from the status, though the collector has forgotten.
    await collector.stop();
    await rig.stopOperator();
    await rig.startOperator();
    await rig.quiet();
    assert.equal(rig.status('transfers')!.conditions.find(({ type }) => type === 'Audited')?.status, 'True');
  });
});

describe('what is said of one proxy', () => {
  const START = 1_000_000;
  const book: AuditBook = { seenAt: new Map([['gw-1.demo', START + 60_000]]) };
  const look = (reading: Partial<AuditLook['reading']>, more: Partial<AuditLook> = {}): AuditLook => ({
    name: 'gw-1',
    namespace: 'demo',
    reading: { written: 0, acknowledged: 0, lost: 0, waiting: 0, ...reading },
    startedAt: START,
    provenAt: undefined,
    book,
    now: START + 100_000,
    ...more,
  });

  it('records that wait and do not move are told after a time, and forgotten when they do', () => {
    const start = noAudit();
    let memory = judgeAudit(start, undefined, look({ written: 5, acknowledged: 2, waiting: 3 }));
    assert.deepEqual([start.delivered, start.stuck], [1, []]);
    const step = (acknowledged: number, waiting: number, now: number): string[] => {
      const state = noAudit();
      memory = judgeAudit(state, memory, look({ written: 9, acknowledged, waiting }, { now }));
      return state.stuck;
    };
    assert.deepEqual(step(2, 4, START + 101_000), []);
    assert.deepEqual(step(2, 4, START + 101_000 + AUDIT_STUCK_MS), ['gw-1']);
    assert.deepEqual(step(5, 4, START + 140_000), []);
    assert.deepEqual(step(5, 0, START + 190_000), []);
  });

  it('a process that is new has to send its own, and one of another namespace proves nothing', () => {
    const cases: [string, AuditLook, Partial<ReturnType<typeof noAudit>>][] = [
      ['restarted since', look({ written: 4, acknowledged: 4 }, { startedAt: START + 90_000 }), { delivered: 0 }],
      ['restarted, and silent', look({}, { startedAt: START + 90_000 }), { delivered: 0, silent: ['gw-1'] }],
      ['of another namespace', look({ written: 1, acknowledged: 1 }, { namespace: 'pay' }), { delivered: 0 }],
      ['the collector is silent', look({ written: 1 }, { book: { problem: 'away' } }), { problem: 'away' }],
    ];
    for (const [name, one, expected] of cases) {
      const state = noAudit();
      judgeAudit(state, undefined, one);
      assert.deepEqual({ ...state, ...expected }, state, name);
    }
  });
});

describe('the manifests of a collector', () => {
  it('run one, restricted as its namespace asks, which nobody reaches but by its port', () => {
    const all = resourcesOf(path.resolve(BASE, '../audit'));
    const deployments = all.filter(({ kind }) => kind === 'Deployment');
    assert.deepEqual(
      deployments.map(({ spec }) => spec?.replicas),
      [1],
    );
    deployments.forEach(assertRestricted);
    const policy = all.find(({ kind }) => kind === 'NetworkPolicy')?.spec as {
      ingress?: { ports: { port: number }[] }[];
      egress?: unknown[];
    };
    assert.deepEqual(
      policy.ingress?.flatMap(({ ports }) => ports.map(({ port }) => port)),
      [9466],
    );
    assert.deepEqual(policy.egress, []);
  });
});

describe('options of the collector', () => {
  const options = (...more: string[]): ReturnType<typeof readOptions> =>
    readOptions(['--modules', 'm', '--module-url', 'http://m/{sha256}.wasm', ...more], {});

  it('are read, and mistakes are named', () => {
    const read = options('--audit', 'https://fim-audit.fim-system.svc:9466', '--audit-proxy-files', 'token,ca');
    assert.ok(typeof read !== 'string');
    assert.deepEqual(read.audit.proxyFiles, ['token', 'ca']);
    assert.equal(read.audit.proxyFolder, '/etc/fim/audit');
    for (const [args, words] of [
      [['--audit', 'fim-audit'], /--audit is no http/],
      [['--audit', 'http://fim-audit:9466'], /--audit: fim-audit would be completed/],
      [['--audit-proxy-files', 'tokens'], /--audit-proxy-files is of token/],
      [['--audit-proxy-folder', 'etc'], /--audit-proxy-folder is no absolute path/],
    ] as [string[], RegExp][]) {
      const answer = options(...args);
      assert.ok(typeof answer === 'string' && words.test(answer), String(answer).split('\n')[0]);
    }
  });
});
