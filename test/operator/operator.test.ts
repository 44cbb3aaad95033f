// The whole operator on a small API server: objects, status, drift, poison, restarts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import { RESOURCES } from '../../istio/operator/kube/resources.ts';
import { ModuleSource } from '../../istio/operator/module-source.ts';
import { GENERATION_ANNOTATION } from '../../istio/operator/plan/applied.ts';
import { NAMESPACE, Rig } from './rig.ts';
import { until } from './until.ts';

const LIMIT = { match: { path: { type: 'Prefix', value: '/pay' } }, rateLimit: { requests: 10, period: '1s' } };
const GATEWAY = { metadata: { name: 'edge', namespace: NAMESPACE }, spec: { gatewayClassName: 'istio' } };
const GATEWAY_LABELS = { 'gateway.networking.k8s.io/gateway-name': 'edge' };
const GATEWAY_REF = { targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' }] };

describe('the operator', () => {
  it('says Programmed only when every worker of every proxy has counted the generation', async (t) => {
    const rig = await Rig.start(t);
    const [one, two] = [await rig.pod('gw-1', GATEWAY_LABELS), await rig.pod('gw-2', GATEWAY_LABELS)];
    rig.server.put('gateway.networking.k8s.io/gateways', GATEWAY);
    rig.route('limit', LIMIT);
    await rig.condition('limit', 'Accepted', 'True');
    await rig.condition('limit', 'ResolvedRefs', 'True');
    // The object is there, and nothing is proven.
    await rig.condition('limit', 'Programmed', 'False', 'Pending');
    const { generation, hash } = rig.config('fim-gateways')!;
    one.take(generation);
    await until('one proxy', () => rig.status('limit')?.proxies?.programmed === 1);
    await rig.condition('limit', 'Programmed', 'False', 'Pending');
    two.configured[generation % 16]! += 3; // one VM is late
    assert.equal(rig.status('limit')?.proxies?.programmed, 1);
    two.configured[generation % 16]! += 1;
    const proven = await rig.condition('limit', 'Programmed', 'True');
    assert.match(proven.message, /2 proxies with 4 workers/);
    assert.equal(rig.status('limit')?.configurationHash, hash);
    assert.deepEqual(rig.status('limit')?.proxies, { total: 2, programmed: 2, workers: 4 });
    await until('an event', () =>
      rig.server
        .all('events')
        .some((event) => event.reason === 'Programmed' && (event.involvedObject as { name: string }).name === 'limit'),
    );
  });

  it('tells of a WasmPlugin in front of the filter, and when it is gone', async (t) => {
    const rig = await Rig.start(t);
    rig.route('limit', LIMIT);
    await rig.condition('limit', 'Accepted', 'True');
    rig.server.put('wasmplugins', {
      apiVersion: 'extensions.istio.io/v1alpha1',
      kind: 'WasmPlugin',
      metadata: { name: 'theirs', namespace: NAMESPACE },
      spec: { url: 'oci://example.com/own', phase: 'AUTHN' },
    });
    const { message } = await rig.condition('limit', 'ForeignPatches', 'True');
    assert.match(message, /theirs \(a WasmPlugin in front of FIM/);
    rig.server.remove('wasmplugins', NAMESPACE, 'theirs');
    await until(
      'it is gone',
      () => rig.status('limit')?.conditions?.every(({ type }) => type !== 'ForeignPatches') ?? false,
    );
  });

  it('tells why a proxy refuses, and that nobody could be asked', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', GATEWAY_LABELS);
    rig.route('limit', LIMIT);
    await rig.condition('limit', 'Programmed', 'False', 'Pending');
    proxy.checksumMismatches = 1;
    const refused = await rig.condition('limit', 'Programmed', 'False', 'Refused');
    assert.match(refused.message, /FIM-OP-0009.*gw-1: the proxy's agent did not get the module: checksum mismatched/);
    rig.server.remove('pods', NAMESPACE, 'gw-1');
    await rig.condition('limit', 'Programmed', 'Unknown', 'NoProxies');
    const silent = await rig.pod('gw-2', GATEWAY_LABELS);
    silent.stop();
    await rig.condition('limit', 'Programmed', 'Unknown', 'Unreachable');
  });

  it('tells the refusal of a proxy that it could not ask before the configuration', async (t) => {
    const rig = await Rig.start(t);
    rig.route('limit', LIMIT);
    const { generation } = (await until('the object', () => rig.config('fim-gateways'))) as { generation: number };
    // Old processes that come to the workload later: the one refuses after it is looked at, the other has before.
    const late = await rig.pod('gw-1', GATEWAY_LABELS);
    await rig.condition('limit', 'Programmed', 'False', 'Pending');
    assert.equal(rig.config('fim-gateways')?.generation, generation);
    late.checksumMismatches = 1;
    await rig.condition('limit', 'Programmed', 'False', 'Refused');
    rig.server.remove('pods', NAMESPACE, 'gw-1');
    await rig.condition('limit', 'Programmed', 'Unknown', 'NoProxies');
    const renewed = rig.config('fim-gateways')!.generation;
    const before = await rig.pod('gw-2', GATEWAY_LABELS, false, (proxy) => (proxy.checksumMismatches = 1));
    await until('a generation that tells', () => rig.config('fim-gateways')!.generation > renewed);
    before.checksumMismatches = 2;
    await rig.condition('limit', 'Programmed', 'False', 'Refused');
  });

  it('goes on saying that a proxy did not get the module while it is given the same again', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', GATEWAY_LABELS);
    rig.route('limit', LIMIT);
    await rig.condition('limit', 'Programmed', 'False', 'Pending');
    const { generation } = rig.config('fim-gateways')!;
    proxy.downloadFailures = 1;
    await rig.condition('limit', 'Programmed', 'False', 'Refused');
    await until('it is given again', () => rig.config('fim-gateways')!.generation > generation);
    await rig.quiet();
    await rig.condition('limit', 'Programmed', 'False', 'Refused');
    // The second failure has a longer pause.
    const again = rig.config('fim-gateways')!.generation;
    proxy.downloadFailures = 2;
    await until('it is given again', () => rig.config('fim-gateways')!.generation > again);
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('limit', 'Programmed', 'True');
  });

  it('keeps the last good configuration of a route that becomes invalid, over its own restart too', async (t) => {
    const rig = await Rig.start(t);
    rig.route('limit', LIMIT);
    rig.route('mask', {
      match: { path: { type: 'Prefix', value: '/card' } },
      masking: { detect: [{ kind: 'IdCard' }] },
    });
    await until('both', () => rig.config('fim-gateways')?.routes.length === 2);
    const good = rig.config('fim-gateways')!.routes.find((route) => route.name === 'demo/mask');
    rig.route('mask', {
      match: { path: { type: 'Prefix', value: '/card' } },
      validation: { fields: [{ name: 'a', pattern: '((((' }] },
    });
    await rig.condition('mask', 'Accepted', 'False', 'Invalid');
    await rig.condition('mask', 'Programmed', 'False', 'Invalid');
    await rig.stopOperator();
    // Others go on, and what was good stays as it was.
    rig.route('limit', { ...LIMIT, rateLimit: { requests: 99, period: '1s' } });
    await rig.startOperator();
    await until('the edit', () => JSON.stringify(rig.config('fim-gateways')).includes('"requests":99'));
    assert.deepEqual(
      rig.config('fim-gateways')!.routes.find((route) => route.name === 'demo/mask'),
      good,
    );
    await until('the word on it', () =>
      rig
        .status('mask')
        ?.conditions.find(({ type }) => type === 'Programmed')
        ?.message.includes('stays in force'),
    );
    rig.route('mask', {
      match: { path: { type: 'Prefix', value: '/card' } },
      masking: { detect: [{ kind: 'BankCard' }] },
    });
    await rig.condition('mask', 'Accepted', 'True');
    await until('the repair', () => JSON.stringify(rig.config('fim-gateways')).includes('BankCard'));
  });

  it('keeps an invalid route that was alone on its workload', async (t) => {
    const rig = await Rig.start(t);
    const spec = { selector: { matchLabels: { app: 'web' } }, rateLimit: { requests: 5, period: '1s' } };
    rig.route('web', spec);
    const name = (
      await until('the object', () =>
        rig.server.all('envoyfilters').find((object) => object.metadata.name.startsWith('fim-sidecars-web-')),
      )
    ).metadata.name;
    rig.route('web', { ...spec, validation: { fields: [{ name: 'a', pattern: '((((' }] } });
    await rig.condition('web', 'Accepted', 'False', 'Invalid');
    assert.equal(rig.config(name)?.routes.length, 1);
    rig.server.remove('financialroutes', NAMESPACE, 'web');
    await until('the end of the object', () => rig.filter(name) === undefined);
  });

  it('holds back a route whose key is missing until it is there', async (t) => {
    const rig = await Rig.start(t);
    rig.kms.keys.set('prod/one', {});
    rig.route('fund', { encryption: { keyId: 'kms://prod/one', request: 'Encrypt' } });
    await rig.condition('fund', 'ResolvedRefs', 'True');
    await until('the cluster of the key service', () => rig.filter('fim-kms'));
    rig.route('fund', { encryption: { keyId: 'kms://prod/two', request: 'Encrypt' } });
    const missing = await rig.condition('fund', 'ResolvedRefs', 'False', 'KeyNotFound');
    assert.match(missing.message, /FIM-OP-0006.*kms:\/\/prod\/two/);
    await rig.condition('fund', 'Programmed', 'False', 'KeyNotFound');
    assert.match(JSON.stringify(rig.config('fim-gateways')), /kms:\/\/prod\/one/);
  });

  it('puts a new route in force whose key is missing: nothing passes unprotected', async (t) => {
    const rig = await Rig.start(t);
    rig.route('fund', { encryption: { keyId: 'kms://prod/two', request: 'Encrypt' } });
    await rig.condition('fund', 'ResolvedRefs', 'False', 'KeyNotFound');
    await until('the route in the configuration', () =>
      JSON.stringify(rig.config('fim-gateways') ?? {}).includes('kms://prod/two'),
    );
    assert.match(
      (await rig.condition('fund', 'Programmed', 'False', 'KeyNotFound')).message,
      /refused until it is there/,
    );
  });

  it('names the winner of a conflict', async (t) => {
    const rig = await Rig.start(t);
    rig.route('young', LIMIT, '2026-02-02T00:00:00Z');
    rig.route('old', LIMIT, '2026-01-01T00:00:00Z');
    const lost = await rig.condition('young', 'Accepted', 'False', 'Conflicted');
    assert.match(lost.message, /demo\/old/);
    await rig.condition('old', 'Accepted', 'True');
    rig.server.remove('financialroutes', NAMESPACE, 'old');
    await rig.condition('young', 'Accepted', 'True');
  });

  it('says that a target is not there, and what Istio cannot serve', async (t) => {
    const rig = await Rig.start(t);
    rig.route('gone', { ...GATEWAY_REF, ...LIMIT });
    assert.match((await rig.condition('gone', 'Accepted', 'False', 'TargetNotFound')).message, /FIM-OP-0004.*edge/);
    await rig.condition('gone', 'Programmed', 'False', 'TargetNotFound');
    rig.server.put('gateway.networking.k8s.io/gateways', GATEWAY);
    await rig.condition('gone', 'Accepted', 'True');
    rig.server.put('services', { metadata: { name: 'web', namespace: NAMESPACE }, spec: { ports: [{ port: 80 }] } });
    rig.route('plain', { targetRefs: [{ group: '', kind: 'Service', name: 'web' }], ...LIMIT });
    assert.match((await rig.condition('plain', 'Accepted', 'False', 'UnsupportedTarget')).message, /FIM-OP-0005/);
    await rig.condition('plain', 'Programmed', 'False', 'UnsupportedTarget');
  });

  it('names the filter chains of a waypoint by the domain of the cluster', async (t) => {
    const rig = await Rig.start(t, (server, made) => {
      made.clusterDomain = 'bank.internal';
      server.put('gateway.networking.k8s.io/gateways', {
        metadata: { name: 'wp', namespace: NAMESPACE },
        spec: { gatewayClassName: 'istio-waypoint' },
      });
      server.put('services', {
        metadata: { name: 'web', namespace: NAMESPACE, labels: { 'istio.io/use-waypoint': 'wp' } },
        spec: { ports: [{ port: 80 }] },
      });
    });
    rig.route('web', { targetRefs: [{ group: '', kind: 'Service', name: 'web' }], ...LIMIT });
    const object = await until('the object', () => rig.filter('fim-service-web'));
    assert.match(JSON.stringify(object.spec), /inbound-vip\|80\|http\|web\.demo\.svc\.bank\.internal/);
  });

  it('corrects drift, also in members that it does not own', async (t) => {
    const rig = await Rig.start(t);
    rig.route('limit', LIMIT);
    const wanted = await until('the object', () => rig.filter('fim-gateways'));
    const before = rig.config('fim-gateways')!;
    rig.server.put('envoyfilters', { ...wanted, spec: { configPatches: [], foreign: { workloadSelector: 1 } } });
    await until(
      'the correction',
      () => rig.config('fim-gateways')?.hash === before.hash && rig.filter('fim-gateways')?.spec?.foreign === undefined,
    );
    assert.ok(rig.config('fim-gateways')!.generation > before.generation, 'what runs is to be proven again');
    rig.server.remove('envoyfilters', NAMESPACE, 'fim-gateways');
    await until('the object again', () => rig.config('fim-gateways')?.hash === before.hash);
  });

  it('never goes back in generations, whatever somebody writes into the object', async (t) => {
    const rig = await Rig.start(t);
    rig.route('limit', LIMIT);
    await until('the object', () => rig.filter('fim-gateways'));
    for (const edit of ['annotation', 'configuration', 'both', 'no number'] as const) {
      const object = rig.filter('fim-gateways')!;
      const { generation } = rig.config('fim-gateways')!;
      const annotations = { ...object.metadata.annotations };
      if (edit !== 'configuration') annotations[GENERATION_ANNOTATION] = edit === 'no number' ? '1e300' : '3';
      const spec = ['annotation', 'no number'].includes(edit)
        ? object.spec
        : (JSON.parse(
            JSON.stringify(object.spec).replaceAll(`\\"generation\\":${generation}`, '\\"generation\\":3'),
          ) as object);
      rig.server.put('envoyfilters', { ...object, metadata: { ...object.metadata, annotations }, spec });
      await until(`a later generation: ${edit}`, () => {
        const now = rig.config('fim-gateways')?.generation ?? 0;
        return (
          now > generation && rig.filter('fim-gateways')?.metadata.annotations?.[GENERATION_ANNOTATION] === String(now)
        );
      });
    }
  });

  it('has drift proven again also where the configuration is as it was', async (t) => {
    const rig = await Rig.start(t);
    const proxy = await rig.pod('gw-1', GATEWAY_LABELS);
    rig.route('limit', LIMIT);
    const object = await until('the object', () => rig.filter('fim-gateways'));
    const before = rig.config('fim-gateways')!;
    proxy.take(before.generation);
    await rig.condition('limit', 'Programmed', 'True');
    // Someone takes the filter out of the chain and leaves the rest.
    const patches = (object.spec!.configPatches as { applyTo: string }[]).filter(
      ({ applyTo }) => applyTo !== 'HTTP_FILTER',
    );
    rig.server.put('envoyfilters', { ...object, spec: { ...object.spec, configPatches: patches } });
    await until(
      'the correction',
      () => (rig.filter('fim-gateways')?.spec?.configPatches as object[]).length > patches.length,
    );
    assert.ok(rig.config('fim-gateways')!.generation > before.generation);
    await rig.condition('limit', 'Programmed', 'False', 'Pending');
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('limit', 'Programmed', 'True');
  });

  it('does not say that targets are there where a selector meets nothing', async (t) => {
    const rig = await Rig.start(t);
    rig.route('web', { selector: { matchLabels: { app: 'nobody' } }, ...LIMIT });
    await rig.condition('web', 'Programmed', 'Unknown', 'NoProxies');
    assert.equal(
      (await rig.condition('web', 'ResolvedRefs', 'True')).message,
      'Keys and module are there; no ready proxy is among the targets.',
    );
  });

  it('asks for the module as proxies do: what is missing, another or silent is a condition of the routes', async (t) => {
    const module = readFileSync(path.resolve(import.meta.dirname, '../../build/fim.wasm'));
    let answer: Buffer | number = 404;
    const server = createServer((_, response) =>
      typeof answer === 'number' ? response.writeHead(answer).end() : response.end(answer),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    t.after(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const source = new ModuleSource({
      folder: path.resolve(import.meta.dirname, '../../build'),
      urlTemplate: `${url}/{sha256}.wasm`,
      check: true,
      sealed: false,
    });
    const looks: [Buffer | number, string | undefined][] = [
      [404, 'ModuleNotFound'],
      [Buffer.from('another module'), 'ModuleNotFound'],
      [503, 'ModuleServerSilent'],
      [module, undefined],
    ];
    for (const [given, reason] of looks) {
      answer = given;
      await source.refresh();
      assert.equal(source.problem?.reason, reason);
      assert.equal(source.current === undefined, reason !== undefined);
    }
  });

  it('leaves alone what a later version of it made', async (t) => {
    const rig = await Rig.start(t);
    rig.route('limit', LIMIT);
    const object = await until('the object', () => rig.filter('fim-gateways'));
    await rig.stopOperator();
    const later = JSON.parse(
      JSON.stringify(object).replaceAll('\\"version\\":\\"1.0\\"', '\\"version\\":\\"2.0\\"'),
    ) as typeof object;
    rig.server.put('envoyfilters', later);
    await rig.startOperator();
    await rig.condition('limit', 'Programmed', 'False', 'LaterVersion');
    assert.deepEqual(rig.filter('fim-gateways')?.spec, later.spec);
  });

  it('refuses routes in the root namespace of the mesh', async (t) => {
    const rig = await Rig.start(t, (server) =>
      server.put('financialroutes', { metadata: { name: 'all', namespace: 'istio-system' }, spec: LIMIT }),
    );
    await until(
      'the verdict',
      () =>
        (
          rig.server.get('financialroutes', 'istio-system', 'all')?.status as
            { conditions?: { reason: string }[] } | undefined
        )?.conditions?.[0]?.reason === 'NotAllowed',
    );
    assert.equal(rig.server.all('envoyfilters').length, 0);
  });

  it('goes on after failures of the API server, and asks for nothing that its roles do not grant', async (t) => {
    const rig = await Rig.start(t, (server) => {
      server.fail('patch envoyfilters', 500, 2);
      server.fail('patch financialroutes/status', 409, 2);
    });
    rig.kms.keys.set('prod/one', {});
    rig.route('fund', { encryption: { keyId: 'kms://prod/one', request: 'Encrypt' } });
    await rig.condition('fund', 'ResolvedRefs', 'True');
    await rig.pod('gated', GATEWAY_LABELS, true);
    await until('its gate', () => rig.gate('gated') !== undefined);
    await rig.server.stop();
    await rig.server.start();
    rig.route('limit', LIMIT);
    await rig.condition('limit', 'Accepted', 'True');
    const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
    rig.server.put('gateway.networking.k8s.io/gateways', { ...GATEWAY, spec: { ...GATEWAY.spec, listeners } });
    rig.server.put('httproutes', {
      metadata: { name: 'web', namespace: NAMESPACE },
      spec: { parentRefs: [{ name: GATEWAY.metadata.name }] },
    });
    const target = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'web' };
    rig.route('web', { ...LIMIT, match: { hosts: ['web.bank.cn'] }, targetRefs: [target] });
    await until('the HTTPRoute tells', () => rig.server.get('httproutes', NAMESPACE, 'web')?.status !== undefined);
    rig.server.remove('financialroutes', NAMESPACE, 'web');
    rig.route('bad', { validation: { fields: [{ name: 'a', pattern: '((((' }] } });
    await until('a warning', () =>
      rig.server.all('events').some(({ reason, type }) => reason === 'Invalid' && type === 'Warning'),
    );
    rig.server.put('financialbaselines', { metadata: { name: 'bank' }, spec: { defaults: LIMIT } });
    await until('the baseline tells', () => rig.server.get('financialbaselines', '', 'bank')?.status !== undefined);
    rig.server.remove('financialroutes', NAMESPACE, 'fund');
    rig.server.remove('financialroutes', NAMESPACE, 'limit');
    await until('nothing of ours is left', () => rig.server.all('envoyfilters').length === 0);
    const granted = new Set(
      RESOURCES.flatMap(({ plural, verbs, statusVerbs = [] }) => [
        ...verbs.map((verb) => `${verb} ${plural}`),
        ...statusVerbs.map((verb) => `${verb} ${plural}/status`),
      ]),
    );
    const used = new Set(rig.server.requests);
    for (const request of used) assert.ok(granted.has(request), request);
    // The lease, certificates and objects that found no room have tests of their own; to apply an object that is not there yet is
    // authorised as both patch and create.
    const elsewhere = (request: string): boolean =>
      / (leases|secrets|configmaps)$/.test(request) || ['create envoyfilters', 'get envoyfilters'].includes(request);
    assert.deepEqual(
      [...granted].filter((request) => !used.has(request) && !elsewhere(request)),
      [],
      'granted, and not needed',
    );
  });
});
