// Records outlive edits of the policy, swaps of the module, and a collector that is away meanwhile.
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CollectorDouble } from './collector-double.ts';
import { Harness } from './harness.ts';

const routes = (wait: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: kept}
spec:
  match: {path: {type: Prefix, value: /kept}}
  audit: {wait: ${wait}}
`;
/** A custom section: other bytes, the same code. */
const OTHER_SECTION = Buffer.from([0, 2, 1, 0x72]);
const EACH = 20;

describe('records over edits and swaps', () => {
  let harness: Harness;
  let collector: CollectorDouble;
  before(async () => {
    collector = await CollectorDouble.start();
    harness = await Harness.start({ routes: routes('1s'), audit: { url: collector.url } });
  });
  after(async () => {
    await harness?.stop();
    await collector?.stop();
  });

  const sendSome = async (): Promise<void> => {
    const answers = Array.from({ length: EACH }, async (_, n) => {
      const answer = await fetch(`${harness.url}/kept/${n}`, {
        method: 'POST',
        body: '{}',
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(60_000),
      });
      await answer.text();
      return answer.status;
    });
    assert.deepEqual(await Promise.all(answers), Array(EACH).fill(200));
  };
  const swapModule = async (): Promise<string> => {
    const file = join(harness.moduleFolder, 'fim.wasm');
    const from = harness.events.length;
    await writeFile(`${file}~`, Buffer.concat([await readFile(file), OTHER_SECTION]));
    await rename(`${file}~`, file);
    return (await harness.verdict(from)).event;
  };

  it('are all taken, and a machine that goes says its last number', async () => {
    await sendSome();
    await harness.poll(() => Promise.resolve(collector.of('/kept').length === EACH));
    const old = new Set(collector.lines.map(({ source }) => source));
    await collector.stop();
    await sendSome();
    assert.equal((await harness.edit(routes('2s'))).event, 'applied');
    await sendSome();
    assert.equal(await swapModule(), 'applied');
    await sendSome();
    await collector.listen();
    await harness.poll(() => Promise.resolve(collector.of('/kept').length >= 4 * EACH));
    assert.equal(collector.of('/kept').length, 4 * EACH);
    assert.equal(collector.holes(), 0);
    const stopped = (): string[] =>
      collector.lines.filter(({ kind }) => kind === 'stopped').map(({ source }) => source);
    await harness.poll(() => Promise.resolve([...old].every((source) => stopped().includes(source))));
    for (const source of stopped()) {
      const own = collector.lines.filter((line) => line.source === source);
      assert.equal(own.at(-1)!.kind, 'stopped');
    }
  });
});
