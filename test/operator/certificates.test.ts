// Certificates of national TLS in Secrets and ConfigMaps: read by name only, renewed without an edit, told when they are
// not there, not to be read, none, or about to end.
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { developmentCertificates } from '../../scripts/fim/tlcp-certs.ts';
import { tlcpInForce } from '../../istio/operator/plan/national-tls.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { NAMESPACE, Rig } from './rig.ts';
import { until } from './until.ts';

type Files = Record<string, string>;
const SET_UP_MS = 300_000;
const HOSTS = ['bank.test'];
let first: Files;
let second: Files;

const secret = (server: FakeApiServer, files: Files, more: Files = {}): void => {
  const members = { 'tls.crt': files['server-sign.pem']!, 'tls.key': files['server-sign.key']!, ...more };
  const data = Object.fromEntries(
    Object.entries(members).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
  );
  server.put('secrets', { metadata: { name: 'web', namespace: NAMESPACE }, type: 'kubernetes.io/tls', data });
};
const configMap = (server: FakeApiServer, files: Files): void =>
  void server.put('configmaps', {
    metadata: { name: 'web', namespace: NAMESPACE },
    data: { 'encrypt.pem': files['server-encrypt.pem']!, 'ca.pem': files['ca.pem']! },
  });

const SPEC = {
  tls: {
    cipherSuites: ['ECC-SM4-GCM-SM3'],
    clientAuth: 'Optional',
    trustFrom: { configMap: { name: 'web', key: 'ca.pem' } },
    certificates: [
      {
        sign: { chainFrom: { secret: { name: 'web', key: 'tls.crt' } }, keyId: 'kms://demo/sign' },
        encrypt: { chainFrom: { configMap: { name: 'web', key: 'encrypt.pem' } }, keyId: 'kms://demo/encrypt' },
      },
    ],
  },
};

async function start(t: TestContext, prepare: (server: FakeApiServer) => void): Promise<Rig> {
  const rig = await Rig.start(t, (server, { kms }) => {
    for (const use of ['sign', 'encrypt']) kms.keys.set(`demo/${use}`, {});
    server.put('gateway.networking.k8s.io/gateways', {
      metadata: { name: 'edge', namespace: NAMESPACE },
      spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
    });
    prepare(server);
  });
  rig.route('secure', SPEC);
  return rig;
}

/** Certificates in force at the gateways. */
function inForce(rig: Rig): string | undefined {
  const object = rig.filter('fim-gateways');
  return tlcpInForce(object)?.config.connections?.pairs[0]?.chain;
}
const served = (rig: Rig, files: Files): Promise<unknown> =>
  until('the certificates are in force', () => {
    const chain = inForce(rig);
    return chain?.includes(files['server-sign.pem']!.trim()) && chain.includes(files['server-encrypt.pem']!.trim());
  });

describe('certificates of national TLS in other objects', () => {
  before(
    async () => {
      first = await developmentCertificates(HOSTS, 30);
      second = await developmentCertificates(HOSTS, 3);
    },
    { timeout: SET_UP_MS },
  );

  it('are read by their names alone, and never the private key beside them', async (t) => {
    const rig = await start(t, (server) => {
      secret(server, first);
      configMap(server, first);
    });
    await served(rig, first);
    await rig.condition('secure', 'ResolvedRefs', 'True');
    const asked = new Set(rig.server.requests.filter((line) => /secrets|configmaps/.test(line)));
    assert.deepEqual([...asked].sort(), ['get configmaps', 'get secrets']);
    const object = JSON.stringify(rig.filter('fim-gateways'));
    assert.ok(!object.includes('PRIVATE'));
    assert.ok(object.includes('kms://demo/sign'));
    assert.equal(tlcpInForce(rig.filter('fim-gateways'))?.config.connections?.trust, first['ca.pem']);
  });

  it('take effect when they change, and warn when they end soon', async (t) => {
    const rig = await start(t, (server) => {
      secret(server, first);
      configMap(server, first);
    });
    await served(rig, first);
    const { generation } = rig.config('fim-gateways')!;
    secret(rig.server, second);
    configMap(rig.server, second);
    await served(rig, second);
    assert.ok(rig.config('fim-gateways')!.generation > generation);
    const { message } = await rig.condition('secure', 'Warnings', 'True', 'CertificateEnds');
    assert.match(message, /FIM-OP-0063: a certificate of national TLS ends at \d{4}-/);
    assert.equal(rig.server.get('financialroutes', NAMESPACE, 'secure')?.metadata.generation, 1, 'no edit');
  });

  it('that are missing are told, what was in force stays, and they are taken when they come', async (t) => {
    const rig = await start(t, (server) => configMap(server, first));
    const { message } = await rig.condition('secure', 'ResolvedRefs', 'False', 'InvalidCertificateRef');
    assert.match(message, /FIM-OP-0060: Secret web, tls\.crt: there is no such object/);
    const lacks = await rig.condition('secure', 'Programmed', 'False', 'TlcpNotTerminated');
    assert.match(lacks.message, /FIM-OP-0060 .*Secret web, tls\.crt/);
    secret(rig.server, first);
    await served(rig, first);
    await rig.condition('secure', 'ResolvedRefs', 'True');
    rig.server.remove('secrets', NAMESPACE, 'web');
    await rig.condition('secure', 'ResolvedRefs', 'False', 'InvalidCertificateRef');
    const kept = await rig.condition('secure', 'Programmed', 'False', 'TlcpNotTerminated');
    assert.match(kept.message, /what was in force of national TLS stays/);
    await served(rig, first);
  });

  it('that may not be read are told, with what to do, and taken when they may', async (t) => {
    const rig = await start(t, (server) => {
      secret(server, first);
      configMap(server, first);
      server.allows = (request) => request !== 'get secrets';
    });
    const { message } = await rig.condition('secure', 'ResolvedRefs', 'False', 'RefNotPermitted');
    assert.match(message, /FIM-OP-0061: Secret web, tls\.crt/);
    rig.server.allows = () => true;
    await served(rig, first);
    await rig.condition('secure', 'ResolvedRefs', 'True');
  });

  it('that are none never replace good ones, and a private key in their place is not passed on', async (t) => {
    const rig = await start(t, (server) => {
      secret(server, first);
      configMap(server, first);
    });
    await served(rig, first);
    for (const wrong of ['nothing', `${first['server-sign.pem']}${first['server-sign.key']}`]) {
      secret(rig.server, first, { 'tls.crt': wrong });
      const { message } = await rig.condition('secure', 'ResolvedRefs', 'False', 'InvalidCertificateRef');
      assert.match(message, /FIM-OP-0062: Secret web, tls\.crt: it (has no certificate|holds a private key)/);
      assert.ok(!JSON.stringify(rig.server.all('envoyfilters')).includes('PRIVATE'));
      await served(rig, first);
      secret(rig.server, first);
      await rig.condition('secure', 'ResolvedRefs', 'True');
    }
    // Certificates, but not for this use: the module finds it.
    secret(rig.server, first, { 'tls.crt': first['ca.pem']! });
    const { message } = await rig.condition('secure', 'Programmed', 'False', 'TlcpNotTerminated');
    assert.match(message, /what the route names is refused: FIM-CFG-0027/);
    await served(rig, first);
  });

  it('of an API server that does not answer stay as they were', async (t) => {
    const rig = await start(t, (server) => {
      secret(server, first);
      configMap(server, first);
    });
    await served(rig, first);
    const asked = (): number => rig.server.requests.filter((line) => line === 'get secrets').length;
    rig.server.fail('get secrets', 500, 2);
    const before = asked();
    await until('it was asked three times', () => asked() > before + 2);
    assert.equal(rig.status('secure')?.conditions.find(({ type }) => type === 'ResolvedRefs')?.status, 'True');
    await served(rig, first);
  });

  it("whose keys are not in the key service, or are another namespace's, are told, and these never given out", async (t) => {
    const rig = await Rig.start(t, (server, made) => {
      made.binding = { mode: 'strict', bound: [] };
      made.kms.keys.set('bank/sign', {});
      secret(server, first);
      configMap(server, first);
      server.put('gateway.networking.k8s.io/gateways', {
        metadata: { name: 'edge', namespace: NAMESPACE },
        spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] },
      });
    });
    rig.route('secure', SPEC);
    const missing = await rig.condition('secure', 'ResolvedRefs', 'False', 'KeyNotFound');
    assert.match(missing.message, /FIM-OP-0006: .*kms:\/\/demo\/sign, kms:\/\/demo\/encrypt/);
    const [pair] = SPEC.tls.certificates;
    const stolen = { sign: { ...pair!.sign, keyId: 'kms://bank/sign' }, encrypt: pair!.encrypt };
    rig.route('secure', { tls: { ...SPEC.tls, certificates: [stolen] } });
    const { message } = await rig.condition('secure', 'ResolvedRefs', 'False', 'KeyNotPermitted');
    assert.match(message, /FIM-OP-0032: kms:\/\/bank\/sign/);
    await rig.quiet();
    assert.ok(!JSON.stringify(rig.server.all('envoyfilters')).includes('kms://bank/'));
  });

  it('that do not belong to their keys are told by the proxies', async (t) => {
    const rig = await start(t, (server) => {
      secret(server, first);
      configMap(server, first);
    });
    const proxy = await rig.pod('gw-1', { 'gateway.networking.k8s.io/gateway-name': 'edge' });
    await served(rig, first);
    proxy.keys = { succeeded: 4, denied: 0, outage: 0, unfit: 0 };
    await until('the proxy was looked at', () => rig.status('secure')?.proxies?.total === 1);
    proxy.keys = { ...proxy.keys, unfit: 2 };
    const { message } = await rig.condition('secure', 'Programmed', 'False', 'KeyUnavailable');
    assert.match(message, /FIM-OP-0033: .*gw-1: unfit/);
  });
});
