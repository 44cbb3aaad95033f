// Metrics as Prometheus reads them from a stock Envoy: labels are labels, and every name is in the reference.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { metricModel, prometheusName } from '../../scripts/generate/metrics.ts';
import { Harness, KEY_ID } from './harness.ts';
import { route } from './resources.ts';
import { Certificates, post, TlcpClient } from './tlcp-client.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const SPEC = {
  tls: { cipherSuites: ['ECC-SM4-GCM-SM3'], clientAuth: 'None' },
  validation: { fields: [{ name: 'transCode', pattern: '^01' }] },
  rateLimit: { limits: [{ name: 'all', requests: 2, period: '1h' }] },
  masking: { fields: [{ name: 'card', kind: 'BankCard', direction: 'Request' }] },
  encryption: { keyId: KEY_ID, request: 'Encrypt' },
};

let harness: Harness;
before(async () => {
  const certificates = await Certificates.make();
  harness = await Harness.start({ routes: route('all', SPEC), tlcp: certificates.identity });
  const module = await TlcpModule.load();
  const client = await TlcpClient.ready(module, { port: harness.stack.listen.port, trust: certificates.authority });
  for (const body of ['{"transCode":"01","card":"6222020200112233445"}', '{"transCode":"02"}', '{"transCode":"01"}'])
    await client.ask(post('/', body));
});
after(() => harness.stop());

test('labels of national TLS, masking, limits, keys and refusals', async () => {
  const wanted = [
    'fim_tlcp_handshakes_total{suite="ECC_SM4_GCM_SM3",result="full"} 1',
    'fim_mask_values_total{kind="BankCard",method="ByKind",direction="request"} 1',
    'fim_limit_requests_total{limit="all",outcome="admitted"} 2',
    'fim_limit_requests_total{limit="all",outcome="refused"} 1',
    'fim_refused_total{code="FIM-PBOC-0001"} 1',
    'fim_pboc_breaches_total{rule="pattern"} 1',
    'fim_key_messages_total{key="prod/fund/key-2023"} 1',
    'fim_tlcp_connections_live{} 1',
  ];
  let missing: string[] = [];
  const areThere = async (): Promise<boolean> => {
    const lines = new Set((await harness.stack.envoy.admin.get('/stats/prometheus')).split('\n').map(sortedLabels));
    missing = wanted.map(sortedLabels).filter((line) => !lines.has(line));
    return missing.length === 0;
  };
  await harness.poll(areThere).catch(() => assert.deepEqual(missing, []));
});

test('every metric of the modules is in the model with its labels and its type', async () => {
  const text = await harness.stack.envoy.admin.get('/stats/prometheus');
  const model = new Map(metricModel(ROOT).metrics.map((metric) => [prometheusName(metric.name), metric]));
  const typed = [...text.matchAll(/^# TYPE (fim_\w+) (\w+)$/gm)].map(([, name = '', type]) => ({ name, type }));
  assert.ok(typed.length > 60);
  for (const { name, type } of typed)
    assert.equal(model.get(name.replace(/configured_\d+$/, 'configured_N'))?.type, type, name);
  for (const [, name = '', labels = ''] of text.matchAll(/^(fim_\w+_total)\{(.*)\} /gm))
    assert.deepEqual(
      [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).sort(),
      [...(model.get(name)?.labels ?? [])].sort(),
    );
  const reference = readFileSync(`${ROOT}docs/metrics.md`, 'utf8');
  for (const { name } of typed.filter((entry) => entry.name.endsWith('_total'))) assert.ok(reference.includes(name));
});

/** A sample with its labels in order. */
function sortedLabels(line: string): string {
  return line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join(',')}}`);
}
