// Message authentication codes as a rule, made by OpenSSL: right, wrong, absent and truncated ones; keys that come
// late, are rotated, do not fit or do not come.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { createVm, exchange } from '../../envoy/host/index.ts';
import type { ExchangeResult, LoadedModule, RootContext } from '../../envoy/host/index.ts';
import { parseRoutes, translate } from '../../envoy/route/index.ts';
import { neededKeys } from '../../envoy/standalone/needed-keys.ts';
import { expected } from '../crypto/openssl-mac.ts';
import type { Algorithm } from '../crypto/openssl-mac.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { fimModule } from './modules.ts';

let module: LoadedModule;
before(async () => {
  module = await fimModule();
});

interface Kind {
  name: string;
  oracle: Algorithm;
  kms: string;
  key: Buffer;
  /** Bytes of the code in the element. */
  bytes: number;
}

const kind = (name: string, oracle: Algorithm, kms: string, keyBytes: number, bytes = 8): Kind => ({
  name,
  oracle,
  kms,
  key: randomBytes(keyBytes),
  bytes,
});
const SM4 = kind('SM4-CBC-MAC', 'Sm4Cbc', 'SM4', 16);
const HMAC = kind('HMAC-SM3', 'HmacSm3', 'HMAC-SM3', 32, 32);
const KINDS = [
  SM4,
  kind('UNIONPAY-ECB-SM4', 'UnionPayEcbSm4', 'SM4', 16),
  kind('UNIONPAY-ECB', 'UnionPayEcb', 'TDES', 16),
  kind('UNIONPAY-ECB', 'UnionPayEcb', 'TDES', 8),
  kind('ANSI-X9.9', 'AnsiX99', 'TDES', 8),
  kind('ANSI-X9.9', 'AnsiX99', 'TDES', 16),
  kind('ANSI-X9.19', 'AnsiX919', 'TDES', 16),
  HMAC,
];

interface Kms {
  algorithm: string;
  versions: Record<number, Buffer>;
  afterMs?: number;
  down?: boolean;
}

const resource = (spec: object): string =>
  JSON.stringify({ apiVersion: 'fim.financial/v1', kind: 'FinancialRoute', metadata: { name: 'mac' }, spec });

/** Translation of a public route. */
function translated(spec: object): ReturnType<typeof translate> {
  const loaded = parseRoutes(resource(spec), 'mac.yaml');
  assert.deepEqual(loaded.errors, []);
  return translate(loaded.resources, { layout: 'fused', kms: { cluster: 'fim-kms' } });
}

/** A module with the route. */
function start(spec: object, { algorithm, versions, afterMs = 1, down = false }: Kms): RootContext {
  const { pluginConfigs } = translated(spec);
  const kms = new TestKms(
    Object.fromEntries(Object.entries(versions).map(([version, key]) => [version, stored(algorithm, key)])),
  );
  kms.afterMs = afterMs;
  if (down) kms.fault = 'refused';
  const vm = createVm(module, { httpCall: kms.call });
  const { accepted, root, logs } = vm.configure(pluginConfigs[0]!.json);
  assert.ok(accepted, logs.map((entry) => entry.message).join('\n'));
  return root;
}

/** DE 11, DE 41 and the code, in element 64, or 128 behind a second bitmap. */
function message(element: 64 | 128): Buffer {
  const first = Buffer.from(element === 64 ? '0020000000800001' : '8020000000800000', 'hex');
  const bitmaps = element === 64 ? first : Buffer.concat([first, Buffer.from('0000000000000001', 'hex')]);
  return Buffer.concat([Buffer.from('0800'), bitmaps, Buffer.from('12345612345678')]);
}

const isoSpec = ({ name, bytes }: Kind, mac: object = {}, elements: object[] = []): object => ({
  body: {
    format: 'ISO8583',
    iso8583: {
      specification: 'iso8583-1987',
      elements: [...[64, 128].map((element) => ({ element, format: 'b', length: bytes })), ...elements].slice(-2),
    },
  },
  validation: { mac: { keyId: 'kms://prod/mac', algorithm: name, ...mac } },
});
const isoOf = (root: RootContext, body: Buffer): ExchangeResult =>
  exchange(root, { request: { path: '/', headers: { 'content-type': 'application/octet-stream' }, body } });
const codeOf = ({ oracle, key, bytes }: Kind, text: Buffer): Buffer => expected(oracle, key, text).subarray(0, bytes);

function assertPasses({ client, upstream }: ExchangeResult, body: Buffer): void {
  assert.equal(client.status, 200, client.body.toString());
  assert.deepEqual(upstream.body, body);
}

function assertRefused({ client, upstream }: ExchangeResult, status: number, code: string, path?: string): void {
  assert.equal(client.status, status, client.body.toString());
  assert.ok(upstream.sawNothing);
  const problem = JSON.parse(client.body.toString()) as {
    code: string;
    responseCode?: string;
    errors?: { code: string; path: string }[];
  };
  if (path === undefined) assert.equal(problem.code, code);
  else
    assert.deepEqual(
      problem.errors?.map((error) => [error.code, error.path]),
      [[code, path]],
    );
}

describe('codes in elements', () => {
  for (const each of KINDS) {
    for (const element of [64, 128] as const) {
      test(`${each.name} with a key of ${each.key.length} bytes in DE ${element}`, () => {
        const root = start(isoSpec(each), { algorithm: each.kms, versions: { 1: each.key } });
        const text = message(element);
        const whole = Buffer.concat([text, codeOf(each, text)]);
        assertPasses(isoOf(root, whole), whole);
        for (const at of [3, text.length - 1, whole.length - 1]) {
          const other = Buffer.from(whole);
          other[at]! ^= 1;
          if (at === 3) other[at] = '1'.charCodeAt(0);
          assertRefused(isoOf(root, other), 422, 'FIM-ISO-0009', `/DE${element}`);
        }
        const truncated = isoOf(root, whole.subarray(0, -1));
        assertRefused(truncated, 422, 'FIM-ISO-0001', `/DE${element}`);
      });
    }
  }

  test('a code in hexadecimal digits', () => {
    const hex = [64, 128].map((element) => ({ element, format: 'b', length: 8, encoding: 'Hex' }));
    const root = start(isoSpec(SM4, { encoding: 'Hex' }, hex), { algorithm: 'SM4', versions: { 1: SM4.key } });
    const text = message(64);
    const whole = Buffer.concat([text, Buffer.from(codeOf(SM4, text).toString('hex').toUpperCase())]);
    assertPasses(isoOf(root, whole), whole);
    assertRefused(isoOf(root, Buffer.concat([text, Buffer.from('0'.repeat(16))])), 422, 'FIM-ISO-0009', '/DE64');
  });
});

/** Shortest and longest code of each algorithm, bytes, as its standard has it. */
const LENGTHS: Record<string, [number, number]> = {
  'SM4-CBC-MAC': [4, 16],
  'UNIONPAY-ECB-SM4': [8, 8],
  'UNIONPAY-ECB': [8, 8],
  'ANSI-X9.9': [4, 8],
  'ANSI-X9.19': [4, 8],
  'HMAC-SM3': [16, 32],
};

/** Ways to write a genuine code in so many bytes of the element. */
function written(each: Kind, encoding: string, wireBytes: number, text: Buffer, onlyDigits: boolean): Buffer[] {
  const whole = expected(each.oracle, each.key, text);
  const [least, most] = LENGTHS[each.name]!;
  const ways: Buffer[] = [];
  const bytes = encoding === 'Hex' ? wireBytes / 2 : wireBytes;
  if (Number.isInteger(bytes) && bytes >= least && bytes <= most) {
    const code = whole.subarray(0, bytes);
    ways.push(
      ...(encoding === 'Hex' ? [code.toString('hex'), code.toString('hex').toUpperCase()] : [code]).map((way) =>
        Buffer.from(way),
      ),
    );
  }
  // UnionPay's code is eight digits: as they stand, they are written in hexadecimal already.
  if (encoding === 'Hex' && each.name.startsWith('UNIONPAY') && wireBytes === 8)
    ways.push(whole, Buffer.from(whole.toString('latin1').toLowerCase()));
  return onlyDigits && encoding === 'Binary' && !each.name.startsWith('UNIONPAY') ? [] : ways;
}

describe('every algorithm in every encoding and length of the element', () => {
  for (const each of KINDS) {
    for (const encoding of ['Binary', 'Hex']) {
      test(`${each.name}, key of ${each.key.length} bytes, ${encoding}`, () => {
        const text = message(64);
        let verified = 0;
        for (const length of [2, 3, 4, 8, 12, 16, 32, 33, 64])
          for (const elementEncoding of ['Binary', 'Hex']) {
            const elements = [64, 128].map((element) => ({ element, format: 'b', length, encoding: elementEncoding }));
            const spec = isoSpec(each, { encoding }, elements);
            const wireBytes = length * (elementEncoding === 'Hex' ? 2 : 1);
            const ways = written(each, encoding, wireBytes, text, elementEncoding === 'Hex');
            const about = `${length} bytes ${elementEncoding}`;
            if (ways.length === 0) {
              // Refused with a route's own words where the schema's rules see it, else by the module.
              const loaded = parseRoutes(resource(spec), 'mac.yaml');
              if (loaded.errors.length > 0) continue;
              const { pluginConfigs } = translate(loaded.resources, { layout: 'fused', kms: { cluster: 'fim-kms' } });
              const { accepted, logs } = createVm(module, {}).configure(pluginConfigs[0]!.json);
              assert.ok(!accepted, `${about} can never be right, and loads`);
              assert.match(logs.map((entry) => entry.message).join(), /FIM-PBOC-0043/, about);
              continue;
            }
            const root = start(spec, { algorithm: each.kms, versions: { 1: each.key } });
            for (const way of ways) {
              verified++;
              assertPasses(isoOf(root, Buffer.concat([text, way])), Buffer.concat([text, way]));
              const other = Buffer.from(way);
              other[0] = other[0] === 0x30 ? 0x31 : 0x30;
              assertRefused(isoOf(root, Buffer.concat([text, other])), 422, 'FIM-ISO-0009', '/DE64');
            }
          }
        assert.ok(verified > 0);
      });
    }
  }
});

describe('codes in a header', () => {
  const body = Buffer.from('{"amount":"100.00"}');
  const send = (
    root: RootContext,
    code: string | string[] | undefined,
    text = body,
    type = 'application/json',
  ): ExchangeResult =>
    exchange(root, {
      request: {
        path: '/',
        headers: { 'content-type': type, ...(code === undefined ? {} : { 'x-mac': code }) },
        body: text,
      },
    });
  const section = (mac: object = {}, format = 'JSON'): object => ({
    body: { format },
    validation: { mac: { keyId: 'kms://prod/mac', algorithm: 'HMAC-SM3', header: 'x-mac', ...mac } },
  });
  const kms: Kms = { algorithm: 'HMAC-SM3', versions: { 1: HMAC.key } };

  for (const [format, type, text] of [
    ['JSON', 'application/json', '{"a":1}'],
    ['XML', 'application/xml', '<a>1</a>'],
    ['Form', 'application/x-www-form-urlencoded', 'a=1&b=2'],
  ] as const) {
    test(`of ${format}, in both encodings`, () => {
      const code = codeOf(HMAC, Buffer.from(text));
      const root = start(section({}, format), kms);
      assertPasses(send(root, code.toString('hex'), Buffer.from(text), type), Buffer.from(text));
      assertRefused(
        send(root, code.toString('hex'), Buffer.from(text.replace('1', '2')), type),
        422,
        'FIM-ISO-0009',
        'x-mac',
      );
      assertPasses(
        send(start(section({ encoding: 'Base64' }, format), kms), code.toString('base64'), Buffer.from(text), type),
        Buffer.from(text),
      );
    });
  }

  test('absent, double, truncated, or no code at all', () => {
    const root = start(section(), kms);
    const code = codeOf(HMAC, body).toString('hex');
    assertPasses(send(root, code.slice(0, 32)), body); // the leftmost 16 bytes are a code too
    for (const bad of [code.slice(0, 30), code.slice(0, 63), `${code}00`, `${code.slice(0, -1)}g`, '00'.repeat(32)])
      assertRefused(send(root, bad), 422, 'FIM-ISO-0009', 'x-mac');
    for (const none of [undefined, '']) assertRefused(send(root, none), 422, 'FIM-PBOC-0005', 'x-mac');
    assertRefused(send(root, [code, code]), 422, 'FIM-PBOC-0033', 'x-mac');
    assertPasses(send(start(section({ required: false }), kms), undefined), body);
  });

  test('the key before the newest still counts, older ones do not', () => {
    const [oldest, older, newest] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const root = start(section(), { algorithm: 'HMAC-SM3', versions: { 1: oldest, 2: older, 3: newest }, afterMs: 30 });
    const coded = (key: Buffer): string => codeOf({ ...HMAC, key }, body).toString('hex');
    assertPasses(send(root, coded(newest)), body);
    assertPasses(send(root, coded(older)), body);
    assertRefused(send(root, coded(oldest)), 422, 'FIM-ISO-0009', 'x-mac');
  });

  test('observed, a wrong code passes', () => {
    const root = start({ enforcement: 'Observe', ...section() }, kms);
    assertPasses(send(root, '00'.repeat(32)), body);
  });
});

describe('keys', () => {
  test('what a route needs is known to who makes keys', () => {
    for (const each of KINDS) {
      assert.deepEqual(
        neededKeys(translated(isoSpec(each)).config.routes),
        [{ id: 'kms://prod/mac', algorithm: each.kms, protects: false, routes: ['default/mac'] }],
        each.name,
      );
    }
  });

  const text = message(64);
  const whole = Buffer.concat([text, codeOf(SM4, text)]);

  test('a message waits for a key that comes late', () => {
    const root = start(isoSpec(SM4), { algorithm: 'SM4', versions: { 1: SM4.key }, afterMs: 400 });
    assertPasses(isoOf(root, whole), whole);
  });

  test('without a key, or with one of another algorithm or length, nothing goes on', () => {
    assertRefused(
      isoOf(start(isoSpec(SM4), { algorithm: 'SM4', versions: {}, down: true }), whole),
      503,
      'FIM-KMS-0001',
    );
    assertRefused(
      isoOf(start(isoSpec(SM4), { algorithm: 'HMAC-SM3', versions: { 1: SM4.key } }), whole),
      503,
      'FIM-KMS-0009',
    );
    const retail = KINDS.find(({ name }) => name === 'ANSI-X9.19')!;
    assertRefused(
      isoOf(start(isoSpec(retail), { algorithm: 'TDES', versions: { 1: randomBytes(8) } }), whole),
      503,
      'FIM-KMS-0009',
    );
    assertRefused(
      isoOf(start(isoSpec(retail), { algorithm: 'TDES', versions: { 1: randomBytes(24) } }), whole),
      503,
      'FIM-KMS-0003',
    );
  });
});
