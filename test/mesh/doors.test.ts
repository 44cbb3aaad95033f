// Doors beside those that a route judges, opened by objects that a tenant may write, and the ways by which he might lead
// the proxies' key service elsewhere. Each is told, in conditions and by `fim coverage`, or does nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DevelopmentKms } from '../../envoy/standalone/development-kms.ts';
import { send } from '../e2e/http-client.ts';
import { route } from '../e2e/resources.ts';
import { OperatedMesh, type Condition } from './operated-mesh.ts';
import type { KubeObject } from './stack/cluster-objects.ts';
import { freePorts } from './stack/ports.ts';
import { NAMESPACE, POD_LABEL } from './stack/topology.ts';
import { until } from './stack/until.ts';

const SET_UP_MS = 1_200_000;
const FIM = path.resolve(import.meta.dirname, '../../scripts/fim.ts');
const GOOD = '{"account":"1234"}';
const BAD = '{"account":"12"}';
const RULES = { validation: { fields: [{ name: 'account', pattern: '^[0-9]{4}$' }] } };
const HOST = `web.${NAMESPACE}.svc.cluster.local`;
const KEY_ID = 'kms://prod/fund/named';

const istio = (kind: string, name: string, spec: object, namespace = NAMESPACE): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec: spec as KubeObject['spec'],
});

/** A server of protocol TCP at the gateway's pod, and the way from there to the workload, around all HTTP filters. */
function tcpDoor(address: string, port: number, namespace: string): KubeObject[] {
  return [
    istio(
      'Gateway',
      'second',
      {
        selector: { [POD_LABEL]: 'gw-0' },
        servers: [{ port: { number: port, name: 'tcp', protocol: 'TCP' }, bind: address, hosts: ['*'] }],
      },
      namespace,
    ),
    istio(
      'VirtualService',
      'second',
      {
        hosts: ['*'],
        gateways: ['second'],
        tcp: [{ match: [{ port }], route: [{ destination: { host: HOST, port: { number: 8000 } } }] }],
      },
      namespace,
    ),
  ];
}

describe('doors of tenants', () => {
  let stack: OperatedMesh;
  let port = 0;
  let kms: URL;
  const service = new DevelopmentKms();

  const status = (url: string, body: string): Promise<number> =>
    send(url, { body }).then(
      (response) => response.status,
      () => 0,
    );

  /** `fim coverage` of the whole cluster. */
  function coverage(...args: string[]): Promise<{ status: number; stdout: string }> {
    return new Promise((done) => {
      const child = execFile(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', FIM, 'coverage', '--kubeconfig', stack.mesh.kubeconfig, ...args],
        (_, stdout) => done({ status: child.exitCode ?? -1, stdout }),
      );
    });
  }

  async function baseline(type: string, wanted: Condition['status']): Promise<Condition> {
    let last: unknown;
    return until(`the baseline: ${type}=${wanted}`, async () => {
      const object = await stack.mesh.objects.read({
        apiVersion: 'fim.financial/v1',
        kind: 'FinancialBaseline',
        metadata: { name: 'bank' },
      });
      last = object?.status;
      const { conditions = [] } = (last ?? {}) as { conditions?: Condition[] };
      return conditions.find((one) => one.type === type && one.status === wanted);
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(last)}\n${stack.operator.log()}`);
    });
  }

  before(
    async () => {
      kms = await service.start();
      kms.hostname = 'localhost';
      service.createKey(KEY_ID);
      stack = await OperatedMesh.start(undefined, { operator: { kms } });
      stack.mesh.atEnd(() => service.stop());
      [port = 0] = await freePorts(1);
      await stack.apply(route('paying', RULES));
      await stack.condition('paying', 'Ready', 'True');
    },
    { timeout: SET_UP_MS },
  );
  after(() => stack?.stop());

  for (const namespace of [NAMESPACE, 'other'])
    it(`a TCP server of a Gateway in ${namespace}: the route is not Ready within seconds, and is again`, async (t) => {
      if (namespace !== NAMESPACE)
        await stack.mesh.objects.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
      const objects = tcpDoor(stack.gateway.address, port, namespace);
      const began = performance.now();
      await stack.mesh.objects.applyAll(objects);
      const { message } = await stack.condition('paying', 'Covered', 'False', 'PortsNotCovered');
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      t.diagnostic(`told after ${seconds} s`);
      assert.match(message, new RegExp(`second:${port} \\(TCP\\)`));
      await stack.condition('paying', 'Ready', 'False', 'PortsNotCovered');
      const { doors, covered } = await stack.coverage();
      const found = doors.find(({ door }) => door.endsWith(`second:${port}`));
      assert.deepEqual([covered, found?.state, found?.routes], [false, 'Open', ['paying']]);
      // The door is really open: what is told is no false alarm.
      await until(
        'clear text passes',
        async () => (await status(`http://${stack.gateway.address}:${port}`, BAD)) === 200,
      );
      for (const object of objects) await stack.mesh.objects.remove(object);
      await stack.condition('paying', 'Ready', 'True');
      assert.equal(await status(stack.url, BAD), 422);
    });

  it('a baseline alone: the coverage of the cluster has its namespace, and a second server makes it not Ready', async () => {
    await stack.remove('paying');
    await stack.mesh.objects.apply({
      apiVersion: 'fim.financial/v1',
      kind: 'FinancialBaseline',
      metadata: { name: 'bank' },
      spec: { namespaces: { matchLabels: { 'kubernetes.io/metadata.name': NAMESPACE } }, overrides: RULES },
    });
    await baseline('Ready', 'True');
    assert.equal(await status(stack.url, BAD), 422);
    const { stdout } = await coverage();
    assert.match(stdout, /demo +IstioGateway +gw-0:8080 +enforced +~baseline/);
    assert.match(stdout, /demo +Service +web:8000 +not covered/);
    const objects = tcpDoor(stack.gateway.address, port, NAMESPACE);
    await stack.mesh.objects.applyAll(objects);
    assert.match((await baseline('Covered', 'False')).message, new RegExp(`demo second:${port} \\(TCP\\)`));
    await baseline('Ready', 'False');
    const open = await coverage();
    assert.match(open.stdout, new RegExp(`second:${port} +open +~baseline +TCP`));
    assert.equal(open.status, 1);
    for (const object of objects) await stack.mesh.objects.remove(object);
    await baseline('Ready', 'True');
  });

  it('nothing that a namespace may write leads its key service elsewhere', async (t) => {
    let asked = 0;
    const decoy = createServer((_, response) => {
      asked++;
      response.end('{"data":{"data":{"algorithm":"SM4","material":"AAAAAAAAAAAAAAAAAAAAAA=="}}}');
    });
    await new Promise<void>((done) => decoy.listen(0, '127.0.0.1', done));
    t.after(() => decoy.close());
    const decoyPort = (decoy.address() as AddressInfo).port;
    const hosts = ['localhost', 'fim-kms', 'vault.example.com'];
    const diverting = [
      istio('ServiceEntry', 'key-service', {
        hosts,
        addresses: ['127.0.0.1/32'],
        ports: [{ number: Number(kms.port), name: 'http', protocol: 'HTTP' }],
        resolution: 'STATIC',
        location: 'MESH_EXTERNAL',
        endpoints: [{ address: '127.0.0.1', ports: { http: decoyPort } }],
      }),
      ...hosts.map((host, index) =>
        istio('DestinationRule', `key-service-${index}`, {
          host,
          trafficPolicy: { tls: { mode: 'SIMPLE' }, outlierDetection: { consecutive5xxErrors: 1 } },
        }),
      ),
      istio('VirtualService', 'key-service', {
        hosts,
        http: [{ route: [{ destination: { host: 'localhost', port: { number: Number(kms.port) } } }] }],
      }),
    ];
    await stack.mesh.objects.applyAll(diverting);
    await stack.apply(
      route('sealing', { match: { path: { value: '/seal' } }, encryption: { keyId: KEY_ID, request: 'Encrypt' } }),
    );
    await stack.condition('sealing', 'Programmed', 'True');
    await until('a message arrives encrypted', async () => {
      await send(stack.url, { body: GOOD, path: '/seal' });
      return stack.upstream.arrived.at(-1)?.body.toString().includes('"kid"');
    });
    const dump = await (
      await fetch(new URL('/config_dump?resource=dynamic_active_clusters', stack.gateway.admin.base))
    ).text();
    const { configs } = JSON.parse(dump) as { configs: { cluster: { name: string } }[] };
    const own = configs.filter(({ cluster }) => cluster.name === 'fim-kms');
    assert.equal(own.length, 1);
    assert.match(
      JSON.stringify(own),
      /"address":"localhost".*"no_default_search_domain":true|"no_default_search_domain":true.*"address":"localhost"/,
    );
    assert.doesNotMatch(JSON.stringify(own), /outlier_detection|transport_socket"/);
    assert.equal(asked, 0);
  });
});
