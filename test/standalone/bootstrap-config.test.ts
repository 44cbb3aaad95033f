// Envoy itself checks what is made for it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { envoyBinary } from '../../envoy/standalone/envoy-binary.ts';
import type { BootstrapPlan } from '../../envoy/xds/index.ts';
import { bootstrapConfig, filterSlots } from '../../envoy/xds/index.ts';

const run = promisify(execFile);
let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'fim-bootstrap-test-'));
  // Envoy looks whether they are there; what is in them it reads when it runs.
  for (const name of ['routes', ...[...filterSlots('fused'), ...filterSlots('chain')].map((slot) => slot.filter)])
    writeFileSync(join(folder, `${name}.json`), '{}');
});
after(() => rmSync(folder, { recursive: true, force: true }));

const plan = (): BootstrapPlan => ({
  host: '127.0.0.1',
  port: 0,
  admin: { host: '127.0.0.1', port: 0 },
  upstream: new URL('http://127.0.0.1:1'),
  kms: new URL('http://127.0.0.1:2'),
  slots: filterSlots('fused'),
  pluginFile: (slot) => join(folder, `${slot.filter}.json`),
  routesFile: join(folder, 'routes.json'),
});

const VARIANTS: [name: string, change: Partial<BootstrapPlan>][] = [
  ['plain', {}],
  ['a chain', { slots: filterSlots('chain') }],
  ['peers with TLS', { upstream: new URL('https://pay.example'), kms: new URL('https://vault.example:8200') }],
  ['an HTTP/2 upstream on IPv6', { upstream: new URL('h2c://[::1]:50051'), host: '::1' }],
  ['an access log', { accessLog: '/dev/null' }],
  ['bounds of memory and time', { maxHeapBytes: 128 * 1024 * 1024, requestTimeoutMs: 500 }],
];

for (const [name, change] of VARIANTS) {
  test(`accepted: ${name}`, async () => {
    const file = join(folder, 'envoy.json');
    writeFileSync(file, JSON.stringify(bootstrapConfig({ ...plan(), ...change })));
    const { stderr } = await run(await envoyBinary(), ['--mode', 'validate', '-c', file, '--log-level', 'warning']);
    assert.doesNotMatch(stderr, /\]\[(?:error|critical)\]|deprecated/i);
  });
}

test('what Envoy does not know is refused: the check checks', async () => {
  const file = join(folder, 'wrong.json');
  writeFileSync(file, JSON.stringify({ ...bootstrapConfig(plan()), no_such_field: 1 }));
  await assert.rejects(run(await envoyBinary(), ['--mode', 'validate', '-c', file]));
});
