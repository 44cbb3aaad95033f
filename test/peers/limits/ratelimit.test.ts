// envoyproxy/ratelimit counts FIM's global limits as they are asked, from the file that is shipped for it.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { cacheFolder } from '../../../envoy/standalone/cache-folder.ts';
import { Harness } from '../../e2e/harness.ts';
import { Redis } from './redis.ts';

const MODULE = 'github.com/envoyproxy/ratelimit@v1.4.1-0.20230427142404-e2a87f41d3a7';
const SHIPPED = join(import.meta.dirname, '../../../services/limits/others/envoyproxy-ratelimit.yaml');
const SET_UP_MS = 900_000;
const TRIES = 10;
const START_MS = 60_000;
const POLL_MS = 50;
const HEALTHY = 'cluster.fim-limits.membership_healthy';

const ROUTES = `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: fleet}
spec:
  rateLimit:
    limits: [{name: fleet, requests: 10, period: 1h, scope: Global, onStoreFailure: Allow, key: [{header: x-client}]}]
`;

/** Built once from Go's module proxy, or what FIM_RATELIMIT names. */
function program(): string {
  const own = process.env.FIM_RATELIMIT;
  if (own !== undefined) return own;
  const folder = cacheFolder('ratelimit-peer');
  mkdirSync(folder, { recursive: true });
  const source = join(import.meta.dirname, 'go/main.go');
  const copy = join(folder, 'main.go');
  if (!existsSync(copy) || readFileSync(copy, 'utf8') !== readFileSync(source, 'utf8')) copyFileSync(source, copy);
  const build = `test -f go.mod || (go mod init peer && go get ${MODULE}); go build -mod=mod -o peer .`;
  const built = spawnSync('sh', ['-c', build], { cwd: folder, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${build}: ${built.stderr}`);
  return join(folder, 'peer');
}

/** Ports that were free a moment ago: the program cannot take one by itself. */
async function ports(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const found: number[] = [];
  for (const server of servers) {
    if (!server.listening) await new Promise((done) => server.once('listening', done));
    found.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) await new Promise((done) => server.close(done));
  return found;
}

/** The program on ports that nobody else took meanwhile: it ends where somebody did. */
async function started(path: string, folder: string, redis: Redis): Promise<{ child: ChildProcess; port: number }> {
  for (let tries = 0; tries < TRIES; tries++) {
    const [http, grpc, debug] = (await ports(3)) as [number, number, number];
    const child = spawn(path, [], {
      stdio: 'ignore',
      env: {
        ...process.env,
        ...{ RUNTIME_ROOT: folder, RUNTIME_SUBDIRECTORY: 'fim', RUNTIME_WATCH_ROOT: 'false', USE_STATSD: 'false' },
        ...{ HOST: '127.0.0.1', GRPC_HOST: '127.0.0.1', DEBUG_HOST: '127.0.0.1' },
        ...{ PORT: String(http), GRPC_PORT: String(grpc), DEBUG_PORT: String(debug) },
        ...{ REDIS_SOCKET_TYPE: 'tcp', REDIS_URL: redis.url.replace('redis://', '') },
      },
    });
    const deadline = Date.now() + START_MS;
    while (child.exitCode === null && Date.now() < deadline) {
      if (await listens(grpc)) return { child, port: grpc };
      await pause(POLL_MS);
    }
    child.kill('SIGKILL');
  }
  throw new Error(`it did not start in ${TRIES} tries`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => done((socket.destroy(), true)));
    socket.once('error', () => done(false));
  });
}

describe('envoyproxy/ratelimit in the place of the service', () => {
  let redis: Redis;
  let service: ChildProcess;
  let harness: Harness;
  const folder = mkdtempSync(join(tmpdir(), 'fim-ratelimit-'));

  before(
    async () => {
      const path = program();
      redis = await Redis.start();
      mkdirSync(join(folder, 'fim/config'), { recursive: true });
      copyFileSync(SHIPPED, join(folder, 'fim/config/fim.yaml'));
      const { child, port } = await started(path, folder, redis);
      service = child;
      const limits = { url: new URL(`h2c://127.0.0.1:${port}`), answerMs: 10_000 };
      harness = await Harness.start({ routes: ROUTES, limits, concurrency: 1 });
      const { admin } = harness.stack.envoy;
      await harness.poll(async () => (await admin.stats(`^${HEALTHY}$`)).get(HEALTHY) === 1);
    },
    { timeout: SET_UP_MS },
  );
  after(async () => {
    await harness?.stop();
    service?.kill('SIGKILL');
    await redis?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const statuses = (count: number, client: string): Promise<number[]> =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const response = await fetch(harness.url, { headers: { 'x-client': client } });
        await response.arrayBuffer();
        return response.status;
      }),
    );

  it('admits what the limit has, for each key', async () => {
    for (const client of ['a', 'b']) {
      const answers = await statuses(30, client);
      assert.equal(answers.filter((status) => status === 200).length, 10);
      assert.equal(answers.filter((status) => status === 429).length, 20);
    }
  });

  it('its refusals are documents of FIM', async () => {
    const refused = await fetch(harness.url, { headers: { 'x-client': 'a' } });
    assert.equal(((await refused.json()) as { code: string }).code, 'FIM-LIM-0001');
  });
});
