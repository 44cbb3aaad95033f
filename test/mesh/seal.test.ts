// The native seal behind FIM: whatever takes the filter out of a proxy's chain, what a route may concern does not come
// by, strangers do, and the status says so.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { readMetrics } from '../../istio/operator/plan/evidence.ts';
import { problemOf, send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { OperatedMesh } from './operated-mesh.ts';
import type { KubeObject } from './stack/cluster-objects.ts';
import { NAMESPACE, RAW_PORT, rawPortObjects } from './stack/topology.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const GOOD = '{"account":"1234"}';
const BAD = '{"account":"12"}';
const GATEWAY_ROUTE = route('paying', {
  match: { path: { type: 'Prefix', value: '/pay' } },
  validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] },
});

/** Another's patch that removes a filter from all chains of a context. */
function removing(name: string, filter: string, context: string): KubeObject {
  const match = {
    context,
    listener: {
      filterChain: { filter: { name: 'envoy.filters.network.http_connection_manager', subFilter: { name: filter } } },
    },
  };
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name, namespace: NAMESPACE },
    spec: { priority: 100_000, configPatches: [{ applyTo: 'HTTP_FILTER', match, patch: { operation: 'REMOVE' } }] },
  };
}

describe('the seal', () => {
  let stack: OperatedMesh;
  const status = async (body: string, path: string): Promise<number> => (await send(stack.url, { body, path })).status;
  const names = async (): Promise<string[]> => (await stack.objects()).map(({ metadata }) => metadata.name).sort();

  before(async () => void (stack = await OperatedMesh.start()), { timeout: SET_UP_MS });
  after(() => stack?.stop());

  it('stands behind the filter once every proxy runs it', async () => {
    await stack.apply(GATEWAY_ROUTE);
    await stack.condition('paying', 'Programmed', 'True');
    await until('the seal is there', async () => (await names()).includes('fim-seal-gateways'));
    await until('it is in the chain of the gateway', async () => (await stack.gateway.stats('rbac.fim_seal')).size > 0);
    // Reading of the operator, from the statistics that Istio's proxies export by default.
    const shown = readMetrics(await (await fetch(stack.gateway.metricsUrl)).text(), Date.now());
    assert.deepEqual([shown?.chains.size, shown?.draining, shown?.warming, shown?.listeners], [1, 0, 0, 3]);
    assert.equal(await status(GOOD, '/pay'), 200);
    assert.equal(await status(BAD, '/pay'), 422);
    assert.equal(await status(BAD, '/other'), 200);
  });

  it('a new route is sealed without a new listener', async () => {
    const listeners = async (): Promise<number> =>
      (await stack.gateway.stats('listener_manager.listener_(added|modified|in_place_updated)'))
        .values()
        .reduce((sum, count) => sum + count, 0);
    const before = await listeners();
    await stack.apply(
      route('fund', {
        match: { path: { type: 'Prefix', value: '/fund' } },
        validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] },
      }),
    );
    await stack.condition('fund', 'Programmed', 'True');
    await until('the scope of the seal has it', async () =>
      JSON.stringify(
        (await stack.objects()).find(({ metadata }) => metadata.name === 'fim-seal-gateways')?.spec,
      ).includes('fund'),
    );
    assert.equal(await listeners(), before);
    await stack.remove('fund');
  });

  it('a neighbour takes FIM out of the chain: refused, told, and strangers go on', async () => {
    const neighbour = removing('neighbour', 'fim.gateways', 'GATEWAY');
    await stack.mesh.objects.apply(neighbour);
    await until('nothing comes by', async () => (await status(GOOD, '/pay')) === 503);
    assert.equal(problemOf(await send(stack.url, { body: GOOD, path: '/pay' })).code, 'FIM-RT-0020');
    for (const path of ['/pay', '/pay/x', '//pay', '/%70ay', '/x/..;/pay', '/pay;a=1'])
      assert.notEqual(await status(BAD, path), 200, path);
    assert.equal(await status(BAD, '/other'), 200);
    const { message } = await stack.condition('paying', 'Programmed', 'False', 'ForeignPatch');
    assert.match(message, /demo\/neighbour \(REMOVE of filter fim\.gateways\)/);
    await stack.mesh.objects.remove(neighbour);
    await until(
      'FIM judges again',
      async () => (await status(BAD, '/pay')) === 422 && (await status(GOOD, '/pay')) === 200,
    );
  });

  it('the filter is deleted by hand while no operator is there: refused', async () => {
    await stack.operator.stop();
    const filter = {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata: { name: 'fim-gateways', namespace: NAMESPACE },
    };
    await stack.mesh.objects.remove(filter);
    await until('nothing comes by', async () => (await status(GOOD, '/pay')) === 503);
    await until('strangers do', async () => (await status(BAD, '/other')) === 200);
    stack.operator = await stack.mesh.addOperator('second');
    await until(
      'FIM judges again',
      async () => (await status(BAD, '/pay')) === 422 && (await status(GOOD, '/pay')) === 200,
    );
    await stack.condition('paying', 'Programmed', 'True');
  });

  it('leaves before the filter, and nothing stays', async () => {
    await stack.remove('paying');
    await until('no object is left', async () => (await names()).length === 0);
    assert.equal(await status(BAD, '/pay'), 200);
  });

  it('at a sidecar: in its inbound chain', async () => {
    await stack.apply(
      route('inbound', {
        selector: { matchLabels: { app: 'web' } },
        validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] },
      }),
    );
    await stack.condition('inbound', 'Programmed', 'True');
    await until('the seal is in the chain', async () => (await stack.sidecar.stats('rbac.fim_seal')).size > 0);
    assert.equal(await status(GOOD, '/'), 200);
    const [{ metadata: { name = '' } = { name: '' } } = {} as KubeObject] = (await stack.filters()).filter(
      ({ metadata }) => metadata.name.startsWith('fim-sidecars'),
    );
    const neighbour = removing('neighbour', `fim.${name.replace('fim-', '')}`, 'SIDECAR_INBOUND');
    await stack.mesh.objects.apply(neighbour);
    await until('nothing comes by', async () => (await status(GOOD, '/')) === 503);
    await stack.mesh.objects.remove(neighbour);
    await stack.remove('inbound');
    await until('no object is left', async () => (await names()).length === 0);
  });

  it('a port that is not HTTP leads past no policy: it is refused, and the status says which', async () => {
    await stack.mesh.objects.applyAll(rawPortObjects('web', stack.sidecar.address, stack.upstream.url));
    const raw = async (): Promise<string> => {
      const socket = connect({ host: stack.sidecar.address, port: RAW_PORT });
      let said = '';
      socket.setEncoding('utf8').on('data', (text: string) => (said += text));
      socket.on('error', () => undefined);
      socket.end('GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n');
      await new Promise<void>((over) => socket.on('close', () => over()));
      return said;
    };
    await until('it leads to the workload', async () => (await raw()).includes('200 OK'));
    await stack.apply(
      route('inbound', {
        selector: { matchLabels: { app: 'web' } },
        validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] },
      }),
    );
    await stack.condition('inbound', 'Programmed', 'True');
    await until('it is refused', async () => (await raw()) === '');
    const { message } = await stack.condition('inbound', 'Covered', 'True');
    assert.match(message, /Judged: web:8000\. Refused: web:8002 \(not HTTP\)\./);
    // The command says the same from outside, by the same objects: the gateway has no route.
    const report = await stack.coverage();
    assert.equal(report.covered, false);
    assert.deepEqual(
      report.doors.map(({ kind, door, state, routes }) => [kind, door, state, routes]),
      [
        ['IstioGateway', 'gw-0:8080', 'NotCovered', []],
        ['Service', 'web:8000', 'Enforced', ['inbound']],
        ['Service', 'web:8002', 'Refused', ['inbound']],
        // Its Sidecar names both, too.
        ['Sidecar', 'web:8000', 'Enforced', ['inbound']],
        ['Sidecar', 'web:8002', 'Refused', ['inbound']],
      ],
    );
    await stack.remove('inbound');
    await until('it leads to the workload again', async () => (await raw()).includes('200 OK'));
  });
});
