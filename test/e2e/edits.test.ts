// Edits of routes and modules: good ones are live at once, broken ones change nothing.
import assert from 'node:assert/strict';
import { appendFile, copyFile, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Harness } from './harness.ts';
import { send } from './http-client.ts';
import { CONTRACT, route } from './resources.ts';

const MAX_LIVE_MS = 1000;

function pattern(pattern: string): string {
  return route('edited', { validation: { fields: [{ name: 'transCode', pattern }] } });
}

for (const layout of ['fused', 'chain'] as const) {
  describe(`edits, ${layout}`, () => {
    let harness: Harness;
    const first = pattern('^01');
    before(async () => (harness = await Harness.start({ routes: first, layout })));
    after(() => harness.stop());

    const ask = async (transCode: string): Promise<number> =>
      (await send(harness.url, { body: JSON.stringify({ transCode }) })).status;

    test('an edit is live in every worker when it is reported, in under a second', async () => {
      const tookMs: number[] = [];
      for (const [code, other] of [
        ['02', '01'],
        ['03', '02'],
        ['01', '03'],
      ] as const) {
        const event = await harness.edit(pattern(`^${code}`));
        assert.ok(event.event === 'applied', JSON.stringify(event));
        tookMs.push(event.tookMs);
        const statuses = await Promise.all(Array.from({ length: 16 }, (_, i) => ask(i % 2 ? code : other)));
        assert.deepEqual(
          statuses,
          statuses.map((_, i) => (i % 2 ? 200 : 422)),
        );
      }
      // Other work on the machine can hold up one edit, not each.
      assert.ok(Math.min(...tookMs) < MAX_LIVE_MS, `${tookMs.join(', ')} ms`);
    });

    const BROKEN: [name: string, text: string, code: string][] = [
      ['broken YAML', 'apiVersion: [', 'FIM-CFG-1003'],
      ['an unknown field', route('edited', { validatoin: {} }), 'FIM-CFG-0010'],
      ['a pattern that does not compile', pattern('^('), 'FIM-CFG-'],
      ['an empty file', '', 'FIM-CFG-1008'],
    ];
    for (const [name, text, code] of BROKEN) {
      test(`${name} is refused with a code, and nothing changes`, async () => {
        const event = await harness.edit(text);
        assert.equal(event.event, 'rejected');
        if (event.event !== 'rejected') return;
        assert.ok(event.errors[0]!.code.startsWith(code), JSON.stringify(event));
        assert.equal(event.file, harness.routeFile);
        assert.deepEqual([await ask('01'), await ask('02')], [200, 422]);
      });
    }

    test('a file that goes away is refused; the policy stays', async () => {
      await harness.edit(first);
      const from = harness.events.length;
      await rm(harness.routeFile);
      const event = await harness.verdict(from);
      assert.ok(event.event === 'rejected' && event.errors[0]!.code === 'FIM-UP-0014', JSON.stringify(event));
      assert.deepEqual([await ask('01'), await ask('02')], [200, 422]);
    });

    test('modules that are missing, cut off or no modules are refused; a good one is taken up', async () => {
      await harness.edit(pattern('^05'));
      const name = layout === 'fused' ? 'fim.wasm' : 'pboc-validator.wasm';
      const file = join(harness.moduleFolder, name);
      const kept = `${file}.kept`;
      await copyFile(file, kept);
      const verdictOf = async (change: () => Promise<unknown>): Promise<string> => {
        const from = harness.events.length;
        await change();
        const event = await harness.verdict(from);
        return event.event === 'rejected' ? event.errors[0]!.code : event.event;
      };
      const size = (await readFile(file)).length;
      assert.equal(await verdictOf(() => rm(file)), 'FIM-UP-0009');
      await writeFile(`${file}~`, 'no module');
      assert.equal(await verdictOf(() => rename(`${file}~`, file)), 'FIM-UP-0010');
      assert.equal(await verdictOf(async () => rename(await cutCopy(kept, size / 2), file)), 'FIM-UP-0010');
      assert.deepEqual([await ask('05'), await ask('01')], [200, 422]);
      assert.equal(
        (await harness.edit(pattern('^06'))).event,
        'applied',
        'a policy edit goes on with the modules in force',
      );
      assert.deepEqual([await ask('06'), await ask('05')], [200, 422]);
      await copyFile(kept, `${file}~`);
      await appendFile(`${file}~`, Buffer.from([0, 2, 1, 0x61]));
      assert.equal(await verdictOf(() => rename(`${file}~`, file)), 'applied');
      assert.deepEqual([await ask('06'), await ask('05')], [200, 422]);
    });

    test('the contract resource after all that', async () => {
      assert.equal((await harness.edit(CONTRACT)).event, 'applied');
      assert.equal(await ask('01200101'), 200);
    });
  });
}

async function cutCopy(file: string, bytes: number): Promise<string> {
  await copyFile(file, `${file}.cut`);
  await truncate(`${file}.cut`, Math.floor(bytes));
  return `${file}.cut`;
}
