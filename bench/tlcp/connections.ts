// National TLS through a stock Envoy: the memory of idle connections, and waiting times over kept connections beside those
// of plain text, in phases that alternate.
import { readFileSync } from 'node:fs';
import { TlcpModule } from '../../scripts/fim/tlcp-module.ts';
import { Harness } from '../../test/e2e/harness.ts';
import { route } from '../../test/e2e/resources.ts';
import { Certificates, get, TlcpClient } from '../../test/e2e/tlcp-client.ts';
import { PlainClient } from './plain-client.ts';

const IDLE = Number(process.env.FIM_BENCH_IDLE ?? 10_000);
const AT_ONCE = 32;
const KEPT = 50;
const REQUESTS_PER_SECOND = Number(process.env.FIM_BENCH_RATE ?? 1000);
const PHASE_MS = 5000;
const PHASES = 4;
const TICK_MS = 2;

const SECURE = route('any', { tls: { cipherSuites: ['ECC-SM4-GCM-SM3'] } });
const PLAIN = route('any', {
  rateLimit: { requests: 1_000_000_000, period: '1s' },
  match: { path: { type: 'Exact', value: '/none' } },
});

interface Asker {
  ask(request: string): Promise<{ status: number }>;
  destroy(): void;
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

/** Opens many, some at once. */
async function openMany<T>(count: number, open: () => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  const run = async (): Promise<void> => {
    while (opened.length < count) {
      const place = opened.length;
      opened.length++;
      opened[place] = await open();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
  return opened;
}

/** Memory of the proxy for each idle connection, bytes. */
async function idle(harness: Harness, open: () => Promise<Asker>): Promise<{ perConnection: number; tookMs: number }> {
  const { pid } = harness.stack.envoy;
  const before = residentBytes(pid);
  const started = performance.now();
  const clients = await openMany(IDLE, open);
  const tookMs = performance.now() - started;
  const perConnection = (residentBytes(pid) - before) / IDLE;
  const last = await clients.at(-1)!.ask(get('/'));
  const first = await clients[0]!.ask(get('/'));
  if (last.status !== 200 || first.status !== 200) throw new Error('an idle connection is not served');
  for (const client of clients) client.destroy();
  return { perConnection, tookMs };
}

/** Asks, and forgets what came before. */
async function askFresh(client: Asker): Promise<{ status: number }> {
  if (client instanceof TlcpClient) {
    client.plain = Buffer.alloc(0);
    client.wire = Buffer.alloc(0);
  }
  return client.ask(get('/'));
}

/** Waiting times of a phase, from the moment at which each request was due. */
async function phase(clients: Asker[]): Promise<number[]> {
  const waits: number[] = [];
  const free = [...clients];
  const due: number[] = [];
  const under: Promise<void>[] = [];
  const take = (): void => {
    while (due.length > 0 && free.length > 0) {
      const client = free.pop()!;
      const since = due.shift()!;
      under.push(
        askFresh(client).then(({ status }) => {
          if (status !== 200) throw new Error(`status ${status}`);
          waits.push(performance.now() - since);
          free.push(client);
          take();
        }),
      );
    }
  };
  const started = performance.now();
  for (let sent = 0; performance.now() - started < PHASE_MS;) {
    const now = performance.now();
    for (; sent < ((now - started) * REQUESTS_PER_SECOND) / 1000; sent++)
      due.push(started + (sent * 1000) / REQUESTS_PER_SECOND);
    take();
    await new Promise((done) => setTimeout(done, TICK_MS));
  }
  while (due.length > 0 || free.length < clients.length) await new Promise((done) => setTimeout(done, TICK_MS));
  await Promise.all(under);
  return waits;
}

const at = (waits: number[], share: number): string =>
  [...waits].sort((a, b) => a - b)[Math.floor(waits.length * share)]!.toFixed(2);

/** `npm run bench -- tlcp connections`. */
export async function connections(): Promise<void> {
  const module = await TlcpModule.load();
  const certificates = await Certificates.make();
  const [secure, plain] = [
    await Harness.start({ routes: SECURE, tlcp: certificates.identity, concurrency: 1 }),
    await Harness.start({ routes: PLAIN, concurrency: 1 }),
  ];
  try {
    const openSecure = async (): Promise<TlcpClient> =>
      TlcpClient.ready(module, { port: secure.stack.listen.port, trust: certificates.authority });
    const openPlain = async (): Promise<PlainClient> => PlainClient.open(plain.stack.listen.port);
    const kept = { tlcp: await openMany(KEPT, openSecure), plain: await openMany(KEPT, openPlain) };
    const waits: Record<keyof typeof kept, number[]> = { tlcp: [], plain: [] };
    for (const which of ['tlcp', 'plain'] as const) await phase(kept[which]); // warm
    for (let i = 0; i < PHASES; i++)
      for (const which of ['tlcp', 'plain'] as const) waits[which].push(...(await phase(kept[which])));
    console.log(
      `${REQUESTS_PER_SECOND} requests/s over ${KEPT} kept connections, ms      p50     p99   p99.9  requests`,
    );
    for (const which of ['tlcp', 'plain'] as const) {
      const of = waits[which];
      console.log(
        `${which.padEnd(50)} ${[0.5, 0.99, 0.999].map((share) => at(of, share).padStart(7)).join(' ')}  ${of.length}`,
      );
    }
    for (const one of [...kept.tlcp, ...kept.plain]) one.destroy();
    for (const [name, harness, open] of [
      ['tlcp', secure, openSecure],
      ['plain', plain, openPlain],
    ] as const) {
      const { perConnection, tookMs } = await idle(harness, open);
      console.log(
        `${IDLE} idle connections, ${name}: ${(perConnection / 1024).toFixed(1)} KiB of the proxy each, opened in ${(tookMs / 1000).toFixed(1)} s`,
      );
    }
  } finally {
    await secure.stop();
    await plain.stop();
  }
}
