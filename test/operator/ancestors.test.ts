// The status by target, as policies of the Gateway API say it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ancestorsOf, CONTROLLER_NAME, type TargetState } from '../../istio/operator/plan/ancestors.ts';
import type { ConditionDraft } from '../../envoy/route/index.ts';

const gateway = (name: string, sectionName?: string): TargetState['ref'] => ({
  group: 'gateway.networking.k8s.io',
  kind: 'Gateway',
  name,
  ...(sectionName === undefined ? {} : { sectionName }),
});
const accepted = (status: 'True' | 'False', reason: string): ConditionDraft => ({
  type: 'Accepted',
  status,
  reason,
  message: 'x',
  observedGeneration: 4,
});
const TRUE = { status: 'True' as const, reason: 'Programmed' };

function say(targets: TargetState[], whole = { accepted: accepted('True', 'Accepted'), serves: true }): string[] {
  return ancestorsOf(targets, whole, CONTROLLER_NAME, 'demo').map(
    ({ ancestorRef: { name, sectionName = '-' }, conditions }) =>
      `${name}/${sectionName}: ${conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`).join(', ')}`,
  );
}

describe('the status by target', () => {
  it('says of each what it is', () => {
    const problem = { reason: 'TargetNotFound' as const, message: 'FIM-OP-0004: gone.' };
    assert.deepEqual(
      say([
        { ref: gateway('edge'), programmed: TRUE },
        { ref: gateway('lost'), problem, programmed: { status: 'Unknown', reason: 'NoProxies' } },
        { ref: gateway('never'), problem },
      ]),
      [
        'edge/-: Accepted True Accepted, Programmed True Programmed',
        'lost/-: Accepted False TargetNotFound, Programmed Unknown NoProxies',
        'never/-: Accepted False TargetNotFound',
      ],
    );
  });

  it('names a target once, and the worst of what its Gateways say', () => {
    assert.deepEqual(
      say([
        { ref: gateway('edge', 'https'), programmed: TRUE },
        { ref: gateway('edge', 'https'), programmed: { status: 'False', reason: 'Pending' } },
        { ref: gateway('edge', 'http'), programmed: TRUE },
      ]),
      [
        'edge/https: Accepted True Accepted, Programmed False Pending',
        'edge/http: Accepted True Accepted, Programmed True Programmed',
      ],
    );
  });

  it('says everywhere what keeps the route from everywhere', () => {
    assert.deepEqual(
      say([{ ref: gateway('edge'), programmed: TRUE }], { accepted: accepted('False', 'Invalid'), serves: false }),
      ['edge/-: Accepted False Invalid'],
    );
  });

  it('names who speaks, of which generation, and 16 targets at most', () => {
    const all = ancestorsOf(
      Array.from({ length: 20 }, (_, index) => ({ ref: gateway(`g${index}`) })),
      { accepted: accepted('True', 'Accepted'), serves: true },
      CONTROLLER_NAME,
      'demo',
    );
    assert.equal(all.length, 16);
    assert.deepEqual(
      all.map(({ controllerName, ancestorRef, conditions }) => [
        controllerName,
        ancestorRef.namespace,
        conditions[0]?.observedGeneration,
      ]),
      all.map(() => ['fim.financial/operator', 'demo', 4]),
    );
  });
});
