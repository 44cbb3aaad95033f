// Keys rotate under load while the KMS is away and slow, and a module is swapped meanwhile: nothing fails, nothing
// becomes unreadable.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Harness, KEY_ID } from '../e2e/harness.ts';
import { route, together } from '../e2e/resources.ts';
import type { RotationCommand, RotationReport } from './rotation-load.ts';

const LOAD_MS = 30_000;
const ROTATIONS = 20;
const REFRESH_MS = 500;
/** The KMS is away for 5 s, then answers for a while, then takes `SLOWNESS_MS` for each answer. */
const OUTAGE_MS = [9_000, 14_000] as const;
const SLOW_MS = [19_000, 24_000] as const;
/**
 * A version that a worker has not takes two answers: a look that runs already, then one for that version. Both have to
 * fit into the time that a message is held, 3 s.
 */
const SLOWNESS_MS = 1_000;
const CONNECTIONS = 8;
const REST_MS = 5;

const ROUTES = together(
  route('in', { match: { path: { type: 'Exact', value: '/in' } }, encryption: { keyId: KEY_ID, request: 'Decrypt' } }),
  route('out', {
    match: { path: { type: 'Exact', value: '/out' } },
    encryption: { keyId: KEY_ID, request: 'Encrypt' },
  }),
);

async function swapModule(harness: Harness): Promise<void> {
  const file = join(harness.moduleFolder, 'fim.wasm');
  // A custom section: other bytes, the same code.
  await writeFile(`${file}~`, Buffer.concat([await readFile(file), Buffer.from([0, 2, 1, 0x72])]));
  await rename(`${file}~`, file);
}

test(
  `${LOAD_MS / 1000} s of load with ${ROTATIONS} rotations, a KMS that is away for 5 s and slow for 5 s, and a module swap meanwhile`,
  { timeout: 20 * LOAD_MS },
  async (t) => {
    const load = new Worker(new URL('rotation-load.ts', import.meta.url), {
      workerData: { connections: CONNECTIONS, restMs: REST_MS },
    });
    t.after(() => load.terminate());
    const [port] = (await once(load, 'message')) as [number];
    const harness = await Harness.start({
      routes: ROUTES,
      kms: { refreshMs: REFRESH_MS },
      upstream: new URL(`http://127.0.0.1:${port}`),
    });
    t.after(() => harness.stop());
    await harness.keysFetched();
    const tell = (command: RotationCommand): void => load.postMessage(command);

    const started = performance.now();
    const at = (ms: number): Promise<void> => pause(Math.max(0, started + ms - performance.now()));
    tell({ do: 'start', proxy: harness.url });
    const rotations = (async () => {
      for (let n = 1; n <= ROTATIONS; n++) {
        // The last one leaves 4 s, in which its messages are read back.
        await at((n * LOAD_MS) / (ROTATIONS + 3));
        harness.kms.rotate(KEY_ID);
      }
    })();

    await at(OUTAGE_MS[0]);
    tell({ do: 'phase', name: 'KMS away' });
    await harness.kms.stop();
    const from = harness.events.length;
    await swapModule(harness);
    const putOff = await harness.waitFor(() => harness.events.slice(from).find((event) => event.event === 'warning'));
    assert.equal(putOff.event === 'warning' && putOff.code, 'FIM-UP-0017');
    await at(OUTAGE_MS[1]);
    assert.equal(
      harness.events.slice(from).some((event) => event.event === 'applied'),
      false,
      'the swap was put off',
    );
    await harness.startKms();
    const back = performance.now();
    tell({ do: 'phase', name: 'swap' });
    const verdict = await harness.verdict(from);
    assert.equal(verdict.event, 'applied', JSON.stringify(verdict));
    const swappedMs = performance.now() - back;
    tell({ do: 'phase', name: 'after' });

    await at(SLOW_MS[0]);
    tell({ do: 'phase', name: 'KMS slow' });
    harness.kms.delay = () => pause(SLOWNESS_MS);
    await at(SLOW_MS[1]);
    harness.kms.delay = () => Promise.resolve();
    tell({ do: 'phase', name: 'after' });
    await rotations;
    await at(LOAD_MS);
    const report = once(load, 'message');
    tell({ do: 'stop' });
    const [{ requests, outcomes, wrong, encrypted, decrypted, waits }] = (await report) as [RotationReport];

    t.diagnostic(
      `${requests} requests, outcomes ${JSON.stringify(outcomes)}; swap live ${Math.round(swappedMs)} ms after the KMS was back; ${harness.kms.reads} key reads`,
    );
    for (const [phase, [count, p50, p99, slowest]] of Object.entries(waits))
      t.diagnostic(`${phase}: ${count} requests, median ${p50} ms, p99 ${p99} ms, slowest ${slowest} ms`);
    t.diagnostic(`encrypted by version ${JSON.stringify(encrypted)}`);
    t.diagnostic(`decrypted by version ${JSON.stringify(decrypted)}`);
    assert.deepEqual(Object.keys(outcomes).sort(), ['decrypt 200', 'encrypt 200']);
    assert.deepEqual(wrong, []);
    assert.ok(requests > 1000);
    const used = Object.keys(encrypted).map(Number);
    assert.ok(used.length >= ROTATIONS / 2, `${used.length} versions in use`);
    assert.ok(Math.max(...used) >= ROTATIONS - 1);
    for (const version of used) assert.ok(decrypted[version]! > 0, `messages of version ${version} were read`);
  },
);
