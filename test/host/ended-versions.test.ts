// A message under an expired or revoked version is refused like a wrong tag: same status, headers and body, from the
// first message on. A KMS that does not answer is the service's fault and reported as such.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createVm, exchange } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext, Vm } from '../../envoy/host/index.ts';
import { FAILING } from '../kms/replies.ts';
import { type KeyVersion, stored, TestKms } from '../kms/test-kms.ts';
import { protect } from '../protection/partner.ts';
import type { Profile, Terms } from '../protection/partner.ts';
import { KEY_ID, keyOf } from '../protection/route.ts';
import { sign } from '../protection/signing.ts';
import { builtModules, fimModule } from './modules.ts';

let module: LoadedModule;
before(async () => {
  module = (await builtModules(['sm4-encryptor'])).get('sm4-encryptor')!;
});

const PROFILES = ['fim-json', 'compact', 'segmented', 'raw', 'hex', 'base64'] as const;
const TEXT = Buffer.from('{"amount":"100.00"}');
/** The clock of the host starts at 2026-01-01T00:00:00Z. */
const PAST = '2025-12-31T23:59:59Z';
const SOON_MS = 30_000;
const SOON = '2026-01-01T00:00:30Z';

const ENDS = {
  'has expired': { data: { expires: PAST } },
  'has expired by the metadata of its key': { metadata: { custom_metadata: { expires: PAST } } },
  'is deleted': { metadata: { deletion_time: PAST }, gone: true },
  'is destroyed': { metadata: { destroyed: true }, gone: true },
} as const;
interface End {
  data?: object;
  metadata?: object;
  gone?: boolean;
}

/** A KMS with these versions, from 1 on. */
function kmsOf(algorithm: string, ...ends: End[]): TestKms {
  return new TestKms(Object.fromEntries(ends.map((end, index) => [index + 1, versionOf(algorithm, index + 1, end)])));
}

function versionOf(algorithm: string, version: number, { data = {}, metadata = {}, gone = false }: End): KeyVersion {
  const key = stored(algorithm, keyOf('SM4-GCM', version), data);
  return { data: gone ? null : key.data, metadata };
}

class Machine {
  readonly vm: Vm;
  private readonly root: RootContext;
  private readonly profile: Profile;

  constructor(profile: Profile, store: TestKms) {
    this.profile = profile;
    this.vm = createVm(module, { httpCall: store.call });
    const stages = { sm4Encryptor: { keyId: KEY_ID, profile, request: 'Decrypt', response: 'None' } };
    const { accepted, root } = this.vm.configure(
      JSON.stringify({ version: '1.0', kms: { cluster: 'fim-kms' }, routes: [{ name: 'a', stages }] }),
    );
    assert.ok(accepted);
    this.root = root;
  }

  /** Sends a message under a version. `material`: of the key really used. */
  send(version: number, material = version): ExchangeResult {
    const terms: Terms = {
      algorithm: 'SM4-GCM',
      profile: this.profile,
      kid: `${KEY_ID}#${version}`,
      key: keyOf('SM4-GCM', material),
    };
    return exchange(this.root, { request: { body: protect(terms, TEXT) } });
  }

  status(version: number): number {
    return this.send(version).client.status;
  }

  close(): void {
    assert.equal(this.vm.failed, false);
    assert.deepEqual(this.vm.violations, []);
    assert.equal(this.vm.liveContexts, this.vm.roots.size);
  }
}

const shown = ({ client, upstream }: ExchangeResult): string =>
  JSON.stringify([client.status, client.headers?.entries, client.body.toString(), upstream.sawNothing]);

/** Reply to a wrong tag while the keys are in order. */
function wrongTag(profile: Profile): string {
  const machine = new Machine(profile, kmsOf('SM4', {}));
  assert.equal(machine.status(1), 200);
  const answer = shown(machine.send(1, 9));
  assert.match(answer, /^\[422.*FIM-SM4-0002/);
  machine.close();
  return answer;
}

for (const profile of PROFILES) {
  describe(profile, () => {
    for (const [what, end] of Object.entries(ENDS)) {
      for (const [about, store, version] of [
        ['the only one', kmsOf('SM4', end), 1],
        ['the newest of two', kmsOf('SM4', {}, end), 2],
        ['the older of two', kmsOf('SM4', end, {}), 1],
      ] as const) {
        test(`a version that ${what}, ${about}`, () => {
          const machine = new Machine(profile, store);
          const expected = wrongTag(profile);
          for (const pauseMs of [0, 0, 200, 5000, 60_000]) {
            machine.vm.clock.advance(pauseMs);
            assert.equal(shown(machine.send(version)), expected, `after ${pauseMs} ms`);
            assert.equal(shown(machine.send(version, 9)), expected, `a wrong tag after ${pauseMs} ms`);
          }
          if (Object.keys(store.versions!).length > 1)
            for (const one of [machine, new Machine(profile, store)])
              assert.equal(one.status(3 - version), 200, 'the other one opens');
          machine.close();
        });
      }
    }

    test('a version that ends while it is held', () => {
      const store = kmsOf('SM4', { data: { expires: SOON } });
      const machine = new Machine(profile, store);
      const expected = wrongTag(profile);
      assert.equal(machine.status(1), 200);
      machine.vm.clock.advance(SOON_MS - machine.vm.clock.nowMs + 1);
      for (const pauseMs of [0, 1, 200, 5000]) {
        machine.vm.clock.advance(pauseMs);
        assert.equal(shown(machine.send(1)), expected, `after ${pauseMs} ms`);
      }
      machine.close();
    });

    test('a KMS that does not answer is a 503, whatever the message', () => {
      const cold = kmsOf('SM4', {});
      cold.fault = FAILING;
      const first = new Machine(profile, cold);
      for (const material of [1, 9]) assert.equal(first.send(1, material).client.status, 503);
      first.close();

      const store = kmsOf('SM4', {}, {});
      const machine = new Machine(profile, store);
      assert.equal(machine.status(2), 200);
      store.fault = FAILING;
      machine.vm.clock.advance(10_000);
      assert.equal(machine.status(2), 200, 'what is held goes on');
      for (const material of [1, 9])
        assert.equal(machine.send(1, material).client.status, 503, 'the version before cannot be asked for');
      store.fault = undefined;
      machine.vm.clock.advance(30_000);
      assert.equal(machine.status(1), 200);
      machine.close();
    });
  });
}

describe('signatures, which name no version', () => {
  let fim: LoadedModule;
  before(async () => {
    fim = await fimModule();
  });

  function verifier(store: TestKms): { vm: Vm; send: (material: number) => ExchangeResult } {
    const vm = createVm(fim, { httpCall: store.call });
    const stages = {
      messageSignature: { keyId: KEY_ID, algorithm: 'HMAC-SM3', covers: 'Body', request: 'Verify', response: 'None' },
    };
    const { accepted, root } = vm.configure(
      JSON.stringify({ version: '1.0', kms: { cluster: 'fim-kms' }, routes: [{ name: 'a', stages }] }),
    );
    assert.ok(accepted);
    return {
      vm,
      send: (material) =>
        exchange(root, {
          request: {
            body: TEXT,
            headers: { 'x-fim-signature': sign({ algorithm: 'HMAC-SM3', key: keyOf('SM4-GCM', material) }, TEXT) },
          },
        }),
    };
  }

  for (const [what, end] of Object.entries(ENDS)) {
    test(`of a version that ${what}`, () => {
      const wrong = shown(verifier(kmsOf('HMAC-SM3', {})).send(9));
      assert.match(wrong, /^\[401.*FIM-SIG-0001/);
      const [only, newest] = [verifier(kmsOf('HMAC-SM3', end)), verifier(kmsOf('HMAC-SM3', {}, end))];
      for (const pauseMs of [0, 200, 5000]) {
        for (const { vm } of [only, newest]) vm.clock.advance(pauseMs);
        for (const material of [1, 9]) assert.equal(shown(only.send(material)), wrong);
        for (const material of [2, 9]) assert.equal(shown(newest.send(material)), wrong);
        assert.equal(newest.send(1).client.status, 200);
      }
    });
  }

  test('while the KMS does not answer', () => {
    const store = kmsOf('HMAC-SM3', {}, {});
    const { vm, send } = verifier(store);
    assert.equal(send(2).client.status, 200);
    store.fault = FAILING;
    vm.clock.advance(10_000);
    assert.equal(send(2).client.status, 200);
    for (const material of [1, 9]) assert.match(shown(send(material)), /^\[503.*FIM-KMS-0001/);
  });
});
