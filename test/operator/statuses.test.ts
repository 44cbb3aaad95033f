// Writes of route statuses: only changed ones, once. One object's failure does not affect others. A summary condition
// is included.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConditionDraft } from '../../envoy/route/index.ts';
import { EVENTS_OF_A_KIND } from '../../istio/limits.ts';
import { EventSink } from '../../istio/operator/events.ts';
import { KubeApi } from '../../istio/operator/kube/api.ts';
import { summaryOf } from '../../istio/operator/plan/status.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { NAMESPACE, Rig } from './rig.ts';
import { until } from './until.ts';

const limit = (index: number, requests = 10): object => ({
  match: { path: { type: 'Prefix', value: `/r${index}` } },
  rateLimit: { requests, period: '1s' },
});
const ROUTES = 101;

describe('one edit among many routes of a workload', () => {
  it('changes the status of that route, and no other is taken for unproven meanwhile', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', { 'gateway.networking.k8s.io/gateway-name': 'edge' });
    for (let index = 0; index < ROUTES; index++)
      rig.route(
        `r${index}`,
        limit(index),
        `2026-01-01T00:${String(index % 60).padStart(2, '0')}:${String(Math.floor(index / 60)).padStart(2, '0')}Z`,
      );
    await until('all in force', () => rig.config('fim-gateways')?.routes.length === ROUTES);
    const programmed = (): number =>
      Array.from(
        { length: ROUTES },
        (_, index) => rig.status(`r${index}`)?.conditions.find(({ type }) => type === 'Programmed')?.status === 'True',
      ).filter(Boolean).length;
    proxy.take(rig.config('fim-gateways')!.generation);
    await until('all proven', () => programmed() === ROUTES);
    await rig.quiet();
    const { generation } = rig.config('fim-gateways')!;
    const before = rig.server.requests.length;
    const told = rig.server.all('events').length;
    rig.route('r77', limit(77, 99));
    await rig.condition('r77', 'Programmed', 'False', 'Pending');
    assert.equal(programmed(), ROUTES - 1, 'the others are enforced as they were');
    const next = rig.config('fim-gateways')!.generation;
    assert.ok(next > generation);
    proxy.take(next);
    await rig.condition('r77', 'Programmed', 'True');
    await rig.quiet();
    const after = rig.server.requests.slice(before);
    const count = (line: string): number => after.filter((request) => request === line).length;
    // The edited route on its way and in force; and the oldest, where the proof is written.
    assert.ok(count('patch financialroutes/status') <= 6, `${count('patch financialroutes/status')} patches`);
    // The event that sums up the first proof of all is put off for a while.
    const fresh = rig.server.all('events').slice(told);
    const events = fresh.flatMap(({ message }) => (String(message).startsWith('The same of') ? [] : [String(message)]));
    assert.ok(events.length <= 1, events.join('\n'));
    assert.equal(rig.status('r0')?.workloads?.[0]?.generation, next, 'what an operator that starts reads');
    // A proxy that was not part of the proof is probed for all routes.
    const other = await rig.pod('gw-2', { 'gateway.networking.k8s.io/gateway-name': 'edge' });
    await rig.condition('r5', 'Programmed', 'False', 'Pending');
    other.take(next);
    await rig.condition('r5', 'Programmed', 'True');
  });
});

describe('an object of the key service that the API server refuses', () => {
  it('concerns the routes that name keys, and no others', async (t) => {
    const rig = await Rig.start(t, (server) => server.refuse('patch', 'envoyfilters', 'fim-kms'));
    rig.kms.keys.set('prod/one', {});
    rig.route('keyless', limit(1));
    rig.route('fund', {
      match: { path: { value: '/fund' } },
      encryption: { keyId: 'kms://prod/one', request: 'Encrypt' },
    });
    await until('both in force', () => rig.config('fim-gateways')?.routes.length === 2);
    const failed = await rig.condition('fund', 'Programmed', 'False', 'NotApplied');
    assert.match(failed.message, /fim-kms: the API server refuses the object: .*Denied/);
    assert.notEqual(rig.status('keyless')?.conditions.find(({ type }) => type === 'Programmed')?.reason, 'NotApplied');
    await until('an event', () =>
      rig.server.all('events').some(({ reason, type }) => reason === 'NotApplied' && type === 'Warning'),
    );
    rig.server.refuse('', '', '');
    await until('the object', () => rig.filter('fim-kms'));
    await rig.condition('fund', 'Programmed', 'Unknown');
  });
});

describe('events', () => {
  it('that say the same of many routes are some, and one for the rest', async (t) => {
    const server = new FakeApiServer();
    await server.start();
    const api = new KubeApi(server.config());
    t.after(async () => {
      api.close();
      await server.stop();
    });
    const sink = new EventSink(api, (message) => assert.fail(message));
    const about = (index: number): Parameters<EventSink['tell']>[0] => ({
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialRoute',
      metadata: { name: `r${index}`, namespace: NAMESPACE, uid: String(index) },
    });
    const condition = {
      type: 'Programmed',
      status: 'False',
      reason: 'Refused',
      message: 'no',
      lastTransitionTime: '',
    } as const;
    for (let index = 0; index < 100; index++) sink.tell(about(index), condition);
    sink.tell(about(7), { ...condition, reason: 'NotApplied' });
    await sink.flush();
    const events = server.all('events');
    assert.equal(events.length, EVENTS_OF_A_KIND + 2);
    assert.ok(
      events.some(
        ({ message }) => message === `The same of ${100 - EVENTS_OF_A_KIND - 1} more routes of this namespace. no`,
      ),
    );
  });
});

describe('Ready and Stalled', () => {
  const draft = (type: string, status: ConditionDraft['status'], reason: string): ConditionDraft => ({
    type,
    status,
    reason,
    message: `${type} says so`,
    observedGeneration: 4,
  });
  const good = [
    draft('Accepted', 'True', 'Accepted'),
    draft('ResolvedRefs', 'True', 'ResolvedRefs'),
    draft('Programmed', 'True', 'Programmed'),
  ];
  const table: [string, ConditionDraft[], string][] = [
    ['all holds', good, 'Ready=True Ready'],
    ['a warning takes nothing away', [...good, draft('Warnings', 'True', 'NearBudget')], 'Ready=True Ready'],
    ['on its way', [...good.slice(0, 2), draft('Programmed', 'False', 'Pending')], 'Ready=False Pending'],
    ['nobody to ask', [...good.slice(0, 2), draft('Programmed', 'Unknown', 'NoProxies')], 'Ready=Unknown NoProxies'],
    [
      'a mistake',
      [draft('Accepted', 'False', 'Invalid'), draft('Programmed', 'False', 'Invalid')],
      'Ready=False Invalid, Stalled=True Invalid',
    ],
    [
      'no such key',
      [good[0]!, draft('ResolvedRefs', 'False', 'KeyNotFound'), draft('Programmed', 'False', 'KeyNotFound')],
      'Ready=False KeyNotFound, Stalled=True KeyNotFound',
    ],
    [
      'a silent key service',
      [good[0]!, draft('ResolvedRefs', 'Unknown', 'KmsUnreachable'), good[2]!],
      'Ready=Unknown KmsUnreachable',
    ],
    [
      'False is worse than Unknown',
      [good[0]!, draft('ResolvedRefs', 'Unknown', 'KmsUnreachable'), draft('Programmed', 'False', 'Refused')],
      'Ready=False Refused, Stalled=True Refused',
    ],
  ];
  for (const [what, conditions, expected] of table) {
    it(what, () => {
      const found = summaryOf(conditions);
      assert.equal(found.map(({ type, status, reason }) => `${type}=${status} ${reason}`).join(', '), expected);
      assert.ok(found.every(({ observedGeneration }) => observedGeneration === 4));
    });
  }
});
