// npm run bench -- limits store [--rounds N]: waiting times of requests under a global limit while its store is well, and
// while it is not: one client, one request after the other. Needs what test/peers/limits/redis.ts needs.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Harness } from '../../test/e2e/harness.ts';
import { Redis } from '../../test/peers/limits/redis.ts';

const ROOT = join(import.meta.dirname, '../..');
const ROUNDS = 3;
/** Requests of a phase, and the time between them, milliseconds. */
const REQUESTS = 600;
const BETWEEN_MS = 1;
const SLOW_MS = 60;
const HEALTHY = 'cluster.fim-limits.membership_healthy';
const CEILING = 1000;
const ROUTES = `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: fleet}
spec:
  match: {path: {type: Exact, value: /counted}}
  rateLimit:
    limits: [{name: fleet, requests: 1000000000, period: 1h, scope: Global, onStoreFailure: Allow}]
---
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: held}
spec:
  match: {path: {type: Exact, value: /held}}
  rateLimit:
    limits: [{name: held, requests: ${CEILING}, period: 24h, scope: Global, onStoreFailure: Local}]
`;

/** A way to Redis that can be closed. */
class Way {
  readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private isClosed = false;

  constructor(port: number) {
    this.server = createServer((near) => {
      if (this.isClosed) {
        near.destroy();
        return;
      }
      const far = connect(port, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => (this.sockets.delete(one), other.destroy()));
        one.pipe(other);
      }
    });
  }

  set closed(closed: boolean) {
    this.isClosed = closed;
    if (closed) for (const socket of this.sockets) socket.destroy();
  }
}

/** A fault of the store, and how it is undone. */
interface Fault {
  name: string;
  begin: () => Promise<unknown>;
  end: () => Promise<unknown>;
}

function faults(redis: Redis, way: Way): Fault[] {
  let slow = false;
  let slowing: Promise<void> = Promise.resolve();
  const slowDown = async (): Promise<void> => {
    while (slow) {
      await redis.command('CLIENT', 'PAUSE', String(SLOW_MS), 'ALL');
      await pause(SLOW_MS / 2);
    }
  };
  return [
    { name: 'down', begin: async () => (way.closed = true), end: async () => (way.closed = false) },
    { name: 'stopped (SIGSTOP)', begin: async () => redis.pause(), end: async () => redis.resume() },
    {
      name: `slow (${SLOW_MS} ms)`,
      begin: async () => {
        slow = true;
        slowing = slowDown();
      },
      end: async () => {
        slow = false;
        await slowing;
      },
    },
    {
      name: 'became a replica',
      begin: () => redis.command('REPLICAOF', '127.0.0.1', '1'),
      end: () => redis.command('REPLICAOF', 'NO', 'ONE'),
    },
    {
      name: 'full',
      begin: () => redis.command('CONFIG', 'SET', 'maxmemory', '1'),
      end: () => redis.command('CONFIG', 'SET', 'maxmemory', '0'),
    },
  ];
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Milliseconds until the whole answer is there, and its status. */
function ask(url: string): Promise<{ ms: number; status: number }> {
  const since = performance.now();
  return new Promise((done, failed) =>
    get(url, { agent }, (response) => {
      response.resume();
      response.once('end', () => done({ ms: performance.now() - since, status: response.statusCode ?? 0 }));
    }).once('error', failed),
  );
}

async function phase(url: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    const { ms, status } = await ask(url);
    assert.equal(status, 200);
    times.push(ms);
    await pause(BETWEEN_MS);
  }
  return times.sort((one, other) => one - other)[Math.floor(REQUESTS * 0.99)]!;
}

async function healthyIs(harness: Harness, wanted: number): Promise<void> {
  const { admin } = harness.stack.envoy;
  await harness.poll(async () => (await admin.stats(`^${HEALTHY}$`)).get(HEALTHY) === wanted);
}

/** The ceiling lets in what it has, and no more, though nobody else counts. */
async function checkCeiling(url: string): Promise<void> {
  let admitted = 0;
  for (let i = 0; i < CEILING + 20; i++) if ((await ask(url)).status === 200) admitted++;
  assert.equal(admitted, CEILING);
}

async function started(store: string): Promise<{ child: ChildProcess; port: number }> {
  const args = ['services/limits/main.ts', '--listen', '127.0.0.1:0', '--metrics', '127.0.0.1:0', '--store', store];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, port: Number((JSON.parse(line) as { listen: string }).listen.split(':')[1]) };
}

export async function measureStore(args: readonly string[]): Promise<void> {
  const at = args.indexOf('--rounds');
  const rounds = at < 0 ? ROUNDS : Number(args[at + 1]);
  const redis = await Redis.start();
  const way = new Way(Number(new URL(redis.url).port));
  way.server.listen(0, '127.0.0.1');
  await once(way.server, 'listening');
  const service = await started(`redis://127.0.0.1:${(way.server.address() as AddressInfo).port}`);
  const limits = { url: new URL(`h2c://127.0.0.1:${service.port}`) };
  const harness = await Harness.start({ routes: ROUTES, limits, concurrency: 1 });
  try {
    await healthyIs(harness, 1);
    const url = `${harness.url}/counted`;
    await phase(url);
    console.log(
      `p99 of ${REQUESTS} requests, ms, in ${rounds} rounds: well; not well, the change included; and ms until it is asked again`,
    );
    for (const { name, begin, end } of faults(redis, way)) {
      const figures: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const well = await phase(url);
        await begin();
        const unwell = await phase(url);
        await healthyIs(harness, 0);
        if (name === 'down' && round === 0) await checkCeiling(`${harness.url}/held`);
        await end();
        const since = performance.now();
        await healthyIs(harness, 1);
        figures.push(`${well.toFixed(1)}; ${unwell.toFixed(1)}; ${Math.round(performance.now() - since)}`);
      }
      console.log(`${name.padEnd(20)} ${figures.join('   ')}`);
    }
  } finally {
    await harness.stop();
    service.child.kill('SIGKILL');
    redis.resume();
    await redis.stop();
    way.closed = true;
    way.server.close();
    agent.destroy();
  }
}
