import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { describe, it } from 'node:test';
import { groupsOf, runStages } from '../../scripts/test/lanes.ts';
import { emptyOutcome, type Outcome, type Ran } from '../../scripts/test/outcome.ts';
import { STAGES, type Stage } from '../../scripts/test/stages.ts';

function stage(name: string, lane: string | undefined, run: Stage['run']): Stage {
  return { name, about: `about ${name}`, tier: 'main', ...(lane === undefined ? {} : { lane }), run };
}

const good = (): Ran => ({ outcome: { ...emptyOutcome(), passed: 1 } });

async function run(stages: Stage[]): Promise<{ total: Outcome; lines: string[] }> {
  const lines: string[] = [];
  const total = await runStages(stages, { names: [], optimize: false, print: (line) => lines.push(line) });
  return { total, lines: lines.map((line) => line.replace(/ in [\d.]+ s \(processor [\d.]+ s\)/, '')) };
}

describe('lanes', () => {
  it('run side by side, and the stages of each in their order', async () => {
    const { promise: bothRun, resolve } = Promise.withResolvers<void>();
    const order: string[] = [];
    const noting = (name: string, lane: string | undefined, meet: () => Promise<void>): Stage =>
      stage(name, lane, async () => {
        order.push(`${name} begins`);
        await meet();
        order.push(`${name} ends`);
        return good();
      });
    const { total } = await run([
      noting('first', undefined, () => Promise.resolve()),
      noting('a', 'left', () => bothRun),
      noting('b', 'left', () => Promise.resolve()),
      noting('c', 'right', () => Promise.resolve(resolve())),
      noting('last', undefined, () => Promise.resolve()),
    ]);
    assert.equal(total.passed, 5);
    assert.deepEqual(order.slice(0, 4), ['first begins', 'first ends', 'a begins', 'c begins']);
    assert.ok(order.indexOf('b begins') > order.indexOf('a ends'));
    assert.deepEqual(order.slice(-2), ['last begins', 'last ends']);
  });

  it('print what a stage says in one piece, under its title', async () => {
    const { promise: otherSpoke, resolve } = Promise.withResolvers<void>();
    const { lines } = await run([
      stage('a', 'left', async ({ print }) => {
        print('one');
        await otherSpoke;
        print('two');
        return good();
      }),
      stage('b', 'right', ({ print }) => {
        print('between');
        print('  ✖ a test');
        resolve();
        return Promise.resolve(good());
      }),
    ]);
    const at = lines.indexOf('one');
    assert.ok(lines.indexOf('  ✖ a test') < lines.indexOf('between'), 'a failure is told at once');
    assert.deepEqual(lines.slice(at - 1, at + 3), ['[1/2] a: about a', 'one', 'two', '  ✔ a: 1 good, 0 bad']);
  });

  it('run what failed again when nothing runs beside it, and count what it does then', async () => {
    const { promise: bAsksOn, resolve } = Promise.withResolvers<void>();
    let bRuns = false;
    const { total, lines } = await run([
      stage('a', 'left', ({ print }) => {
        const outcome = { ...emptyOutcome(), failed: 1, failures: [{ name: 'test', detail: 'late' }] };
        resolve();
        const again = (): Promise<void> => {
          print('again');
          assert.equal(bRuns, false);
          Object.assign(outcome, { ...emptyOutcome(), passed: 1, unstable: ['test: late'] });
          return Promise.resolve();
        };
        return Promise.resolve({ outcome, again });
      }),
      stage('b', 'right', async () => {
        bRuns = true;
        await bAsksOn;
        await new Promise(setImmediate);
        bRuns = false;
        return good();
      }),
    ]);
    assert.deepEqual([total.passed, total.failed, total.unstable], [2, 0, ['test: late']]);
    assert.deepEqual(lines.slice(-3), ['a: what failed beside other stages', 'again', '  ✔ a: 1 good, 0 bad']);
  });

  it('of the project begin with what takes seconds, and hold every folder of tests', () => {
    const [first] = groupsOf(STAGES);
    assert.deepEqual(first?.map(({ name }) => name).sort(), ['generated', 'tidy', 'types']);
    const folders = new Set(globSync('test/*/**/*.test.ts').map((file) => file.split('/')[1]!));
    assert.ok(folders.size > 10);
    for (const folder of folders)
      assert.ok(
        STAGES.some(({ name }) => name === folder),
        folder,
      );
  });
});
