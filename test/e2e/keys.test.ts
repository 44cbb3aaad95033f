// A KMS that is away, slow, or has a new version of the key.
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'node:test';
import { openProtected } from '../../envoy/standalone/open-protected.ts';
import type { HarnessOptions } from './harness.ts';
import { Harness, KEY_ID } from './harness.ts';
import { problemOf, send } from './http-client.ts';
import { CONTRACT, route } from './resources.ts';

const BODY = '{"transCode":"01200101"}';

/** Time for a rotated key to be in use, by looks every 200 ms. By the default, two looks take 4 s. */
const ROTATION_MS = 2_000;

async function withHarness(options: Partial<HarnessOptions>, run: (harness: Harness) => Promise<void>): Promise<void> {
  const harness = await Harness.start({ routes: CONTRACT, ...options });
  try {
    await run(harness);
  } finally {
    await harness.stop();
  }
}

function kidOf(body: Buffer): string {
  return (JSON.parse(body.toString()) as { kid: string }).kid;
}

test('KMS down at the start: held for a bounded time, then 503 and nothing sent; served once it is back', async () => {
  await withHarness({ kmsRuns: false, kms: { holdMs: 400, timeoutMs: 200 } }, async (harness) => {
    const heldMs: number[] = [];
    for (let i = 0; i < 3; i++) {
      const started = performance.now();
      const reply = await send(harness.url, { body: BODY });
      heldMs.push(performance.now() - started);
      assert.equal(reply.status, 503);
      assert.equal(problemOf(reply).code, 'FIM-KMS-0001');
    }
    // Other work on the machine can hold up one reply, not each.
    assert.ok(Math.min(...heldMs) < 1500, `${heldMs.join(', ')} ms`);
    assert.equal(harness.upstream.bytesReceived, 0);
    assert.ok(harness.events.some((event) => event.event === 'warning' && event.code === 'FIM-UP-0017'));
    await harness.startKms();
    await harness.poll(async () => (await send(harness.url, { body: BODY })).status === 200);
  });
});

test('KMS down later: keys that are there go on working', async () => {
  await withHarness({ kms: { refreshMs: 100, timeoutMs: 100 } }, async (harness) => {
    await harness.keysFetched();
    for (let i = 0; i < 8; i++) assert.equal((await send(harness.url, { body: BODY })).status, 200);
    await harness.kms.stop();
    const failed = (): Promise<number> =>
      harness.stack.envoy.admin
        .stats('^wasmcustom.fim.key.fetch_failed$')
        .then((stats) => stats.get('wasmcustom.fim.key.fetch_failed') ?? 0);
    // Only keys in use are looked up again.
    await harness.poll(async () => {
      assert.equal((await send(harness.url, { body: BODY })).status, 200);
      return (await failed()) > 2;
    });
    for (let i = 0; i < 8; i++) assert.equal((await send(harness.url, { body: BODY })).status, 200);
  });
});

test('a new module waits for the KMS, the old one serves meanwhile', async () => {
  await withHarness({}, async (harness) => {
    await harness.keysFetched();
    assert.equal((await send(harness.url, { body: BODY })).status, 200);
    await harness.kms.stop();
    const file = join(harness.moduleFolder, 'fim.wasm');
    await writeFile(`${file}~`, Buffer.concat([await readFile(file), Buffer.from([0, 2, 1, 0x61])]));
    const from = harness.events.length;
    await rename(`${file}~`, file);
    await harness.waitFor(() =>
      harness.events.slice(from).find((event) => event.event === 'warning' && event.code === 'FIM-UP-0017'),
    );
    for (let i = 0; i < 8; i++) assert.equal((await send(harness.url, { body: BODY })).status, 200);
    await harness.startKms();
    assert.equal((await harness.verdict(from)).event, 'applied');
    assert.equal((await send(harness.url, { body: BODY })).status, 200);
  });
});

test('slow KMS: the first requests wait for the key and are served', async () => {
  let release: () => void = () => {};
  const gate = new Promise<void>((done) => (release = done));
  const harness = await Harness.start({ routes: route('open', { rateLimit: { requests: 1000, period: '1s' } }) });
  harness.kms.delay = () => gate;
  try {
    await harness.edit(CONTRACT);
    const replies = Promise.all(Array.from({ length: 10 }, () => send(harness.url, { body: BODY })));
    const early = await Promise.race([replies.then(() => 'replied'), pause(300, 'waiting')]);
    assert.equal(early, 'waiting');
    assert.equal(harness.upstream.begun, 0);
    release();
    assert.deepEqual([...new Set((await replies).map((reply) => reply.status))], [200]);
  } finally {
    release();
    await harness.stop();
  }
});

test('a new version of the key is taken up under load, and what the old one closed still opens', async () => {
  await withHarness({ kms: { refreshMs: 200 } }, async (harness) => {
    let running = true;
    const statuses = new Map<number, number>();
    const load = Array.from({ length: 4 }, async () => {
      while (running) {
        const { status } = await send(harness.url, { body: BODY });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    await harness.poll(async () => harness.upstream.arrived.length > 20);
    const tookMs: number[] = [];
    // Other work on the machine can hold up one rotation, not each.
    for (let version = 2; version <= 4 && !tookMs.some((ms) => ms < ROTATION_MS); version++) {
      const started = performance.now();
      assert.equal(harness.kms.rotate(KEY_ID), version);
      await harness.poll(async () =>
        harness.upstream.arrived.slice(-10).every(({ body }) => kidOf(body) === `${KEY_ID}#${version}`),
      );
      tookMs.push(performance.now() - started);
    }
    running = false;
    await Promise.all(load);
    assert.deepEqual([...statuses.keys()], [200]);
    assert.ok(Math.min(...tookMs) < ROTATION_MS, `${tookMs.join(', ')} ms`);
    const kids = new Set<string>();
    for (const { body } of harness.upstream.arrived) {
      kids.add(kidOf(body));
      assert.equal((await openProtected(body.toString(), harness.stack.kmsUrl)).toString(), BODY);
    }
    assert.deepEqual(
      [...kids].sort(),
      Array.from({ length: tookMs.length + 1 }, (_, index) => `${KEY_ID}#${index + 1}`),
    );
  });
});

test('a key that the KMS does not have: 503, and nothing sent', async () => {
  await withHarness(
    { routes: route('other', { encryption: { keyId: 'kms://prod/none', request: 'Encrypt' } }), kms: { holdMs: 300 } },
    async (harness) => {
      const reply = await send(harness.url, { body: BODY });
      assert.equal(reply.status, 503);
      assert.equal(problemOf(reply).code, 'FIM-KMS-0002');
      assert.equal(harness.upstream.bytesReceived, 0);
    },
  );
});
