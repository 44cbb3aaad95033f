import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { costLines, ProcessorMeter } from '../../scripts/test/processor-time.ts';

/** Computes in a process of a process until it has used this much. */
const USED_MS = 200;
const BUSY = `while (process.cpuUsage().user < ${USED_MS * 1000});`;

describe('processor time', () => {
  it('counts what ended processes and theirs took, once', () => {
    const meter = new ProcessorMeter();
    const nested = `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(BUSY)}])`;
    assert.equal(spawnSync(process.execPath, ['-e', nested]).status, 0);
    const tookMs = meter.sinceLastMs();
    assert.ok(tookMs >= USED_MS, `${tookMs} ms`);
    assert.equal(meter.sinceLastMs(), 0);
  });

  it('names the costliest first, and the sum', () => {
    const costs = Array.from({ length: 20 }, (_, at) => ({ name: `file ${at}`, processorMs: at * 1000 }));
    const lines = costLines(costs);
    assert.match(lines[0]!, /190\.0 s/);
    assert.equal(lines[1], '    19.0 s  file 19');
    assert.equal(lines.length, 13);
  });

  it('says nothing where nothing was measured', () => {
    assert.deepEqual(costLines([{ name: 'a', processorMs: 0 }]), []);
  });
});
