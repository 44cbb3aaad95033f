// Policies and modules are swapped while requests flow: none fails, none meets half a policy, keys stay, memory stays.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { KEY_LOOK_INTERVAL_MS } from '../../envoy/limits.ts';
import { Harness, KEY_ID } from '../e2e/harness.ts';
import { route } from '../e2e/resources.ts';
import { MASK_CHARACTERS } from './mask-characters.ts';
import { residentBytes } from './resident.ts';
import type { LoadCommand, LoadReport } from './swap-load.ts';

/** `FIM_TEST_SWAPS` as many swaps of the module as wanted; five edits of the policy to each, 1.5 s for them and the swap. */
const MODULE_SWAPS = Number(process.env.FIM_TEST_SWAPS ?? 10);
const POLICY_EDITS = 5 * MODULE_SWAPS;
const LOAD_MS = 1_500 * MODULE_SWAPS;
const WORKERS = 2;
const CONNECTIONS = 8;
/** Machines of a module: one for each worker, the main thread's and the one that checks the code. */
const MACHINES = WORKERS + 2;
const REFRESH_MS = 5_000;
const MAX_LIVE_MS = 1_000;
/**
 * New code is compiled before it is live, on processors that the load of this test uses as well, and perhaps others: the
 * bound tells only one that hangs. The time itself is printed.
 */
const MAX_SWAP_MS = 20_000;
/** Growth of Envoy's resident memory from the second swap to the end, as a share; V8 gives freed machines back late. */
const MAX_GROWTH = 0.35;
const BROKEN_EVERY = 10;

/** The policy of a generation: context and mask character tell which one a message met. */
function policy(generation: number): string {
  const char = MASK_CHARACTERS[generation % MASK_CHARACTERS.length]!;
  return route('swapped', {
    rateLimit: { requests: 1_000_000, period: '1s' },
    validation: { fields: [{ name: 'transCode', pattern: '^01[0-9]{6}$' }] },
    masking: { fields: [{ name: 'memo', method: 'Full', char, direction: 'Request' }] },
    encryption: { keyId: KEY_ID, request: 'Encrypt', context: `g${generation}` },
  });
}

function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

test(
  `${LOAD_MS / 1000} s of load with ${POLICY_EDITS} policy edits and ${MODULE_SWAPS} module swaps`,
  { timeout: 20 * LOAD_MS },
  async (t) => {
    const load = new Worker(new URL('swap-load.ts', import.meta.url), { workerData: { connections: CONNECTIONS } });
    t.after(() => load.terminate());
    const [port] = (await once(load, 'message')) as [number];
    const harness = await Harness.start({
      routes: policy(0),
      concurrency: WORKERS,
      kms: { refreshMs: REFRESH_MS },
      upstream: new URL(`http://127.0.0.1:${port}`),
    });
    t.after(() => harness.stop());
    const tell = (command: LoadCommand): void => load.postMessage(command);
    tell({ do: 'start', proxy: harness.url, kms: harness.stack.kmsUrl.href, kid: `${KEY_ID}#1` });

    const module = await readFile(join(harness.moduleFolder, 'fim.wasm'));
    const policyMs: number[] = [];
    const moduleMs: number[] = [];
    const steps = POLICY_EDITS + MODULE_SWAPS;
    const started = performance.now();
    let generation = 0;
    let warm = 0;
    for (let step = 1; step <= steps; step++) {
      const from = harness.events.length;
      if (step % (steps / MODULE_SWAPS) === 0) {
        await swapModule(harness, module, step);
        moduleMs.push(await applied(harness, from));
      } else {
        if (step % BROKEN_EVERY === 1) assert.equal((await harness.edit(`broken: ${step}`)).event, 'rejected');
        await harness.edit(policy(++generation));
        policyMs.push(await applied(harness, harness.events.length - 1));
        tell({ do: 'floor', generation });
      }
      if (step === (2 * steps) / MODULE_SWAPS) warm = await residentBytes(harness.stack.envoy.pid);
      await pause(Math.max(0, started + (step * LOAD_MS) / steps - performance.now()));
    }
    const seconds = (performance.now() - started) / 1000;
    const resident = await residentBytes(harness.stack.envoy.pid);
    const report = once(load, 'message');
    tell({ do: 'stop' });
    const [{ requests, outcomes, mixed, slowestMs, p99Ms }] = (await report) as [LoadReport];

    const mib = (bytes: number): string => `${(bytes / 1048576).toFixed(0)} MiB`;
    t.diagnostic(
      `${requests} requests in ${seconds.toFixed(1)} s, outcomes ${JSON.stringify(outcomes)}, p99 ${p99Ms.toFixed(1)} ms, slowest ${slowestMs.toFixed(0)} ms`,
    );
    t.diagnostic(
      `policy edits live after ${percentile(policyMs, 0.5)} ms median, ${percentile(policyMs, 0.99)} ms p99, ${Math.max(...policyMs)} ms at most (${policyMs.length})`,
    );
    t.diagnostic(
      `module swaps live after ${percentile(moduleMs, 0.5)} ms median, ${Math.max(...moduleMs)} ms at most (${moduleMs.length})`,
    );
    t.diagnostic(`key reads ${harness.kms.reads}; resident ${mib(warm)} after two swaps, ${mib(resident)} at the end`);

    assert.deepEqual(Object.keys(outcomes), ['200']);
    assert.equal(mixed.length, 0, mixed.slice(0, 5).join('; '));
    assert.ok(requests > 1000);
    // The median: other work on the machine can hold up any one of them.
    assert.ok(percentile(policyMs, 0.5) < MAX_LIVE_MS);
    assert.ok(percentile(moduleMs, 0.5) < MAX_SWAP_MS);
    const refreshes = MACHINES * (Math.ceil((seconds * 1000) / REFRESH_MS) + 1);
    const looks = Math.ceil((seconds * 1000) / KEY_LOOK_INTERVAL_MS) + 1;
    assert.ok(
      harness.kms.reads <= MACHINES * (MODULE_SWAPS + 1) + refreshes + looks + 2,
      `${harness.kms.reads} key reads: policy edits must cost none`,
    );
    assert.ok(resident < warm * (1 + MAX_GROWTH), `${mib(warm)} → ${mib(resident)}`);
  },
);

async function swapModule(harness: Harness, module: Buffer, step: number): Promise<void> {
  const file = join(harness.moduleFolder, 'fim.wasm');
  // A custom section: other bytes, the same code.
  await writeFile(`${file}~`, Buffer.concat([module, Buffer.from([0, 3, 1, 0x73, step])]));
  await rename(`${file}~`, file);
}

async function applied(harness: Harness, from: number): Promise<number> {
  const event = await harness.verdict(from);
  assert.equal(event.event, 'applied', JSON.stringify(event));
  return event.event === 'applied' ? event.tookMs : 0;
}
