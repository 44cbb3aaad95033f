// Canaries come and go under load: begun, stepped, promoted, aborted. Nobody loses a request, and memory stays.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { control } from '../e2e/control.ts';
import { Harness } from '../e2e/harness.ts';
import { residentBytes } from './resident.ts';

/** `FIM_TEST_CANARIES` as many as wanted. */
const CANARIES = Number(process.env.FIM_TEST_CANARIES ?? 4);
const CONNECTIONS = 4;
const USERS = 64;
/** Every third canary is another release of the module, with machines of its own. */
const MODULE_EVERY = 3;
/** Growth of Envoy's resident memory, as a share; V8 gives freed machines back late. */
const MAX_GROWTH = 0.5;

/** A route that differs by its generation, and so that each of them takes what the load sends. */
const route = (generation: number, canary = ''): string => `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay}
spec:
  validation: {fields: [{name: transCode, pattern: "^01[0-9]{6}$"}, {name: memo, maxLength: ${100 + generation}}]}
${canary}`;

const canaryOf = (generation: number, differs: string): string => `
  canary:
    hash: {header: X-User}
    steps: [20, 60]
    interval: 1h
    variantHeader: true
    ${differs.replace('GENERATION', String(100 + generation))}
`;

const POLICY =
  'spec: {validation: {fields: [{name: transCode, pattern: "^01[0-9]{6}$"}, {name: memo, maxLength: GENERATION}]}}';

/** Clients that each send the next request when the last is answered. */
class Load {
  readonly statuses = new Map<string, number>();
  private stopped = false;
  private readonly running: Promise<void>[];

  constructor(url: string) {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    this.running = Array.from({ length: CONNECTIONS }, (_, client) => this.run(url, agent, client));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  private async run(url: string, agent: Agent, client: number): Promise<void> {
    for (let user = client; !this.stopped; user = (user + CONNECTIONS) % USERS) {
      const said = await send(url, agent, user).catch((error: Error) => error.message);
      this.statuses.set(said, (this.statuses.get(said) ?? 0) + 1);
    }
  }
}

function send(url: string, agent: Agent, user: number): Promise<string> {
  return new Promise((done, failed) => {
    const headers = { 'content-type': 'application/json', 'x-user': `user-${user}` };
    const asked = request(`${url}/`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => done(String(response.statusCode)));
      response.on('error', failed);
    });
    asked.on('error', failed).end('{"transCode":"01000000","memo":"m"}');
  });
}

async function command(harness: Harness, name: string): Promise<void> {
  const { status, body } = await control(harness, 'POST', `/canary/${name}`);
  assert.equal(status, 200, JSON.stringify(body));
}

/** One canary from its first step to its end. Returns the generation of the policy that is left in the file. */
async function run(harness: Harness, module: Buffer, number: number, ruling: number): Promise<number> {
  const isModule = number % MODULE_EVERY === 0;
  const next = number * 2;
  if (isModule) {
    // A custom section, "x" and four bytes: the same code under another digest.
    const section = Buffer.from([0, 6, 1, 120, ...Uint8Array.of(number >> 8, number & 255, 0, 0)]);
    await writeFile(join(harness.moduleFolder, `fim-r${number}.wasm`), Buffer.concat([module, section]));
  }
  const differs = isModule ? `module: {release: r${number}}` : POLICY;
  const canary = canaryOf(next, differs);
  assert.equal((await harness.edit(route(ruling, canary))).event, 'applied');
  await command(harness, 'step');
  // The policy in force is edited beside it.
  assert.equal((await harness.edit(route(next - 1, canary))).event, 'applied');
  const isPromoted = number % 2 === 0;
  await command(harness, isPromoted ? 'promote' : 'abort');
  const left = isPromoted && !isModule ? next : next - 1;
  assert.equal((await harness.edit(route(left))).event, 'applied');
  return left;
}

test(`${CANARIES} canaries under load`, { timeout: 60_000 + 60_000 * CANARIES }, async (t: TestContext) => {
  const harness = await Harness.start({ routes: route(0) });
  t.after(() => harness.stop());
  const module = await readFile(join(harness.moduleFolder, 'fim.wasm'));
  const load = new Load(harness.url);
  t.after(() => load.stop());
  const began = performance.now();
  let ruling = 0;
  let warm = 0;
  for (let number = 1; number <= CANARIES; number++) {
    ruling = await run(harness, module, number, ruling);
    harness.upstream.arrived.length = 0;
    if (number === MODULE_EVERY) warm = await residentBytes(harness.stack.envoy.pid);
  }
  const seconds = (performance.now() - began) / 1000;
  const resident = await residentBytes(harness.stack.envoy.pid);
  await load.stop();
  const mib = (bytes: number): string => `${(bytes / 1048576).toFixed(0)} MiB`;
  t.diagnostic(
    `${seconds.toFixed(1)} s, answers ${JSON.stringify(Object.fromEntries(load.statuses))}; resident ${mib(warm)} after ${MODULE_EVERY}, ${mib(resident)} at the end`,
  );
  assert.deepEqual([...load.statuses.keys()], ['200']);
  assert.ok(resident < warm * (1 + MAX_GROWTH), `${mib(warm)} became ${mib(resident)}`);
});
