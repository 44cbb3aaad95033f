// `Covered` and `Ready` of routes and baselines, as ports and listeners come and go without an edit of either.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BaselineStatus } from '../../istio/operator/plan/baseline-status.ts';
import type { Condition } from '../../istio/operator/plan/status.ts';
import { NAMESPACE, Rig } from './rig.ts';
import { until } from './until.ts';

const LIMIT = { rateLimit: { requests: 100, period: '1s' } };
const LABELS = { istio: 'ingressgateway' };
const ISTIO_GATEWAYS = 'networking.istio.io/gateways';
const GATEWAYS = 'gateway.networking.k8s.io/gateways';

function istioGateway(rig: Rig, name: string, number: number, protocol: string, namespace = NAMESPACE): void {
  rig.server.put(ISTIO_GATEWAYS, {
    metadata: { name, namespace },
    spec: { selector: LABELS, servers: [{ port: { number, name: 'door', protocol }, hosts: ['*'] }] },
  });
}

function gateway(rig: Rig, protocol: string): void {
  rig.server.put(GATEWAYS, {
    metadata: { name: 'edge', namespace: NAMESPACE },
    spec: { gatewayClassName: 'istio', listeners: [{ name: 'own', port: 9000, protocol }] },
  });
}

function service(rig: Rig, protocol: string): void {
  rig.server.put('services', {
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, protocol }] },
  });
}

/** Waits for `Covered` of a baseline, and returns it with `Ready`. */
async function baseline(rig: Rig, name: string, covered: string): Promise<Condition[]> {
  const conditions = (): Condition[] =>
    (rig.server.get('financialbaselines', '', name)?.status as BaselineStatus | undefined)?.conditions ?? [];
  return until(`${name}: Covered=${covered}`, () => {
    const found = conditions().filter(({ type }) => type === 'Covered' || type === 'Ready');
    return found[0]?.status === covered ? found : undefined;
  }).catch((error: Error) => {
    throw new Error(`${error.message}; it is ${JSON.stringify(conditions())}`);
  });
}

describe('a route that is in force', () => {
  it('is told of a server that is added to its gateway, and of its end', async (t) => {
    const rig = await Rig.start(t);
    istioGateway(rig, 'gw', 8080, 'HTTP');
    const proxy = await rig.pod('gateway', LABELS);
    rig.route('own', LIMIT);
    await until('the filter', () => rig.config('fim-gateways'));
    await rig.quiet();
    proxy.take(rig.config('fim-gateways')!.generation);
    await rig.condition('own', 'Ready', 'True');
    istioGateway(rig, 'second', 8085, 'TCP');
    const told = await rig.condition('own', 'Covered', 'False', 'PortsNotCovered');
    assert.match(told.message, /second:8085 \(TCP\)/);
    await rig.condition('own', 'Ready', 'False', 'PortsNotCovered');
    istioGateway(rig, 'second', 8085, 'HTTP');
    await rig.condition('own', 'Ready', 'True');
    gateway(rig, 'TCP');
    assert.match((await rig.condition('own', 'Covered', 'False')).message, /edge\/own:9000 \(TCP\)/);
    rig.server.remove(GATEWAYS, NAMESPACE, 'edge');
    await rig.condition('own', 'Ready', 'True');
  });

  it('is told of a server that a Gateway of another namespace adds to its gateway', async (t) => {
    const rig = await Rig.start(t);
    istioGateway(rig, 'gw', 8080, 'HTTP');
    await rig.pod('gateway', LABELS);
    rig.route('own', LIMIT);
    await rig.condition('own', 'Covered', 'True');
    istioGateway(rig, 'guest', 8085, 'TCP', 'other');
    assert.match((await rig.condition('own', 'Covered', 'False')).message, /other\/guest:8085 \(TCP\)/);
    rig.server.remove(ISTIO_GATEWAYS, 'other', 'guest');
    await rig.condition('own', 'Covered', 'True');
    // Its pods are others.
    rig.server.put(ISTIO_GATEWAYS, {
      metadata: { name: 'guest', namespace: 'other' },
      spec: { selector: { app: 'edge' }, servers: [{ port: { number: 8085, name: 'door', protocol: 'TCP' } }] },
    });
    await rig.quiet();
    await rig.condition('own', 'Covered', 'True');
  });

  it('is told of a port of a Service, and of pods that lead ports past their sidecars', async (t) => {
    const rig = await Rig.start(t);
    service(rig, 'TCP');
    const proxy = await rig.pod('web-0', { app: 'web' });
    rig.route('own', { selector: { matchLabels: { app: 'web' } }, ...LIMIT });
    await rig.condition('own', 'Covered', 'True');
    service(rig, 'UDP');
    assert.match((await rig.condition('own', 'Covered', 'False')).message, /web:80 \(UDP\)/);
    service(rig, 'TCP');
    await rig.condition('own', 'Covered', 'True');
    const pod = rig.server.get('pods', NAMESPACE, 'web-0')!;
    const annotations = {
      'fim.financial/probe-port': String(proxy.port),
      'traffic.sidecar.istio.io/excludeInboundPorts': '9001',
    };
    rig.server.put('pods', { ...pod, metadata: { ...pod.metadata, annotations } });
    assert.match((await rig.condition('own', 'Covered', 'False')).message, /ports 9001 of web-0/);
  });
});

describe('a baseline', () => {
  it('is not ready while a server of its gateways leads past it, whether there is a route or none', async (t) => {
    const rig = await Rig.start(t);
    rig.server.put('namespaces', { metadata: { name: NAMESPACE } });
    istioGateway(rig, 'gw', 8080, 'HTTP');
    const proxy = await rig.pod('gateway', LABELS);
    rig.server.put('financialbaselines', {
      metadata: { name: 'bank', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { overrides: LIMIT },
    });
    await until('the filter', () => rig.config('fim-gateways'));
    await rig.quiet();
    proxy.take(rig.config('fim-gateways')!.generation);
    const ready = (found: Condition[]): string[] => found.map(({ type, status }) => `${type}=${status}`);
    await until('it is ready', async () => ready(await baseline(rig, 'bank', 'True')).includes('Ready=True'));
    istioGateway(rig, 'second', 8085, 'TCP');
    const [covered, ...rest] = await baseline(rig, 'bank', 'False');
    assert.equal(covered?.reason, 'PortsNotCovered');
    assert.match(covered.message, /FIM-OP-0014: .* 1 of 2 ports: demo second:8085 \(TCP\)\./);
    assert.deepEqual(ready(rest), ['Ready=False']);
    await rig.metric('fim_operator_baselines{condition="Covered",status="False"} 1');
    rig.route('own', LIMIT);
    await rig.condition('own', 'Covered', 'False');
    assert.equal((await baseline(rig, 'bank', 'False')).at(-1)?.status, 'False');
    rig.server.remove(ISTIO_GATEWAYS, NAMESPACE, 'second');
    await baseline(rig, 'bank', 'True');
    await rig.metric('fim_operator_baselines{condition="Covered",status="True"} 1');
  });
});
