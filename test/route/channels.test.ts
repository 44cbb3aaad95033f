// Channels of a route as Envoy gets them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRoutes, translate, type Lane, type TranslateOptions } from '../../envoy/route/index.ts';
import { clusterResource, routeResource } from '../../envoy/xds/index.ts';

const ROUTE = `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay, namespace: bank}
spec:
  channels:
    - {name: a, url: http://a.example, weight: 80, region: east}
    - {name: b, url: "http://b.example:81", weight: 20, region: west}
    - {name: c, url: http://c.example, role: Backup, region: east, healthCheck: {path: /ok}}
`;

function translated(text: string, more: Partial<TranslateOptions> = {}) {
  const { resources, errors } = parseRoutes(text, 'route.yaml');
  assert.deepEqual(errors, []);
  return translate(resources, { layout: 'fused', ...more });
}

const tiers = (lanes: readonly Lane[]): [string, number][] =>
  lanes.flatMap(({ channels }) => channels.map(({ name, tier }): [string, number] => [name, tier]));

describe('channels of a route', () => {
  it('come in tiers: active ones, then backups; those of the proxy region first', () => {
    assert.deepEqual(tiers(translated(ROUTE).lanes), [
      ['a', 0],
      ['b', 0],
      ['c', 1],
    ]);
    assert.deepEqual(tiers(translated(ROUTE, { region: 'west' }).lanes), [
      ['a', 1],
      ['b', 0],
      ['c', 2],
    ]);
    assert.deepEqual(tiers(translated(ROUTE, { region: 'nowhere' }).lanes), [
      ['a', 0],
      ['b', 0],
      ['c', 1],
    ]);
  });

  it('are told to the module by name only, with headers that clients may not send', () => {
    const { config } = translated(ROUTE);
    assert.deepEqual(config.routes[0]!.lane, { name: 'bank/pay' });
    assert.ok(config.stripHeaders!.includes('x-fim-lane'));
    assert.ok(config.stripHeaders!.includes('x-envoy-max-retries'));
    assert.equal(JSON.stringify(config).includes('a.example'), false);
  });

  it('change nothing of routes without them', () => {
    const { config, lanes } = translated(
      ROUTE.replace(/ {2}channels:[^]*/, '  rateLimit: {requests: 1, period: 1s}\n'),
    );
    assert.deepEqual([lanes, config.stripHeaders, config.routes[0]!.lane], [[], undefined, undefined]);
    assert.deepEqual(routeResource(config, lanes), routeResource(config));
  });

  it('have weights, ports, priorities and checks of their own in one cluster without panic', () => {
    const { resources } = clusterResource('1', translated(ROUTE).lanes) as unknown as { resources: [Cluster] };
    const [cluster] = resources;
    assert.equal(cluster.common_lb_config.healthy_panic_threshold.value, 0);
    assert.equal(cluster.common_lb_config.update_merge_window, '0s');
    assert.equal(cluster.outlier_detection.max_ejection_percent, 67);
    assert.equal(cluster.outlier_detection.split_external_local_origin_errors, false);
    assert.deepEqual(
      cluster.load_assignment.endpoints.map(({ priority, lb_endpoints: [one] }) => [
        priority,
        one.load_balancing_weight,
        one.endpoint.address.socket_address.port_value,
        one.endpoint.health_check_config.disable_active_health_check ?? false,
      ]),
      [
        [0, 80, 80, true],
        [0, 20, 81, true],
        [1, 1, 80, false],
      ],
    );
  });

  it('are refused in a mesh, and other routes are not', () => {
    const other = ROUTE.replace('name: pay', 'name: other').replace(/ {2}channels:[^]*/, '  match: {methods: [PUT]}\n');
    const { errors, routes, conditions } = translated(`${ROUTE}---\n${other}`, { mesh: true });
    assert.deepEqual(
      errors.map(({ code, path }) => [code, path]),
      [['FIM-CFG-1091', '$.spec.channels']],
    );
    assert.deepEqual(
      routes.map(({ resource }) => resource.key),
      ['bank/other'],
    );
    const [accepted] = conditions['bank/pay']!;
    assert.deepEqual([accepted!.type, accepted!.status], ['Accepted', 'False']);
    assert.match(accepted!.message, /mesh/);
  });
});

interface Cluster {
  common_lb_config: { healthy_panic_threshold: { value: number }; update_merge_window: string };
  outlier_detection: { max_ejection_percent: number; split_external_local_origin_errors: boolean };
  load_assignment: {
    endpoints: {
      priority: number;
      lb_endpoints: [
        {
          load_balancing_weight: number;
          endpoint: {
            address: { socket_address: { port_value: number } };
            health_check_config: { disable_active_health_check?: boolean };
          };
        },
      ];
    }[];
  };
}
