// The load of the swap test and the upstream behind it, in a thread of its own: the controller under test must not wait
// for them.
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { MASK_CHARACTERS } from './mask-characters.ts';
import { fetchKey } from '../../envoy/standalone/open-protected.ts';
import { openSymmetric, readProtected } from '../../envoy/standalone/protected-message.ts';

/** Commands from the test to the load. */
export type LoadCommand =
  { do: 'start'; proxy: string; kms: string; kid: string } | { do: 'floor'; generation: number } | { do: 'stop' };

/** Results of the load. */
export interface LoadReport {
  requests: number;
  /** By HTTP status, or error code of the connection. */
  outcomes: Record<string, number>;
  /** Requests that were not wholly under one policy, or under one that had been replaced before they were sent. */
  mixed: string[];
  /** Waiting times in milliseconds: the slowest of all, and the 99th of a hundred. */
  slowestMs: number;
  p99Ms: number;
}

const { connections } = workerData as { connections: number };
const port = parentPort!;
const MEMO = 'secret-memo';

const report: LoadReport = { requests: 0, outcomes: {}, mixed: [], slowestMs: 0, p99Ms: 0 };
const waits: number[] = [];
let floor = 0;
let running = true;
let key: Buffer;

/**
 * Checks that encryption and masking of one message came from one generation, not older than the one in force when it
 * was sent.
 */
function check(text: string, sentUnder: number): void {
  const generation = Number((JSON.parse(text) as { ctx?: string }).ctx?.slice(1));
  const plain = openSymmetric(readProtected(Buffer.from(text)), key).toString();
  const wanted = MASK_CHARACTERS[generation % MASK_CHARACTERS.length]!.repeat(MEMO.length);
  const { memo } = JSON.parse(plain) as { memo: string };
  if (memo !== wanted) report.mixed.push(`context g${generation}, memo ${memo}`);
  if (!(generation >= sentUnder)) report.mixed.push(`sent under g${sentUnder}, enforced g${generation}`);
}

const upstream = createServer((incoming, response) => {
  let text = '';
  incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  incoming.on('end', () => {
    try {
      check(text, Number(incoming.headers['x-sent-under']));
    } catch (error) {
      report.mixed.push(`not protected: ${(error as Error).message}`);
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '2' }).end('{}');
  });
});

function once(proxy: string, agent: Agent): Promise<string> {
  const body = JSON.stringify({ transCode: '01200101', memo: MEMO });
  return new Promise((done) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': String(body.length),
      'x-sent-under': String(floor),
    };
    const outgoing = request(proxy, { method: 'POST', agent, headers }, (incoming) => {
      incoming.resume().on('end', () => done(String(incoming.statusCode)));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    outgoing.end(body);
  });
}

async function run(proxy: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  while (running) {
    const started = performance.now();
    const outcome = await once(proxy, agent);
    waits.push(performance.now() - started);
    report.requests++;
    report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
  }
  agent.destroy();
}

async function start(proxy: string, kid: string, kms: URL): Promise<void> {
  key = await fetchKey(kid, kms);
  await Promise.all(Array.from({ length: connections }, () => run(proxy)));
}

let load: Promise<unknown> = Promise.resolve();
port.on('message', (command: LoadCommand) => {
  if (command.do === 'start') load = start(command.proxy, command.kid, new URL(command.kms));
  else if (command.do === 'floor') floor = command.generation;
  else {
    running = false;
    void load.then(() => {
      waits.sort((a, b) => a - b);
      report.slowestMs = waits.at(-1) ?? 0;
      report.p99Ms = waits[Math.floor(waits.length * 0.99)] ?? 0;
      port.postMessage(report);
      upstream.close();
      upstream.closeAllConnections();
      port.close();
    });
  }
});
upstream.listen(0, '127.0.0.1', () => port.postMessage((upstream.address() as AddressInfo).port));
