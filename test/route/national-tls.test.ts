// Requests of routes to national TLS, where the listener terminates it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { translate } from '../../envoy/route/index.ts';
import { checkRoutes, readTlsFile, tlcpListenerConfig } from '../../envoy/route/index.ts';
import { makeAuthority } from '../e2e/certificates.ts';
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

describe('the time of its sessions', () => {
  for (const [text, seconds] of [
    ['1m', 60],
    ['12h30m', 45_000],
    ['24h', 86_400],
    ['59s', null],
    ['24h1s', null],
  ] as const)
    it(`${text} is ${seconds ?? 'refused'}`, () => {
      if (seconds === null) {
        const { errors: found } = checkRoutes([
          {
            apiVersion: 'fim.financial/v1',
            kind: 'FinancialRoute',
            metadata: { name: 'a' },
            spec: { tls: { cipherSuites: ['ECC-SM4-SM3'], sessionDuration: text } },
          },
        ]);
        assert.deepEqual(
          found.map(({ code, path }) => `${code} ${path}`),
          ['FIM-CFG-1039 $.spec.tls.sessionDuration'],
        );
        return;
      }
      const spec = `{tls: {cipherSuites: [ECC-SM4-SM3], sessionDuration: ${text}}}`;
      const { tls } = translate([resource('a', spec)], { layout: 'fused', terminatesTlcp: true });
      assert.ok(tls !== null);
      assert.equal(tls.sessionSeconds, seconds);
      const own = { pairs: [{ chain: 'x', signKey: 'kms://a/b', encryptKey: 'kms://a/c' }] };
      const config = tlcpListenerConfig(tls, { own, read: readTlsFile });
      assert.equal('connections' in config && config.connections?.sessionSeconds, seconds);
    });
});

describe('ordinary TLS beside it', () => {
  const trust = makeAuthority('root').certificate;
  const crl = '-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n';
  const national = { certificates: undefined, trust };
  const ecdhe = { cipherSuites: ['ECDHE-SM4-SM3'] };
  const ecc = { cipherSuites: ['ECC-SM4-SM3'] };
  const cases: [about: string, tls: object, wanted: string[]][] = [
    ['demands what national TLS does, unless told', { ...ecdhe, alsoTls: { trust } }, []],
    ['needs trust of its own', { ...ecdhe, alsoTls: {} }, ['FIM-CFG-1072 alsoTls']],
    ['may be optional where it is', { ...ecc, clientAuth: 'Optional', alsoTls: { clientAuth: 'Optional', trust } }, []],
    [
      'may not be optional where it is not',
      { ...ecc, clientAuth: 'Required', alsoTls: { clientAuth: 'Optional', trust } },
      ['FIM-CFG-1076 alsoTls.clientAuth'],
    ],
    [
      'may not ask nobody where every suite asks',
      { ...ecdhe, alsoTls: { clientAuth: 'None' } },
      ['FIM-CFG-1076 alsoTls.clientAuth'],
    ],
    ['asks nobody where nobody is asked', { ...ecc, alsoTls: {} }, []],
    ['trusts nobody in vain', { ...ecc, alsoTls: { trust } }, ['FIM-CFG-1077 alsoTls.trust']],
    [
      'looks at revocations where they are looked at',
      { ...ecdhe, crl: { inline: crl }, alsoTls: { trust } },
      ['FIM-CFG-1076 alsoTls'],
    ],
    ['with lists it does', { ...ecdhe, ocsp: {}, alsoTls: { trust, crl } }, []],
    ['reads lists as PEM', { ...ecdhe, alsoTls: { trust, crl: 'lists' } }, ['FIM-CFG-1077 alsoTls.crl']],
    ['knows no validity', { ...ecdhe, minimumValidity: '24h', alsoTls: { trust } }, ['FIM-CFG-1076 alsoTls']],
    ['has few authorities', { ...ecdhe, alsoTls: { trust: trust.repeat(65) } }, ['FIM-CFG-1077 alsoTls.trust']],
  ];
  for (const [about, tls, wanted] of cases)
    it(about, () => {
      const spec = { tls: { ...national, ...tls } };
      const { errors } = checkRoutes([
        {
          apiVersion: 'fim.financial/v1',
          kind: 'FinancialRoute',
          metadata: { name: 'a' },
          spec: JSON.parse(JSON.stringify(spec)) as never,
        },
      ]);
      assert.deepEqual(
        errors.map(({ code, path }) => `${code} ${path.replace('$.spec.tls.', '')}`),
        wanted,
      );
    });
});
