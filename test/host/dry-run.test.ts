// The dry run: verdicts of the very module, and fast enough to be made before every apply.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { dryRun } from '../../envoy/host/index.ts';
import type { LoadedModule } from '../../envoy/host/index.ts';
import { fimModule } from './modules.ts';

let fim: LoadedModule;
before(async () => {
  fim = await fimModule();
});

const route = (i: number, stages: object): object => ({
  name: `default/route-${i}`,
  match: { hosts: [`h${i}.test`], path: { type: 'Prefix', value: `/p${i}` } },
  stages,
});
const configuration = (routes: object[]): string =>
  JSON.stringify({ version: '1.0', generation: 1, kms: { cluster: 'fim-kms' }, routes });
const stages = {
  rateLimiter: { id: 'default/a/0', requests: 100, periodMs: 1000, burst: 20 },
  pbocValidator: { rules: [{ path: '$.transCode', required: true, pattern: '^01[0-9]{6}$' }] },
  fieldMasker: { request: true, response: true, fields: [{ path: '$.cardNo', kind: 'BankCard' }] },
  sm4Encryptor: { keyId: 'kms://prod/fund/key-2023', request: 'Encrypt', response: 'None' },
};

test('a good configuration is accepted', () => {
  assert.deepEqual(
    { ...dryRun(fim, configuration([route(0, stages)])), memoryPages: 0 },
    { accepted: true, errors: [], memoryPages: 0 },
  );
});

test('the first mistake is reported with its code and place', () => {
  const wrong = { ...stages, rateLimiter: { ...stages.rateLimiter, requests: '100' } };
  assert.deepEqual(dryRun(fim, configuration([route(0, stages), route(1, wrong)])).errors, [
    { code: 'FIM-CFG-0011', path: '/routes/1/stages/rateLimiter/requests' },
  ]);
  const pattern = { pbocValidator: { rules: [{ path: '$.a' }, { path: '$.b', pattern: '(' }] } };
  assert.deepEqual(dryRun(fim, configuration([route(0, pattern)])).errors, [
    { code: 'FIM-CFG-0022', path: '/routes/0/stages/pbocValidator/rules/1/pattern' },
  ]);
});

test('what is no configuration at all has a code, too', () => {
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '\u0000',
    '{"version":"1.0","version":"1.0","routes":[]}',
    `{"version":"1.0","routes":${'['.repeat(10_000)}`,
  ]) {
    const { accepted, errors } = dryRun(fim, text);
    assert.equal(accepted, false);
    assert.match(errors[0]?.code ?? '', /^FIM-CFG-00(01|11|12)$/, text.slice(0, 40));
  }
  assert.equal(dryRun(fim, Buffer.from([0xff, 0xfe, 0x7b])).errors[0]?.code, 'FIM-CFG-0001');
  assert.equal(
    dryRun(fim, `{"version":"1.0","routes":[],"hash":"${'a'.repeat(5 * 1024 * 1024)}"}`).errors[0]?.code,
    'FIM-CFG-0003',
  );
});
