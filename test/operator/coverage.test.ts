// Ports of a workload that a policy covers, from Services, Gateways and pods.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../istio/operator/kube/objects.ts';
import { coverageOf } from '../../istio/operator/plan/coverage.ts';
import type { Selection, TargetFacts } from '../../istio/operator/plan/selection.ts';

const object = (kind: string, name: string, spec: Record<string, unknown>): [string, KubeObject] => [
  name,
  { apiVersion: 'v1', kind, metadata: { name, namespace: 'demo' }, spec },
];
const facts = (overrides: Partial<TargetFacts>): TargetFacts => ({
  gateways: new Map(),
  istioGateways: new Map(),
  services: new Map(),
  ...overrides,
});
const WEB: Selection = { lattice: 'sidecar', terms: { app: 'web' } };
const ports = [
  { name: 'http-api', port: 80 },
  { name: 'grpc-web', port: 81 },
  { name: 'tcp-old', port: 82 },
  { port: 83 },
  { name: 'x', port: 84, appProtocol: 'kubernetes.io/h2c' },
  { name: 'https', port: 85 },
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'mysql', port: 3306 },
];
const services = new Map([
  object('Service', 'web', { selector: { app: 'web' }, ports }),
  object('Service', 'db', { selector: { app: 'db' }, ports: [{ name: 'tcp', port: 1 }] }),
  object('Service', 'front', { selector: { tier: 'front' }, ports: [{ name: 'tcp', port: 2 }] }),
  object('Service', 'headless', { ports: [{ name: 'tcp', port: 3 }] }),
]);

describe('coverage', () => {
  it('of a sidecar where other ports are refused: only UDP is open', () => {
    assert.deepEqual(coverageOf(WEB, facts({ services }), [], 'refuse'), {
      judged: ['web:80', 'web:81', 'web:83', 'web:84'],
      refused: [
        'web:82 (not HTTP)',
        'web:83 (if it is not HTTP)',
        'web:85 (not HTTP)',
        'web:3306 (not HTTP)',
        'front:2 (not HTTP)',
      ],
      open: ['web:53 (UDP)'],
    });
  });

  it('of a sidecar where they are told: each that may be something else than HTTP', () => {
    assert.deepEqual(coverageOf(WEB, facts({ services }), [], 'tell').open, [
      'web:82 (not HTTP)',
      'web:83 (if it is not HTTP)',
      'web:85 (not HTTP)',
      'web:53 (UDP)',
      'web:3306 (not HTTP)',
      'front:2 (not HTTP)',
    ]);
  });

  it('of pods that keep ports from their sidecar', () => {
    const pod = (name: string, app: string, annotations: Record<string, string>): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'demo', labels: { app }, annotations },
    });
    const { open } = coverageOf(
      WEB,
      facts({}),
      [
        pod('a', 'web', { 'traffic.sidecar.istio.io/excludeInboundPorts': '9000,9001' }),
        pod('b', 'web', { 'traffic.sidecar.istio.io/includeInboundPorts': '80' }),
        pod('c', 'web', { 'traffic.sidecar.istio.io/includeInboundPorts': '*' }),
        pod('d', 'db', { 'traffic.sidecar.istio.io/excludeInboundPorts': '1' }),
      ],
      'refuse',
    );
    assert.equal(open.length, 2);
    assert.match(open[0]!, /9000,9001 of a/);
    assert.match(open[1]!, /other than 80 of b/);
  });

  it('of gateways: listeners that do not end TLS or speak HTTP are open', () => {
    const gateways = new Map([
      object('Gateway', 'edge', {
        listeners: [
          { name: 'web', port: 80, protocol: 'HTTP' },
          { name: 'tls', port: 443, protocol: 'HTTPS' },
          { name: 'raw', port: 9000, protocol: 'TCP' },
          { name: 'through', port: 8443, protocol: 'TLS', tls: { mode: 'Passthrough' } },
        ],
      }),
    ]);
    const istioGateways = new Map([
      object('Gateway', 'classic', {
        selector: { istio: 'ingressgateway' },
        servers: [
          { port: { number: 80, protocol: 'HTTP' } },
          { port: { number: 443, protocol: 'HTTPS' }, tls: { mode: 'SIMPLE' } },
          { port: { number: 8443, protocol: 'HTTPS' }, tls: { mode: 'AUTO_PASSTHROUGH' } },
          { port: { number: 31400, protocol: 'TCP' } },
        ],
      }),
    ]);
    assert.deepEqual(coverageOf({ lattice: 'gateway', terms: {} }, facts({ gateways, istioGateways }), [], 'refuse'), {
      judged: ['edge/web:80', 'edge/tls:443', 'classic:80', 'classic:443'],
      refused: [],
      open: ['edge/raw:9000 (TCP)', 'edge/through:8443 (TLS)', 'classic:8443 (HTTPS)', 'classic:31400 (TCP)'],
    });
  });
});
