// Masking with keys of the KMS: published values of FF1, and Node's own ciphers as the other side.
import assert from 'node:assert/strict';
import { createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { before, test } from 'node:test';
import { createVm, exchange } from '../../envoy/host/index.ts';
import type { LoadedModule, RootContext } from '../../envoy/host/index.ts';
import { stored, TestKms } from '../kms/test-kms.ts';
import { builtModules } from './modules.ts';

const FF1_KEY = Buffer.from('2b7e151628aed2a6abf7158809cf4f3c', 'hex');
const SM4 = randomBytes(16);
const AES = randomBytes(32);
const HASH = randomBytes(32);
const CARD = '6226090102675688';
const TOKEN = /^fimt1\.[\w-]+$/;

let masker: LoadedModule;
before(async () => {
  masker = (await builtModules(['field-masker'])).get('field-masker')!;
});

function start(fields: object[], keys: TestKms): RootContext {
  const vm = createVm(masker, { httpCall: keys.call });
  const document = {
    version: '1.0',
    generation: 1,
    kms: { cluster: 'fim-kms', holdMs: 2000, timeoutMs: 1000 },
    routes: [{ name: 'a', stages: { fieldMasker: { request: true, response: false, fields } } }],
  };
  return vm.configure(JSON.stringify(document)).root;
}

function service(): TestKms {
  const kms = new TestKms();
  kms.afterMs = 1;
  kms.keys.set('prod/ff1', { 1: stored('SM4', FF1_KEY) });
  kms.keys.set('prod/sm4', { 1: stored('SM4', SM4) });
  kms.keys.set('prod/aes', { 1: stored('AES-256', AES) });
  kms.keys.set('prod/sm3', { 1: stored('HMAC-SM3', HASH) });
  kms.keys.set('prod/sha', { 1: stored('HMAC-SHA-256', HASH) });
  return kms;
}

function mask(root: RootContext, message: Record<string, unknown>): Record<string, string> {
  const result = exchange(root, {
    request: { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(message) },
  });
  assert.equal(result.client.status, 200, result.client.body.toString());
  return JSON.parse(result.upstream.body.toString()) as Record<string, string>;
}

/** Opens a token as the README describes it. */
function open(token: string, key: Buffer): string {
  assert.match(token, TOKEN);
  const bytes = Buffer.from(token.slice(6), 'base64url');
  assert.equal(bytes.readUInt32BE(0), 1);
  const iv = bytes.subarray(4, 16);
  const cipher =
    key.length === 16
      ? createDecipheriv('sm4-gcm' as 'aes-128-gcm', key, iv)
      : createDecipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from('fim mask token'));
  cipher.setAuthTag(bytes.subarray(-16));
  return cipher.update(bytes.subarray(16, -16), undefined, 'utf8') + cipher.final('utf8');
}

test('FF1 gives the values that GmSSL publishes, and keeps form and check character', () => {
  const way = { method: 'FormatPreserving', algorithm: 'FF1-SM4', keyId: 'kms://prod/ff1' };
  const vm = start(
    [
      { name: 'card', ...way, tweak: '9876543210' },
      { name: 'phone', ...way },
      { name: 'checked', ...way, check: 'Luhn', keepFirst: 6 },
      { name: 'printed', ...way, tweak: '9876543210' },
      { name: 'letters', ...way, alphabet: 'Letters' },
    ],
    service(),
  );
  const masked = mask(vm, {
    card: CARD,
    phone: '13687260594',
    checked: '6222021234567894',
    printed: '6226 0901 0267 5688',
    letters: 'aB3xYz',
  });
  assert.equal(masked.card, '2326982895499381');
  assert.equal(masked.phone, '37914960556');
  assert.equal(masked.printed, '2326 9828 9549 9381');
  assert.match(masked.checked ?? '', /^622202\d{10}$/);
  assert.notEqual(masked.checked, '6222021234567894');
  const sum = [...(masked.checked ?? '')]
    .reverse()
    .map((digit, place) => Number(digit) * (1 + (place % 2)))
    .reduce((all, digit) => all + (digit > 9 ? digit - 9 : digit), 0);
  assert.equal(sum % 10, 0);
  assert.match(masked.letters ?? '', /^[0-9A-Za-z]{6}$/);
  assert.notEqual(masked.letters, 'aB3xYz');
});

test('what FF1 cannot encipher is hidden whole', () => {
  const way = { method: 'FormatPreserving', algorithm: 'FF1-SM4', keyId: 'kms://prod/ff1' };
  const vm = start(
    [
      { name: 'a', ...way },
      { name: 'b', ...way, check: 'Luhn' },
    ],
    service(),
  );
  const masked = mask(vm, { a: '12345', b: '6222021234567895', x: { a: '1234567890x', b: '' } });
  assert.deepEqual(masked, { a: '*****', b: '****************', x: { a: '***********', b: '' } });
});

test('tokens open with the key, and are equal for equal values only where asked', () => {
  const sm4 = { method: 'Token', algorithm: 'SM4-GCM', keyId: 'kms://prod/sm4' };
  const vm = start(
    [
      { name: 'a', ...sm4 },
      { name: 'b', ...sm4, deterministic: true },
      { name: 'c', method: 'Token', algorithm: 'AES-256-GCM', keyId: 'kms://prod/aes' },
    ],
    service(),
  );
  const first = mask(vm, { a: '张三丰', b: CARD, c: 12345, d: 1 });
  const second = mask(vm, { a: '张三丰', b: CARD, c: 12345 });
  assert.equal(open(first.a ?? '', SM4), '张三丰');
  assert.equal(open(first.b ?? '', SM4), CARD);
  assert.equal(open(first.c ?? '', AES), '12345');
  assert.notEqual(first.a, second.a);
  assert.equal(first.b, second.b);
  assert.equal(first.d, 1);
  const long = mask(vm, { a: 'x'.repeat(1025) });
  assert.equal(long.a, '*'.repeat(1025));
});

test('hashes are those of the key, and of equal values equal', () => {
  const vm = start(
    [
      { name: 'a', method: 'Hash', algorithm: 'HMAC-SM3', keyId: 'kms://prod/sm3' },
      { name: 'b', method: 'Hash', algorithm: 'HMAC-SHA-256', keyId: 'kms://prod/sha' },
    ],
    service(),
  );
  const masked = mask(vm, { a: CARD, b: '张三' });
  assert.equal(masked.a, createHmac('sm3', HASH).update(CARD).digest('hex'));
  assert.equal(masked.b, createHmac('sha256', HASH).update('张三').digest('hex'));
});

test('without its key nothing passes', () => {
  const kms = service();
  kms.keys.delete('prod/sm4');
  const vm = start([{ name: 'a', method: 'Token', algorithm: 'SM4-GCM', keyId: 'kms://prod/sm4' }], kms);
  const result = exchange(vm, {
    request: { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":"secret"}' },
  });
  assert.ok(result.client.status >= 500, String(result.client.status));
  assert.equal(result.upstream.body.toString(), '');
});
