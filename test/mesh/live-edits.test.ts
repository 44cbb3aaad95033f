// Edits of FinancialRoutes and releases of modules while traffic flows, through API server, operator, istiod and
// agents: what users wait for.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { OperatedMesh } from './operated-mesh.ts';
import { describeLoad, distribution, isBusy, Load, median } from './stack/load.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const EDITS = 20;
const SWAPS = 5;
const EDIT_LIMIT_MS = 2000;
const SWAP_LIMIT_MS = 5000;
const HEAL_LIMIT_MS = 10_000;
/** Taken by every policy of this file. */
const ALWAYS = '{"transCode":"01200101"}';

describe('live edits', () => {
  let stack: OperatedMesh;
  /** A policy that takes one more text than the load sends. */
  const policy = (other: string, name = 'edits'): string =>
    route(name, { validation: { fields: [{ name: 'transCode', pattern: `^(?:01200101|${other})$` }] } });
  const takes = async (text: string): Promise<boolean> =>
    (await send(stack.url, { body: JSON.stringify({ transCode: text }) })).status === 200;

  before(async () => void (stack = await OperatedMesh.start()), { timeout: SET_UP_MS });
  after(() => stack?.stop());

  /** The module with a custom section more: another sha256, the same code. */
  const otherModule = (number: number): Buffer => Buffer.concat([stack.moduleBytes, Buffer.from([0, 2, 1, number])]);

  it(`${EDITS} edits under load: in force within 2 s, no request fails, Programmed never says so too early`, async (t) => {
    await stack.apply(policy('first'));
    await stack.condition('edits', 'Programmed', 'True');
    const load = new Load({ url: stack.url, body: ALWAYS, connections: 4, pauseMs: 1 });
    t.after(() => load.stop());
    const enforced: number[] = [];
    const proven: number[] = [];
    for (let edit = 1; edit <= EDITS; edit++) {
      const start = performance.now();
      await stack.apply(policy(`edit${edit}`));
      await Promise.all([
        until(`edit ${edit} is in force`, () => takes(`edit${edit}`)).then(() =>
          enforced.push(performance.now() - start),
        ),
        (async () => {
          await stack.condition('edits', 'Programmed', 'True');
          assert.ok(await takes(`edit${edit}`), `edit ${edit} is Programmed and not in force`);
          proven.push(performance.now() - start);
        })(),
      ]);
    }
    const report = await load.stop();
    t.diagnostic(
      `edit to enforced: ${distribution(enforced)}; to Programmed: ${distribution(proven)}; ${describeLoad(report)}`,
    );
    assert.deepEqual(report.failures, {});
    assert.ok(median(enforced) < EDIT_LIMIT_MS || isBusy());
  });

  it(`${SWAPS} releases of the module under load: running within 5 s, no request fails`, async (t) => {
    await stack.condition('edits', 'Programmed', 'True');
    const load = new Load({ url: stack.url, body: ALWAYS, connections: 4, pauseMs: 1 });
    t.after(() => load.stop());
    const times: number[] = [];
    for (let swap = 1; swap <= SWAPS; swap++) {
      const start = performance.now();
      const sha256 = stack.mesh.releaseModule(otherModule(swap));
      await until(`module ${swap} runs`, async () =>
        (await stack.gateway.admin.get('/config_dump?resource=ecds_filters')).includes(`${sha256}.wasm`),
      );
      times.push(performance.now() - start);
      await stack.condition('edits', 'Programmed', 'True');
    }
    const report = await load.stop();
    t.diagnostic(
      `release to running (the operator looks every second): ${distribution(times)}; ${describeLoad(report)}`,
    );
    assert.deepEqual(report.failures, {});
    assert.ok(median(times) < SWAP_LIMIT_MS || isBusy());
  });

  it('a module that is not what its sha256 says changes nothing, and the status tells why', async () => {
    await stack.apply(policy('kept'));
    await stack.condition('edits', 'Programmed', 'True');
    const bad = otherModule(100);
    const sha256 = stack.mesh.releaseModule(bad);
    // The server gives something else than it was asked for.
    stack.mesh.modules.serve(`/${sha256}.wasm`, otherModule(101));
    const [before] = await stack.filters();
    const { message } = await stack.condition('edits', 'ResolvedRefs', 'False', 'ModuleNotFound');
    assert.match(message, /another module than it is asked for/);
    assert.deepEqual((await stack.filters())[0]?.spec, before?.spec, 'no proxy hears of it');
    assert.ok(await takes('kept'), 'the old module and policy serve on');
    stack.mesh.releaseModule(stack.moduleBytes);
    await stack.condition('edits', 'ResolvedRefs', 'True');
    await stack.condition('edits', 'Programmed', 'True');
  });

  it('a module that is not served yet is named to no proxy, and taken when it is', async () => {
    const [before] = await stack.filters();
    const fresh = otherModule(110);
    stack.mesh.modules.isAway = true;
    const sha256 = stack.mesh.releaseModule(fresh);
    await until('the operator says what it lacks', () =>
      stack.operator
        .lines()
        .some(({ event, message }) => event === 'module-problem' && String(message).includes(sha256)),
    );
    assert.deepEqual((await stack.filters())[0]?.spec, before?.spec);
    assert.ok(await takes('kept'));
    stack.mesh.modules.isAway = false;
    await until('the module runs', async () =>
      (await stack.gateway.admin.get('/config_dump?resource=ecds_filters')).includes(`${sha256}.wasm`),
    );
    await stack.condition('edits', 'Programmed', 'True');
  });

  it('a new gateway pod is proven on its own; until then the route is not', async () => {
    const second = await stack.mesh.addGateway('gw-1');
    const { message } = await until('both are counted', async () => {
      const { Programmed } = await stack.conditions('edits');
      return Programmed?.status === 'True' && /2 proxies/.test(Programmed.message) && Programmed;
    });
    assert.match(message, /2 workers/);
    assert.equal((await send(stack.mesh.gatewayUrl(second), { body: '{"transCode":"no"}' })).status, 422);
  });

  it('a pod that starts while nobody serves the module heals by itself, and its gate opens only then', async (t) => {
    stack.mesh.modules.isAway = true;
    t.after(() => (stack.mesh.modules.isAway = false));
    const late = await stack.mesh.addGateway('gw-2', { gated: true });
    const status = async (body: string): Promise<number> => (await send(stack.mesh.gatewayUrl(late), { body })).status;
    const gate = async (): Promise<string | undefined> => {
      const pod = await stack.mesh.objects.read({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'gw-2', namespace: 'demo' },
      });
      return (pod?.status?.conditions as { type: string; status: string }[] | undefined)?.find(
        ({ type }) => type === 'fim.financial/enforced',
      )?.status;
    };
    await until('its agent has given up', async () => late.output().includes('applying deny RBAC filter'));
    await until('it answers, and lets nothing by', async () => (await status(ALWAYS)) >= 500);
    assert.notEqual(await gate(), 'True');
    const back = performance.now();
    stack.mesh.modules.isAway = false;
    await until(
      'it judges',
      async () =>
        (await status('{"transCode":"no"}')) === 422 &&
        (await status(JSON.stringify({ transCode: '01200101' }))) === 200,
    );
    const healed = performance.now() - back;
    t.diagnostic(`healed ${(healed / 1000).toFixed(1)} s after the module was served again`);
    assert.ok(healed < HEAL_LIMIT_MS || isBusy(), `${healed} ms`);
    await until('its gate opens', async () => (await gate()) === 'True');
  });
});
