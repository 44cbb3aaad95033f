// What routes ask of national TLS, where the listener terminates it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { translate } from '../../envoy/route/index.ts';
import { resource } from './sample.ts';

describe('national TLS of a listener that terminates it', () => {
  const tls = (suite: string): string =>
    `{tls: {cipherSuites: [${suite}]}, match: {path: {type: Exact, value: /${suite}}}}`;

  it('is one for all routes that ask, and needs no loopback', () => {
    const routes = [resource('a', tls('ECDHE-SM4-SM3')), resource('b', '{rateLimit: {requests: 5, period: 1s}}')];
    const translation = translate(routes, { layout: 'fused', terminatesTlcp: true });
    assert.deepEqual(translation.errors, []);
    assert.ok(translation.warnings.every(({ code }) => code !== 'FIM-CFG-1060'));
    assert.deepEqual([translation.tls?.suites, translation.tls?.routes], [[0xe011], ['default/a']]);
    assert.ok(translation.routes.every(({ loopbackOnly }) => !loopbackOnly));
    const programmed = translation.conditions['default/a']?.find(({ type }) => type === 'Programmed');
    assert.equal(programmed?.status, 'Unknown', 'nothing is known to be missing');
    assert.equal(translate(routes, { layout: 'fused' }).tls, null);
  });

  it('cannot be two kinds', () => {
    const routes = [resource('a', tls('ECDHE-SM4-SM3')), resource('b', tls('ECC-SM4-SM3'))];
    const { errors } = translate(routes, { layout: 'fused', terminatesTlcp: true });
    assert.deepEqual(
      errors.map(({ code, path, resource: name }) => [code, path, name]),
      [['FIM-CFG-1073', '$.spec.tls', 'default/b']],
    );
  });
});
