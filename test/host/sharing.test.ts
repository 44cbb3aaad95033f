// A configuration reuses compiled parts of the previous one, and equal parts of its routes are compiled once. Only time
// may differ.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createVm, exchange, Vm } from '../../envoy/host/index.ts';
import type { LoadedModule, RootContext } from '../../envoy/host/index.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { fimModule } from './modules.ts';

const KEY = Buffer.alloc(16, 3);
const ROUTES = 20;
const EDITS = 300;

let fim: LoadedModule;
before(async () => {
  fim = await fimModule();
});

const encryption = { sm4Encryptor: { keyId: 'kms://prod/fund/key-2023', request: 'Encrypt', response: 'None' } };
const COMMON_RULE = { path: '$.amount', type: 'decimal', check: 'Amount' };

function route(index: number, pattern: string): object {
  return {
    name: `default/r${index}`,
    match: { path: { type: 'Pattern', value: `/r${index}` } },
    stages: {
      pbocValidator: { rules: [COMMON_RULE, { path: '$.transCode', required: true, pattern }] },
      fieldMasker: {
        request: true,
        response: false,
        fields: [{ path: '$.cardNo', kind: 'BankCard', method: 'Full', request: true }],
      },
    },
  };
}

const patterns = (): string[] => Array.from({ length: ROUTES }, (_, index) => `^${index}$`);
const document = (list: string[], generation = 1): string =>
  JSON.stringify({ version: '1.0', generation, routes: list.map((pattern, index) => route(index, pattern)) });

function take(vm: Vm, json: string): RootContext {
  const { accepted, root, logs } = vm.configure(json);
  assert.equal(accepted, true, logs.at(-1)?.message ?? '');
  return root;
}

function send(root: RootContext, index: number, transCode: string, amount: unknown = '1.00') {
  return exchange(root, {
    request: {
      path: `/r${index}`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ transCode, amount, cardNo: '6222' }),
    },
  });
}

/** Every route asks for its own pattern and for none of the others'. */
function assertOwn(root: RootContext, codes: string[]): void {
  for (const [index, code] of codes.entries()) {
    const passed = send(root, index, code);
    assert.equal(passed.client.status, 200, `route ${index}`);
    assert.match(passed.upstream.body.toString(), /"cardNo":"\*{4}"/);
    const other = codes[(index + 1) % codes.length]!;
    assert.match(send(root, index, other).client.body.toString(), /FIM-PBOC-0007/);
    assert.match(send(root, index, code, 'x').client.body.toString(), /FIM-PBOC-0014/);
  }
}

const codes = (): string[] => Array.from({ length: ROUTES }, (_, index) => String(index));

test('an edit of one route changes that route alone', () => {
  const vm = createVm(fim);
  let root = take(vm, document(patterns()));
  assertOwn(root, codes());
  const wanted = codes();
  for (let index = 0; index < ROUTES; index += 7) {
    wanted[index] = `new${index}`;
    const next = take(
      vm,
      document(
        wanted.map((code) => `^${code}$`),
        index + 2,
      ),
    );
    root.close();
    root = next;
    assertOwn(root, wanted);
  }
});

test('routes that change places keep their patterns', () => {
  const vm = createVm(fim);
  take(vm, document(patterns()));
  const swapped = codes().reverse();
  assertOwn(take(vm, document(swapped.map((code) => `^${code}$`))), swapped);
});

test('streams of the old configuration end under its rules while the new one serves', () => {
  const vm = createVm(fim);
  const old = take(vm, document(patterns()));
  const held = codes().map((code, index) => {
    const stream = Vm.openStream([old]);
    stream.onRequestHeaders({
      ':method': 'POST',
      ':path': `/r${index}`,
      ':authority': 'a',
      'content-type': 'application/json',
    });
    stream.onRequestBody(`{"transCode":"${code}`);
    return stream;
  });
  const fresh = take(vm, document(patterns().with(3, '^new$')));
  old.close();
  assertOwn(fresh, codes().with(3, 'new'));
  for (const stream of held) {
    stream.onRequestBody('"}', true);
    assert.match(stream.upstream.body.toString(), /transCode/);
    stream.onResponseHeaders({ ':status': '204' }, true);
  }
  assert.equal(vm.roots.size, 1);
  assertOwn(fresh, codes().with(3, 'new'));
});

test('a refused configuration in between changes nothing, and its good parts are not taken over wrongly', () => {
  const vm = createVm(fim);
  const first = take(vm, document(patterns()));
  const refused = vm.configure(
    document(
      patterns()
        .with(1, '^other$')
        .with(ROUTES - 1, '('),
    ),
  );
  assert.equal(refused.accepted, false);
  assert.match(
    refused.logs.at(-1)?.message ?? '',
    /FIM-CFG-0022","path":"\/routes\/19\/stages\/pbocValidator\/rules\/1\/pattern"/,
  );
  assertOwn(first, codes());
  const second = take(vm, document(patterns().with(1, '^other$')));
  assertOwn(first, codes());
  assertOwn(second, codes().with(1, 'other'));
  // The same error, after the route's text was seen before, is still reported at its place.
  const again = vm.configure(document([...patterns().with(1, '('), '(']));
  assert.match(again.logs.at(-1)?.message ?? '', /"path":"\/routes\/1\/stages\/pbocValidator\/rules\/1\/pattern"/);
});

test('one text as a pattern for whole paths and as one that is found anywhere', () => {
  const vm = createVm(fim);
  const stages = { pbocValidator: { rules: [{ path: '$.transCode', required: true, pattern: '/r0' }] } };
  const root = take(
    vm,
    JSON.stringify({
      version: '1.0',
      routes: [{ name: 'default/a', match: { path: { type: 'Pattern', value: '/r0' } }, stages }],
    }),
  );
  assert.equal(send(root, 0, 'x/r0x').client.status, 200);
  assert.equal(send(root, 0, 'x').client.status, 422);
  assert.equal(exchange(root, { request: { path: '/r0x', body: 'anything' } }).client.status, 200);
});

test('an unchanged route asks the KMS that its configuration names, and is refused without one', () => {
  const kms = new TestKms({ 1: stored('SM4', KEY) });
  const vm = createVm(fim, { httpCall: kms.call });
  const routes = [{ name: 'default/a', stages: encryption }];
  for (const cluster of ['one', 'two']) {
    const root = take(vm, JSON.stringify({ version: '1.0', kms: { cluster }, routes }));
    assert.match(exchange(root, { request: { body: 'text' } }).upstream.body.toString(), /"alg":"SM4-GCM"/);
    assert.equal(kms.asked.at(-1)?.cluster, cluster);
  }
  const without = vm.configure(JSON.stringify({ version: '1.0', routes }));
  assert.equal(without.accepted, false);
  assert.match(without.logs.at(-1)?.message ?? '', /FIM-CFG-0018","path":"\/routes\/0\/stages\/sm4Encryptor"/);
});

test('memory is flat over hundreds of edits of one route, with refused ones between', () => {
  const vm = createVm(fim);
  let root = take(vm, document(patterns()));
  const round = (from: number, to: number): void => {
    for (let edit = from; edit < to; edit++) {
      const next = take(vm, document(patterns().with(edit % ROUTES, `^edit${edit}[0-9]{8}$`), edit));
      assert.equal(vm.configure(document(patterns().with(edit % ROUTES, '('))).accepted, false);
      root.close();
      root = next;
    }
  };
  round(1, 40);
  const pages = vm.memoryPages;
  round(40, 40 + EDITS);
  assert.equal(vm.memoryPages, pages);
  assert.equal(vm.roots.size, 1);
});
