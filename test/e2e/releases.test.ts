// The way back to releases that were in force, through a real Envoy.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { KeptRelease } from '../../envoy/standalone/release-store.ts';
import { control } from './control.ts';
import { Harness } from './harness.ts';

/** A route that takes codes that begin so. */
const route = (kind: string, more = ''): string => `
apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: pay}
spec:
  validation: {fields: [{name: transCode, pattern: "^${kind}"}]}
  ${more}
`;

async function takes({ url }: Harness, code: string): Promise<boolean> {
  const answer = await fetch(`${url}/`, {
    method: 'POST',
    body: JSON.stringify({ transCode: code }),
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(60_000),
  });
  await answer.arrayBuffer();
  assert.ok([200, 422].includes(answer.status), `${answer.status}`);
  return answer.status === 200;
}

async function listOf(harness: Harness): Promise<{ current: string; held: string | null; releases: KeptRelease[] }> {
  return (await control(harness, 'GET', '/releases')).body;
}

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fim-state-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('a rollback', () => {
  it('brings the last good release back, further ones by and by, and any by its name; an edit takes over', async (t) => {
    const stateFolder = await folderFor(t);
    const first = await Harness.start({ routes: route('01'), stateFolder });
    let oldest: string;
    try {
      oldest = (await listOf(first)).current;
      for (const kind of ['02', '03']) assert.equal((await first.edit(route(kind))).event, 'applied');
      assert.equal((await listOf(first)).releases.length, 3);
      assert.equal((await control(first, 'POST', '/releases/rollback')).body.inForce, true);
      assert.deepEqual([await takes(first, '02'), await takes(first, '03')], [true, false]);
      const told = first.events.find((event) => event.event === 'warning' && event.code === 'FIM-UP-0175');
      assert.ok(told !== undefined, 'it is said that the files are not in force');
      assert.equal((await control(first, 'POST', '/releases/rollback')).body.release.id, oldest);
      assert.equal(await takes(first, '01'), true);
      assert.equal((await control(first, 'POST', '/releases/rollback')).body.code, 'FIM-UP-0170');
      assert.equal((await control(first, 'POST', `/releases/rollback/${oldest}`)).body.code, 'FIM-UP-0171');
    } finally {
      await first.stop();
    }
    const harness = await Harness.start({ routes: route('03'), stateFolder });
    t.after(() => harness.stop());
    assert.equal(await takes(harness, '01'), true, 'over a restart, too');
    assert.equal((await listOf(harness)).held, oldest);
    assert.equal((await harness.edit(route('04'))).event, 'applied');
    assert.deepEqual([await takes(harness, '04'), (await listOf(harness)).held], [true, null]);
    const left = (await listOf(harness)).releases.find(({ left: was }) => was === true);
    assert.equal(
      (await control(harness, 'POST', `/releases/rollback/${left!.id}`)).status,
      200,
      'one that was left, by name',
    );
  });

  it('ends a canary that was promoted or runs', async (t) => {
    const canary =
      'canary: {hash: {header: X-User}, percent: 50, spec: {validation: {fields: [{name: transCode, pattern: "^05"}]}}}';
    const harness = await Harness.start({ routes: route('01') });
    t.after(() => harness.stop());
    const plain = (await listOf(harness)).current;
    assert.equal((await harness.edit(route('01', canary))).event, 'applied');
    assert.equal((await listOf(harness)).current, plain, 'what some requests meet is no release yet');
    assert.equal((await control(harness, 'POST', '/canary/promote')).body.canary.phase, 'Promoted');
    assert.equal(await takes(harness, '05'), true);
    assert.equal((await control(harness, 'POST', '/releases/rollback')).body.release.id, plain);
    assert.deepEqual([await takes(harness, '01'), await takes(harness, '05')], [true, false]);
    const { phase, reason } = (await control(harness, 'GET', '/canary')).body.canary;
    assert.deepEqual([phase, reason], ['RolledBack', `${plain} is in force again, by command`]);
  });

  it('brings back the module of the release', async (t) => {
    const harness = await Harness.start({ routes: route('01') });
    t.after(() => harness.stop());
    const { current, releases } = await listOf(harness);
    const module = join(harness.moduleFolder, 'fim.wasm');
    const bytes = await readFile(module);
    // A custom section, "x" and nothing: the same code under another digest.
    await writeFile(`${module}.new`, Buffer.concat([bytes, Buffer.from([0, 2, 1, 120])]));
    await rename(`${module}.new`, module);
    await harness.poll(async () => (await listOf(harness)).current !== current);
    const answer = await control(harness, 'POST', '/releases/rollback');
    assert.equal(answer.body.release.id, current);
    const applied = harness.events.findLast((event) => event.event === 'applied');
    assert.deepEqual(applied?.modules, { 'fim.wasm': releases[0]!.modules.fim });
    assert.equal(await takes(harness, '01'), true);
  });
});
