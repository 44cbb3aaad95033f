// National TLS of a workload: where it is terminated, by which certificates, and what is said to be missing.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import { appliedOf } from '../../istio/operator/plan/applied.ts';
import { build, type FreshBuild } from '../../istio/operator/plan/build.ts';
import { workloadObject } from '../../istio/operator/plan/envoy-filter.ts';
import { kmsObject } from '../../istio/operator/plan/services.ts';
import { judge, type Reading } from '../../istio/operator/plan/evidence.ts';
import {
  NO_SUPPLY,
  tlcpExtensions,
  tlcpInForce,
  tlcpPlace,
  type TlcpInput,
  type TlcpSupply,
} from '../../istio/operator/plan/national-tls.ts';
import type { Selection, TargetFacts } from '../../istio/operator/plan/selection.ts';
import type { Workload } from '../../istio/operator/plan/workloads.ts';
import { readOptions } from '../../istio/operator/options.ts';
import { certificatesOf } from '../../istio/operator/tlcp-source.ts';
import { checkRoutes } from '../../envoy/route/index.ts';

const GATEWAYS: Selection = { lattice: 'gateway', terms: {} };
const SUITES = { cipherSuites: ['ECC-SM4-GCM-SM3'] };
const PAIR = { chain: 'CHAIN', signKey: 'kms://platform/sign', encryptKey: 'kms://platform/encrypt' };
const MODULE = { url: 'http://modules/a.wasm', sha256: 'a'.repeat(64), capabilities: ['proxy_log'] };
const READY: TlcpSupply = {
  module: { reference: MODULE, examine: () => undefined },
  defaults: { pairs: [PAIR], trust: 'TRUST' },
  moduleLack: '',
  defaultsLack: '',
};

const named = (kind: string, name: string, spec: unknown): [string, KubeObject] => [
  name,
  { apiVersion: 'v1', kind, metadata: { name, namespace: 'demo' }, spec } as KubeObject,
];

function facts(listeners: { port: number; protocol: string }[], targets: Record<number, number> = {}): TargetFacts {
  const ports = Object.entries(targets).map(([port, targetPort]) => ({ port: Number(port), targetPort }));
  return {
    gateways: new Map([
      named('Gateway', 'gw', { listeners: listeners.map((one, index) => ({ name: `l${index}`, ...one })) }),
    ]),
    istioGateways: new Map(),
    httpRoutes: new Map(),
    services: new Map([named('Service', 'gw', { ports })]),
    pods: new Map(),
  } as TargetFacts;
}

const NOTHING_ELSEWHERE: TlcpInput['read'] = () => ({ code: 'FIM-OP-0060', detail: 'nothing' });

function buildWith(given: Omit<TlcpInput, 'read'> | TlcpInput | undefined, tls: unknown = SUITES): FreshBuild {
  const tlcp = given === undefined ? undefined : { read: NOTHING_ELSEWHERE, ...given };
  const object = {
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name: 'a', namespace: 'demo' },
    spec: { tls, validation: { fields: [{ name: 'a' }] } },
  };
  const { resources, errors } = checkRoutes([object]);
  assert.deepEqual(errors, []);
  return build({
    routes: resources,
    unservable: new Map(),
    objects: new Map(),
    applied: undefined,
    examine: () => undefined,
    kms: { cluster: 'fim-kms' },
    ...(tlcp === undefined ? {} : { tlcp }),
  });
}

const programmed = (made: FreshBuild): string | undefined =>
  made.conditions['demo/a']?.find(({ type, status }) => type === 'Programmed' && status === 'False')?.message;

function objectOf(made: FreshBuild, generation = 7, formerTlcp: Record<string, unknown>[] = []): KubeObject {
  const workload = { namespace: 'demo', name: 'gateways', selection: GATEWAYS, routes: [], wider: ['other'] };
  const release = { config: made.config, hash: made.hash, generation, appliedAt: 0, module: MODULE, version: '1' };
  return workloadObject(
    workload as unknown as Workload,
    { ...release, ...(made.tlcp === undefined ? {} : { tlcp: made.tlcp }) },
    { formerTlcp: formerTlcp as never },
  );
}

describe('where national TLS is terminated', () => {
  it('at all ports of gateways that speak HTTP in clear', () => {
    assert.deepEqual(tlcpPlace(GATEWAYS, facts([{ port: 80, protocol: 'HTTP' }])), { nowhere: false });
  });

  it('beside HTTPS at the ports in clear, as pods have them, and the others are named', () => {
    const found = facts(
      [
        { port: 80, protocol: 'HTTP' },
        { port: 443, protocol: 'HTTPS' },
      ],
      { 80: 8080, 443: 8443 },
    );
    const { ports, lack, nowhere } = tlcpPlace(GATEWAYS, found);
    assert.deepEqual([ports, nowhere], [[80, 8080], false]);
    assert.match(lack!, /gw\/l1:443/);
  });

  it('nowhere, if a port may be either', () => {
    const found = facts(
      [
        { port: 80, protocol: 'HTTP' },
        { port: 443, protocol: 'HTTPS' },
      ],
      { 80: 8443, 443: 8443 },
    );
    assert.equal(tlcpPlace(GATEWAYS, found).nowhere, true);
  });

  it('not at sidecars and waypoints', () => {
    for (const lattice of ['sidecar', 'waypoint'] as const)
      assert.equal(tlcpPlace({ lattice, terms: { app: 'a' } }, facts([])).nowhere, true);
  });
});

describe('a build with national TLS', () => {
  const place = { nowhere: false };

  it('takes the certificates of the platform for routes that name none', () => {
    const made = buildWith({ supply: READY, place, inForce: undefined });
    assert.deepEqual(made.tlcp?.config.connections, {
      suites: [0xe053],
      clientAuth: 'None',
      tickets: true,
      pairs: [PAIR],
      trust: 'TRUST',
    });
    assert.equal(programmed(made), undefined);
  });

  it('terminates it without the ordinary TLS that is asked beside it, and says so', () => {
    const made = buildWith({ supply: READY, place, inForce: undefined }, { ...SUITES, alsoTls: {} });
    assert.deepEqual(made.tlcp?.config.connections?.suites, [0xe053]);
    assert.match(programmed(made)!, /tls\.alsoTls is not served .* on another port/);
  });

  it('looks at revocations: lists of the route, and the responder of the platform or none', () => {
    const asks = { ...SUITES, clientAuth: 'Required', ocsp: { timeout: '1s' } };
    const responder = { cluster: 'fim-ocsp', authority: 'ocsp.pki.svc:8080', path: '/status' };
    const made = buildWith({ supply: { ...READY, responder }, place, inForce: undefined }, asks);
    assert.deepEqual(made.tlcp?.config.connections?.ocsp, { ...responder, timeoutMs: 1000, needsNonce: false });
    const without = buildWith({ supply: READY, place, inForce: undefined }, asks);
    assert.deepEqual(
      without.refused.get('demo/a')?.map(({ code, path }) => `${code} ${path}`),
      ['FIM-UP-0033 $.spec.tls.ocsp'],
    );
    const listed = { ...SUITES, clientAuth: 'Required', crl: { inline: 'LISTS' } };
    assert.equal(
      buildWith({ supply: READY, place, inForce: undefined }, listed).tlcp?.config.connections?.lists,
      'LISTS',
    );
  });

  it('names a responder in full, beside the key service, whose object brings its cluster', () => {
    const base = ['--modules', 'x', '--module-url', 'http://x'];
    const kms = ['--kms', 'http://vault.keys.svc:8200'];
    const flags = readOptions([...base, ...kms, '--ocsp', 'http://ocsp.pki.svc:8080/status'], {});
    assert.ok(typeof flags !== 'string', String(flags));
    const { spec } = kmsObject(
      'demo',
      { url: flags.kms.url!, folder: '/etc/fim/kms', files: [], ocsp: flags.tlcp.ocsp! },
      '1',
      'bank.local',
    );
    const [, , patch] = spec!.configPatches as { match: object; patch: { value: { name: string } } }[];
    assert.deepEqual([patch!.match, patch!.patch.value.name], [{ context: 'GATEWAY' }, 'fim-ocsp']);
    assert.ok(JSON.stringify(patch).includes('"address":"ocsp.pki.svc.bank.local","port_value":8080'));
    for (const [more, mistake] of [
      [['--ocsp', 'http://ocsp.pki.svc'], /goes with --kms/],
      [[...kms, '--kms-cluster', 'vault', '--ocsp', 'http://ocsp.pki.svc'], /not with --kms-cluster/],
      [[...kms, '--ocsp', 'http://ocsp'], /would be completed/],
      [[...kms, '--ocsp', 'ldap://ocsp.pki.svc'], /no http/],
    ] as const)
      assert.match(String(readOptions([...base, ...more], {})), mistake);
  });

  it('says all that is missing', () => {
    const made = buildWith({ supply: { ...NO_SUPPLY, defaultsLack: 'no certificates' }, place, inForce: undefined });
    assert.equal(made.tlcp, undefined);
    assert.match(programmed(made)!, /no tlcp-listener.wasm; no certificates; tls.missing/);
  });

  it('keeps what is in force when something is missing, and when its certificates are refused', () => {
    const inForce = buildWith({ supply: READY, place, inForce: undefined }).tlcp!;
    const refuses = { reference: MODULE, examine: () => ({ code: 'FIM-CFG-0027', pointer: '/connections/chain' }) };
    for (const supply of [{ ...NO_SUPPLY }, { ...READY, module: refuses }]) {
      const made = buildWith({ supply, place, inForce });
      assert.deepEqual(made.tlcp, inForce);
      assert.match(programmed(made)!, /what was in force of national TLS stays/);
    }
  });

  it('does not accept a route whose own certificates are refused', () => {
    const part = (use: string): unknown => ({ chain: '-----BEGIN X-----', keyId: `kms://demo/${use}` });
    const module = { reference: MODULE, examine: () => ({ code: 'FIM-CFG-0027', pointer: '/connections/chain' }) };
    const made = buildWith(
      { supply: { ...READY, module }, place, inForce: undefined },
      { ...SUITES, certificates: [{ sign: part('sign'), encrypt: part('encrypt') }] },
    );
    assert.equal(made.refused.get('demo/a')?.[0]?.code, 'FIM-CFG-0027');
  });

  it('accepts the lack where the route does', () => {
    const made = buildWith(undefined, { ...SUITES, missing: 'Accept' });
    assert.equal(programmed(made), undefined);
  });
});

describe('the object', () => {
  const input = { supply: READY, place: { nowhere: false, ports: [8080] }, inForce: undefined };

  it('holds both filters at the ports, and what it puts into force can be read back', () => {
    const made = buildWith(input);
    const object = objectOf(made);
    const patches = object.spec!.configPatches as { applyTo: string; match: unknown; patch: { operation: string } }[];
    assert.deepEqual(
      patches
        .filter(({ match }) => JSON.stringify(match).includes('8080'))
        .map(({ applyTo, patch }) => `${applyTo} ${patch.operation}`),
      ['NETWORK_FILTER REMOVE', 'HTTP_FILTER REMOVE', 'NETWORK_FILTER INSERT_BEFORE', 'HTTP_FILTER INSERT_FIRST'],
    );
    assert.deepEqual(tlcpInForce(object), made.tlcp);
    assert.notEqual(appliedOf(object).tlcpHash, undefined);
    assert.deepEqual(appliedOf(object).routes.size, 1, 'the policy is the first configuration');
  });

  it('what removes claims of clients comes to stand before it, at every port, and in the place of a wider one', () => {
    const patches = objectOf(buildWith(input)).spec!.configPatches as {
      applyTo: string;
      match: { listener?: { portNumber?: number; filterChain?: { filter?: { subFilter?: { name: string } } } } };
      patch: { operation: string; value?: { name: string } };
    }[];
    const first = patches.filter(({ patch }) => patch.operation === 'INSERT_FIRST');
    assert.deepEqual(
      first.map(({ match, patch }) => [patch.value!.name, match.listener?.portNumber]),
      [
        ['fim.gateways.tlcp.requests', 8080],
        ['fim.gateways.claims', undefined],
      ],
      'the last that is inserted as the first is the first',
    );
    const removed = patches.filter(({ applyTo, patch }) => applyTo === 'HTTP_FILTER' && patch.operation === 'REMOVE');
    assert.ok(removed.some(({ match }) => match.listener?.filterChain?.filter?.subFilter?.name === 'fim.other.claims'));
  });

  it('sidecars believe the peers that are named, gateways and waypoints nobody', () => {
    const peer = 'spiffe://cluster.local/ns/edge/sa/gw';
    const release = { config: {}, hash: '', generation: 1, appliedAt: 0, module: MODULE, version: '1' };
    for (const lattice of ['sidecar', 'gateway', 'waypoint'] as const) {
      const workload = { namespace: 'demo', name: 'w', selection: { lattice, terms: {} }, routes: [], wider: [] };
      const object = workloadObject(workload as unknown as Workload, release as never, { believedPeers: [peer] });
      assert.equal(JSON.stringify(object.spec).includes(peer), lattice === 'sidecar', lattice);
    }
  });

  it('keeps the configurations for draining listeners when the route asks no more', () => {
    const before = objectOf(buildWith(input));
    const after = objectOf(buildWith(undefined, { ...SUITES, missing: 'Accept' }), 8, tlcpExtensions(before));
    assert.deepEqual(tlcpExtensions(after), tlcpExtensions(before));
    assert.equal(tlcpInForce(after), undefined);
    assert.ok(
      !JSON.stringify(after.spec).includes('NETWORK_FILTER","match":{"context":"GATEWAY","listener":{"portNumber'),
    );
  });
});

describe('proof', () => {
  const reading = (configured: number, tlcp: number): Reading => ({
    startedAt: 0,
    concurrency: 2,
    configured: [0, configured],
    tlcpConfigured: [0, tlcp],
    moduleRefused: 0,
    envoyRefused: 0,
    fetchFailures: {},
    keys: { unavailable: {}, succeeded: 0 },
    audit: { waiting: 0, written: 0, acknowledged: 0, lost: 0 },
    draining: 0,
    warming: 0,
    listeners: 3,
    chains: new Map(),
  });
  const verdict = (tlcp: boolean, now: Reading): string =>
    judge({ generation: 1, tlcp, slotFreeSince: 1e6 }, { baseline: reading(0, 0), now, readySince: 0 }).state;

  it('is that the machines took both', () => {
    assert.equal(verdict(true, reading(4, 0)), 'pending');
    assert.equal(verdict(true, reading(4, 4)), 'proven');
    assert.equal(verdict(false, reading(4, 0)), 'proven');
  });
});

describe('default certificates', () => {
  it('are written as in a route; mistakes are told by code and place', () => {
    const part = (use: string): string => `{chain: "-----BEGIN CERTIFICATE-----", keyId: "kms://platform/${use}"}`;
    const text = `certificates: [{sign: ${part('sign')}, encrypt: ${part('encrypt')}}]\ntrust: PEM\n`;
    const { pairs, trust } = certificatesOf(text);
    const [pair] = pairs;
    assert.deepEqual(
      [pair?.signKey, pair?.encryptKey, trust],
      ['kms://platform/sign', 'kms://platform/encrypt', 'PEM'],
    );
    assert.throws(() => certificatesOf('trust: x'), /no `certificates`/);
    assert.throws(
      () => certificatesOf(text.replace('kms://platform/sign', 'file:///key')),
      /FIM-CFG-\d+ \$\.certificates/,
    );
  });
});

describe('who is believed to know the client', () => {
  const read = (text: string): unknown => {
    const options = readOptions(['--modules', '/m', '--module-url', 'http://m/', '--client-identity-from', text], {});
    return typeof options === 'string' ? options : options.believedPeers;
  };

  it('is named by SPIFFE ids, and is nobody unless told', () => {
    const ids = ['spiffe://cluster.local/ns/edge/sa/gw', 'spiffe://bank.test/ns/edge/sa/gw.2'];
    assert.deepEqual(read(ids.join(',')), ids);
    for (const wrong of ['gw', 'spiffe://cluster.local', 'spiffe://a/ns/b/sa/*', `${ids[0]} `])
      assert.match(String(read(wrong)), /--client-identity-from is not spiffe/);
    const options = readOptions(['--modules', '/m', '--module-url', 'http://m/'], {});
    assert.deepEqual(typeof options === 'object' && options.believedPeers, []);
  });
});
