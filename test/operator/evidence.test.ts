// Conclusions that counters allow, and those that they do not.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  judge,
  readMetrics,
  type Expectation,
  type ProxyFacts,
  type Reading,
} from '../../istio/operator/plan/evidence.ts';

const MINUTE = 60_000;
const APPLIED = 1_000 * MINUTE;
const EXPECTED: Expectation = { generation: 17, slotFreeSince: APPLIED };

/** Generation 17 counts in slot 1. */
function reading(count: number, overrides: Partial<Reading> = {}): Reading {
  const configured = new Array<number>(16).fill(0);
  configured[1] = count;
  return {
    startedAt: APPLIED - 60 * MINUTE,
    concurrency: 2,
    configured,
    moduleRefused: 0,
    envoyRefused: 0,
    fetchFailures: {},
    keys: { unavailable: {}, succeeded: 0 },
    audit: { waiting: 0, written: 0, acknowledged: 0, lost: 0 },
    draining: 0,
    warming: 0,
    listeners: 3,
    chains: new Map(),
    ...overrides,
  };
}

const CASES: {
  name: string;
  expectation?: Expectation;
  facts: Partial<ProxyFacts> & { now: Reading };
  state: string;
}[] = [
  {
    name: 'four new VMs of a proxy with two workers',
    facts: { baseline: reading(0), now: reading(4) },
    state: 'proven',
  },
  { name: 'a worker is late', facts: { baseline: reading(0), now: reading(3) }, state: 'pending' },
  { name: 'the count is that of generation 1', facts: { baseline: reading(4), now: reading(4) }, state: 'pending' },
  { name: 'both generations were taken', facts: { baseline: reading(4), now: reading(8) }, state: 'proven' },
  { name: 'an old proxy that was never asked before', facts: { now: reading(4) }, state: 'ambiguous' },
  { name: 'an old proxy that was never asked and has counted nothing', facts: { now: reading(0) }, state: 'pending' },
  {
    name: 'one that was not asked before refuses after the first look',
    facts: { firstLook: reading(0, { moduleRefused: 1 }), now: reading(0, { moduleRefused: 2 }) },
    state: 'refused',
  },
  {
    name: 'one that was not asked before has refused something, which may be of an earlier generation',
    facts: { firstLook: reading(0, { moduleRefused: 1 }), now: reading(0, { moduleRefused: 1 }) },
    state: 'ambiguous',
  },
  {
    name: 'one that was not asked before takes it after the first look',
    facts: { firstLook: reading(4), now: reading(8) },
    state: 'proven',
  },
  {
    name: 'one that was not asked before had taken a part of it at the first look',
    facts: { firstLook: reading(2), now: reading(4) },
    state: 'ambiguous',
  },
  {
    name: 'one that was not asked before has done nothing since the first look',
    facts: { firstLook: reading(0), now: reading(0) },
    state: 'pending',
  },
  {
    name: 'a process that began after the counter was free',
    facts: { now: reading(4, { startedAt: APPLIED + MINUTE }) },
    state: 'proven',
  },
  {
    name: 'a process whose begin cannot be told from the time of the change',
    facts: { now: reading(4, { startedAt: APPLIED + 5_000 }) },
    state: 'ambiguous',
  },
  {
    name: 'a proxy that has begun anew since it was asked, before the change',
    facts: { baseline: reading(40, { startedAt: 1 }), now: reading(4) },
    state: 'ambiguous',
  },
  {
    name: 'a counter that fell: another process',
    facts: { baseline: reading(9), now: reading(4) },
    state: 'ambiguous',
  },
  {
    name: 'proven before, as the status says',
    expectation: { ...EXPECTED, provenAt: APPLIED + MINUTE },
    facts: { now: reading(4), readySince: APPLIED },
    state: 'proven',
  },
  {
    name: 'not ready when the others were proven',
    expectation: { ...EXPECTED, provenAt: APPLIED + MINUTE },
    facts: { now: reading(4), readySince: APPLIED + 2 * MINUTE },
    state: 'ambiguous',
  },
  {
    name: 'the module refused',
    facts: { baseline: reading(0), now: reading(0, { moduleRefused: 2 }) },
    state: 'refused',
  },
  {
    name: 'it refused before, not now',
    facts: { baseline: reading(0, { moduleRefused: 2 }), now: reading(0, { moduleRefused: 2 }) },
    state: 'pending',
  },
  {
    name: 'the agent got something else than the module',
    facts: { baseline: reading(0), now: reading(0, { fetchFailures: { checksum_mismatched: 1 } }) },
    state: 'refused',
  },
  { name: 'Envoy refused', facts: { baseline: reading(0), now: reading(1, { envoyRefused: 1 }) }, state: 'refused' },
  {
    name: 'a refusal that was overcome',
    facts: { baseline: reading(0), now: reading(4, { moduleRefused: 1 }) },
    state: 'proven',
  },
];

describe('evidence', () => {
  for (const { name, expectation = EXPECTED, facts, state } of CASES) {
    it(`${state}: ${name}`, () => assert.equal(judge(expectation, { readySince: 0, ...facts }).state, state));
  }

  it('is read from the metrics of Envoy and of its agent', () => {
    const text = [
      '# TYPE envoy_server_uptime gauge',
      'envoy_server_uptime{} 120',
      'envoy_server_concurrency{} 4',
      'fim_configured_3{} 6',
      'wasmcustom_fim_configured_4{} 12',
      'fim_config_refused{} 1',
      'istio_agent_wasm_remote_fetch_count{result="success"} 9',
      'istio_agent_wasm_remote_fetch_count{result="download_failure"} 2',
      'envoy_listener_manager_total_listeners_draining{} 1',
      'envoy_listener_manager_total_filter_chains_draining{} 2',
      'envoy_listener_manager_total_listeners_warming{} 1',
      'envoy_listener_manager_total_listeners_active{} 5',
      'envoy_http_rbac_fim_seal_rbac{authz_enforce_result="allowed",http_conn_manager_prefix="outbound_0.0.0.0_8080"} 7',
      'envoy_http_rbac_fim_seal_rbac{authz_enforce_result="denied",http_conn_manager_prefix="outbound_0.0.0.0_8080"} 3',
      'envoy_http_rbac_fim_passage_rbac{authz_dry_run_result="allowed",http_conn_manager_prefix="outbound_0.0.0.0_8080"} 9',
      'envoy_http_rbac_fim_passage_rbac{authz_dry_run_result="denied",http_conn_manager_prefix="outbound_0.0.0.0_8080"} 4',
      'envoy_http_rbac_allowed{http_conn_manager_prefix="inbound_0.0.0.0_80;"} 9',
      'envoy_http_0_0_0_81__rbac_fim_passage_rbac_shadow_denied{x="y"} 6',
      'envoy_extension_config_discovery_http_filter_update_rejected{extension_config_name="fim.gateways"} 5',
      'broken line {',
      'envoy_other NaN',
    ].join('\n');
    const found = readMetrics(text, 1_000_000);
    assert.equal(found?.startedAt, 880_000);
    assert.equal(found?.concurrency, 4);
    assert.deepEqual([found?.configured[3], found?.configured[4], found?.configured[5]], [6, 12, 0]);
    assert.deepEqual(
      [found?.moduleRefused, found?.envoyRefused, found?.fetchFailures],
      [1, 5, { download_failure: 2 }],
    );
    assert.deepEqual(
      [found?.draining, found?.warming, found?.listeners, [...(found?.chains ?? [])]],
      [
        3,
        1,
        5,
        [
          ['envoy_http_{,http_conn_manager_prefix="outbound_0.0.0.0_8080"}', { refused: 3, unseen: 4 }],
          ['envoy_http_0_0_0_81__{x="y"}', { refused: 0, unseen: 6 }],
        ],
      ],
    );
  });

  it('takes look-ups of keys by reason from a label, from the name without labels, and as earlier modules wrote it', () => {
    const proxy = [
      'envoy_server_concurrency{} 1',
      'envoy_server_uptime{} 9',
      'envoy_listener_manager_total_listeners_draining{} 0',
    ];
    const keys = [
      'fim_key_unavailable_total{reason="denied"} 1',
      'fim_key_unavailable_total{} 64',
      'fim_key_reason___denied___unavailable_total{} 2',
      'fim_key_reason___absent___unavailable_total{} 4',
      'fim_key_unavailable_denied{} 8',
      'fim_key_fetch_succeeded{} 16',
    ];
    assert.deepEqual(readMetrics([...proxy, ...keys].join('\n'), 0)?.keys, {
      unavailable: { denied: 11, absent: 4 },
      succeeded: 16,
    });
  });

  it('is not made of what no Envoy says', () => assert.equal(readMetrics('up 1\n<html>', 0), undefined));
});
