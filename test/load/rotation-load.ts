// The load of the rotation test and the upstream behind it, in a thread of its own. Each round sends a text to be
// encrypted, keeps what the upstream got, and sends one of all messages so far back to be decrypted: whichever worker
// has it must have the version it was encrypted under, or get it.
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

export type RotationCommand = { do: 'start'; proxy: string } | { do: 'phase'; name: string } | { do: 'stop' };

export interface RotationReport {
  requests: number;
  /** By direction and HTTP status, or error code of the connection. */
  outcomes: Record<string, number>;
  /** Messages that came back as something else than they were. */
  wrong: string[];
  /** Messages encrypted and decrypted, by version. */
  encrypted: Record<number, number>;
  decrypted: Record<number, number>;
  /** Waiting times in milliseconds by phase: number, median, 99th of a hundred, slowest. */
  waits: Record<string, [count: number, p50: number, p99: number, slowest: number]>;
}

interface Reply {
  status: string;
  body: string;
}

const { connections, restMs } = workerData as { connections: number; restMs: number };
const port = parentPort!;
const KEPT = 20_000;

const report: RotationReport = { requests: 0, outcomes: {}, wrong: [], encrypted: {}, decrypted: {}, waits: {} };
const waits = new Map<string, number[]>();
const sealed: { body: string; plain: string; version: number }[] = [];
let phase = 'before';
let running = true;
let sent = 0;

const upstream = createServer((incoming, response) => {
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () =>
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(Buffer.concat(chunks)),
  );
});

function post(url: string, agent: Agent, type: string, body: string): Promise<Reply> {
  return new Promise((done) => {
    const headers = { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(url, { method: 'POST', agent, headers }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => done({ status: String(incoming.statusCode), body: text }));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => done({ status: error.code ?? error.message, body: '' }));
    outgoing.end(body);
  });
}

async function timed(direction: string, send: () => Promise<Reply>): Promise<Reply> {
  const started = performance.now();
  const during = phase;
  const reply = await send();
  const list = waits.get(during) ?? [];
  waits.set(during, list);
  list.push(performance.now() - started);
  report.requests++;
  const outcome = `${direction} ${reply.status}`;
  report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
  return reply;
}

async function round(proxy: string, agent: Agent): Promise<void> {
  const plain = JSON.stringify({ transCode: '01200101', number: ++sent });
  const out = await timed('encrypt', () => post(`${proxy}/out`, agent, 'application/json', plain));
  if (out.status === '200') {
    const version = Number((JSON.parse(out.body) as { kid: string }).kid.split('#')[1]);
    report.encrypted[version] = (report.encrypted[version] ?? 0) + 1;
    if (sealed.length < KEPT) sealed.push({ body: out.body, plain, version });
    else sealed[Math.floor(Math.random() * KEPT)] = { body: out.body, plain, version };
  }
  // Half of them the newest, half of them of any age.
  const chosen = sealed.at(Math.random() < 0.5 ? -1 : Math.floor(Math.random() * sealed.length));
  if (!chosen) return;
  const back = await timed('decrypt', () =>
    post(`${proxy}/in`, agent, 'application/vnd.fim.encrypted+json', chosen.body),
  );
  if (back.status !== '200') return;
  if (back.body === chosen.plain) report.decrypted[chosen.version] = (report.decrypted[chosen.version] ?? 0) + 1;
  else report.wrong.push(`version ${chosen.version}`);
}

async function run(proxy: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  while (running) {
    await round(proxy, agent);
    await new Promise((done) => setTimeout(done, restMs));
  }
  agent.destroy();
}

function summary(list: number[]): [number, number, number, number] {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
  return [sorted.length, at(0.5), at(0.99), at(1)];
}

let load: Promise<unknown> = Promise.resolve();
port.on('message', (command: RotationCommand) => {
  if (command.do === 'start') load = Promise.all(Array.from({ length: connections }, () => run(command.proxy)));
  else if (command.do === 'phase') phase = command.name;
  else {
    running = false;
    void load.then(() => {
      for (const [name, list] of waits) report.waits[name] = summary(list);
      port.postMessage(report);
      upstream.close();
      upstream.closeAllConnections();
      port.close();
    });
  }
});
upstream.listen(0, '127.0.0.1', () => port.postMessage((upstream.address() as AddressInfo).port));
