// A tenant who may only write routes of his namespace, against the operator, on a real API server: giants, selectors
// that multiply, edits without end. The operator keeps to the memory of its manifest, and a neighbour's edit does not
// wait.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { after, before, describe, it, type TestContext } from 'node:test';
import { buildModules } from '../../scripts/build.ts';
import { manifestEnvironment, memoryLimit, peakOf } from '../operator/operator-process.ts';
import type { KubeObject } from './stack/cluster-objects.ts';
import { isBusy } from './stack/load.ts';
import { Mesh } from './stack/mesh.ts';
import type { Operator } from './stack/operator.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_800_000;
const GIANTS = 61;
const EDITS = 8;
/** A neighbour's edit, whatever another tenant does: processor time, and by the clock where the machine is free. */
const EDIT_MS = 1_000;
const COLD_MS = 300_000;
const MEBIBYTE = 1024 * 1024;

const route = (namespace: string, name: string, spec: Record<string, unknown>): KubeObject => ({
  apiVersion: 'fim.financial/v1',
  kind: 'FinancialRoute',
  metadata: { name, namespace },
  spec,
});

const giantFields = (seed: number): object[] =>
  Array.from({ length: 256 }, (_, field) => ({
    name: `f${field}`,
    enum: Array.from({ length: 80 }, (__, text) => `${seed}-${field}-${text}-`.padEnd(60, 'x')),
  }));

/** 1.3 MB, as etcd just takes it, in the one member whose content the definition does not bound. */
const giant = (index: number, seed: number): KubeObject =>
  route('greedy', `giant-${index}`, { wasm: { module: 'pboc-validator.wasm', config: { fields: giantFields(seed) } } });

interface Condition {
  type: string;
  status: string;
  reason: string;
}

describe('a tenant against the operator', () => {
  let mesh: Mesh;
  let operator: Operator;
  let environment: Record<string, string>;

  before(
    async () => {
      const [module] = await buildModules(['fim']);
      mesh = await Mesh.start();
      mesh.releaseModule(readFileSync(module!.path));
      environment = manifestEnvironment();
      await mesh.objects.applyAll(
        ['greedy', 'small'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
      );
    },
    { timeout: SET_UP_MS },
  );
  after(() => mesh?.stop());

  /** Creates or replaces an object without the fields' managers, which would double a giant. */
  async function put(object: KubeObject): Promise<number> {
    const path = await mesh.objects.path(object);
    for (;;) {
      const found = await mesh.objects.read(object);
      const { status } =
        found === undefined
          ? await mesh.api.send('POST', path.slice(0, path.lastIndexOf('/')), object)
          : await mesh.api.send('PUT', path, {
              ...object,
              metadata: { ...object.metadata, resourceVersion: found.metadata.resourceVersion },
            });
      // The operator has written the status meanwhile.
      if (status !== 409) return status;
    }
  }

  const accepted = async (name: string): Promise<Condition | undefined> =>
    (
      (await mesh.objects.read(route('greedy', name, {})))?.status as { conditions?: Condition[] } | undefined
    )?.conditions?.find(({ type }) => type === 'Accepted');

  /** The neighbour lets `requests` pass in a second. Returns when the operator has it in force. */
  async function edit(requests: number): Promise<void> {
    assert.ok((await put(route('small', 'limit', { rateLimit: { requests, period: '1s' } }))) < 300);
    const filter = {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata: { name: 'fim-gateways', namespace: 'small' },
    };
    await until(
      `the neighbour's edit ${requests}`,
      async () =>
        new RegExp(`requests\\\\":${requests}[,}]`).test(JSON.stringify((await mesh.objects.read(filter)) ?? {})),
      COLD_MS,
      50,
    );
  }

  function withinMemory(t: TestContext, what: string): void {
    const peak = peakOf(operator.pid);
    t.diagnostic(
      `${what}: peak memory ${(peak / MEBIBYTE).toFixed(0)} MiB of ${memoryLimit() / MEBIBYTE}, load ${loadavg()[0]?.toFixed(1)}`,
    );
    assert.ok(peak < memoryLimit(), `${peak} bytes`);
  }

  it('the definition refuses a giant of fields before it is stored', async () => {
    assert.equal(await put(route('greedy', 'fields', { validation: { fields: giantFields(0) } })), 422);
  });

  it(`${GIANTS} giants that are stored are refused, each with a condition`, { timeout: 2 * COLD_MS }, async (t) => {
    for (let index = 0; index < GIANTS; index++) assert.equal(await put(giant(index, 0)), 201);
    operator = await mesh.addOperator('tenants', { environment });
    await operator.leads();
    await until(
      'the verdict on the last',
      async () => {
        const verdicts = await Promise.all([0, 30, GIANTS - 1].map((index) => accepted(`giant-${index}`)));
        return verdicts.every((verdict) => verdict?.status === 'False' && verdict.reason === 'OverBudget');
      },
      COLD_MS,
      500,
    );
    withinMemory(t, `${GIANTS} routes of 1.3 MB`);
  });

  it('selectors that could meet in every combination make an object for each that a pod has', async () => {
    const labels = Object.fromEntries([...'abcdefgh'].map((name) => [name, '1']));
    for (const [name, value] of Object.entries(labels))
      await put(
        route('greedy', `selector-${name}`, {
          selector: { matchLabels: { [name]: value } },
          match: { path: { value: `/${name}` } },
          rateLimit: { requests: 1, period: '1s' },
        }),
      );
    await mesh.objects.applyAll([
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'greedy' } },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'all', namespace: 'greedy', labels },
        spec: { containers: [{ name: 'istio-proxy', image: 'x' }] },
      },
    ]);
    await until('they are in force', async () => (await accepted('selector-h'))?.status === 'True', COLD_MS);
    const filters = await mesh.objects.list('networking.istio.io/v1alpha3', 'EnvoyFilter', 'greedy');
    // One for each selector, and one for what the pod meets together.
    const named = filters.filter(({ metadata }) => metadata.name.startsWith('fim-sidecars-'));
    assert.ok(named.length <= 9, `${named.length} objects`);
  });

  it('the neighbour does not wait while giants are edited without end', { timeout: 2 * COLD_MS }, async (t) => {
    await edit(1);
    let isOver = false;
    let edits = 0;
    const flood = (async () => {
      while (!isOver) await put(giant(edits % 25, ++edits));
    })();
    const times: number[] = [];
    const before = await operator.metric('process_cpu_seconds_total');
    for (let round = 2; round < 2 + EDITS; round++) {
      const began = performance.now();
      await edit(round);
      times.push(Math.round(performance.now() - began));
    }
    isOver = true;
    await flood;
    const processorMs = (1000 * ((await operator.metric('process_cpu_seconds_total')) - before)) / EDITS;
    const median = times.toSorted((a, b) => a - b)[EDITS / 2]!;
    t.diagnostic(
      `the neighbour's edits, ms: ${times.join(', ')}, beside ${edits} of giants; ${processorMs.toFixed(0)} ms of processor time each, load ${loadavg()[0]?.toFixed(1)}`,
    );
    // The API server is asked how many there are, which takes as long for each as for many of the neighbour's.
    assert.ok(edits >= 2, `${edits} edits of giants`);
    assert.ok(processorMs < EDIT_MS, `${processorMs} ms of processor time`);
    assert.ok(median < EDIT_MS || isBusy(), `${times.join(', ')} ms`);
    withinMemory(t, 'under edits of giants');
  });

  it('a replica that starts anew leads, and the neighbour goes on', { timeout: 2 * COLD_MS }, async (t) => {
    await operator.stop();
    operator = await mesh.addOperator('again', { environment });
    await operator.leads();
    await edit(77);
    withinMemory(t, 'after a restart');
  });
});
