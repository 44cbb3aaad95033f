// Codes over chosen elements: what UnionPay's switch covers, what a route chooses, and what neither covers.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, test } from 'node:test';
import { createVm, exchange } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule } from '../../envoy/host/index.ts';
import { parseRoutes, translate } from '../../envoy/route/index.ts';
import { expected } from '../crypto/openssl-mac.ts';
import type { Algorithm } from '../crypto/openssl-mac.ts';
import { type SwitchMessage, coveredBySwitch, upToCode } from '../crypto/switch-message.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { fimModule } from './modules.ts';

let module: LoadedModule;
before(async () => {
  module = await fimModule();
});

const KEY = randomBytes(16);
const ORIGINAL = `0200${'123456'}${'1130093015'}${'00000103000'}${'00000103000'}`;
const PURCHASE: SwitchMessage = {
  type: '0200',
  elements: {
    2: '6222021234567894',
    3: '000000',
    4: '000000010000',
    7: '1130093015',
    11: '123456',
    18: '5411',
    25: '00',
    32: '01030000',
    33: '00010000',
    37: '010203040506',
    38: ' ab-1 ',
    41: 'term 1  ',
    42: '  shop, no. 7*3',
    49: '156',
    90: ORIGINAL,
  },
};
/** Written by hand from the rules. */
const PURCHASE_COVERED =
  '0200 166222021234567894 000000 000000010000 1130093015 123456 5411 00 0801030000 0800010000 AB1 TERM 1 SHOP, NO. 73 02001234561130093015';
const NEW_KEY: SwitchMessage = {
  type: '0800',
  elements: {
    7: '1130093015',
    11: '000001',
    48: 'NK'.padEnd(20, 'F'),
    53: '2600000000000000',
    70: '101',
    100: '00010000',
  },
};

function open(mac: object, algorithm = 'TDES'): (body: Buffer) => ExchangeResult {
  const text = JSON.stringify({
    apiVersion: 'fim.financial/v1',
    kind: 'FinancialRoute',
    metadata: { name: 'switch' },
    spec: {
      body: { format: 'ISO8583', iso8583: { specification: 'unionpay-switch', header: { network: 'None' } } },
      validation: { mac: { keyId: 'kms://switch/mac', ...mac } },
    },
  });
  const loaded = parseRoutes(text, 'mac.yaml');
  assert.deepEqual(loaded.errors, []);
  const { pluginConfigs } = translate(loaded.resources, { layout: 'fused', kms: { cluster: 'fim-kms' } });
  const vm = createVm(module, { httpCall: new TestKms({ 1: stored(algorithm, KEY) }).call });
  const { accepted, root, logs } = vm.configure(pluginConfigs[0]!.json);
  assert.ok(accepted, logs.map((entry) => entry.message).join('\n'));
  return (body) =>
    exchange(root, { request: { path: '/', headers: { 'content-type': 'application/octet-stream' }, body } });
}

/** The leftmost 4 bytes as digits. */
const inDigits = (oracle: Algorithm, text: string): Buffer =>
  Buffer.from(expected(oracle, KEY, Buffer.from(text)).subarray(0, 4).toString('hex').toUpperCase());
const whole = (message: SwitchMessage, code: Buffer): Buffer => Buffer.concat([upToCode(message), code]);

function judged(result: ExchangeResult): string {
  if (result.client.status === 200) return 'passes';
  assert.ok(result.upstream.sawNothing);
  return result.client.body.toString().match(/FIM-ISO-0009/) ? 'wrong code' : result.client.body.toString();
}

test('what is covered is what the rules say', () => {
  assert.equal(coveredBySwitch(PURCHASE), PURCHASE_COVERED);
  assert.equal(coveredBySwitch(NEW_KEY), '0800 1130093015 000001 2600000000000000 101 0800010000');
});

for (const [name, oracle] of [
  ['ANSI-X9.9', 'AnsiX99'],
  ['ANSI-X9.19', 'AnsiX919'],
] as const) {
  test(`${name} over the elements of the switch: 8 digits, and 8 bytes`, () => {
    for (const message of [PURCHASE, NEW_KEY]) {
      const text = coveredBySwitch(message);
      const digits = open({ algorithm: name, covers: 'UnionPaySwitch', encoding: 'Hex' });
      assert.equal(judged(digits(whole(message, inDigits(oracle, text)))), 'passes');
      const bytes = open({ algorithm: name, covers: 'UnionPaySwitch' });
      assert.equal(judged(bytes(whole(message, expected(oracle, KEY, Buffer.from(text))))), 'passes');
      assert.equal(judged(bytes(whole(message, inDigits(oracle, text)))), 'wrong code');
    }
  });
}

test('SM4-CBC-MAC over them, the leftmost 8 bytes', () => {
  const send = open({ covers: 'UnionPaySwitch' }, 'SM4');
  const code = expected('Sm4Cbc', KEY, Buffer.from(PURCHASE_COVERED)).subarray(0, 8);
  assert.equal(judged(send(whole(PURCHASE, code))), 'passes');
});

test('each element that is chosen counts, each other one does not', () => {
  const send = open({ algorithm: 'ANSI-X9.19', covers: 'UnionPaySwitch', encoding: 'Hex' });
  const code = inDigits('AnsiX919', PURCHASE_COVERED);
  const change = (element: number): SwitchMessage => {
    const value = PURCHASE.elements[element]!;
    const at = [...value].findIndex((letter) => /[0-8]/.test(letter));
    const other = `${value.slice(0, at)}${Number(value[at]) + 1}${value.slice(at + 1)}`;
    return { ...PURCHASE, elements: { ...PURCHASE.elements, [element]: other } };
  };
  for (const element of Object.keys(PURCHASE.elements).map(Number))
    assert.equal(
      judged(send(whole(change(element), code))),
      [37, 49].includes(element) ? 'passes' : 'wrong code',
      `element ${element}`,
    );
  assert.equal(judged(send(whole({ ...PURCHASE, type: '0220' }, code))), 'wrong code');
  const { 38: _, ...without } = PURCHASE.elements;
  assert.equal(judged(send(whole({ ...PURCHASE, elements: without }, code))), 'wrong code');
  const longer = { ...PURCHASE, elements: { ...PURCHASE.elements, 90: `${ORIGINAL.slice(0, 20)}${'9'.repeat(22)}` } };
  assert.equal(judged(send(whole(longer, code))), 'passes', 'of element 90 the first 20 digits count');
});

test('elements of the route, in its order: normalised, or the bytes of the message', () => {
  const elements = [0, 11, 42, 2];
  const normalised = open({ algorithm: 'ANSI-X9.19', covers: 'Elements', elements });
  const code = expected('AnsiX919', KEY, Buffer.from('0200 123456 SHOP, NO. 73 166222021234567894'));
  assert.equal(judged(normalised(whole(PURCHASE, code))), 'passes');
  const asSent = open({ algorithm: 'ANSI-X9.19', covers: 'Elements', elements, normalisation: 'None' });
  const bytes = expected('AnsiX919', KEY, Buffer.from('0200123456  shop, no. 7*3166222021234567894'));
  assert.equal(judged(asSent(whole(PURCHASE, bytes))), 'passes');
  assert.equal(judged(asSent(whole(PURCHASE, code))), 'wrong code');
});
