// Filter chains of the proxies: the seal comes after the filter and leaves before it, Programmed waits for draining
// listeners, a filter stands without routes, generations never go back.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RETIRE_SETTLE_MS } from '../../istio/limits.ts';
import { NAMESPACE, Rig } from './rig.ts';
import { until } from './until.ts';

const LIMIT = { match: { path: { type: 'Prefix', value: '/pay' } }, rateLimit: { requests: 10, period: '1s' } };
const GATEWAY_LABELS = { istio: 'ingressgateway' };
const STANDING = 'fim.financial/standing';

const patchesOf = (rig: Rig, name: string): string[] =>
  ((rig.filter(name)?.spec?.configPatches ?? []) as { applyTo: string; patch: { operation: string } }[]).map(
    ({ applyTo, patch }) => `${applyTo} ${patch.operation}`,
  );
const isRetired = (rig: Rig): boolean =>
  rig.filter('fim-gateways')?.metadata.annotations?.['fim.financial/retired-at'] !== undefined;

describe('filters in force', () => {
  it('behind a filter that proxies have already the seal comes when all run a module that stamps', async (t) => {
    const rig = await Rig.start(t, (server) =>
      server.put('envoyfilters', {
        metadata: {
          name: 'fim-gateways',
          namespace: NAMESPACE,
          labels: { 'app.kubernetes.io/managed-by': 'fim-operator' },
        },
        spec: { configPatches: [] },
      }),
    );
    const proxy = await rig.pod('gw-1', GATEWAY_LABELS);
    rig.route('limit', LIMIT);
    await rig.condition('limit', 'Programmed', 'False', 'Pending');
    assert.equal(rig.filter('fim-seal-gateways'), undefined, 'an older module would not stamp what it lets go on');
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('limit', 'Programmed', 'True');
    await until('the seal', () => rig.filter('fim-seal-gateways') !== undefined);
  });

  it('the seal comes with a new filter, behind it, and leaves before it; the filter leaves new listeners first', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', GATEWAY_LABELS);
    rig.route('limit', LIMIT);
    await rig.condition('limit', 'Programmed', 'False', 'Pending');
    await until('the seal', () => rig.filter('fim-seal-gateways') !== undefined);
    assert.ok(
      Number(rig.filter('fim-seal-gateways')!.metadata.resourceVersion) >
        Number(rig.filter('fim-gateways')!.metadata.resourceVersion),
      'no listener has the seal alone',
    );
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('limit', 'Programmed', 'True');
    await until('the seal', () => rig.filter('fim-seal-gateways') !== undefined);
    assert.deepEqual(patchesOf(rig, 'fim-seal-gateways'), [
      'EXTENSION_CONFIG ADD',
      'HTTP_FILTER INSERT_BEFORE',
      'NETWORK_FILTER MERGE',
    ]);
    assert.ok(
      Number(rig.filter('fim-seal-gateways')!.spec!.priority) > Number(rig.filter('fim-gateways')!.spec!.priority),
      'it stands behind the filter',
    );

    proxy.draining = 1;
    const { generation } = rig.config('fim-gateways')!;
    rig.server.remove('financialroutes', NAMESPACE, 'limit');
    await until('the filter leaves', () => isRetired(rig));
    assert.equal(rig.filter('fim-seal-gateways'), undefined);
    assert.deepEqual(patchesOf(rig, 'fim-gateways'), ['EXTENSION_CONFIG ADD']);
    assert.deepEqual(rig.config('fim-gateways')!.routes, []);
    const retired = Date.now();
    await until('longer than it takes to be heard of', () => Date.now() - retired > 2 * RETIRE_SETTLE_MS);
    assert.ok(rig.filter('fim-gateways'), 'connections of the old listener still ask for the configuration');
    proxy.draining = 0;
    await until('nothing is left', () => rig.filter('fim-gateways') === undefined);

    rig.route('limit', LIMIT);
    await until('the filter again', () => rig.config('fim-gateways') !== undefined);
    assert.ok(rig.config('fim-gateways')!.generation > generation, 'generations never go back');
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('limit', 'Programmed', 'True');
  });

  it('Programmed waits until no listener serves connections without the filter, once', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', GATEWAY_LABELS);
    proxy.draining = 2;
    rig.route('limit', LIMIT);
    await until('the object', () => rig.config('fim-gateways') !== undefined);
    proxy.take(rig.config('fim-gateways')!.generation);
    await until('what it waits for', () =>
      /2 listeners of gw-1 are drained: at most.*45 s/.test(
        rig.status('limit')?.conditions.find(({ type }) => type === 'Programmed')?.message ?? '',
      ),
    );
    assert.equal((await rig.condition('limit', 'Programmed', 'False', 'Pending')).status, 'False');
    proxy.draining = 0;
    await rig.condition('limit', 'Programmed', 'True');
    await until('the seal', () => rig.filter('fim-seal-gateways') !== undefined);
    await rig.quiet();
    // An edit makes no listener, so this one drains for another reason.
    proxy.draining = 1;
    rig.route('limit', { ...LIMIT, rateLimit: { requests: 20, period: '1s' } });
    const before = rig.config('fim-gateways')!.generation;
    await until('the edit', () => rig.config('fim-gateways')!.generation > before);
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('limit', 'Programmed', 'True');
  });

  it('where a namespace asks for it, the filter stands without routes, and the first route is an edit of it', async (t) => {
    const rig = await Rig.start(t, (server) => {
      server.put('namespaces', { metadata: { name: NAMESPACE, labels: { [STANDING]: 'all' } } });
      server.put('services', { metadata: { name: 'web', namespace: NAMESPACE }, spec: { selector: { app: 'web' } } });
    });
    await until(
      'both',
      () =>
        rig.config('fim-gateways') !== undefined &&
        rig.server.all('envoyfilters').some(({ metadata }) => metadata.name.startsWith('fim-sidecars-web')),
    );
    assert.deepEqual(rig.config('fim-gateways')!.routes, []);
    const before = JSON.stringify(patchesOf(rig, 'fim-gateways'));
    rig.route('limit', LIMIT);
    await until('the route', () => rig.config('fim-gateways')!.routes.length === 1);
    assert.equal(JSON.stringify(patchesOf(rig, 'fim-gateways')), before);
    rig.server.remove('financialroutes', NAMESPACE, 'limit');
    await until('no route', () => rig.config('fim-gateways')!.routes.length === 0);
    assert.equal(isRetired(rig), false);
  });

  it('a proxy without listeners is named and not counted, and those that lag are named', async (t) => {
    const rig = await Rig.start(t);
    const [one, idle] = [await rig.pod('gw-1', GATEWAY_LABELS), await rig.pod('gw-idle', GATEWAY_LABELS)];
    idle.listeners = 2;
    rig.route('limit', LIMIT);
    await until('who lags', () =>
      /0 of 1 proxy .*waiting for gw-1\..*gw-idle/.test(
        rig.status('limit')?.conditions.find(({ type }) => type === 'Programmed')?.message ?? '',
      ),
    );
    one.take(rig.config('fim-gateways')!.generation);
    const { message } = await rig.condition('limit', 'Programmed', 'True');
    assert.match(message, /1 proxy with 2 workers.*want of a listener: gw-idle/);
  });

  it('requests that come by without FIM, and a seal that is gone, are told', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', GATEWAY_LABELS);
    rig.route('limit', LIMIT);
    await until('the object', () => rig.config('fim-gateways') !== undefined);
    proxy.take(rig.config('fim-gateways')!.generation);
    await until('the seal', () => rig.filter('fim-seal-gateways') !== undefined);
    await rig.condition('limit', 'Programmed', 'True');
    await rig.quiet();
    // The operator has to have seen a count behind the seal that can grow. An edit makes it look.
    const { generation } = rig.config('fim-gateways')!;
    rig.route('limit', { ...LIMIT, rateLimit: { requests: 15, period: '1s' } });
    await until('the edit', () => rig.config('fim-gateways')!.generation > generation);
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('limit', 'Programmed', 'True');
    proxy.unseen = 5;
    rig.route('limit', { ...LIMIT, rateLimit: { requests: 20, period: '1s' } });
    const { message } = await rig.condition('limit', 'Programmed', 'False', 'Bypassed');
    assert.match(message, /FIM-OP-0011.*gw-1/);
    proxy.unseen = undefined;
    rig.route('limit', { ...LIMIT, rateLimit: { requests: 30, period: '1s' } });
    await until('both are told', () =>
      /FIM-OP-0012|FIM-OP-0011/.test(
        rig
          .status('limit')
          ?.conditions.find(({ type, observedGeneration }) => type === 'Programmed' && observedGeneration === 4)
          ?.message ?? '',
      ),
    );
  });

  it('an agent that did not get the module hears of it again, with growing pauses, and the pod that waits for its policy becomes ready then', async (t) => {
    const rig = await Rig.start(t);
    rig.route('limit', LIMIT);
    await until('the object', () => rig.config('fim-gateways') !== undefined);
    const first = rig.config('fim-gateways')!.generation;
    const proxy = await rig.pod('gw-late', GATEWAY_LABELS, true);
    // Its process is younger than the generation.
    proxy.startedAt = Date.now() + 20_000;
    proxy.downloadFailures = 2;
    await until('its gate is shut', () => rig.gate('gw-late') === 'False');
    await until('the configuration is given anew', () => rig.config('fim-gateways')!.generation > first);
    proxy.take(rig.config('fim-gateways')!.generation);
    await until('its gate opens', () => rig.gate('gw-late') === 'True');
    const other = await rig.pod('elsewhere', { app: 'x' }, true);
    assert.ok(other);
    await until('no route concerns it', () => rig.gate('elsewhere') === 'True');
  });
});
