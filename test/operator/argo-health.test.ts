// The health script for Argo CD, run by the Lua of a real Envoy on what the operator writes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { stringify } from 'yaml';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import { baselineStatusOf, type BaselineFacts } from '../../istio/operator/plan/baseline-status.ts';
import { statusOf } from '../../istio/operator/plan/status.ts';
import type { RouteFacts } from '../../istio/operator/plan/route-facts.ts';
import { until } from './until.ts';

const SCRIPT = readFileSync(path.resolve(import.meta.dirname, '../../istio/manifests/argocd/health.lua'), 'utf8');

/** A JSON value as a Lua table. */
function lua(value: unknown): string {
  if (value === undefined || value === null) return 'nil';
  if (Array.isArray(value)) return `{ ${value.map(lua).join(', ')} }`;
  if (typeof value === 'object')
    return `{ ${Object.entries(value)
      .map(([name, member]) => `["${name}"] = ${lua(member)}`)
      .join(', ')} }`;
  return JSON.stringify(value);
}

/** Health that the script reports for each object, by an Envoy that returns it. */
async function healthOf(t: TestContext, objects: object[]): Promise<{ status: string; message: string }[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fim-health-'));
  const code = `local objects = { ${objects.map(lua).join(', ')} }
local function health(obj)
${SCRIPT}
end
function envoy_on_request(handle)
  local found = health(objects[tonumber(string.sub(handle:headers():get(":path"), 2))])
  handle:respond({ [":status"] = "200", ["x-health"] = found.status }, found.message)
end`;
  const filter = (name: string, type: string, rest: object): object => ({
    name,
    typed_config: { '@type': `type.googleapis.com/envoy.extensions.filters.${type}`, ...rest },
  });
  const connection = {
    stat_prefix: 'health',
    route_config: {},
    http_filters: [
      filter('lua', 'http.lua.v3.Lua', { default_source_code: { inline_string: code } }),
      filter('router', 'http.router.v3.Router', {}),
    ],
  };
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  const config = {
    admin: { address },
    static_resources: {
      listeners: [
        {
          name: 'health',
          address,
          filter_chains: [
            { filters: [filter('http', 'network.http_connection_manager.v3.HttpConnectionManager', connection)] },
          ],
        },
      ],
    },
  };
  writeFileSync(path.join(folder, 'envoy.yaml'), stringify(config));
  const envoy = spawn(
    await envoyBinary(),
    [
      '-c',
      path.join(folder, 'envoy.yaml'),
      '--admin-address-path',
      path.join(folder, 'admin'),
      '--concurrency',
      '1',
      '--disable-hot-restart',
      '-l',
      'warning',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  t.after(async () => {
    envoy.kill('SIGKILL');
    if (envoy.exitCode === null && envoy.signalCode === null) await once(envoy, 'exit');
    rmSync(folder, { recursive: true, force: true });
  });
  const read = (name: string): string => {
    try {
      return readFileSync(path.join(folder, name), 'utf8');
    } catch {
      return '';
    }
  };
  const admin = await until('Envoy', () => read('admin') || undefined);
  const port = await until(
    'its listener',
    async () => /127\.0\.0\.1:(\d+)/.exec(await (await fetch(`http://${admin}/listeners`)).text())?.[1],
  );
  return Promise.all(
    objects.map(async (_, index) => {
      const answer = await fetch(`http://127.0.0.1:${port}/${index + 1}`);
      return { status: answer.headers.get('x-health') ?? '', message: await answer.text() };
    }),
  );
}

const WORKLOAD = {
  name: 'gateways',
  hash: 'a'.repeat(64),
  generation: 3,
  counted: true,
  proxies: 2,
  programmed: 2,
  workers: 4,
  unreachable: 0,
  unasked: 0,
  refusals: [],
  draining: 0,
  lagging: [],
  idle: [],
  unsealed: [],
  unseen: [],
} satisfies RouteFacts['workloads'][number];
const FACTS = {
  generation: 2,
  issues: [],
  held: false,
  targets: [],
  keys: [],
  drafts: [],
  unhonoured: [],
  workloads: [WORKLOAD],
  foreign: [],
  coverage: { judged: [], refused: [], open: [] },
} satisfies RouteFacts;
const ISSUE = { code: 'FIM-CFG-0010', path: '$', message: 'no', file: '' } as RouteFacts['issues'][number];
const written = (facts: Partial<RouteFacts>, generation = 2): object => ({
  metadata: { generation },
  status: statusOf({ ...FACTS, ...facts }, undefined, new Date(0)),
});

const baseline = (facts: Partial<BaselineFacts>): object => ({
  metadata: { generation: 2 },
  status: baselineStatusOf(
    {
      generation: 2,
      errors: [],
      isOver: false,
      inForce: { generation: 2, spec: {} },
      namespaces: 1,
      routes: [{ name: 'demo/own', programmed: 'True' }],
      doors: { judged: [], open: [] },
      altered: [],
      root: undefined,
      ...facts,
    },
    undefined,
    new Date(0),
  ),
});

describe('the health script for Argo CD', () => {
  it('is green for what is in force, red for what waits for someone, and yellow for the rest', async (t) => {
    const cases: [object, string, RegExp][] = [
      [baseline({}), 'Healthy', /^Ready: /],
      [baseline({ routes: [{ name: 'demo/own', programmed: 'Unknown' }] }), 'Progressing', /^Pending: /],
      [baseline({ errors: [ISSUE], inForce: undefined }), 'Degraded', /^Invalid: /],
      [baseline({ doors: { judged: [], open: ['demo gw:9000 (TCP)'] } }), 'Degraded', /^PortsNotCovered: /],
      [{ metadata: { generation: 3 }, status: (baseline({}) as { status: object }).status }, 'Progressing', /Waiting/],
      [written({}), 'Healthy', /^Ready: /],
      [written({ workloads: [{ ...WORKLOAD, programmed: 1 }] }), 'Progressing', /^Pending: /],
      [written({ issues: [ISSUE] }), 'Degraded', /^Invalid: FIM-CFG-0010/],
      [written({ keys: [{ keyId: 'kms://a/b', reason: 'KeyNotFound' }] }), 'Degraded', /^KeyNotFound: .*kms:\/\/a\/b/],
      [written({ keys: [{ keyId: 'kms://a/b', reason: 'KmsUnreachable' }] }), 'Progressing', /^KmsUnreachable: /],
      [
        written({
          targets: [
            {
              ref: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' },
              workloads: [],
              problem: { reason: 'TargetNotFound', message: 'gone' },
            },
          ],
          workloads: [],
        }),
        'Degraded',
        /^TargetNotFound: gone/,
      ],
      [written({ workloads: [{ ...WORKLOAD, proxies: 0, programmed: 0, workers: 0 }] }), 'Progressing', /^NoProxies: /],
      [written({ overBudget: 'spent' }), 'Degraded', /^OverBudget: /],
      [written({}, 3), 'Progressing', /^Waiting/],
      [{ metadata: { generation: 1 } }, 'Progressing', /^Waiting/],
      [
        {
          metadata: { generation: 1 },
          status: {
            conditions: [{ type: 'Ready', status: 'Unknown', reason: 'Pending', message: 'Waiting for the operator.' }],
          },
        },
        'Progressing',
        /^Waiting/,
      ],
    ];
    const found = await healthOf(
      t,
      cases.map(([object]) => object),
    );
    for (const [index, [, status, message]] of cases.entries()) {
      assert.equal(found[index]?.status, status, `case ${index}: ${JSON.stringify(found[index])}`);
      assert.match(found[index]!.message, message, `case ${index}`);
    }
  });
});
