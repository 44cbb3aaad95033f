// Two replicas of the service as the manifests run them: the files of its image, the options and the environment of its
// Deployment. Together they count one limit, and one of them is enough.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { credentials, loadPackageDefinition, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { parseAllDocuments } from 'yaml';
import { copyNeeds, needsOf } from '../../../scripts/image/packages.ts';
import { Redis } from './redis.ts';

const SET_UP_MS = 600_000;
const ROOT = join(import.meta.dirname, '../../..');
const MANIFEST = join(ROOT, 'istio/manifests/limits/limits.yaml');
const PROTOCOL = join(ROOT, 'services/limits/protocol');
const ADMITTED = 'OK';
const TOKENS = 40;
const KEY = '0123456789abcdef0123456789abcdef';
const OTHER_KEY = 'fedcba9876543210fedcba9876543210';
const WAIT_MS = 60_000;
const SERVING = 'SERVING';

interface Container {
  args: string[];
  env: { name: string; value: string }[];
}
interface Replica {
  child: ChildProcess;
  metrics: string;
  limits: Client;
  health: Client;
}

/** The options of the container, on ports of the machine's choice. */
function container(): Container {
  const documents = parseAllDocuments(readFileSync(MANIFEST, 'utf8')).map((document) => document.toJS() as object);
  const deployment = documents.find((document) => (document as { kind: string }).kind === 'Deployment') as {
    spec: { template: { spec: { containers: [Container] } } };
  };
  const [{ args, env }] = deployment.spec.template.spec.containers;
  return { args: args.map((arg) => arg.replace(/0\.0\.0\.0:\d+$/, '127.0.0.1:0')), env };
}

function clientOf(address: string, file: string, ...path: string[]): Client {
  let at: unknown = loadPackageDefinition(loadSync(file, { includeDirs: [PROTOCOL], keepCase: true, enums: String }));
  for (const name of path) at = (at as Record<string, unknown>)[name];
  return new (at as new (address: string, trust: unknown) => Client)(address, credentials.createInsecure());
}

function call<Answer>(client: Client, method: string, question: object): Promise<Answer> {
  const named = client as unknown as Record<
    string,
    (question: object, done: (error: ServiceError | null, answer: Answer) => void) => void
  >;
  return new Promise((done, failed) =>
    named[method]!.call(client, question, (error, answer) => (error === null ? done(answer) : failed(error))),
  );
}

describe('two replicas of the service of global limits', () => {
  let redis: Redis;
  const replicas: Replica[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'fim-limits-image-'));

  before(
    async () => {
      redis = await Redis.start();
      const needs = needsOf(['services/limits/main.ts']);
      copyNeeds(needs, folder);
      const { args, env } = container();
      assert.deepEqual(env.map(({ name }) => name), ['FIM_LIMITS_STORE']); // prettier-ignore
      for (let i = 0; i < 2; i++) {
        const child = spawn(process.execPath, ['services/limits/main.ts', ...args], {
          cwd: folder,
          env: { FIM_LIMITS_STORE: redis.url },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const ready = await new Promise<{ listen: string; metrics: string }>((done, failed) => {
          createInterface({ input: child.stdout }).once('line', (line) => done(JSON.parse(line) as typeof ready));
          child.once('exit', (code) => failed(new Error(`it ended with ${code}`)));
        });
        const limits = clientOf(
          ready.listen,
          join(PROTOCOL, 'rate-limit.proto'),
          ...['envoy', 'service', 'ratelimit', 'v3', 'RateLimitService'],
        );
        const health = clientOf(ready.listen, join(PROTOCOL, 'health.proto'), 'grpc', 'health', 'v1', 'Health');
        replicas.push({ child, metrics: ready.metrics, limits, health });
      }
    },
    { timeout: SET_UP_MS },
  );
  after(async () => {
    for (const { child, limits, health } of replicas) {
      limits.close();
      health.close();
      child.kill('SIGKILL');
    }
    await redis?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Undefined: the store was late for it, so that nobody knows whether it was counted. */
  const ask = async ({ limits }: Replica, key: string): Promise<boolean | undefined> => {
    const entries = [
      { key: 'fim_limit', value: 'default/fleet/fleet' },
      { key: 'fim_terms', value: `TokenBucket;q=${TOKENS};p=3600000;b=${TOKENS}` },
      { key: 'fim_key', value: key },
    ];
    const question = { domain: 'fim', descriptors: [{ entries }] };
    try {
      return (await call<{ overall_code: string }>(limits, 'ShouldRateLimit', question)).overall_code === ADMITTED;
    } catch (error) {
      if ((error as ServiceError).code === status.UNAVAILABLE) return undefined;
      throw error;
    }
  };

  it('say that they are well, to probes, to proxies and to Prometheus', async () => {
    for (const { metrics, health } of replicas) {
      assert.equal((await fetch(`http://${metrics}/healthz`)).status, 200);
      assert.equal((await call<{ status: string }>(health, 'Check', {})).status, SERVING);
      assert.match(await (await fetch(`http://${metrics}/metrics`)).text(), /^fim_limits_store_up 1$/m);
    }
  });

  it('admit together what one limit has, and the one that is left goes on counting', async () => {
    let admitted = 0;
    let late = 0;
    let answer: boolean | undefined = true;
    for (let i = 0; answer !== false; i++) {
      answer = await ask(replicas[i % 2]!, KEY);
      if (answer === true) admitted++;
      if (answer === undefined) late++;
    }
    assert.ok(admitted <= TOKENS && admitted + late >= TOKENS, `${admitted} admitted, ${late} late`);
    const [first, second] = replicas as [Replica, Replica];
    const ended = new Promise((done) => first.child.once('exit', done));
    first.child.kill('SIGTERM');
    assert.equal(await ended, 0);
    await until(async () => (await ask(second, KEY)) === false);
    await until(async () => (await ask(second, OTHER_KEY)) === true);
  });
});

/** Waits for it, a minute at most. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await holds())) if (Date.now() > deadline) throw new Error('it did not come to hold');
}
