// Behaviour of Istio and a stock Envoy alone: fim.wasm by EnvoyFilter through istiod and pilot-agent, without the
// operator.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { openProtected } from '../../envoy/standalone/open-protected.ts';
import { buildModules } from '../../scripts/build.ts';
import { problemOf, send } from '../e2e/http-client.ts';
import { RecordingUpstream } from '../e2e/recording-upstream.ts';
import { CONTRACT, route } from '../e2e/resources.ts';
import { envoyFilter, kmsEntry, pluginConfigOf } from './hand-rendered.ts';
import { describeLoad, distribution, isBusy, Load, median } from './stack/load.ts';
import { Mesh } from './stack/mesh.ts';
import type { Proxy } from './stack/proxy.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const GOOD = '{"transCode":"01200101","amount":"100.00"}';
const BAD = '{"transCode":"02200101"}';
const EDITS = 20;
const SWAPS = 4;

describe('fim.wasm in a mesh, without the operator', () => {
  let mesh: Mesh;
  let gateway: Proxy;
  let sidecar: Proxy;
  let upstream: RecordingUpstream;
  let url: string;
  let sha256: string;
  let generation = 0;

  /** Brings YAML to the gateway. */
  async function apply(yaml: string, digest = sha256): Promise<void> {
    const config = pluginConfigOf(yaml, ++generation);
    await mesh.objects.apply(
      envoyFilter({
        name: 'fim-gw',
        app: 'gw',
        context: 'GATEWAY',
        moduleUrl: mesh.modules.urlOf(digest),
        sha256: digest,
        config,
      }),
    );
  }

  /** A policy that takes one more text than the load sends. */
  const pattern = (other: string): string =>
    route('edits', { validation: { fields: [{ name: 'transCode', pattern: `^(?:01200101|${other})$` }] } });
  const takes = async (text: string): Promise<boolean> =>
    (await send(url, { body: JSON.stringify({ transCode: text }) })).status === 200;
  const takesOnly = async (text: 'A' | 'B'): Promise<boolean> =>
    (await takes(text)) && !(await takes(text === 'A' ? 'B' : 'A'));

  before(
    async () => {
      const [[module]] = await Promise.all([buildModules(['fim']), (async () => (mesh = await Mesh.start()))()]);
      sha256 = mesh.modules.add(readFileSync(module!.path));
      mesh.kms.createKey('kms://prod/fund/key-2023');
      upstream = await RecordingUpstream.start();
      await mesh.objects.apply(kmsEntry(mesh.kmsUrl));
      gateway = await mesh.addGateway();
      sidecar = await mesh.addWorkload('web', upstream.url, '*');
      url = mesh.gatewayUrl(gateway);
      await until('the gateway leads to the workload', async () => (await send(url, { method: 'GET' })).status === 200);
    },
    { timeout: SET_UP_MS },
  );

  after(async () => {
    await mesh?.stop();
    await upstream?.stop();
  });

  it('gateway and sidecar speak mutual TLS with identities of the mesh', async () => {
    await send(url, { method: 'GET', path: '/identity' });
    const certificate = String(upstream.arrived.at(-1)?.headers['x-forwarded-client-cert']);
    assert.match(certificate, /By=spiffe:\/\/cluster\.local\/ns\/demo\/sa\/web;/);
    assert.match(certificate, /URI=spiffe:\/\/cluster\.local\/ns\/demo\/sa\/gw$/);
  });

  it('STRICT: a client without a certificate gets nothing from the sidecar', async () => {
    const { host, port } = mesh.sidecarAddress(sidecar);
    const { begun } = upstream;
    await assert.rejects(send(`http://${host}:${port}`, { method: 'GET' }), /ECONNRESET|socket hang up/);
    assert.equal(upstream.begun, begun);
  });

  it('the contract resource has its effect on the gateway', async () => {
    await apply(CONTRACT);
    await until('the policy is in force', async () => (await send(url, { body: BAD })).status === 422);
    assert.equal(problemOf(await send(url, { body: BAD })).code, 'FIM-PBOC-0001');
    const { status, body } = await until('a key is there', async () => {
      const reply = await send(url, { body: GOOD });
      return reply.status === 200 && reply;
    });
    assert.equal(status, 200, body.toString());
    const arrived = upstream.arrived.at(-1)!;
    assert.equal(arrived.headers['content-type'], 'application/vnd.fim.encrypted+json');
    assert.equal((await openProtected(arrived.body.toString(), mesh.kmsUrl)).toString(), GOOD);
  });

  it('every VM counts its configuration, and the agent shows the counter at the pod’s address', async () => {
    const text = await (await fetch(gateway.metricsUrl)).text();
    assert.ok(
      /^fim_configured_1\{\} [1-9]/m.test(text),
      text
        .split('\n')
        .filter((line) => line.includes('fim'))
        .join('\n'),
    );
  });

  it(`${EDITS} edits and ${SWAPS} other modules under load: no request fails`, async (t) => {
    await apply(pattern('A'));
    await until('the first policy is in force', () => takesOnly('A'));
    const load = new Load({ url, body: GOOD, connections: 4, pauseMs: 1 });
    t.after(() => load.stop());
    const times = { edit: [] as number[], swap: [] as number[] };
    const module = mesh.modules.of(sha256);
    let digest = sha256;
    for (let turn = 1; turn <= EDITS + SWAPS; turn++) {
      const isSwap = turn % (EDITS / SWAPS + 1) === 0;
      // A custom section more: other content, the same code.
      if (isSwap) digest = mesh.modules.add(Buffer.concat([module, Buffer.from([0, 2, 1, turn])]));
      const text = turn % 2 === 0 ? 'A' : 'B';
      const start = performance.now();
      await apply(pattern(text), digest);
      await until(`turn ${turn} is in force`, () => takesOnly(text));
      times[isSwap ? 'swap' : 'edit'].push(performance.now() - start);
    }
    const report = await load.stop();
    t.diagnostic(
      `edit to enforced: ${distribution(times.edit)}; module swap: ${distribution(times.swap)}; ${describeLoad(report)}`,
    );
    assert.deepEqual(report.failures, {});
    assert.ok(median(times.edit) < 2000 || isBusy(), 'an edit within 2 s');
    assert.ok(median(times.swap) < 5000 || isBusy(), 'a module within 5 s');
  });

  it('the sidecar runs a policy of its own, behind mutual TLS', async (t) => {
    const yaml = route('inbound', { validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] } });
    const config = pluginConfigOf(yaml, 1);
    const filter = envoyFilter({
      name: 'fim-web',
      app: 'web',
      context: 'SIDECAR_INBOUND',
      moduleUrl: mesh.modules.urlOf(sha256),
      sha256,
      config,
    });
    t.after(async () => {
      await mesh.objects.remove(filter);
      await until(
        'the sidecar lets all pass again',
        async () => (await send(url, { body: '{"account":"12"}' })).status === 200,
      );
    });
    await mesh.objects.apply(filter);
    await apply(
      route('open', {
        match: { path: { type: 'Prefix', value: '/elsewhere' } },
        validation: { fields: [{ name: 'x' }] },
      }),
    );
    await until(
      'the gateway lets it pass, the sidecar too',
      async () => (await send(url, { body: '{"account":"1234"}' })).status === 200,
    );
    await until('the sidecar refuses', async () => (await send(url, { body: '{"account":"12"}' })).status === 422);
    const reply = problemOf(await send(url, { body: '{"account":"12"}' }));
    assert.deepEqual(
      reply.errors?.map(({ path }) => path),
      ['/account'],
    );
  });

  it('istiod killed: traffic goes on; what was changed meanwhile comes when it is back', async (t) => {
    await apply(pattern('A'));
    await until('the policy is in force', () => takesOnly('A'));
    const load = new Load({ url, body: GOOD, connections: 2, pauseMs: 2 });
    t.after(() => load.stop());
    await mesh.istiod.kill();
    assert.ok(await takesOnly('A'), 'the policy stays');
    await apply(pattern('B'));
    await mesh.istiod.start();
    await until('the change arrives', () => takesOnly('B'));
    const report = await load.stop();
    t.diagnostic(describeLoad(report));
    assert.deepEqual(report.failures, {});
  });

  // The agent puts a filter that denies everything in a bad module's place. Envoy takes nothing but Wasm there, since
  // the filter names no other type.
  it('a module that is not what its sha256 says, or is not there, replaces nothing', async () => {
    const wrong = '0'.repeat(64);
    mesh.modules.serve(`/${wrong}.wasm`, mesh.modules.of(sha256));
    for (const [bad, reason] of [
      [wrong, /which does not match: 0{64}/],
      ['1'.repeat(64), /status code 404/],
    ] as const) {
      await apply(pattern('B'));
      await until('the policy is in force', () => takesOnly('B'));
      const rejections = (): number =>
        gateway.output().split('but expect envoy.extensions.filters.http.wasm.v3.Wasm').length;
      const before = rejections();
      await apply(pattern('A'), bad);
      await until('Envoy has refused what the agent put in its place', () => rejections() > before);
      assert.match(gateway.output(), reason);
      assert.ok(await takesOnly('B'), 'the old module and policy serve on');
      await apply(pattern('A'));
      await until('a good module is in force', () => takesOnly('A'));
    }
  });
});
