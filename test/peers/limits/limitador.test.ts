// Limitador counts FIM's global limits as they are asked, from the file that is shipped for it: its library, in memory,
// behind the protocol as its own server has it.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { cacheFolder } from '../../../envoy/standalone/cache-folder.ts';
import type { LimitServiceTerms } from '../../../envoy/xds/index.ts';
import { Harness } from '../../e2e/harness.ts';

const SHIPPED = join(import.meta.dirname, '../../../services/limits/others/limitador.yaml');
const SOURCES = join(import.meta.dirname, 'rust');
const SET_UP_MS = 1_500_000;
const FAILED = 'cluster.fim-limits.health_check.failure';
const HEALTHY = 'cluster.fim-limits.membership_healthy';

const ROUTES = `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: fleet}
spec:
  rateLimit:
    limits:
      - {name: fleet, requests: 10, period: 1h, scope: Global, onStoreFailure: Allow, key: [{header: x-client}]}
      - {name: wide, requests: 20, period: 1h, scope: Global, onStoreFailure: Allow}
`;
/** A second limit, without a key, as an operator would write it beside the first. */
const WIDE = `- namespace: fim
  name: default/fleet/wide
  max_value: 25
  seconds: 3600
  conditions:
    - "size(descriptors) > 1 && descriptors[1]['fim_limit'] == 'default/fleet/wide'"
  variables: []
`;

/** Built once by cargo, or what FIM_LIMITADOR names: it takes the file of limits and prints its port. */
function program(): string {
  const own = process.env.FIM_LIMITADOR;
  if (own !== undefined) return own;
  const folder = cacheFolder('limitador-peer');
  mkdirSync(join(folder, 'src'), { recursive: true });
  copyFileSync(join(SOURCES, 'manifest.toml'), join(folder, 'Cargo.toml'));
  copyFileSync(join(SOURCES, 'main.rs'), join(folder, 'src/main.rs'));
  const built = spawnSync('cargo', ['build', '--release', '--quiet'], { cwd: folder, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`cargo build: ${built.stderr || String(built.error)}`);
  return join(folder, 'target/release/limitador-peer');
}

async function started(path: string, limits: string): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(path, [limits], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout! })) return { child, port: Number(line) };
  throw new Error('it ended before it said its port');
}

/** By hand: cargo builds for six minutes. FIM_TEST_LIMITADOR=1, or FIM_LIMITADOR with the program. */
const BY_HAND = process.env.FIM_TEST_LIMITADOR !== undefined || process.env.FIM_LIMITADOR !== undefined;

interface ShippedLimit {
  namespace: string;
  name: string;
  max_value: number;
  seconds: number;
  conditions: string[];
  variables: string[];
}

it('the file that is shipped for it counts a limit by its place in the question, and each key', () => {
  const limits = parse(readFileSync(SHIPPED, 'utf8')) as ShippedLimit[];
  assert.ok(limits.length > 0);
  for (const { namespace, name, max_value: most, seconds, conditions, variables } of limits) {
    assert.equal(namespace, 'fim');
    assert.ok(most > 0 && seconds > 0);
    assert.ok(
      conditions.some((condition) => condition.includes(`['fim_limit'] == '${name}'`)),
      name,
    );
    for (const variable of variables) assert.match(variable, /^descriptors\[\d\]\['\w+'\]$/);
  }
});

if (BY_HAND)
  describe('Limitador in the place of the service', () => {
    let service: ChildProcess;
    let status: Server;
    const terms = {} as { port: number; status: number };
    const folder = mkdtempSync(join(tmpdir(), 'fim-limitador-'));

    before(
      async () => {
        const path = program();
        const limits = join(folder, 'limits.yaml');
        writeFileSync(limits, `${readFileSync(SHIPPED, 'utf8')}${WIDE}`);
        const { child, port } = await started(path, limits);
        service = child;
        // Its server answers /status at another port.
        status = createServer((socket) => {
          socket.on('error', () => socket.destroy());
          socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'));
        }).listen(0, '127.0.0.1');
        await new Promise((done) => status.once('listening', done));
        Object.assign(terms, { port, status: (status.address() as AddressInfo).port });
      },
      { timeout: SET_UP_MS },
    );
    after(async () => {
      service?.kill('SIGKILL');
      status?.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function proxy(health: LimitServiceTerms['health'], healthy: number): Promise<Harness> {
      const limits = { url: new URL(`h2c://127.0.0.1:${terms.port}`), answerMs: 10_000, health };
      const harness = await Harness.start({ routes: ROUTES, limits, concurrency: 1 });
      const { admin } = harness.stack.envoy;
      await harness.poll(async () => (await admin.stats(`^${HEALTHY}$`)).get(HEALTHY) === healthy);
      return harness;
    }

    const statuses = async (harness: Harness, count: number, client: string): Promise<number[]> => {
      const found: number[] = [];
      for (let i = 0; i < count; i++) {
        const response = await fetch(harness.url, { headers: { 'x-client': client } });
        await response.arrayBuffer();
        found.push(response.status);
      }
      return found;
    };
    const admitted = (answers: readonly number[]): number => answers.filter((answer) => answer === 200).length;

    it('counts two limits of one question, and each key, where its health is asked at its own port', async (t) => {
      const harness = await proxy(new URL(`http://127.0.0.1:${terms.status}/status`), 1);
      t.after(() => harness.stop());
      assert.equal(admitted(await statuses(harness, 12, 'a')), 10);
      assert.equal(admitted(await statuses(harness, 12, 'b')), 10);
      // The wide one has 25, which the ceiling of the route's 20 is not: `Allow` has ten times as many.
      assert.equal(admitted(await statuses(harness, 12, 'c')), 5);
      const refused = await fetch(harness.url, { headers: { 'x-client': 'a' } });
      assert.equal(refused.status, 429);
      assert.equal(((await refused.json()) as { code: string }).code, 'FIM-LIM-0001');
    });

    it('is asked where a connection says that it is well', async (t) => {
      const harness = await proxy('tcp', 1);
      t.after(() => harness.stop());
      assert.equal(admitted(await statuses(harness, 3, 'a')), 0);
    });

    it("is taken for one that is not well by gRPC's health, which it does not have", async (t) => {
      const harness = await proxy(undefined, 0);
      t.after(() => harness.stop());
      const { admin } = harness.stack.envoy;
      await harness.poll(async () => ((await admin.stats(`^${FAILED}$`)).get(FAILED) ?? 0) > 0);
      assert.equal(admitted(await statuses(harness, 3, 'a')), 3);
    });
  });
