// Services beside stages, who resumes a message that waits, and what became of each message.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { createVm, Exchange, exchange, loadModule, VirtualClock } from '../../envoy/host/index.ts';
import type { LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import { compileServices } from './compile.ts';

const stages = { rateLimiter: {}, sm4Encryptor: {} };
const kms = { cluster: 'kms' };

/** A clock on which each look at it takes a microsecond. */
class CostlyClock extends VirtualClock {
  private looks = 0n;
  override get monotonicNs(): bigint {
    return super.monotonicNs + 1000n * ++this.looks;
  }
}

describe('services', () => {
  let module: LoadedModule;
  before(async () => {
    module = loadModule(await compileServices());
  });

  function started(extra: object = {}): { vm: Vm; root: RootContext } {
    const vm = createVm(module, { clock: new CostlyClock() });
    const routes = [{ name: 'bank/pay', stages, ...extra }];
    const { accepted, root } = vm.configure(JSON.stringify({ version: '1.0', routes }));
    assert.ok(accepted);
    return { vm, root };
  }

  /** Lines that the service and the stages told since the last look, without the numbers of roots. */
  function told(vm: Vm): string[] {
    return vm.logs.splice(0).map(({ message }) => message);
  }

  it('start once a machine, prepare once a root, and tick, without a KMS too', () => {
    const { vm, root } = started();
    assert.deepEqual(told(vm), ['start 0']);
    vm.clock.advance(2500);
    assert.deepEqual(told(vm), [
      `prepare ${root.id}`,
      `stage without KMS ${root.id}`,
      `tick ${root.id}`,
      `tick ${root.id}`,
    ]);
    const next = vm.configureUntried(JSON.stringify({ version: '1.0', kms, routes: [{ name: 'bank/pay', stages }] }));
    vm.clock.advance(250);
    assert.deepEqual(told(vm), [
      `prepare ${next.root.id}`,
      `stage with KMS ${next.root.id}`,
      `tick ${next.root.id}`,
      `tick ${next.root.id}`,
    ]);
  });

  it('resume who waits for them', () => {
    const { vm, root } = started();
    const result = exchange(root, { request: { headers: { 'x-wait': 'bell' }, body: 'ab' } });
    assert.equal(result.upstream.body.toString(), 'abab');
    assert.equal(result.tookMs, 1000);
    assert.deepEqual(vm.violations, []);
  });

  it('resume nobody who waits for somebody else', () => {
    const { vm, root } = started();
    const under = new Exchange(root, { request: { headers: { 'x-wait': 'other' }, body: 'ab' } });
    vm.clock.advance(5000);
    assert.ok(under.result().upstream.sawNothing);
    assert.equal(told(vm).filter((line) => line.startsWith('tick')).length, 5);
  });

  it('a stage that waits for nobody is refused at once', () => {
    const { root } = started();
    const result = exchange(root, { request: { headers: { 'x-wait': 'nobody' }, body: 'ab' } });
    assert.equal(result.client.status, 500);
    assert.match(result.client.body.toString(), /FIM-RT-0008/);
  });

  describe('one outcome for each message', () => {
    function outcome(extra: object, more: Record<string, string>): string[] {
      const { vm, root } = started(extra);
      exchange(root, { request: { headers: more, body: 'abc' } });
      return told(vm).filter((line) => /^(request|response) /.test(line));
    }

    it('that passed', () => assert.deepEqual(outcome({}, {}), ['request bank/pay - Passed - whole 3 6 timed']));

    it('that was refused', () =>
      assert.deepEqual(outcome({}, { 'x-refuse': '1' }), [
        'request bank/pay rateLimiter FIM-LIM-0001 enforced whole 0 0 timed',
      ]));

    it('that was observed', () =>
      assert.deepEqual(outcome({ observe: true }, { 'x-refuse': '1' }), [
        'request bank/pay rateLimiter FIM-LIM-0001 observed whole 3 6 timed',
      ]));

    it('that the runtime refused', () =>
      assert.deepEqual(outcome({ body: { maxBytes: 2 } }, {}), [
        'request bank/pay - FIM-RT-0002 enforced whole 0 0 timed',
      ]));

    it('that its sender broke off', () => {
      const { vm, root } = started();
      const under = new Exchange(root, { request: { headers: { 'x-wait': 'bell' }, body: 'abc' } });
      under.stream.abort();
      assert.deepEqual(
        told(vm).filter((line) => line.startsWith('request ')),
        ['request bank/pay - Passed - broken 3 0 timed'],
      );
    });

    it('that no route concerns: none', () => {
      const { vm, root } = started({ match: { path: { type: 'Exact', value: '/other' } } });
      exchange(root, { request: { body: 'abc' } });
      assert.deepEqual(
        told(vm).filter((line) => /^(request|response) /.test(line)),
        [],
      );
    });
  });
});
