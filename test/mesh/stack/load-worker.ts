// Requests without pause, in a thread of their own: what is measured must not wait for what measures.
import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import type { LoadOptions, LoadReport } from './load.ts';

const { url, body, connections, pauseMs = 0 } = workerData as LoadOptions;
const REPLY_TIMEOUT_MS = 20_000;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const port = parentPort!;
const waits: number[] = [];
const failures: Record<string, number> = {};
let running = true;

function once(): Promise<string | null> {
  return new Promise((done) => {
    const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(url, { method: 'POST', headers, agent, timeout: REPLY_TIMEOUT_MS }, (incoming) => {
      let said = '';
      incoming.setEncoding('utf8').on('data', (text: string) => (said += text));
      incoming.on('error', (error) => done(error.message));
      incoming.on('end', () =>
        done(incoming.statusCode === 200 ? null : `${incoming.statusCode} ${said.slice(0, 300)}`),
      );
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no reply in time')));
    outgoing.on('error', (error) => done(error.message));
    outgoing.end(body);
  });
}

async function run(): Promise<void> {
  while (running) {
    const start = performance.now();
    const problem = await once();
    waits.push(performance.now() - start);
    if (problem !== null) failures[problem] = (failures[problem] ?? 0) + 1;
    if (pauseMs > 0) await new Promise((resume) => setTimeout(resume, pauseMs));
  }
}

const all = Promise.all(Array.from({ length: connections }, run));
port.once('message', () => {
  running = false;
  void all.then(() => {
    agent.destroy();
    waits.sort((a, b) => a - b);
    const at = (share: number): number => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
    const report: LoadReport = { requests: waits.length, failures, p50Ms: at(0.5), p99Ms: at(0.99), slowestMs: at(1) };
    port.postMessage(report);
    port.close();
  });
});
