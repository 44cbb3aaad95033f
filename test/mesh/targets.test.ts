// Routes that are for an HTTPRoute or a listener, on a real API server beside Istio's own word in the same statuses.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { OperatedMesh, type Condition } from './operated-mesh.ts';
import { NAMESPACE } from './stack/topology.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const GROUP = 'gateway.networking.k8s.io';
const AFFECTED = 'fim.financial/FinancialPolicyAffected';
const SERVED = 'served.example';
const GOOD = '{"account":"1234"}';
const BAD = '{"account":"12"}';

interface Parent {
  controllerName: string;
  conditions: Condition[];
}

describe('a route for an HTTPRoute', () => {
  let stack: OperatedMesh;
  let url: string;
  const validation = { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] };
  const statusThere = async (body: string): Promise<number> =>
    (await send(url, { body, headers: { host: SERVED, 'content-type': 'application/json' } })).status;
  const read = (kind: string): ReturnType<OperatedMesh['mesh']['objects']['read']> =>
    stack.mesh.objects.read({ apiVersion: `${GROUP}/v1`, kind, metadata: { name: 'public', namespace: NAMESPACE } });
  const parents = async (): Promise<Parent[]> =>
    ((await read('HTTPRoute'))?.status as { parents?: Parent[] } | undefined)?.parents ?? [];
  const ofGateway = async (): Promise<Condition[]> =>
    ((await read('Gateway'))?.status as { conditions?: Condition[] } | undefined)?.conditions ?? [];

  before(
    async () => {
      stack = await OperatedMesh.start();
      ({ url } = await stack.mesh.addGatewayApiGateway('public', 'web'));
      const found = await read('HTTPRoute');
      await stack.mesh.objects.apply({
        apiVersion: found!.apiVersion,
        kind: found!.kind,
        metadata: { name: 'public', namespace: NAMESPACE },
        spec: { ...found!.spec, hostnames: [SERVED] },
      });
      await until('the Gateway leads to the workload', async () => (await statusThere(BAD)) === 200);
    },
    { timeout: SET_UP_MS },
  );
  after(() => stack?.stop());

  it('is in force for what the HTTPRoute serves, and both say so', async () => {
    const targetRefs = [{ group: GROUP, kind: 'HTTPRoute', name: 'public' }];
    await stack.apply(route('targeted', { targetRefs, validation }));
    await stack.condition('targeted', 'Programmed', 'True');
    await until('it refuses', async () => (await statusThere(BAD)) === 422);
    assert.equal(await statusThere(GOOD), 200);
    const [filter] = await stack.filters();
    assert.match(JSON.stringify(filter?.spec), /served\.example/);
    const own = await until('the HTTPRoute tells', async () =>
      (await parents()).find(({ controllerName }) => controllerName === 'fim.financial/operator'),
    );
    assert.deepEqual(
      own.conditions.map(({ type, status, message }) => [type, status, message]),
      [[AFFECTED, 'True', `Affected by FinancialRoute ${NAMESPACE}/targeted.`]],
    );
    const { status } = (await stack.mesh.objects.read(stack.reference('targeted')))!;
    const { ancestors } = status as { ancestors: { ancestorRef: object; conditions: Condition[] }[] };
    assert.deepEqual(
      ancestors.map(({ ancestorRef, conditions }) => [
        ancestorRef,
        conditions.map(({ type, status: is }) => `${type} ${is}`),
      ]),
      [[{ ...targetRefs[0], namespace: NAMESPACE }, ['Accepted True', 'Programmed True']]],
    );
  });

  it('claims no host that it does not serve', async () => {
    const targetRefs = [{ group: GROUP, kind: 'HTTPRoute', name: 'public' }];
    await stack.apply(route('greedy', { targetRefs, match: { hosts: ['victim.example'] }, validation }));
    await stack.condition('greedy', 'Accepted', 'False', 'NoMatchingHostname');
    await stack.remove('greedy');
  });

  it('beside one for a listener, which the Gateway tells; what Istio says stays, and ours goes with the routes', async () => {
    const targetRefs = [{ group: GROUP, kind: 'Gateway', name: 'public', sectionName: 'http' }];
    await stack.apply(
      route('listening', { targetRefs, match: { path: { type: 'PathPrefix', value: '/a' } }, validation }),
    );
    await stack.condition('listening', 'Accepted', 'True');
    await until('the Gateway tells', async () => (await ofGateway()).some(({ type }) => type === AFFECTED));
    const others = (await ofGateway()).map(({ type }) => type).filter((type) => type !== AFFECTED);
    assert.ok(others.includes('Accepted') && others.includes('Programmed'), others.join());
    await stack.remove('listening', 'targeted');
    await until('the Gateway does not tell any more', async () =>
      (await ofGateway()).every(({ type }) => type !== AFFECTED),
    );
    await until('the HTTPRoute neither', async () =>
      (await parents()).every(({ controllerName }) => controllerName !== 'fim.financial/operator'),
    );
    assert.deepEqual((await ofGateway()).map(({ type }) => type).sort(), others.sort());
    assert.ok((await parents()).some(({ controllerName }) => controllerName.startsWith('istio.io/')));
  });
});
