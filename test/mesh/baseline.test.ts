// A baseline of the platform in a real mesh, and a tenant who tries every way that he has to undo it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { send } from '../e2e/http-client.ts';
import { OperatedMesh, type Condition } from './operated-mesh.ts';
import type { KubeObject } from './stack/cluster-objects.ts';
import { NAMESPACE } from './stack/topology.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const GOOD = '{"transCode":"0100"}';
const BAD = '{"transCode":"9900"}';
const LAX = { fields: [{ name: 'transCode', required: false }] };
const GROUP = 'fim.financial/v1';
const BASELINE: KubeObject = {
  apiVersion: GROUP,
  kind: 'FinancialBaseline',
  metadata: { name: 'bank' },
  spec: {
    namespaces: { matchLabels: { 'kubernetes.io/metadata.name': NAMESPACE } },
    overrides: { validation: { fields: [{ name: 'transCode', pattern: '^01[0-9]{2}$' }] } },
  },
};

function route(name: string, spec: object, annotations: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: GROUP,
    kind: 'FinancialRoute',
    metadata: { name, namespace: NAMESPACE, annotations },
    spec: spec as KubeObject['spec'],
  };
}

/** Attempts of a tenant, and the fate of the last object: in force with the baseline's rule, or not accepted. */
const ATTEMPTS: Record<string, { objects: KubeObject[]; accepted: boolean }> = {
  'rules of his own': { objects: [route('lax', { validation: LAX })], accepted: true },
  Observe: { objects: [route('observing', { enforcement: 'Observe', validation: LAX })], accepted: true },
  'an empty route': { objects: [route('empty', {})], accepted: true },
  'a more specific match': {
    objects: [
      route('specific', { match: { path: { type: 'Exact', value: '/' }, methods: ['POST'] }, validation: LAX }),
    ],
    accepted: true,
  },
  'the short form': {
    objects: [route('short', { wasm: { module: 'pboc-validator.wasm', config: LAX } })],
    accepted: true,
  },
  'a second route, the older one without rules': {
    objects: [
      route('older', { match: { path: { value: '/' } }, rateLimit: { requests: 1000, period: '1s' } }),
      route('younger', { match: { headers: [{ name: 'x-mine', value: '1' }] }, validation: LAX }),
    ],
    accepted: true,
  },
  'another format': { objects: [route('form', { body: { format: 'Form' }, validation: LAX })], accepted: false },
  'a profile of his own': {
    objects: [
      { apiVersion: GROUP, kind: 'ValidationProfile', metadata: { name: 'mine', namespace: NAMESPACE }, spec: LAX },
      route('profiled', { validation: { profile: 'mine' } }),
    ],
    accepted: true,
  },
};

describe('a baseline in the mesh', () => {
  let stack: OperatedMesh;
  let tenant: string;

  /** The API server's refusal for a tenant of the namespace; empty, if it does as he says. */
  function asTenant(args: string[], object?: KubeObject): Promise<string> {
    return new Promise((done) => {
      const child = execFile(stack.mesh.programs.kubectl, ['--kubeconfig', tenant, ...args], (error, _, stderr) =>
        done(error === null ? '' : stderr),
      );
      child.stdin?.end(object === undefined ? '' : JSON.stringify(object));
    });
  }

  const status = async (body: string): Promise<number> =>
    (await send(stack.url, { body, headers: { 'content-type': 'application/json', 'x-mine': '1' } })).status;
  /** Each worker of the gateway, more than once. */
  const statuses = async (body: string): Promise<number[]> => [
    ...new Set(await Promise.all(Array.from({ length: 12 }, () => status(body)))),
  ];

  async function condition(type: string, wanted: Condition['status']): Promise<Condition> {
    let last: unknown;
    return until(`the baseline: ${type}=${wanted}`, async () => {
      const object = await stack.mesh.objects.read(BASELINE);
      last = object?.status;
      const { conditions = [] } = (last ?? {}) as { conditions?: Condition[] };
      return conditions.find(
        (one) => one.type === type && one.status === wanted && one.observedGeneration === object?.metadata.generation,
      );
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(last)}\n${stack.operator.log()}`);
    });
  }

  before(
    async () => {
      stack = await OperatedMesh.start();
      const metadata = { name: 'tenant', namespace: NAMESPACE };
      const rules = [
        { apiGroups: ['fim.financial'], resources: ['*'], verbs: ['*'] },
        { apiGroups: ['networking.istio.io'], resources: ['*'], verbs: ['*'] },
      ];
      await stack.mesh.objects.applyAll([
        { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
        { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'RoleBinding',
          metadata,
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tenant' },
          subjects: [{ kind: 'ServiceAccount', ...metadata }],
        },
      ]);
      tenant = await stack.mesh.kubeconfigOf(NAMESPACE, 'tenant');
      await stack.mesh.objects.apply(BASELINE);
    },
    { timeout: SET_UP_MS },
  );
  after(() => stack?.stop());

  it('is in force where there is no route', async () => {
    await condition('Accepted', 'True');
    await condition('Programmed', 'True');
    assert.deepEqual([await statuses(BAD), await statuses(GOOD)], [[422], [200]]);
  });

  for (const [name, { objects, accepted }] of Object.entries(ATTEMPTS))
    it(`is in force against ${name}`, async () => {
      for (const object of objects) assert.equal(await asTenant(['create', '-f', '-'], object), '');
      const own = objects.at(-1)!.metadata.name;
      if (accepted) {
        await stack.condition(own, 'Programmed', 'True');
        const told = await stack.condition(own, 'Overridden', 'True');
        assert.match(told.message, /validation of FinancialBaseline bank/);
      } else {
        const told = await stack.condition(own, 'Accepted', 'False', 'Invalid');
        assert.match(told.message, /FIM-CFG-1083/);
      }
      assert.deepEqual([await statuses(BAD), await statuses(GOOD)], [[422], [200]]);
      // To delete what there is is one more attempt.
      for (const { kind, metadata } of objects)
        assert.equal(await asTenant(['delete', kind, metadata.name, '-n', NAMESPACE]), '');
      assert.deepEqual([await statuses(BAD), await statuses(GOOD)], [[422], [200]]);
      await condition('Programmed', 'True');
      assert.deepEqual([await statuses(BAD), await statuses(GOOD)], [[422], [200]]);
    });

  it('is not the tenant to change, nor what the operator makes of it', async () => {
    assert.match(await asTenant(['delete', 'financialbaseline', 'bank']), /forbidden/i);
    assert.match(await asTenant(['create', '-f', '-'], { ...BASELINE, metadata: { name: 'mine' } }), /forbidden/i);
    assert.match(await asTenant(['delete', 'envoyfilter', 'fim-gateways', '-n', NAMESPACE]), /made by the operator/);
    assert.match(
      await asTenant(['label', 'namespace', NAMESPACE, 'kubernetes.io/metadata.name=other', '--overwrite']),
      /forbidden/i,
    );
    assert.deepEqual([await statuses(BAD), await statuses(GOOD)], [[422], [200]]);
  });

  it('goes by an act of its own only', async () => {
    const refused = await stack.mesh.objects.remove(BASELINE);
    assert.match(`${refused.status} ${refused.body.message}`, /allow-removal/);
    assert.deepEqual(await statuses(BAD), [422]);
    await stack.kubectl('annotate', 'financialbaseline', 'bank', 'fim.financial/allow-removal=true');
    assert.equal((await stack.mesh.objects.remove(BASELINE)).status, 200);
    await until('nothing is asked any more', async () => (await status(BAD)) === 200);
  });
});
