// FinancialRoutes through the operator, Istio and stock Envoys: what the resource says is what the proxies do, and what
// its status says is so.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openProtected } from '../../envoy/standalone/open-protected.ts';
import { problemOf, send } from '../e2e/http-client.ts';
import { CONTRACT, route } from '../e2e/resources.ts';
import { OperatedMesh } from './operated-mesh.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const GOOD = '{"transCode":"01200101","amount":"100.00"}';
const BAD = '{"transCode":"02200101"}';
const ACCEPT_MISSING_TLCP = 'fim.financial/accept-missing-tlcp';

describe('the operator', () => {
  let stack: OperatedMesh;
  const statusOf = async (body: string, path = '/'): Promise<number> => (await send(stack.url, { body, path })).status;

  before(async () => void (stack = await OperatedMesh.start()), { timeout: SET_UP_MS });
  after(() => stack?.stop());

  it('the contract resource has its effect, and its status says what cannot be had', async () => {
    await stack.apply(CONTRACT);
    await until('the gateway refuses what the route does not take', async () => (await statusOf(BAD)) === 422);
    assert.equal(problemOf(await send(stack.url, { body: BAD })).code, 'FIM-PBOC-0001');
    await until('a key is there', async () => (await statusOf(GOOD)) === 200);
    const arrived = stack.upstream.arrived.at(-1)!;
    assert.equal((await openProtected(arrived.body.toString(), stack.mesh.kmsUrl)).toString(), GOOD);
    await stack.condition('fund-redemption-v2', 'Accepted', 'True');
    await stack.condition('fund-redemption-v2', 'ResolvedRefs', 'True');
    await stack.condition('fund-redemption-v2', 'Programmed', 'False', 'TlcpNotTerminated');
  });

  it('with the lack accepted it is Programmed: every worker has counted the configuration', async () => {
    const before = await stack.mesh.objects.read(stack.reference('fund-redemption-v2'));
    await stack.mesh.objects.apply({
      ...stack.reference('fund-redemption-v2'),
      metadata: {
        ...before!.metadata,
        managedFields: undefined,
        resourceVersion: undefined,
        annotations: { [ACCEPT_MISSING_TLCP]: 'true' },
      },
      spec: before!.spec,
    });
    const programmed = await stack.condition('fund-redemption-v2', 'Programmed', 'True');
    assert.match(programmed.message, /1/, 'how many proxies and workers');
  });

  it('kubectl get and describe read well', async (t) => {
    const table = await stack.kubectl('get', 'froute');
    assert.match(table, /^NAME +READY +REASON +PROGRAMMED +PROXIES +AGE$/m);
    assert.match(table, /^fund-redemption-v2 +True +Ready +1 +1/m);
    const described = await stack.kubectl('describe', 'froute', 'fund-redemption-v2');
    for (const expected of [/Accepted/, /ResolvedRefs/, /Programmed/, /Observed Generation/, /Events:\n/])
      assert.match(described, expected);
    t.diagnostic(described.slice(described.indexOf('Status:')).replaceAll(/\n\s*/g, ' ¦ ').slice(0, 900));
  });

  it('an edit is in force and proven, for the generation that it made', async () => {
    const edited = await stack.apply(CONTRACT.replace('^01[0-9]{6}$', '^02[0-9]{6}$'));
    assert.equal(edited.metadata.generation, 2);
    await until('the edit is in force', async () => (await statusOf(BAD)) === 200 && (await statusOf(GOOD)) === 422);
    const { observedGeneration } = await stack.condition('fund-redemption-v2', 'Accepted', 'True');
    assert.equal(observedGeneration, 2);
  });

  it('drift is corrected', async () => {
    const [filter] = (await stack.filters()).filter(({ metadata }) => metadata.name === 'fim-gateways');
    assert.ok(filter);
    const path = await stack.mesh.objects.path(filter);
    await stack.mesh.api.send('PATCH', path, { spec: { configPatches: [] } }, 'application/merge-patch+json');
    await until('the object is as it was', async () => {
      const now = (await stack.mesh.objects.read(filter))?.spec?.configPatches as unknown[];
      return now.length === (filter.spec?.configPatches as unknown[]).length;
    });
    await until('the policy is in force', async () => (await statusOf(BAD)) === 200 && (await statusOf(GOOD)) === 422);
  });

  it('a deleted route leaves nothing behind', async () => {
    await stack.remove('fund-redemption-v2');
    await until('everything passes', async () => (await statusOf('{"any":"thing"}')) === 200);
    await until('no object is left', async () => (await stack.objects()).length === 0);
  });

  it('a selector reaches the sidecars alone', async () => {
    await stack.apply(
      route('inbound', {
        selector: { matchLabels: { app: 'web' } },
        validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] },
      }),
    );
    await stack.condition('inbound', 'Programmed', 'True');
    // The first filter makes a new listener: the gateway's connections from before go on without it until they are
    // drained.
    await until('the sidecar refuses', async () => (await statusOf('{"account":"12"}')) === 422);
    assert.equal(await statusOf('{"account":"1234"}'), 200);
    const filters = await stack.filters();
    assert.deepEqual(
      filters.map(({ spec }) => (spec?.workloadSelector as { labels: unknown }).labels),
      [{ app: 'web' }],
    );
    await stack.remove('inbound');
    await until('the sidecar lets all pass', async () => (await statusOf('{"account":"12"}')) === 200);
  });

  it('of two routes for the same requests the older keeps them, and the younger names it', async () => {
    const spec = { match: { path: { type: 'Prefix', value: '/pay' } }, validation: { fields: [{ name: 'a' }] } };
    await stack.apply(route('older', spec));
    await stack.condition('older', 'Programmed', 'True');
    // Ages count in seconds.
    const created = Date.now();
    await until('another second', () => Math.floor(Date.now() / 1000) > Math.floor(created / 1000));
    await stack.apply(route('younger', { ...spec, validation: { fields: [{ name: 'b' }] } }));
    const lost = await stack.condition('younger', 'Accepted', 'False', 'Conflicted');
    assert.match(lost.message, /demo\/older/);
    assert.equal(await statusOf('{"a":"x"}', '/pay'), 200);
    await stack.remove('older');
    await stack.condition('younger', 'Programmed', 'True');
    assert.equal(await statusOf('{"a":"x"}', '/pay'), 422);
    await stack.remove('younger');
  });

  it('a target that is not there is named', async () => {
    const target = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'nowhere' };
    await stack.apply(route('lost', { targetRefs: [target], validation: { fields: [{ name: 'a' }] } }));
    const { message } = await stack.condition('lost', 'Accepted', 'False', 'TargetNotFound');
    assert.match(message, /nowhere/);
    assert.notEqual((await stack.conditions('lost')).Programmed?.status, 'True');
    await stack.remove('lost');
  });

  it('a key that the key service has not is named; what was in force stays', async () => {
    const encryption = (keyId: string): string =>
      route('keyed', {
        validation: { fields: [{ name: 'a', pattern: '^1$' }] },
        encryption: { keyId, request: 'Encrypt' },
      });
    await stack.apply(encryption('kms://prod/fund/key-2023'));
    await stack.condition('keyed', 'Programmed', 'True');
    await stack.apply(encryption('kms://prod/fund/nowhere'));
    const { message } = await stack.condition('keyed', 'ResolvedRefs', 'False', 'KeyNotFound');
    assert.match(message, /kms:\/\/prod\/fund\/nowhere/);
    await until('requests go on with the key that is there', async () => (await statusOf('{"a":"1"}')) === 200);
    await stack.remove('keyed');
  });

  it('a poisonous route stops no other', async () => {
    // An error that only the module can find: a valid pattern that compiles to too much.
    await stack.apply(
      route('good', {
        match: { path: { type: 'Prefix', value: '/good' } },
        validation: { fields: [{ name: 'a', pattern: '^1$' }] },
      }),
    );
    await stack.condition('good', 'Programmed', 'True');
    const poison = {
      match: { path: { type: 'Prefix', value: '/poison' } },
      validation: { fields: [{ name: 'a', pattern: '^(?:[a-z]{1,250}[0-9]{1,250}){1,20}$' }] },
    };
    await stack.apply(route('poison', poison));
    const refused = await stack.condition('poison', 'Accepted', 'False');
    assert.match(refused.message, /FIM-[A-Z]+-\d{4}/);
    await stack.apply(
      route('good', {
        match: { path: { type: 'Prefix', value: '/good' } },
        validation: { fields: [{ name: 'a', pattern: '^2$' }] },
      }),
    );
    await stack.condition('good', 'Programmed', 'True');
    const reply = await send(stack.url, { body: '{"a":"2"}', path: '/good' });
    assert.equal(
      reply.status,
      200,
      `${reply.body}\n${JSON.stringify(await stack.conditions('good'))}\n${JSON.stringify(
        (await stack.filters()).map(({ metadata, spec }) => [
          metadata.annotations,
          JSON.stringify(spec)
            .match(/"value":"[^\n]*/)?.[0]
            .slice(0, 1500),
        ]),
      )}`,
    );
    await stack.remove('good', 'poison');
  });

  describe('at a Gateway of the Gateway API', () => {
    const TARGET = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'public' };
    const only = (pattern: string): string =>
      route('targeted', { targetRefs: [TARGET], validation: { fields: [{ name: 'account', pattern }] } });
    const LONG = '{"account":"1234"}';
    const SHORT = '{"account":"12"}';
    let url: string;
    const statusThere = async (body: string, path = '/'): Promise<number> => (await send(url, { body, path })).status;

    before(async () => {
      ({ url } = await stack.mesh.addGatewayApiGateway('public', 'web'));
      await until('the Gateway leads to the workload', async () => (await statusThere(SHORT)) === 200);
    });

    it('a route that targets it is enforced there alone, and proven', async () => {
      await stack.apply(only('^[0-9]{4}$'));
      const { message } = await stack.condition('targeted', 'Programmed', 'True');
      assert.match(message, /^1 prox/);
      await stack.condition('targeted', 'ResolvedRefs', 'True');
      assert.deepEqual(
        (await stack.filters()).map(({ metadata, spec }) => [metadata.name, spec?.targetRefs]),
        [['fim-gateway-public', [TARGET]]],
      );
      // The first filter makes a new listener, and for a moment the old one still accepts.
      await until('it refuses', async () => (await statusThere(SHORT)) === 422);
      assert.equal(await statusThere(LONG), 200);
      assert.equal(await statusOf(SHORT), 200, 'the other gateway');
    });

    it('an edit is in force when it is said to be', async () => {
      const { metadata } = await stack.apply(only('^[0-9]{2}$'));
      const { observedGeneration } = await stack.condition('targeted', 'Programmed', 'True');
      assert.equal(observedGeneration, metadata.generation);
      assert.equal(await statusThere(SHORT), 200);
      assert.equal(await statusThere(LONG), 422);
    });

    it('it runs one filter with its own routes and those of all gateways', async () => {
      await stack.apply(
        route('everywhere', {
          match: { path: { type: 'Prefix', value: '/pay' } },
          validation: { fields: [{ name: 'amount', pattern: '^1$' }] },
        }),
      );
      const { message } = await stack.condition('everywhere', 'Programmed', 'True');
      assert.match(message, /^2 prox/);
      assert.equal(await statusThere('{"amount":"2"}', '/pay'), 422);
      await until(
        'the other gateway refuses, with its first filter',
        async () => (await statusOf('{"amount":"2"}', '/pay')) === 422,
      );
      assert.equal(await statusThere(LONG), 422, 'its own route');
      assert.equal(await statusOf(LONG), 200, 'the other gateway');
      await stack.remove('everywhere');
      await until('requests that were for it pass', async () => (await statusOf('{"amount":"2"}', '/pay')) === 200);
    });

    it('deleted, it leaves nothing behind', async () => {
      await stack.remove('targeted');
      await until(
        'everything passes',
        async () => (await statusThere(SHORT)) === 200 && (await statusThere(LONG)) === 200,
      );
      await until('no object is left', async () => (await stack.objects()).length === 0);
    });
  });
});
