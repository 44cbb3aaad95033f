// A proxy that is killed or told to end: what clients of a Sync route were answered has its record.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Completeness } from '../../services/audit/completeness.ts';
import { eachRecord } from '../../services/audit/log-reader.ts';
import { type RunningCollector, startCollector } from '../../services/audit/start-collector.ts';
import { fim } from '../standalone/command.ts';
import { Harness } from './harness.ts';
import { route, together } from './resources.ts';

const audit = (mode: string): object => ({ mode, wait: '20s', transaction: { header: 'x-txn' } });
const ROUTES = together(
  route('sync', { match: { path: { value: '/sync' } }, audit: audit('Sync') }),
  route('async', { match: { path: { value: '/async' } }, audit: audit('Async') }),
);
const CLIENTS = 8;
/** Answers before the end comes. */
const ENOUGH = 60;

describe('records at the end of a proxy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fim-audit-ends-'));
  let collector: RunningCollector;
  before(async () => {
    collector = await startCollector({ folder });
  });
  after(async () => {
    await collector?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (): Promise<Harness> => Harness.start({ routes: ROUTES, audit: { url: new URL(collector.url) } });

  /** Asks with several clients until `isOver`; the transactions that were answered with 200. */
  const load = (
    harness: Harness,
    name: string,
    isOver: () => boolean,
  ): { answered: string[]; done: Promise<unknown> } => {
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    const answered: string[] = [];
    let sent = 0;
    const ask = (path: string, transaction: string): Promise<boolean> =>
      new Promise((done) => {
        const outgoing = get(`${harness.url}${path}`, { agent, headers: { 'x-txn': transaction } }, (response) => {
          response.on('error', () => done(false));
          response.on('end', () => done(response.statusCode === 200)).resume();
        });
        outgoing.on('error', () => done(false));
      });
    const client = async (): Promise<void> => {
      while (!isOver()) {
        const transaction = `${name}-${sent++}`;
        await ask('/async', `${transaction}-async`);
        if (await ask('/sync', transaction)) answered.push(transaction);
      }
    };
    const done = Promise.all(Array.from({ length: CLIENTS }, client)).finally(() => agent.destroy());
    return { answered, done };
  };
  const transactions = (): Set<unknown> => {
    const found = new Set<unknown>();
    eachRecord(folder, ({ record }) => {
      found.add((record as Record<string, unknown>)['txn_id']);
      return true;
    });
    return found;
  };
  const assertRecorded = (answered: string[]): void => {
    const recorded = transactions();
    assert.deepEqual(
      answered.filter((transaction) => !recorded.has(transaction)),
      [],
    );
  };

  for (const signal of ['SIGKILL', 'SIGTERM'] as const)
    it(`by ${signal}: whoever got an answer of a Sync route is in the log`, async () => {
      const harness = await start();
      let over = false;
      const { answered, done } = load(harness, signal, () => over);
      await harness.poll(() => Promise.resolve(answered.length >= ENOUGH));
      process.kill(harness.stack.envoy.pid, signal);
      over = true;
      await done;
      await harness.stop();
      assertRecorded(answered);
      const sources = new Completeness();
      eachRecord(folder, ({ record }) => {
        sources.add(record as Record<string, unknown>);
        return true;
      });
      // A source that was cut off has numbers without holes, and no word of its end.
      for (const { missing, high, records } of sources.report()) if (high > 0) assert.equal(missing, 0, `${records}`);
    });

  it('leave a log that verifies', async () => {
    await collector.checkpoint();
    await collector.stop();
    const verified = await fim(['audit', 'verify', folder]);
    assert.equal(verified.status, 0, verified.stdout + verified.stderr);
    collector = await startCollector({ folder });
  });
});
