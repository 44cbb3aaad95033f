// EnvoyFilters of others that reach into FIM's chain, applied by an administrator whom admission lets pass. Each shows
// in a condition within seconds. None lets a request by that the route refuses, but for those that take the seal away,
// too.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { OperatedMesh } from './operated-mesh.ts';
import type { KubeObject } from './stack/cluster-objects.ts';
import { NAMESPACE } from './stack/topology.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const GOOD = '{"account":"1234"}';
const BAD = '{"account":"12"}';
const MANAGER = 'envoy.filters.network.http_connection_manager';
const ROUTER = 'envoy.filters.http.router';
const LUA = 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua';
const FILTER_STATE = 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config';
const FILTER_CONFIG = 'type.googleapis.com/envoy.config.route.v3.FilterConfig';
/** Time in which requests are sent under a patch, milliseconds: Istio sends it on well within. */
const UNDER_MS = 3_000;

interface Patch {
  applyTo: string;
  sub?: string;
  operation: string;
  value?: object;
}

/** A patch of the gateways; `first`: before FIM's own. */
function foreign(patches: readonly Patch[], first = false): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: 'neighbour', namespace: NAMESPACE },
    spec: {
      priority: first ? -100 : 100_000,
      configPatches: patches.map(({ applyTo, sub, operation, value }) => {
        const inChain = applyTo === 'HTTP_FILTER' || applyTo === 'NETWORK_FILTER';
        const filter = { name: MANAGER, ...(sub === undefined ? {} : { subFilter: { name: sub } }) };
        return {
          applyTo,
          match: { context: 'GATEWAY', ...(inChain ? { listener: { filterChain: { filter } } } : {}) },
          patch: { operation, ...(value === undefined ? {} : { value }) },
        };
      }),
    },
  };
}

const lua = (code: string): object => ({
  name: 'own',
  typed_config: { '@type': LUA, default_source_code: { inline_string: code } },
});
const QUIET = lua('function envoy_on_request(handle) end');
const offByRoute = (...names: string[]): { typed_per_filter_config: object } => ({
  typed_per_filter_config: Object.fromEntries(names.map((name) => [name, { '@type': FILTER_CONFIG, disabled: true }])),
});

describe('patches of others', () => {
  let stack: OperatedMesh;
  const answer = async (body: string): Promise<number> =>
    send(stack.url, { body }).then(
      ({ status }) => status,
      () => 0,
    );

  before(
    async () => {
      stack = await OperatedMesh.start();
      await stack.apply(route('paying', { validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] } }));
      await stack.condition('paying', 'Programmed', 'True');
      await until('the seal is in the chain', async () => (await stack.gateway.stats('rbac.fim_seal')).size > 0);
    },
    { timeout: SET_UP_MS },
  );
  after(() => stack?.stop());

  /** Applies a patch, has it seen, and removes it. Returns the answers to what the route refuses. */
  async function under(patch: KubeObject, seen: () => Promise<unknown>): Promise<number[]> {
    await stack.mesh.objects.apply(patch);
    await seen();
    const answers: number[] = [];
    for (const end = performance.now() + UNDER_MS; performance.now() < end;) answers.push(await answer(BAD));
    await stack.mesh.objects.remove(patch);
    await until('all is as it was', async () => (await answer(BAD)) === 422 && (await answer(GOOD)) === 200);
    await until('the condition is, too', async () => {
      const { Programmed, ForeignPatches } = await stack.conditions('paying');
      return Programmed?.status === 'True' && ForeignPatches === undefined;
    });
    return [...new Set(answers)].sort();
  }

  const told = (pattern: RegExp) => async (): Promise<void> => {
    const { message } = await stack.condition('paying', 'Programmed', 'False', 'ForeignPatch');
    assert.match(message, pattern);
  };
  const refusesGood = async (): Promise<unknown> => until('nothing comes by', async () => (await answer(GOOD)) !== 200);

  const HELD: Record<string, { patch: KubeObject; says: RegExp; takesEffect: boolean }> = {
    'the filter replaced': {
      patch: foreign([{ applyTo: 'HTTP_FILTER', sub: 'fim.gateways', operation: 'REPLACE', value: QUIET }]),
      says: /REPLACE of filter fim\.gateways/,
      takesEffect: true,
    },
    'the filter disabled': {
      patch: foreign([{ applyTo: 'HTTP_FILTER', sub: 'fim.gateways', operation: 'MERGE', value: { disabled: true } }]),
      says: /MERGE of filter fim\.gateways/,
      takesEffect: false,
    },
    'the filter optional': {
      patch: foreign([
        { applyTo: 'HTTP_FILTER', sub: 'fim.gateways', operation: 'MERGE', value: { is_optional: true } },
      ]),
      says: /MERGE of filter fim\.gateways/,
      takesEffect: false,
    },
    'the filter off by route': {
      patch: foreign([{ applyTo: 'VIRTUAL_HOST', operation: 'MERGE', value: offByRoute('fim.gateways') }]),
      says: /a setting of filter fim\.gateways by route/,
      takesEffect: true,
    },
    'the stamp forged in front': {
      patch: foreign([
        {
          applyTo: 'HTTP_FILTER',
          operation: 'INSERT_FIRST',
          value: {
            name: 'own',
            typed_config: {
              '@type': FILTER_STATE,
              on_request_headers: [
                {
                  object_key: 'wasm.fim.seal.fim',
                  factory_key: 'envoy.string',
                  format_string: { text_format_source: { inline_string: '1' } },
                },
              ],
            },
          },
        },
      ]),
      says: /wasm\.fim\./,
      takesEffect: false,
    },
    'all filter chains removed': {
      patch: foreign([{ applyTo: 'FILTER_CHAIN', operation: 'REMOVE' }]),
      says: /REMOVE of filter chains/,
      takesEffect: false,
    },
    'the router under another name, before FIM': {
      patch: foreign([{ applyTo: 'HTTP_FILTER', sub: ROUTER, operation: 'MERGE', value: { name: 'own' } }], true),
      says: /another name for envoy\.filters\.http\.router/,
      takesEffect: false,
    },
    'the configuration of the filter': {
      patch: foreign([{ applyTo: 'EXTENSION_CONFIG', operation: 'ADD', value: { ...QUIET, name: 'fim.gateways' } }]),
      says: /the configuration of filter fim\.gateways/,
      takesEffect: false,
    },
  };
  for (const [name, { patch, says, takesEffect }] of Object.entries(HELD))
    it(`told, and nothing comes by: ${name}`, async (t) => {
      const answers = await under(patch, async () => {
        await told(says)();
        if (takesEffect) await refusesGood();
      });
      t.diagnostic(`answers: ${answers.join(', ')}`);
      assert.ok(!answers.includes(200), answers.join());
    });

  it('told, and nothing comes by: the listener removed', async () => {
    const answers = await under(foreign([{ applyTo: 'LISTENER', operation: 'REMOVE' }]), async () => {
      const { message } = await stack.condition('paying', 'ForeignPatches', 'True');
      assert.match(message, /REMOVE of listeners/);
    });
    assert.ok(!answers.includes(200), answers.join());
  });

  it('a first filter of their own is theirs: FIM judges behind it, and the stamp is set after its verdict', async () => {
    const code = 'function envoy_on_request(handle) handle:headers():add("x-neighbour", "1") end';
    const patch = foreign([{ applyTo: 'HTTP_FILTER', operation: 'INSERT_FIRST', value: lua(code) }]);
    const answers = await under(patch, async () => {
      await until('it is in the chain', async () => {
        await send(stack.url, { body: GOOD });
        return stack.upstream.arrived.at(-1)?.headers['x-neighbour'] === '1';
      });
      const { message } = await stack.condition('paying', 'ForeignPatches', 'True');
      assert.match(message, /a filter own beside FIM, which may answer by itself/);
      assert.equal((await stack.conditions('paying')).Programmed?.reason, 'Programmed');
    });
    assert.deepEqual(answers, [422]);
  });

  it('a first filter that answers by itself is told, for no filter behind it can hold it', async () => {
    const code = 'function envoy_on_request(handle) handle:respond({[":status"] = "200"}, "own") end';
    const patch = foreign([{ applyTo: 'HTTP_FILTER', operation: 'INSERT_FIRST', value: lua(code) }]);
    const answers = await under(patch, async () => {
      await stack.condition('paying', 'ForeignPatches', 'True');
      await until('it takes effect', async () => (await answer(BAD)) === 200);
    });
    assert.ok(answers.includes(200), answers.join());
  });

  it('a WasmPlugin of the namespace is told, and told no more when it is gone', async () => {
    const plugin: KubeObject = {
      apiVersion: 'extensions.istio.io/v1alpha1',
      kind: 'WasmPlugin',
      metadata: { name: 'neighbour', namespace: NAMESPACE },
      spec: { url: 'http://127.0.0.1:1/own.wasm', phase: 'AUTHN', failStrategy: 'FAIL_OPEN' },
    };
    const answers = await under(plugin, async () => {
      const { message } = await stack.condition('paying', 'ForeignPatches', 'True');
      assert.match(message, /neighbour \(a WasmPlugin in front of FIM, which may answer by itself\)/);
    });
    assert.ok(!answers.includes(200), answers.join());
  });

  // A seal in the same chain cannot hold against whoever takes it away in the same breath. Admission keeps such patches
  // out; an administrator is told.
  const OPEN: Record<string, { patch: KubeObject; says: RegExp }> = {
    'filter and seal removed': {
      patch: foreign(
        ['fim.gateways', 'fim.seal.gateways'].map((sub) => ({ applyTo: 'HTTP_FILTER', sub, operation: 'REMOVE' })),
      ),
      says: /REMOVE of filter fim\./,
    },
    'filter and seal off by route': {
      patch: foreign([
        { applyTo: 'VIRTUAL_HOST', operation: 'MERGE', value: offByRoute('fim.gateways', 'fim.seal.gateways') },
      ]),
      says: /a setting of filter fim\./,
    },
    'filter and seal off by route, in the other spelling': {
      patch: foreign([
        {
          applyTo: 'VIRTUAL_HOST',
          operation: 'MERGE',
          value: {
            typedPerFilterConfig: offByRoute('fim.gateways', 'fim.seal.gateways').typed_per_filter_config,
          },
        },
      ]),
      says: /a setting of filter fim\./,
    },
    'the connection manager under another name, before FIM': {
      patch: foreign([{ applyTo: 'NETWORK_FILTER', operation: 'MERGE', value: { name: 'own' } }], true),
      says: /another name for the connection manager/,
    },
  };
  for (const [name, { patch, says }] of Object.entries(OPEN))
    it(`told within seconds, and open: ${name}`, async (t) => {
      const began = performance.now();
      let seenMs = 0;
      const answers = await under(patch, async () => {
        await told(says)();
        seenMs = performance.now() - began;
        await until('it takes effect', async () => (await answer(BAD)) === 200);
      });
      t.diagnostic(`told after ${(seenMs / 1000).toFixed(1)} s; answers: ${answers.join(', ')}`);
      // If this fails, the seal holds after all, and the row belongs above.
      assert.ok(answers.includes(200));
    });
});
