// Global limits in a mesh: accepted where the operator knows a service, and its filters stand where they count once.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EnvoyObject } from '../../envoy/xds/index.ts';
import { readOptions } from '../../istio/operator/options.ts';
import { Rig } from './rig.ts';
import { until } from './until.ts';

const SHARED = {
  match: { path: { value: '/shared' } },
  rateLimit: { limits: [{ name: 'shared', requests: 5, period: '1m', scope: 'Global' }] },
};
const OWN = { match: { path: { value: '/own' } }, rateLimit: { requests: 5, period: '1s' } };

interface Patch {
  applyTo: string;
  match: { listener?: { filterChain?: { filter?: { subFilter?: { name: string } } } } };
  patch: { operation: string; value?: EnvoyObject & { name?: string } };
}

/** Operation and name of each HTTP filter of an object. */
function filters(rig: Rig, name: string): string[] {
  return ((rig.filter(name)?.spec?.configPatches ?? []) as Patch[])
    .filter(({ applyTo }) => applyTo === 'HTTP_FILTER')
    .map(
      ({ match, patch }) =>
        `${patch.operation} ${patch.value?.name ?? match.listener?.filterChain?.filter?.subFilter?.name}`,
    );
}

const withService = (_: unknown, rig: Rig): void => {
  rig.limits = new URL('h2c://fim-limits.fim-system.svc:8081');
};

describe('a global limit in a mesh', () => {
  it('is refused where the operator knows no service, and others are not', async (t) => {
    const rig = await Rig.start(t);
    rig.route('shared', SHARED);
    rig.route('own', OWN);
    const { message } = await rig.condition('shared', 'Accepted', 'False', 'Invalid');
    assert.match(message, /FIM-CFG-1096 \$\.spec\.rateLimit\.limits\[0\]\.scope/);
    await rig.condition('own', 'Accepted', 'True');
    assert.ok(!filters(rig, 'fim-gateways').some((name) => name.includes('limits')));
  });

  it('has filters behind FIM and a cluster, and both go with it', async (t) => {
    const rig = await Rig.start(t, withService);
    rig.route('own', OWN);
    rig.route('shared', SHARED);
    await until('in force', () => rig.config('fim-gateways')?.routes.length === 2);
    assert.deepEqual(filters(rig, 'fim-gateways'), [
      'INSERT_BEFORE fim.gateways',
      'INSERT_FIRST fim.gateways.limits.forged',
      'INSERT_BEFORE fim.gateways.limits.open',
      'INSERT_BEFORE fim.gateways.limits.closed',
      'INSERT_BEFORE fim.gateways.limits.asked',
      'INSERT_FIRST fim.gateways.claims',
    ]);
    await until('a cluster', () => rig.filter('fim-limits') !== undefined);
    assert.match(JSON.stringify(rig.filter('fim-limits')), /fim-limits\.fim-system\.svc\.cluster\.local/);
    rig.server.remove('financialroutes', 'demo', 'shared');
    await until('no filters', () => !filters(rig, 'fim-gateways').some((name) => name.includes('limits')));
    await until('no cluster', () => rig.filter('fim-limits') === undefined);
  });

  it('counts once where a narrower selection takes a wider one with it', async (t) => {
    const rig = await Rig.start(t, withService);
    rig.server.put('gateways.gateway.networking.k8s.io', {
      metadata: { name: 'edge', namespace: 'demo' },
      spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
    });
    rig.route('shared', SHARED);
    rig.route('own', {
      ...OWN,
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' }],
    });
    await until('both', () => rig.config('fim-gateway-edge')?.routes.length === 2);
    const names = filters(rig, 'fim-gateway-edge');
    for (const part of ['forged', 'open', 'closed', 'asked']) {
      assert.ok(names.includes(`REMOVE fim.gateways.limits.${part}`), part);
      assert.ok(
        names.some((name) => name.endsWith(`fim.gateway-edge.limits.${part}`)),
        part,
      );
    }
  });
});

describe('the option --limits', () => {
  it('is a URL of h2c or https with a whole name', () => {
    const options = (url: string): ReturnType<typeof readOptions> =>
      readOptions(['--modules', 'm', '--module-url', 'http://m/{sha256}.wasm', '--limits', url], {});
    const read = options('h2c://fim-limits.fim-system.svc:8081');
    assert.ok(typeof read !== 'string' && read.limits?.port === '8081');
    for (const [url, words] of [
      ['http://fim-limits.fim-system.svc', /--limits is no h2c or https URL/],
      ['h2c://fim-limits:8081', /--limits: fim-limits would be completed/],
    ] as const) {
      const answer = options(url);
      assert.ok(typeof answer === 'string' && words.test(answer));
    }
  });
});
