// Objects of the operator's kind that somebody else has written: read without harm, and taken for nothing of its own.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { canonicalHash, PLUGIN_CONFIG_VERSION } from '../../envoy/route/index.ts';
import { appliedOf, HASH_ANNOTATION } from '../../istio/operator/plan/applied.ts';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';

function object(config: object): KubeObject {
  const value = { typed_config: { config: { configuration: { value: JSON.stringify(config) } } } };
  return {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: 'a', namespace: 'b', annotations: { [HASH_ANNOTATION]: canonicalHash(config) } },
    spec: { configPatches: [{ applyTo: 'EXTENSION_CONFIG', patch: { value } }] },
  } as KubeObject;
}

it('a configuration with a right hash and a wrong form counts as none, and does not throw', () => {
  const good = { name: 'b/r', stages: {} };
  assert.equal(appliedOf(object({ version: PLUGIN_CONFIG_VERSION, routes: [good] })).isWhole, true);
  const wrong: unknown[] = [
    [null],
    [{ name: 'b/r' }],
    [{ name: 'b/r', stages: null }],
    [{ name: 'b/r', stages: { rateLimiter: { limits: 5 } } }],
    [{ name: 'b/r', stages: { rateLimiter: { limits: [null] } } }],
    'routes',
    null,
  ];
  for (const routes of wrong) {
    const applied = appliedOf(object({ version: PLUGIN_CONFIG_VERSION, routes }));
    assert.equal(applied.isWhole, false, JSON.stringify(routes));
    assert.equal(applied.routes.size, 0);
    assert.equal(applied.config, undefined);
  }
});
