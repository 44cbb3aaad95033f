// National TLS at a gateway: terminated in front of mutual TLS, with the platform's certificates, which change under load.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stringify } from 'yaml';
import { buildModules } from '../../scripts/build.ts';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { send } from '../e2e/http-client.ts';
import { OcspResponder } from '../e2e/ocsp-responder.ts';
import { route } from '../e2e/resources.ts';
import { Certificates, type ClientOptions, post, TlcpClient } from '../e2e/tlcp-client.ts';
import { OperatedMesh } from './operated-mesh.ts';
import { GATEWAY_PORT, NAMESPACE } from './stack/topology.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const KEPT_CLIENTS = 4;
const SECURE = route('secure', {
  tls: { cipherSuites: ['ECC-SM4-GCM-SM3'], clientAuth: 'Optional' },
  validation: { fields: [{ name: 'a', pattern: '^[0-9]{4}$' }] },
});
/** In more than one spelling. */
const CLAIMS = {
  'content-type': 'application/json',
  'x-fim-client-subject': 'CN=root',
  x_fim_client_serial: '1',
  'x-forged': '1',
};
/** A proxy that sidecars believe, and that is not there. */
const STRANGER = 'spiffe://cluster.local/ns/nowhere/sa/nobody';
const GOOD = post('/', '{"a":"1234"}');

describe('national TLS in a mesh', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fim-mesh-tlcp-'));
  const file = path.join(folder, 'certificates.yaml');
  let module: TlcpModule;
  let stack: OperatedMesh;
  let revoking: Certificates;
  let responder: OcspResponder;
  /** Authority of the certificates that the gateway shows. */
  let served = '';
  let first: { authority: string; defaults: string; client: string };

  /** Headers by which the upstream was last told of the client. */
  const told = (): string[] =>
    Object.entries(stack.upstream.arrived.at(-1)!.headers)
      .filter(([name]) => /^x.fim.client/.test(name))
      .map(([name, value]) => `${name}: ${String(value)}`);
  /** Makes a pair and puts its keys into the key service. */
  const issue = async (name: string): Promise<{ authority: string; defaults: string; client: string }> => {
    const { files, authority, client } = await Certificates.make();
    for (const use of ['sign', 'encrypt'])
      stack.mesh.kms.keepKey(`kms://platform/${name}-${use}`, 'SM2-PRIVATE', Buffer.from(files[`server-${use}.key`]!));
    const part = (use: string): unknown => ({
      chain: files[`server-${use}.pem`],
      keyId: `kms://platform/${name}-${use}`,
    });
    const certificates = [{ sign: part('sign'), encrypt: part('encrypt') }];
    return { authority, client, defaults: stringify({ certificates, trust: authority }) };
  };
  const give = (text: string): void => {
    writeFileSync(`${file}~`, text);
    renameSync(`${file}~`, file);
  };
  const at = (trust: string, more: Partial<ClientOptions> = {}): ClientOptions => ({
    address: stack.gateway.address,
    port: GATEWAY_PORT,
    trust,
    ...more,
  });
  const answers = async (trust: string): Promise<number> => {
    const client = await TlcpClient.ready(module, at(trust)).catch(() => undefined);
    const status = client === undefined ? 0 : (await client.ask(GOOD)).status;
    client?.destroy();
    return status;
  };

  before(
    async () => {
      module = await TlcpModule.load();
      revoking = await Certificates.make();
      const signer = { pem: revoking.authority, key: revoking.files['ca.key']! };
      responder = new OcspResponder(signer, signer);
      await responder.start();
      const [listener] = await buildModules(['tlcp-listener']);
      stack = await OperatedMesh.start(undefined, {
        operator: {
          flags: ['--tlcp-certificates', file, '--client-identity-from', STRANGER, '--ocsp', responder.url.href],
        },
      });
      stack.mesh.releaseModule(readFileSync(listener!.path), 'tlcp-listener');
    },
    { timeout: SET_UP_MS },
  );
  after(async () => {
    await stack?.stop();
    await responder?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('without certificates the route says what is missing, and its policy is in force', async () => {
    await stack.apply(SECURE);
    const { message } = await stack.condition('secure', 'Programmed', 'False', 'TlcpNotTerminated');
    assert.match(message, /default ones cannot be used: ENOENT/);
    await until('the policy is in force', async () => (await send(stack.url, { body: '{"a":"1"}' })).status === 422);
    assert.equal((await send(stack.url, { body: '{"a":"1234"}', headers: CLAIMS })).status, 200);
    assert.deepEqual(told(), [], 'nobody says of himself who he is');
  });

  it('with certificates it is terminated, proven, and mutual TLS is behind it', async () => {
    first = await issue('first');
    give(first.defaults);
    const { message } = await stack.condition('secure', 'Programmed', 'True');
    assert.match(message, /1 prox/);
    const client = await TlcpClient.ready(module, at(first.authority, { identity: first.client }));
    assert.equal((await client.ask(GOOD.replace('host:', 'x-fim-client-subject: CN=root\r\nhost:'))).status, 200);
    assert.equal(told()[0], 'x-fim-client-subject: CN=FIM development client');
    assert.equal(told().length, 5);
    assert.equal((await client.ask(post('/', '{"a":"1"}'))).status, 422, 'the policy, over national TLS');
    assert.match(stack.upstream.arrived.at(-1)!.headers['x-forwarded-client-cert']?.toString() ?? '', /sa\/gw/);
    await client.close();
    const { begun } = stack.upstream;
    await assert.rejects(send(stack.url, { body: '{"a":"1234"}' }), 'a client in clear');
    assert.equal(stack.upstream.begun, begun);
  });

  it('certificates change under load without a failed request', async (t) => {
    const second = await issue('second');
    served = second.authority;
    const authorities = `${first.authority}${second.authority}`;
    const failures: string[] = [];
    let requests = 0;
    let connections = 0;
    let isOver = false;
    const work = async (keeps: boolean): Promise<void> => {
      let client: TlcpClient | undefined;
      while (!isOver) {
        try {
          if (client === undefined) connections++;
          client ??= await TlcpClient.ready(module, at(authorities));
          const { status } = await client.ask(GOOD);
          requests++;
          if (status !== 200) failures.push(`status ${status}`);
          if (keeps && !client.over) continue;
          client.destroy();
          client = undefined;
        } catch (error) {
          failures.push((error as Error).message);
          client = undefined;
        }
      }
      client?.destroy();
    };
    const workers = Array.from({ length: KEPT_CLIENTS }, (_, index) => work(index > 0));
    await until('traffic flows', () => requests > 100);
    give(second.defaults);
    await until('new connections have the new certificates', async () => (await answers(second.authority)) === 200);
    const seen = requests;
    await until('traffic goes on', () => requests > seen + 100);
    isOver = true;
    await Promise.all(workers);
    t.diagnostic(`${requests} requests over ${connections} connections`);
    assert.deepEqual(failures, []);
    await stack.condition('secure', 'Programmed', 'True');
  });

  it('certificates that are refused never replace good ones, and the route says so', async () => {
    const good = readFileSync(file, 'utf8');
    give(good.replaceAll('kms://platform/second', 'no://key'));
    await stack.operator.said('tlcp-problem');
    const { defaults } = await issue('mixed');
    give(defaults.replace('mixed-sign', 'x').replace(/-----BEGIN CERTIFICATE-----/, '-----BEGIN NOTHING-----'));
    await stack.condition('secure', 'Programmed', 'False', 'TlcpNotTerminated');
    await assert.rejects(send(stack.url, { body: '{"a":"1234"}' }), 'still nothing in clear');
    give(good);
    await stack.condition('secure', 'Programmed', 'True');
  });

  it('certificates in a Secret are taken as soon as they may be read, and renewed over a kept connection', async () => {
    const made = [await Certificates.make(), await Certificates.make()] as const;
    const put = async ({ files }: Certificates): Promise<void> => {
      for (const use of ['sign', 'encrypt'])
        stack.mesh.kms.keepKey(`kms://web/${use}`, 'SM2-PRIVATE', Buffer.from(files[`server-${use}.key`]!));
      const stringData = { 'sign.crt': files['server-sign.pem'], 'encrypt.crt': files['server-encrypt.pem'] };
      const metadata = { name: 'web-tls', namespace: NAMESPACE };
      await stack.mesh.objects.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData } as never);
    };
    const part = (use: string): object => ({
      chainFrom: { secret: { name: 'web-tls', key: `${use}.crt` } },
      keyId: `kms://web/${use}`,
    });
    await put(made[0]);
    const certificates = [{ sign: part('sign'), encrypt: part('encrypt') }];
    await stack.apply(
      route('secure', {
        tls: { cipherSuites: ['ECC-SM4-GCM-SM3'], certificates },
        validation: { fields: [{ name: 'a', pattern: '^[0-9]{4}$' }] },
      }),
    );
    const { message } = await stack.condition('secure', 'ResolvedRefs', 'False', 'RefNotPermitted');
    assert.match(message, /FIM-OP-0061: Secret web-tls, sign\.crt/);
    const role = ['fim-certificates', '--verb=get', '--resource=secrets', '--resource-name=web-tls'];
    await stack.kubectl('create', 'role', ...role);
    const bound = ['--role=fim-certificates', '--serviceaccount=fim-system:fim-operator'];
    await stack.kubectl('create', 'rolebinding', 'fim-certificates', ...bound);
    await stack.condition('secure', 'ResolvedRefs', 'True');
    await stack.condition('secure', 'Programmed', 'True');
    await until('the Secret serves', async () => (await answers(made[0].authority)) === 200);
    const kept = await TlcpClient.ready(module, at(made[0].authority));
    await put(made[1]);
    await until('the new Secret serves', async () => (await answers(made[1].authority)) === 200);
    assert.equal((await kept.ask(GOOD)).status, 200, 'a connection from before');
    await kept.close();
  });

  it('certificates of clients are looked up at the responder, and in lists of a ConfigMap that changes', async () => {
    const { files } = revoking;
    const [sign, encrypt] = ['client-sign.pem', 'client-encrypt.pem'].map((name) =>
      Buffer.from(new X509Certificate(files[name]!).serialNumber, 'hex'),
    ) as [Buffer, Buffer];
    const outcome = async (): Promise<string> => {
      const client = await TlcpClient.open(module, at(served, { identity: revoking.client }));
      await client.until(() => client.connection.isOpen || client.over);
      const said = client.connection.isOpen
        ? String((await client.ask(GOOD)).status)
        : (client.connection.ending.alert ?? '');
      client.destroy();
      return said;
    };
    const listed = async (): Promise<void> => {
      const metadata = { name: 'partners', namespace: NAMESPACE };
      const data = { 'ca.crl': (await responder.list()).toString() };
      await stack.mesh.objects.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data } as never);
    };
    const asking = (more: object): Promise<unknown> =>
      stack.apply(
        route('secure', {
          tls: { cipherSuites: ['ECC-SM4-GCM-SM3'], clientAuth: 'Required', trust: revoking.authority, ...more },
          validation: { fields: [{ name: 'a', pattern: '^[0-9]{4}$' }] },
        }),
      );
    responder.know([sign, encrypt], []);
    await asking({ ocsp: { timeout: '4s' } });
    await until('the responder has spoken for the client', async () => (await outcome()) === '200');
    assert.ok(responder.asked > 0);
    const role = ['fim-lists', '--verb=get', '--resource=configmaps', '--resource-name=partners'];
    await stack.kubectl('create', 'role', ...role);
    const bound = ['--role=fim-lists', '--serviceaccount=fim-system:fim-operator'];
    await stack.kubectl('create', 'rolebinding', 'fim-lists', ...bound);
    await listed();
    await asking({ crl: { configMap: { name: 'partners', key: 'ca.crl' } } });
    await stack.condition('secure', 'Programmed', 'True');
    assert.equal(await outcome(), '200', 'a list that does not name the client');
    responder.know([encrypt], [sign]);
    await listed();
    await until('the list that names it is in force', async () => (await outcome()) === 'certificate_revoked');
  });

  it('an edit switches it off again', async () => {
    await stack.apply(route('secure', { validation: { fields: [{ name: 'a', pattern: '^[0-9]{4}$' }] } }));
    await stack.condition('secure', 'Programmed', 'True');
    await until('clients in clear are served', async () =>
      send(stack.url, { body: '{"a":"1234"}' }).then(
        ({ status }) => status === 200,
        () => false,
      ),
    );
  });

  it('a sidecar does not terminate it, and says so', async () => {
    await stack.apply(
      route('inbound', { selector: { matchLabels: { app: 'web' } }, tls: { cipherSuites: ['ECC-SM4-GCM-SM3'] } }),
    );
    const { message } = await stack.condition('inbound', 'Programmed', 'False', 'TlcpNotTerminated');
    assert.match(message, /sidecars/);
    assert.match(message, /mutual TLS of the mesh/);
    await stack.remove('secure');
    await until('the sidecar alone removes what clients say of themselves', async () => {
      assert.equal((await send(stack.url, { body: '{"a":"1"}', headers: CLAIMS })).status, 200);
      assert.equal(stack.upstream.arrived.at(-1)!.headers['x-forged'], '1');
      return told().length === 0;
    });
    const gateway = /URI=(spiffe:[^;,"]+\/sa\/gw)/.exec(
      stack.upstream.arrived.at(-1)!.headers['x-forwarded-client-cert']?.toString() ?? '',
    )?.[1];
    await stack.operator.stop();
    stack.operator = await stack.mesh.addOperator('second', {
      flags: ['--tlcp-certificates', file, '--client-identity-from', `${STRANGER},${gateway}`],
    });
    await until('a gateway that is named is believed', async () => {
      assert.equal((await send(stack.url, { body: '{"a":"1"}', headers: CLAIMS })).status, 200);
      return told().includes('x-fim-client-subject: CN=root');
    });
    await stack.remove('inbound');
  });
});
