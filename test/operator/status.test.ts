// The table of truths: what a status says, for everything that can be known of a route.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { statusOf } from '../../istio/operator/plan/status.ts';
import type { RouteFacts, WorkloadState } from '../../istio/operator/plan/route-facts.ts';

const HASH = 'ab'.repeat(32);
const NOW = new Date('2026-01-02T03:04:05.678Z');

function workload(overrides: Partial<WorkloadState> = {}): WorkloadState {
  return {
    name: 'gateways',
    hash: HASH,
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
    ...overrides,
  };
}

function facts(overrides: Partial<RouteFacts> = {}): RouteFacts {
  return {
    foreign: [],
    coverage: { judged: [], refused: [], open: [] },
    generation: 7,
    issues: [],
    held: false,
    targets: [],
    keys: [],
    drafts: [[{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '' }]],
    unhonoured: [],
    workloads: [workload()],
    ...overrides,
  };
}

const ISSUE = {
  code: 'FIM-CFG-1024' as const,
  path: '$.spec.validation',
  message: 'Pattern is not in the supported subset',
  file: '',
};
const ROOM = { code: 'FIM-CFG-1002' as const, path: '$.spec', message: 'Too much', file: '' };
const LOST = [
  {
    type: 'Accepted',
    status: 'False' as const,
    reason: 'Conflicted',
    message: 'demo/old has the same match and keeps it.',
  },
];
const EDGE = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
const MISSING = {
  ref: EDGE,
  workloads: ['gateways'],
  problem: {
    reason: 'TargetNotFound' as const,
    message: 'FIM-OP-0004: there is no Gateway edge in this namespace.',
  },
};

/** Accepted, ResolvedRefs, Programmed, each as `status reason`; `-` where the condition is not there. */
const TABLE: [name: string, facts: RouteFacts, accepted: string, refs: string, programmed: string][] = [
  ['all proxies proven', facts(), 'True Accepted', 'True ResolvedRefs', 'True Programmed'],
  [
    'one proxy has not',
    facts({ workloads: [workload({ programmed: 1, workers: 2 })] }),
    'True Accepted',
    'True ResolvedRefs',
    'False Pending',
  ],
  [
    'none has been asked since',
    facts({ workloads: [workload({ programmed: 0, workers: 0, unasked: 2 })] }),
    'True Accepted',
    'True ResolvedRefs',
    'Unknown Pending',
  ],
  [
    'one cannot be asked',
    facts({ workloads: [workload({ programmed: 1, workers: 2, unreachable: 1 })] }),
    'True Accepted',
    'True ResolvedRefs',
    'Unknown Unreachable',
  ],
  [
    'one cannot be asked, one has not',
    facts({ workloads: [workload({ proxies: 3, programmed: 1, unreachable: 1 })] }),
    'True Accepted',
    'True ResolvedRefs',
    'False Pending',
  ],
  [
    'there is no proxy',
    facts({ workloads: [workload({ proxies: 0, programmed: 0, workers: 0 })] }),
    'True Accepted',
    'True ResolvedRefs',
    'Unknown NoProxies',
  ],
  [
    'one of two workloads is proven',
    facts({ workloads: [workload(), workload({ name: 'b', programmed: 0, workers: 0 })] }),
    'True Accepted',
    'True ResolvedRefs',
    'False Pending',
  ],
  [
    'one of two workloads is proven, the proxies of the other are not counted',
    facts({ workloads: [workload(), workload({ name: 'b', counted: false, proxies: 0, programmed: 0, workers: 0 })] }),
    'True Accepted',
    'True ResolvedRefs',
    'Unknown Pending',
  ],
  [
    'no proxies are counted yet',
    facts({ workloads: [workload({ counted: false, proxies: 0, programmed: 0, workers: 0 })] }),
    'True Accepted',
    'True ResolvedRefs',
    'Unknown Pending',
  ],
  [
    'a proxy refuses',
    facts({ workloads: [workload({ programmed: 1, refusals: [{ proxy: 'gw-1', reason: 'no' }] })] }),
    'True Accepted',
    'True ResolvedRefs',
    'False Refused',
  ],
  [
    'the object was not taken',
    facts({ workloads: [workload({ applyError: 'denied' })] }),
    'True Accepted',
    'True ResolvedRefs',
    'False NotApplied',
  ],
  ['a later version rules', facts({ handsOff: 'x' }), 'True Accepted', 'True ResolvedRefs', 'False LaterVersion'],
  [
    'a line that cannot be honoured',
    facts({ unhonoured: [{ reason: 'TlcpNotTerminated', message: 'x' }] }),
    'True Accepted',
    'True ResolvedRefs',
    'False TlcpNotTerminated',
  ],
  ['a mistake', facts({ issues: [ISSUE], workloads: [] }), 'False Invalid', '-', 'False Invalid'],
  [
    'a mistake, an earlier form in force',
    facts({ issues: [ISSUE], held: true }),
    'False Invalid',
    '-',
    'False Invalid',
  ],
  ['no room', facts({ issues: [ROOM] }), 'False TooManyRoutes', '-', 'False TooManyRoutes'],
  [
    'too many workloads',
    facts({ overflow: '256 workloads', workloads: [] }),
    'False TooManyWorkloads',
    '-',
    'False TooManyWorkloads',
  ],
  ['the root namespace', facts({ forbidden: 'x', workloads: [] }), 'False NotAllowed', '-', 'False NotAllowed'],
  ['lost everywhere', facts({ drafts: [LOST, LOST] }), 'False Conflicted', '-', 'False Conflicted'],
  [
    'lost on one workload of two',
    facts({ drafts: [LOST, [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: '' }]] }),
    'True Accepted',
    'True ResolvedRefs',
    'True Programmed',
  ],
  [
    'no target',
    facts({ targets: [MISSING], workloads: [workload({ proxies: 0, programmed: 0, workers: 0 })] }),
    'False TargetNotFound',
    'True ResolvedRefs',
    'False TargetNotFound',
  ],
  [
    'one target of two, proven',
    facts({ targets: [MISSING] }),
    'False TargetNotFound',
    'True ResolvedRefs',
    'False TargetNotFound',
  ],
  [
    'a Service without waypoint',
    facts({
      targets: [{ ...MISSING, problem: { reason: 'UnsupportedTarget', message: 'x' } }],
      workloads: [],
    }),
    'False UnsupportedTarget',
    'True ResolvedRefs',
    'False UnsupportedTarget',
  ],
  [
    'no such key',
    facts({ keys: [{ keyId: 'kms://a/b', reason: 'KeyNotFound' }], workloads: [] }),
    'True Accepted',
    'False KeyNotFound',
    'False KeyNotFound',
  ],
  [
    'no such key, in force without it',
    facts({ keys: [{ keyId: 'kms://a/b', reason: 'KeyNotFound' }] }),
    'True Accepted',
    'False KeyNotFound',
    'False KeyNotFound',
  ],
  [
    'no key service',
    facts({ keys: [{ keyId: 'kms://a/b', reason: 'KmsNotConfigured' }], workloads: [] }),
    'True Accepted',
    'False KmsNotConfigured',
    'False KmsNotConfigured',
  ],
  [
    'a silent key service',
    facts({ keys: [{ keyId: 'kms://a/b', reason: 'KmsUnreachable' }] }),
    'True Accepted',
    'Unknown KmsUnreachable',
    'True Programmed',
  ],
  [
    'no module',
    facts({
      moduleProblem: { reason: 'ModuleNotFound', message: 'x' },
      workloads: [workload({ proxies: 1, programmed: 1, workers: 2 })],
    }),
    'True Accepted',
    'False ModuleNotFound',
    'True Programmed',
  ],
  [
    'a silent module server',
    facts({ moduleProblem: { reason: 'ModuleServerSilent', message: 'x' } }),
    'True Accepted',
    'Unknown ModuleServerSilent',
    'True Programmed',
  ],
];

describe('the status', () => {
  for (const [name, given, ...expected] of TABLE) {
    it(`${name}: ${expected.join(', ')}`, () => {
      const { conditions, observedGeneration } = statusOf(given, undefined, NOW);
      const say = (type: string): string => {
        const found = conditions.find((condition) => condition.type === type);
        return found === undefined ? '-' : `${found.status} ${found.reason}`;
      };
      assert.deepEqual(['Accepted', 'ResolvedRefs', 'Programmed'].map(say), expected);
      assert.equal(observedGeneration, 7);
      for (const condition of conditions)
        assert.deepEqual(
          [condition.observedGeneration, condition.lastTransitionTime, condition.message.length > 0],
          [7, '2026-01-02T03:04:05Z', true],
        );
    });
  }

  it('is never Programmed without proxies that said so', () => {
    for (const [, given] of TABLE) {
      const programmed = statusOf(given, undefined, NOW).conditions.find(({ type }) => type === 'Programmed');
      const all =
        given.workloads.every((entry) => entry.proxies === entry.programmed) &&
        given.workloads.some((entry) => entry.proxies > 0);
      if (programmed?.status === 'True') assert.ok(all);
    }
  });

  it('keeps the time of a condition while its status is the same', () => {
    const before = statusOf(facts({ workloads: [workload({ programmed: 0 })] }), undefined, NOW);
    const later = new Date('2026-02-02T00:00:00Z');
    const after = statusOf(facts(), before, later);
    const time = (type: string): string | undefined =>
      after.conditions.find((condition) => condition.type === type)?.lastTransitionTime;
    assert.equal(time('Accepted'), '2026-01-02T03:04:05Z');
    assert.equal(time('Programmed'), '2026-02-02T00:00:00Z');
  });

  it('counts proxies and workers, and names the configuration if there is one', () => {
    const two = statusOf(
      facts({
        workloads: [workload(), workload({ name: 'b', hash: 'cd'.repeat(32), provenAt: Date.UTC(2026, 0, 1) })],
      }),
      undefined,
      NOW,
    );
    assert.deepEqual(two.proxies, { total: 4, programmed: 4, workers: 8 });
    assert.equal(two.configurationHash, undefined);
    assert.equal(two.workloads?.[1]?.provenAt, '2026-01-01T00:00:00.000Z');
    assert.equal(statusOf(facts(), undefined, NOW).configurationHash, HASH);
  });

  it('names a few of many proxies that refuse', () => {
    const refusals = Array.from({ length: 9 }, (_, index) => ({ proxy: `gw-${index}`, reason: 'no' }));
    const { message } = statusOf(facts({ workloads: [workload({ refusals })] }), undefined, NOW).conditions.find(
      ({ type }) => type === 'Programmed',
    )!;
    assert.match(message, /gw-4: no; and 4 more/);
  });
});

describe('warnings of a status', () => {
  const warning = (overrides: Partial<RouteFacts>): string | undefined =>
    statusOf(facts(overrides), undefined, NOW).conditions.find(({ type }) => type === 'Warnings')?.reason;

  it('say that a waypoint has no keys, of routes that need some', () => {
    const workloads = [workload({ name: 'service-ledger' }), workload()];
    assert.equal(warning({ workloads, hasKeys: true }), 'NoKeysAtWaypoint');
    assert.equal(warning({ workloads, hasKeys: false }), undefined);
    assert.equal(warning({ hasKeys: true }), undefined);
  });
});
