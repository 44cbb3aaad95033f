// FIM's own reading of a KMS response, before a message needs the key, gives the same verdict as the module's.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { isFault, isTime, readDataKey, readStoredKey } from '../../envoy/standalone/key-answer.ts';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const KEY = randomBytes(16).toString('base64');
const stored = (data: object | null, metadata: object = { version: 1 }, status = 200): string => {
  const found = readStoredKey({ status, text: JSON.stringify({ data: { data, metadata } }) }, NOW);
  return isFault(found) ? found.code : `${found.algorithm} ${found.material.length}`;
};
const said = (status: number, text: string): string => {
  const found = readStoredKey({ status, text }, NOW);
  return isFault(found) ? found.code : 'a key';
};

test('stored keys', () => {
  assert.equal(stored({ algorithm: 'SM4', material: KEY }), 'SM4 16');
  assert.equal(stored({ material: KEY }, { version: 1, custom_metadata: { algorithm: 'SM4' } }), 'SM4 16');
  assert.equal(
    stored({ algorithm: 'SM4', material: Buffer.from(KEY, 'base64').toString('hex'), encoding: 'hex' }),
    'SM4 16',
  );
  assert.equal(stored({ algorithm: 'SM4', material: KEY, expires: '2026-06-01T00:00:01Z' }), 'SM4 16');
  for (const [data, metadata] of [
    [{ algorithm: 'sm4', material: KEY }],
    [{ algorithm: 'SM4', material: `${KEY}\n` }],
    [{ algorithm: 'SM4', material: Buffer.from(KEY, 'base64').toString('hex') }],
    [{ algorithm: 'HMAC-SM3', material: randomBytes(32).toString('hex') }],
    [{ algorithm: 'SM4', material: 7 }],
    [{ material: KEY }],
    [{ algorithm: 'SM4', material: KEY }, {}],
    [{ algorithm: 'SM4', material: KEY, encoding: 'base32' }],
    [{ algorithm: 'SM4', material: KEY, expires: 'tomorrow' }],
    [{ algorithm: 'SM4', material: KEY, expires: '2027-02-30T00:00:00Z' }],
    [{ algorithm: 'SM2-PRIVATE', material: KEY }],
    [{ algorithm: 'SM4', material: 'ASNFZ4mrze/+3LqYdlQyEB==' }],
    [null],
  ] as [object | null, object?][])
    assert.equal(stored(data, metadata), 'FIM-KMS-0003', JSON.stringify(data));
  assert.equal(stored({ algorithm: 'SM4', material: KEY, expires: '2026-05-31T23:59:59Z' }), 'FIM-KMS-0007');
  assert.equal(stored(null, { version: 2, deletion_time: '2026-05-31T23:59:59Z' }, 404), 'FIM-KMS-0007');
  assert.equal(stored(null, { version: 2, destroyed: true }, 404), 'FIM-KMS-0007');
});

test('refusals', () => {
  for (const [status, text, code] of [
    [401, '{"errors":[]}', 'FIM-KMS-0008'],
    [403, '', 'FIM-KMS-0008'],
    [404, '{"errors":[]}', 'FIM-KMS-0002'],
    [404, '{"errors":["no handler for route"]}', 'FIM-KMS-0001'],
    [404, 'page', 'FIM-KMS-0001'],
    [400, '{"errors":["x"]}', 'FIM-KMS-0001'],
    [500, '', 'FIM-KMS-0001'],
    [302, '', 'FIM-KMS-0001'],
    [200, 'page', 'FIM-KMS-0003'],
    [200, '[]', 'FIM-KMS-0003'],
  ] as const)
    assert.equal(said(status, text), code, `${status} ${text}`);
});

test('data keys', () => {
  const data = (plaintext: unknown): string => {
    const found = readDataKey({
      status: 200,
      text: JSON.stringify({ data: { plaintext, ciphertext: 'vault:v1:AAAA' } }),
    });
    return isFault(found) ? found.code : found.algorithm;
  };
  assert.equal(data(randomBytes(16).toString('base64')), 'SM4');
  assert.equal(data(randomBytes(32).toString('base64')), 'AES-256');
  assert.equal(data('AAAA'), 'FIM-KMS-0003');
  assert.equal(data(undefined), 'FIM-KMS-0003');
  const none = readDataKey({ status: 400, text: '{"errors":["encryption key not found"]}' });
  assert.ok(isFault(none) && none.code === 'FIM-KMS-0002');
});

test('times are of days that exist', () => {
  for (const good of ['2024-02-29T00:00:00Z', '2027-12-31T23:59:59.123456789+08:00', '2027-01-01t00:00:00z'])
    assert.ok(isTime(good), good);
  for (const bad of [
    '2027-02-29T00:00:00Z',
    '2027-02-30T00:00:00Z',
    '2027-04-31T00:00:00Z',
    '2027-13-01T00:00:00Z',
    '2027-00-01T00:00:00Z',
    '2027-01-01',
    '2027-01-01T24:00:01Z',
    'tomorrow',
    '',
  ])
    assert.ok(!isTime(bad), bad);
});
