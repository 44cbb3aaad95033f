// The manifests of the service of global limits.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'node:test';
import { BASE, assertRestricted, resourcesOf, type Manifest } from './manifest-files.ts';

describe('the service of global limits', () => {
  const added = resourcesOf(path.resolve(BASE, '../limits'));
  const named = (kind: string, name: string): Manifest =>
    added.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)!;

  it('is two replicas and a Redis that forgets nothing for lack of room, restricted like the rest', () => {
    for (const manifest of added) {
      assert.equal(manifest.metadata.namespace, 'fim-system', manifest.kind);
      if (manifest.kind === 'Deployment') assertRestricted(manifest);
    }
    assert.equal(named('Deployment', 'fim-limits').spec?.replicas, 2);
    assert.ok(named('PodDisruptionBudget', 'fim-limits'));
    const [redis] = named('Deployment', 'fim-limits-redis').spec!.template!.spec.containers;
    assert.equal(redis!.args![redis!.args!.indexOf('--maxmemory-policy') + 1], 'noeviction');
  });

  it('is asked by proxies of namespaces with a label, and Redis by it alone', () => {
    interface Policy {
      spec: {
        policyTypes: string[];
        ingress?: { from: Record<string, { matchLabels: object }>[]; ports: { port: number }[] }[];
      };
    }
    const rules = (name: string): unknown[] =>
      (named('NetworkPolicy', name) as unknown as Policy).spec.ingress!.map(({ from, ports }) => [
        from.map((peer) => Object.values(peer).map(({ matchLabels }) => matchLabels)),
        ports.map(({ port }) => port),
      ]);
    assert.deepEqual(rules('fim-limits'), [
      [[[{ 'fim.financial/global-limits': 'true' }]], [8081]],
      [[[{ 'fim.financial/scrapes': 'true' }]], [9465]],
    ]);
    assert.deepEqual(rules('fim-limits-redis'), [[[[{ app: 'fim-limits' }]], [6379]]]);
    for (const name of ['fim-limits', 'fim-limits-redis'])
      assert.ok((named('NetworkPolicy', name) as unknown as Policy).spec.policyTypes.includes('Egress'));
  });
});
