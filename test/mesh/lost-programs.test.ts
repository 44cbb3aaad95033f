// A program of the stack that ends unasked is told wherever something is waited for after it.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it } from 'node:test';
import { Program } from './stack/program.ts';
import { until } from './stack/until.ts';

it('a wait ends with the exit code and the last lines of a program that has ended, and not for one that was ended', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'fim-lost-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const start = (name: string, script: string): Program =>
    new Program({ name, command: ['sh', '-c', script], folder, log: path.join(folder, `${name}.log`) });
  const ended = start('ended', 'sleep 600');
  await ended.killGroup();
  assert.equal(await until('a wait', () => 7), 7);
  const lost = start('lost', 'echo its last word; exit 3');
  await assert.rejects(
    until('something else', () => false),
    /in vain: something else\. lost \(process \d+\) has ended with exit code 3; the end of .*lost\.log:\nits last word/,
  );
  await assert.rejects(
    until('what is there', () => lost.isOver),
    /in vain/,
    'nor can later waits be trusted',
  );
});
