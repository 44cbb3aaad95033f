// The cost of every message, whatever it holds: the host calls that it makes, and when its counts reach the host.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { createVm, exchange, VirtualClock, Vm } from '../../envoy/host/index.ts';
import type { LoadedModule, RootContext } from '../../envoy/host/index.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { builtModules, fimModule } from './modules.ts';

const chain = {
  rateLimiter: { id: 'cost', requests: 1_000_000, periodMs: 1000, key: { source: 'Header', header: 'x-client-id' } },
  pbocValidator: { rules: [{ path: '$.transCode', required: true, type: 'string', pattern: '^01[0-9]{6}$' }] },
  fieldMasker: { fields: [{ path: '$.idNo', kind: 'IdCard', request: true, response: false }] },
  sm4Encryptor: { keyId: 'kms://cost/key', request: 'Encrypt', response: 'None' },
};
const body = JSON.stringify({ transCode: '01123456', idNo: '110101199003074514', pad: 'x'.repeat(960) });
const request = { path: '/pay', headers: { 'content-type': 'application/json', 'x-client-id': 'c1' }, body };

describe('the fixed cost of a message', () => {
  let module: LoadedModule;
  before(async () => {
    module = await fimModule();
  });

  function configured(vm: Vm, path: string): RootContext {
    const requests = path === '/few' ? 1000 : 1_000_000;
    const stages = { ...chain, rateLimiter: { ...chain.rateLimiter, requests } };
    const routes = [{ name: 'cost/pay', match: { path: { value: path } }, stages }];
    const { accepted, root } = vm.configure(JSON.stringify({ version: '1.0', kms: { cluster: 'kms' }, routes }));
    assert.ok(accepted);
    return root;
  }

  function started(path: string): { vm: Vm; root: RootContext } {
    const kms = new TestKms({ 1: stored('SM4', Buffer.alloc(16, 7)) });
    const vm = createVm(module, { clock: new VirtualClock(), httpCall: kms.call });
    const root = configured(vm, path);
    vm.clock.advance(200); // the key is there
    exchange(root, { request: { ...request, path } });
    return { vm, root };
  }

  /** The host calls of one exchange, and how often each is made. */
  function hostCalls(path: string): Record<string, number> {
    const { vm, root } = started(path);
    const calls = vm.instance.hostCalls;
    const asked = { ...request, path: path === '/other' ? '/pay' : path };
    exchange(root, { request: asked });
    calls.clear();
    assert.equal(exchange(root, { request: asked }).client.status, 200);
    return Object.fromEntries([...calls].sort());
  }

  it('no matching route: two host calls, the headers and the stamp', () =>
    assert.deepEqual(hostCalls('/other'), { proxy_get_header_map_pairs: 1, proxy_set_property: 1 }));

  it('the ends of streams, of which nobody is told here, are called once', () =>
    assert.deepEqual(
      ['proxy_on_done', 'proxy_on_log', 'proxy_on_delete'].filter((name) => module.exports.has(name)),
      ['proxy_on_delete'],
    ));

  const whole = {
    clock_time_get: 2,
    proxy_get_buffer_bytes: 1,
    proxy_get_header_map_pairs: 1,
    proxy_replace_header_map_value: 2,
    proxy_set_buffer_bytes: 1,
    proxy_set_property: 1,
  };

  it('limit, validate, mask and encrypt 1 KiB: ten host calls', () =>
    assert.deepEqual(hostCalls('/few'), { ...whole, proxy_get_shared_data: 1, proxy_set_shared_data: 1 }));

  it('the same under a limit of many tokens, which are taken ahead: eight', () =>
    assert.deepEqual(hostCalls('/pay'), whole));

  it('of answers the limiter alone hears the headers', async () => {
    const limiter = (await builtModules(['rate-limiter'])).get('rate-limiter')!;
    assert.deepEqual(
      [...limiter.exports.keys()].filter((name) => name.startsWith('proxy_on_response')),
      ['proxy_on_response_headers'],
    );
  });

  describe('counts are kept in the machine and exact', () => {
    const COUNTER = 'fim.sm4.encrypted';

    function counting(): { vm: Vm; root: RootContext } {
      const { vm, root } = started('/pay');
      vm.clock.advance(100);
      assert.equal(vm.metrics.value(COUNTER), 1);
      for (let i = 0; i < 5; i++) exchange(root, { request });
      return { vm, root };
    }

    it('at the next tick', () => {
      const { vm } = counting();
      vm.clock.advance(100);
      assert.equal(vm.metrics.value(COUNTER), 6);
      vm.clock.advance(1000);
      assert.equal(vm.metrics.value(COUNTER), 6);
    });

    it('when a configuration retires the root', () => {
      const { vm } = counting();
      configured(vm, '/pay');
      assert.equal(vm.metrics.value(COUNTER), 6);
    });

    it('when the root is deleted', () => {
      const { vm, root } = counting();
      root.close();
      assert.equal(vm.metrics.value(COUNTER), 6);
    });

    it('of streams that are drained under a retired root', () => {
      const { vm, root } = started('/pay');
      const stream = Vm.openStream([root]);
      stream.onRequestHeaders({ ':method': 'POST', ':path': '/pay', ':authority': 'bank.example' });
      root.close();
      configured(vm, '/pay');
      vm.clock.advance(660_000);
      assert.equal(vm.metrics.value('fim.stream.drained'), 1);
    });

    it('what a roll-out is proven by is told with the configuration', () => {
      const vm = createVm(module, { clock: new VirtualClock() });
      configured(vm, '/pay');
      assert.equal(vm.metrics.value('fim.configured.0'), 1);
      assert.equal(vm.metrics.value('fim.config.accepted'), 1);
    });
  });
});
