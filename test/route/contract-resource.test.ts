// The resource that users already write is accepted as it stands, and every line of it has its effect.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { loadRoutes, translate } from '../../envoy/route/index.ts';

const SAMPLE = new URL('../../istio/samples/fund-redemption-v2.yaml', import.meta.url);

const CONTRACT = `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata:
  name: fund-redemption-v2
spec:
  tls:
    cipherSuites: ["ECDHE-SM4-SM3"]
  validation:
    pboc: "3.0.2"
    fields:
      - name: "transCode"
        pattern: "^01[0-9]{6}$"
  wasm:
    module: "sm4-encryptor.wasm"
    config: {"keyId": "kms://prod/fund/key-2023"}
`;

it('is the sample, byte for byte', () => {
  assert.equal(readFileSync(SAMPLE, 'utf8'), CONTRACT);
});

it('has an effect with every line', () => {
  const loaded = loadRoutes([SAMPLE.pathname]);
  assert.deepEqual(loaded.errors, []);
  const { routes, config, conditions, warnings } = translate(loaded.resources, { layout: 'fused' });
  const [route] = routes;
  assert.equal(route?.config.name, 'default/fund-redemption-v2');
  assert.equal(route?.config.match, undefined);
  assert.equal(route?.config.observe, false);
  assert.deepEqual(Object.keys(route?.config.stages ?? {}).sort(), ['pbocValidator', 'sm4Encryptor']);

  // tls.cipherSuites: not yet, and that is said.
  assert.equal(route?.loopbackOnly, true);
  assert.deepEqual(
    warnings.map(({ code, path, line }) => ({ code, path, line })),
    [{ code: 'FIM-CFG-1060', path: '$.spec.tls.cipherSuites', line: 7 }],
  );
  const programmed = conditions['default/fund-redemption-v2']?.find((condition) => condition.type === 'Programmed');
  assert.deepEqual([programmed?.status, programmed?.reason], ['False', 'TlcpNotTerminated']);

  // validation
  const validator = route?.config.stages.pbocValidator;
  assert.equal(validator?.profile, '3.0.2');
  assert.equal(validator?.request, true);
  assert.equal(validator?.response, false);
  assert.deepEqual(validator?.rules?.at(-1), {
    path: '$.transCode',
    required: true,
    type: 'string',
    pattern: '^01[0-9]{6}$',
  });
  assert.ok((validator?.rules?.length ?? 0) > 10 && validator?.rules?.slice(0, -1).every((rule) => rule.profile));

  // wasm
  assert.deepEqual(route?.config.stages.sm4Encryptor, {
    keyId: 'kms://prod/fund/key-2023',
    algorithm: 'SM4-GCM',
    profile: 'fim-json',
    request: 'Encrypt',
    response: 'None',
  });
  assert.deepEqual(config.kms, { cluster: 'fim-kms' });
});
