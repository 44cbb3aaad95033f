// npm run bench -- limits spacing: how evenly a real Envoy lets requests go that wait, when thirty times as many come. The
// scheduler prefers the proxy and the upstream (`chrt`, as root), since it is not the scheduler that is measured.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { Harness } from '../../test/e2e/harness.ts';

const RATES = [10, 20, 30, 50];
const DEMAND = 30;
const CLIENTS = 90;
const SECONDS = 6;
/** The first ones go before the line is full. */
const SKIPPED = 5;
const ROUTES = RATES.map(
  (rate) => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: r${rate}}
spec:
  match: {path: {type: Exact, value: /r${rate}}}
  rateLimit:
    limits: [{name: r${rate}, requests: ${rate}, period: 1s, burst: 1, shape: {maxWait: 2s, queue: 30}}]
`,
).join('---\n');

/** Nanoseconds of the machine's clock at which the upstream got each request of a path. */
async function startUpstream(): Promise<{ port: number; arrivals: Map<string, number[]>; stop: () => void }> {
  const program = join(import.meta.dirname, 'spacing-upstream.ts');
  const child = spawn('chrt', ['-f', '20', process.execPath, program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const arrivals = new Map<string, number[]>();
  const port = await new Promise<number>((done) =>
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [word = '', value = ''] = line.split(' ');
      if (word === 'port') done(Number(value));
      else arrivals.set(word, [...(arrivals.get(word) ?? []), Number(value)]);
    }),
  );
  return { port, arrivals, stop: () => void child.kill() };
}

export async function measureSpacing(): Promise<void> {
  const upstream = await startUpstream();
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const harness = await Harness.start({ routes: ROUTES, upstream: new URL(`http://127.0.0.1:${upstream.port}`) });
  const ask = (path: string): Promise<number> =>
    new Promise((done, failed) =>
      get(`${harness.url}${path}`, { agent }, (response) => {
        response.resume();
        response.once('end', () => done(response.statusCode ?? 0));
      }).once('error', failed),
    );
  try {
    execFileSync('chrt', ['-a', '-f', '-p', '30', String(harness.stack.envoy.pid)]);
    for (const rate of RATES) {
      const path = `/r${rate}`;
      let asked = 0;
      let goesOn = true;
      const client = async (): Promise<void> => {
        while (goesOn) {
          asked++;
          if ((await ask(path)) !== 200) await pause((CLIENTS * 1000) / (rate * DEMAND));
        }
      };
      const clients = Array.from({ length: CLIENTS }, client);
      await pause(SECONDS * 1000);
      goesOn = false;
      await Promise.all(clients);
      const times = upstream.arrivals.get(path) ?? [];
      const all = times.slice(SKIPPED, SKIPPED + rate * (SECONDS - 1));
      const gaps = all.slice(1).map((time, at) => (time - all[at]!) / 1e6);
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
      assert.ok(Math.abs(mean - 1000 / rate) < (1000 / rate) * 0.01, `${path}: ${mean} ms on average`);
      const variation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
      console.log(
        `${rate} a second, ${(asked / SECONDS / rate).toFixed(0)} times as many: ${mean.toFixed(2)} ms apart, ` +
          `varying by ${variation.toFixed(2)} ms, ${((variation / mean) * 100).toFixed(1)} %`,
      );
    }
  } finally {
    await harness.stop();
    upstream.stop();
    agent.destroy();
  }
}
