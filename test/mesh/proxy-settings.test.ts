// Settings of proxies that no EnvoyFilter reaches, by Istio's own means: runtime values, and a bootstrap beside
// Istio's.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { OperatedMesh } from './operated-mesh.ts';
import type { Proxy } from './stack/proxy.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const REFUSED = 12;
const GOOD = '{"account":"1234"}';
const BAD = '{"account":"12"}';
const OVERLOAD = path.resolve(import.meta.dirname, '../../istio/manifests/proxies/overload-bootstrap.yaml');

const post = (body: string): string =>
  `POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/** Sends all in one write. Returns the statuses that come before the connection ends or all have come. */
function pipeline(url: string, requests: readonly string[]): Promise<number[]> {
  const { hostname, port } = new URL(url);
  return new Promise((done) => {
    let statuses: number[] = [];
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(requests.join('')));
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
      statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
      if (statuses.length === requests.length) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => done(statuses));
  });
}

describe('settings of proxies', () => {
  let stack: OperatedMesh;
  let gateway: Proxy;
  let url: string;

  before(
    async () => {
      stack = await OperatedMesh.start();
      const { data } = parse(readFileSync(OVERLOAD, 'utf8')) as { data: Record<string, string> };
      gateway = await stack.mesh.addGateway('gw-1', {
        runtimeValues: { 'http.max_requests_per_io_cycle': '0' },
        bootstrapOverride: data['custom_bootstrap.json']!,
      });
      url = stack.mesh.gatewayUrl(gateway);
      await stack.apply(route('account', { validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] } }));
      await stack.condition('account', 'Programmed', 'True');
      await until('the gateway leads to the workload', async () => (await send(url, { body: GOOD })).status === 200);
    },
    { timeout: SET_UP_MS },
  );
  after(() => stack?.stop());

  it('runtimeValues: refusals in a pipeline lose neither the connection nor what is behind them', async (t) => {
    const requests = [...Array.from({ length: REFUSED }, () => post(BAD)), post(GOOD), post(BAD), post(GOOD)];
    const statuses = [...Array.from({ length: REFUSED }, () => 422), 200, 422, 200];
    assert.deepEqual(await pipeline(url, requests), statuses);
    // A proxy without the setting does with the same what Envoy does, and not more than this.
    const without = await pipeline(stack.url, requests);
    t.diagnostic(`without the setting: ${without.join(', ')}`);
    assert.deepEqual(without, statuses.slice(0, without.length));
  });

  it('bootstrapOverride: Envoy runs with the overload manager of the manifest beside that of Istio', async () => {
    // Istio keeps the statistics of the overload manager out of Envoy's: what it was started with tells.
    const overload = async ({ admin }: Proxy): Promise<{ monitors: string[]; actions: string[] }> => {
      const { configs } = JSON.parse(await admin.get('/config_dump')) as {
        configs: {
          bootstrap?: { overload_manager?: Record<'resource_monitors' | 'actions', { name: string }[] | undefined> };
        }[];
      };
      const { resource_monitors = [], actions = [] } =
        configs.find(({ bootstrap }) => bootstrap !== undefined)?.bootstrap?.overload_manager ?? {};
      const named = (list: { name: string }[]): string[] => list.map(({ name }) => name.split('.').at(-1) ?? '').sort();
      return { monitors: named(resource_monitors), actions: named(actions) };
    };
    const { monitors, actions } = await overload(gateway);
    assert.deepEqual(monitors, ['fixed_heap', 'global_downstream_max_connections']);
    for (const action of ['stop_accepting_requests', 'reset_high_memory_stream', 'shrink_heap'])
      assert.ok(actions.includes(action), actions.join());
    assert.deepEqual((await overload(stack.gateway)).monitors, ['global_downstream_max_connections']);
  });
});
