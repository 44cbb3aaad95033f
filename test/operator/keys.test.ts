// Keys: whose they are, where they are named, and what looking them up costs others.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_NAMESPACE_KEYS, NAMESPACE_KEY_WORKERS } from '../../istio/limits.ts';
import type { WorkloadRuntime } from '../../istio/operator/cluster-view.ts';
import { KeyBinding, readBoundKeys, type BindingMode } from '../../istio/operator/key-binding.ts';
import { KeyDirectory } from '../../istio/operator/key-directory.ts';
import { keyTroubles } from '../../istio/operator/key-evidence.ts';
import { readOptions } from '../../istio/operator/options.ts';
import { kmsObject } from '../../istio/operator/plan/services.ts';
import type { Reading } from '../../istio/operator/plan/evidence.ts';
import type { Proxy } from '../../istio/operator/proxies.ts';
import { NAMESPACE, Rig } from './rig.ts';
import { until } from './until.ts';

const encrypt = (keyId: string): object => ({ encryption: { keyId, request: 'Encrypt' } });

describe('key ids', () => {
  it('are read from key fields only: texts of a route make no request, and tell nothing', async (t) => {
    const rig = await Rig.start(t);
    const texts = Array.from({ length: 200 }, (_, index) => `kms://prod/guess/${index}`);
    rig.route('oracle', {
      validation: {
        fields: [
          { name: 'a', note: 'kms://../../sys/mounts', enum: texts },
          { name: 'b', pattern: 'kms://prod/other', required: false },
        ],
      },
      rateLimit: { requests: 1, period: '1s', key: { header: 'x-a' } },
    });
    const refs = await rig.condition('oracle', 'ResolvedRefs', 'True');
    assert.doesNotMatch(JSON.stringify(refs), /kms/);
    assert.deepEqual(rig.kms.paths(), []);
    rig.kms.keys.set('prod/fund/key-2023', {});
    // The contract resource, as it stands.
    rig.route('fund-redemption-v2', {
      validation: { pboc: '3.0.2', fields: [{ name: 'transCode', pattern: '^01[0-9]{6}$' }] },
      match: { path: { value: '/fund' } },
      wasm: { module: 'sm4-encryptor.wasm', config: { keyId: 'kms://prod/fund/key-2023' } },
    });
    await rig.condition('fund-redemption-v2', 'ResolvedRefs', 'True');
    assert.deepEqual([...new Set(rig.kms.paths())], ['/v1/secret/metadata/prod/fund/key-2023']);
  });

  it('that lead elsewhere are a mistake, and nothing is asked', async (t) => {
    const rig = await Rig.start(t);
    for (const [index, keyId] of [
      'kms://../../sys/mounts',
      'kms://a/../b',
      'kms://a//b',
      'kms://a/%2e%2e/b',
      'kms://a/b?list=true',
    ].entries()) {
      rig.route(`r${index}`, encrypt(keyId));
      await rig.condition(`r${index}`, 'Accepted', 'False', 'Invalid');
    }
    assert.deepEqual(rig.kms.paths(), []);
  });

  it('of a wrapping key are looked up where wrapping keys are', async (t) => {
    const rig = await Rig.start(t);
    rig.route('wrapped', encrypt('kms://transit/fund'));
    await rig.condition('wrapped', 'ResolvedRefs', 'False', 'KeyNotFound');
    assert.deepEqual([...new Set(rig.kms.paths())], ['/v1/transit/keys/fund']);
  });
});

describe('a key in force in one namespace', () => {
  it("is not another's, over a restart too, however old the route that names it; its messages are refused there", async (t) => {
    const rig = await Rig.start(t);
    rig.kms.keys.set('prod/fund/key-2023', {});
    rig.route('fund', encrypt('kms://prod/fund/key-2023'), '2026-02-01T00:00:00Z');
    await rig.condition('fund', 'ResolvedRefs', 'True');
    await until('it is in force', () =>
      JSON.stringify(rig.config('fim-gateways') ?? {}).includes('kms://prod/fund/key-2023'),
    );
    const before = rig.kms.paths().length;
    rig.route('thief', encrypt('kms://prod/fund/key-2023'), '2020-01-01T00:00:00Z', 'greedy');
    const denied = await rig.condition('thief', 'ResolvedRefs', 'False', 'KeyNotPermitted', 'greedy');
    assert.match(denied.message, /FIM-OP-0032/);
    await rig.condition('thief', 'Programmed', 'False', 'KeyNotPermitted', 'greedy');
    await until('the route in force without the key', () => rig.config('fim-gateways', 'greedy')?.routes.length === 1);
    assert.match(JSON.stringify(rig.config('fim-gateways', 'greedy')), /kms:\/\/greedy\/fim\.not-permitted/);
    assert.doesNotMatch(JSON.stringify(rig.filter('fim-gateways', 'greedy')), /prod\/fund/);
    assert.equal(rig.kms.paths().length, before, "what is not the namespace's is not asked for");
    await rig.stopOperator();
    rig.server.put('financialroutes', { ...rig.server.get('financialroutes', 'greedy', 'thief')!, status: undefined });
    await rig.startOperator();
    await rig.condition('thief', 'ResolvedRefs', 'False', 'KeyNotPermitted', 'greedy');
    await rig.condition('fund', 'ResolvedRefs', 'True');
    // Once its namespace does without it, it is free.
    rig.server.remove('financialroutes', NAMESPACE, 'fund');
    await rig.condition('thief', 'ResolvedRefs', 'True', undefined, 'greedy');
  });

  it("is the platform's to bind", async (t) => {
    const rig = await Rig.start(t, (_, made) => {
      made.binding = { mode: 'strict', bound: readBoundKeys('prod/fund=demo,audit prod/fund/secret=audit')! };
      for (const key of ['prod/fund/a', 'prod/fund/secret/a', 'demo/own', 'prod/free']) made.kms.keys.set(key, {});
    });
    const verdicts: [string, string, string][] = [
      ['kms://prod/fund/a', 'True', 'ResolvedRefs'],
      ['kms://prod/fund/secret/a', 'False', 'KeyNotPermitted'],
      ['kms://demo/own', 'True', 'ResolvedRefs'],
      ['kms://prod/free', 'False', 'KeyNotPermitted'],
      ['kms://prod/none', 'False', 'KeyNotPermitted'],
      ['kms://demo/none', 'False', 'KeyNotFound'],
    ];
    for (const [keyId, status, reason] of verdicts) {
      rig.route('r', encrypt(keyId));
      await rig.condition('r', 'ResolvedRefs', status, reason);
    }
    assert.doesNotMatch(rig.kms.paths().join(), /free|none,|secret\/a/);
  });
});

describe('a binding', () => {
  const keys = (...wanted: [string, number][]): Parameters<KeyBinding['note']>[1] => ({
    wanted: new Map(wanted),
    inForce: new Set(),
  });

  it("gives no namespace the keys of the platform's certificates", () => {
    const binding = new KeyBinding('claimed', []);
    binding.ofCertificates = new Set(['kms://platform/sign']);
    binding.note('a', keys(['kms://platform/sign', 1], ['kms://platform/other', 1]), ['a']);
    assert.equal(binding.permission('a', 'kms://platform/sign'), 'denied');
    assert.equal(binding.permission('a', 'kms://platform/other'), 'permitted');
  });

  it('waits until all namespaces have been looked at, then gives a key to the oldest route', () => {
    const binding = new KeyBinding('claimed', []);
    assert.deepEqual(binding.note('b', keys(['kms://p/k', 20]), ['a', 'b', 'c']), []);
    assert.equal(binding.permission('b', 'kms://p/k'), 'waiting');
    assert.equal(binding.permission('b', 'kms://b/k'), 'permitted', 'its own needs no waiting');
    binding.passOver('c');
    assert.deepEqual(binding.note('a', keys(['kms://p/k', 10]), ['a', 'b', 'c']), ['b']);
    assert.deepEqual(
      ['a', 'b'].map((name) => binding.permission(name, 'kms://p/k')),
      ['permitted', 'denied'],
    );
    assert.deepEqual(binding.note('a', keys(), ['a', 'b', 'c']), ['b']);
    assert.equal(binding.permission('b', 'kms://p/k'), 'permitted');
  });

  it('takes names of the key service that no search list completes, and gives proxies no other', () => {
    for (const [url, address] of [
      ['https://vault.keys.svc:8200', 'vault.keys.svc.bank.local'],
      ['https://vault.bank.cn', 'vault.bank.cn'],
      ['http://kms.corp.:8200', 'kms.corp'],
      ['http://127.0.0.1:8200', '127.0.0.1'],
      ['http://[fd00::1]:8200', 'fd00::1'],
    ] as const) {
      const flags = readOptions(['--modules', 'x', '--module-url', 'http://x', '--kms', url], {});
      assert.ok(typeof flags !== 'string', String(flags));
      const made = kmsObject('demo', { url: flags.kms.url!, folder: '/etc/fim/kms', files: [] }, '1', 'bank.local');
      assert.ok(JSON.stringify(made.spec).includes(`"socket_address":{"address":"${address}"`), address);
      assert.ok(JSON.stringify(made.spec).includes('"no_default_search_domain":true'));
      // Its certificate has to say the name of the URL.
      if (url.startsWith('https')) assert.ok(JSON.stringify(made.spec).includes(`"sni":"${new URL(url).hostname}"`));
    }
    for (const url of ['http://vault:8200', 'http://vault.keys:8200'])
      assert.match(
        String(readOptions(['--modules', 'x', '--module-url', 'http://x', '--kms', url], {})),
        /vault[.a-z]* would be completed .*NAME\.NAMESPACE\.svc/,
      );
  });

  it('is told by options, whose mistakes are named', () => {
    const read = (...args: string[]): ReturnType<typeof readOptions> =>
      readOptions(['--modules', '/m', '--module-url', 'http://m/{sha256}.wasm', ...args], {});
    const flags = read(
      '--kms-keys',
      'prod/fund=fund,fund-test  prod/pay=pay',
      '--kms-binding',
      'strict',
      '--kms-namespace',
      'team/a',
    );
    assert.ok(typeof flags !== 'string');
    assert.deepEqual(flags.keys, {
      mode: 'strict',
      bound: [
        { prefix: 'prod/fund', namespaces: ['fund', 'fund-test'] },
        { prefix: 'prod/pay', namespaces: ['pay'] },
      ],
    });
    assert.equal(flags.kms.vaultNamespace, 'team/a');
    const defaults = read();
    assert.ok(typeof defaults !== 'string');
    assert.equal(defaults.keys.mode satisfies BindingMode, 'claimed');
    for (const wrong of [
      ['--kms-keys', 'prod/../x=a'],
      ['--kms-keys', 'prod'],
      ['--kms-keys', 'prod=A B'],
      ['--kms-binding', 'on'],
      ['--kms-cert-file', '/a'],
      ['--kms-namespace', 'a b'],
    ])
      assert.match(String(read(...wrong)), new RegExp(wrong[0]!));
  });
});

describe('proxies that the key service refuses', () => {
  it('are the condition of routes that name keys, until they get one; a silent service is not', async (t) => {
    const rig = await Rig.start(t);
    rig.kms.keys.set('prod/one', {});
    const proxy = await rig.pod('gw-1', { 'gateway.networking.k8s.io/gateway-name': 'edge' });
    proxy.keys = { succeeded: 0, denied: 0, outage: 3, unfit: 0 };
    rig.route('fund', { match: { path: { value: '/fund' } }, ...encrypt('kms://prod/one') });
    rig.route('keyless', { rateLimit: { requests: 1, period: '1s' } });
    await until('both', () => rig.config('fim-gateways')?.routes.length === 2);
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('fund', 'Programmed', 'True');
    // Metadata is readable, the data is not: another generation makes the operator look at once.
    proxy.keys = { succeeded: 0, denied: 8, outage: 3, unfit: 0 };
    rig.route('keyless', { rateLimit: { requests: 2, period: '1s' } });
    const lacking = await rig.condition('fund', 'Programmed', 'False', 'KeyUnavailable');
    assert.match(lacking.message, /FIM-OP-0033.*gw-1: denied/);
    assert.equal((await rig.condition('fund', 'ResolvedRefs', 'True')).status, 'True');
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('keyless', 'Programmed', 'True');
  });

  it('are fine again when a look has brought a key and none has failed for a while', () => {
    const proxy = { uid: 'a', name: 'gw', address: '', port: 0, readySince: 0 } as Proxy;
    const runtime = { keyTrouble: new Map() } as unknown as WorkloadRuntime;
    const look = (succeeded: number, denied: number): string[] =>
      keyTroubles(
        runtime,
        [proxy],
        [{ reading: { keys: { unavailable: { denied, outage: 9 }, succeeded } } as unknown as Reading }],
      );
    assert.deepEqual(look(4, 7), [], 'what was before the first look may be over');
    assert.deepEqual(look(4, 8), ['gw: denied']);
    assert.deepEqual(look(4, 8), ['gw: denied'], 'nobody has asked since');
    assert.deepEqual(look(5, 8), ['gw: denied'], 'it may have been another key');
    runtime.keyTrouble.get('a')!.failedAt = -60_000;
    assert.deepEqual(look(5, 8), [], 'the key came soon, and none has failed since');
    assert.deepEqual(look(5, 9), ['gw: denied']);
    runtime.keyTrouble.get('a')!.failedAt = -60_000;
    assert.deepEqual(look(5, 9), ['gw: denied'], 'nothing has come since');
    assert.deepEqual(look(6, 9), []);
    assert.deepEqual(look(7, 10), ['gw: denied'], 'in one reading, and nobody knows which came last');
    runtime.keyTrouble.get('a')!.failedAt = -60_000;
    assert.deepEqual(look(7, 10), [], 'none has failed since');
    assert.deepEqual(keyTroubles(runtime, [], []), []);
    assert.equal(runtime.keyTrouble.size, 0);
    assert.deepEqual(look(0, 2), ['gw: denied'], 'a proxy that never got a key');
  });
});

describe('looking keys up', () => {
  it('lets no namespace keep the others waiting, and does not wait for a silent service for ever', async (t) => {
    const rig = await Rig.start(t);
    let running = 0;
    let most = 0;
    let before = Infinity;
    rig.kms.gate = async ({ path: url, over }) => {
      if (!url.includes('greedy')) {
        before = Math.min(before, rig.kms.paths('greedy').length);
        return;
      }
      most = Math.max(most, ++running);
      await Promise.race([over, rig.server.stopping]);
      running--;
    };
    rig.kms.keys.set('prod/one', {});
    for (let index = 0; index < 30; index++)
      rig.route(
        `r${index}`,
        { match: { path: { value: `/${index}` } }, ...encrypt(`kms://greedy/${index}`) },
        undefined,
        'greedy',
      );
    await until('the looks of the other', () => running > 0);
    rig.route('one', encrypt('kms://prod/one'));
    await rig.condition('one', 'ResolvedRefs', 'True');
    assert.ok(before < 30, "the neighbour did not wait for the other's");
    // The operator begins the next look when it gives one up, and the service may hear of the next one first.
    assert.ok(most <= 2 * NAMESPACE_KEY_WORKERS, `${most} at a time`);
    // Configurations in force do not wait for the key service either.
    await until('the routes without an answer', () => rig.config('fim-gateways', 'greedy')?.routes.length === 30);
    await rig.condition('r29', 'ResolvedRefs', 'Unknown', 'KmsUnreachable', 'greedy');
  });

  it("is bounded for each namespace, and one's many keys do not push another's answers out", async () => {
    const directory = new KeyDirectory({
      url: new URL('http://127.0.0.1:1'),
      cluster: undefined,
      metadataPrefix: '/v1/secret/metadata/',
      tokenFile: undefined,
      check: true,
      onChange: () => undefined,
    });
    await directory.look('small', ['kms://a/one']);
    const many = Array.from({ length: 3 * MAX_NAMESPACE_KEYS }, (_, index) => `kms://greedy/${index}`);
    await directory.look('greedy', many);
    await until('all that are asked for', () => directory.size === MAX_NAMESPACE_KEYS + 1);
    await directory.look('greedy', []);
    await directory.look('small', ['kms://a/one']);
    assert.equal(directory.size, 1, 'what nobody names is forgotten');
    assert.equal(directory.problem('kms://a/one')?.reason, 'KmsUnreachable');
  });
});
