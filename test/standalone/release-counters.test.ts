// The same counters of one proxy, as its admin interface and as Prometheus writes them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countedOf, ReleaseCounters } from '../../envoy/release/index.ts';

type Sample = [name: string, labels: string, value: number];

const ADMIN: Sample[] = [
  ['wasmcustom.fim.configured.3', '', 4],
  ['wasmcustom.fim.config.refused', '', 1],
  ['extension_config_discovery.http_filter.fim.update_rejected', '', 2],
];
const PROMETHEUS: Sample[] = [
  ['fim_configured_3', '', 4],
  ['fim_config_refused', '', 1],
  ['envoy_extension_config_discovery_http_filter_update_rejected', 'name="fim-gateways"', 2],
];
const OTHERS: Sample[] = [
  ['wasmcustom.fim.config.accepted', '', 9],
  ['envoy_extension_config_discovery_http_filter_update_rejected', 'name="somebody-else"', 9],
  ['http.fim.rds.fim.update_rejected', '', 9],
];

for (const [about, samples] of Object.entries({ 'the admin interface': ADMIN, Prometheus: PROMETHEUS }))
  test(`counters of a generation from ${about}`, () => {
    const counters = new ReleaseCounters();
    for (const sample of samples) assert.equal(counters.take(...sample), true, sample[0]);
    for (const sample of OTHERS) assert.equal(counters.take(...sample), false, sample[0]);
    assert.deepEqual(countedOf(counters, 19), { configured: 4, refused: 3 });
    assert.deepEqual(countedOf(counters, 20), { configured: 0, refused: 3 });
  });

test('counters of several connection managers and of generations that share one are added up', () => {
  const counters = new ReleaseCounters();
  counters.take('fim_configured_1', 'a="1"', 2);
  counters.take('fim_configured_1', 'a="2"', 3);
  assert.equal(countedOf(counters, 17).configured, 5);
});
