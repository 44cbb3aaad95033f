// A collector that is away until the outbox is full, one that never takes a record, and answers that wait in vain.
import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { CollectorDouble, type AuditLine } from './collector-double.ts';
import { Harness } from './harness.ts';

const route = (name: string, audit: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
  audit: {subject: {header: {name: x-user, vouchedBy: the edge}}, ${audit}}
`;
const ROUTES = [
  route('drop', 'onFull: Drop'),
  route('deny', 'onFull: Deny'),
  route('block', 'onFull: Block, wait: 200ms'),
  route('patient', 'onFull: Block, wait: 1m'),
  route('sync', 'mode: Sync, onFull: Deny, wait: 200ms'),
  route('odd', 'onFull: Drop'),
].join('---\n');
/** As long as records keep it, so that fewer fill the outbox. */
const SUBJECT = 's'.repeat(256);
const CONNECTIONS = 16;
/** More than find room, if the collector takes none. */
const MOST_REQUESTS = 30_000;

describe('an outbox that is full', () => {
  let harness: Harness;
  let collector: CollectorDouble;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  before(async () => {
    collector = await CollectorDouble.start();
    harness = await Harness.start({ routes: ROUTES, concurrency: 1, audit: { url: collector.url } });
  });
  after(async () => {
    agent.destroy();
    await harness?.stop();
    await collector?.stop();
  });

  const ask = (path: string): Promise<{ status: number; body: string }> =>
    new Promise((done, failed) => {
      const request = get(`${harness.url}${path}`, { agent, headers: { 'x-user': SUBJECT } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', failed);
        response.on('end', () => done({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }));
      });
      request.on('error', failed);
    });
  const refusal = async (path: string): Promise<string> => {
    const { status, body } = await ask(path);
    return `${status} ${(JSON.parse(body) as { code?: string }).code}`;
  };
  const counted = async (name: string): Promise<number> => {
    const stats = await harness.stack.envoy.admin.stats(String.raw`^wasmcustom\.fim\.audit\.`);
    return stats.get(`wasmcustom.fim.audit.${name}`) ?? 0;
  };
  const gaps = (): AuditLine[] => collector.lines.filter(({ kind }) => kind === 'gap');
  const toldLost = (): number => gaps().reduce((sum, line) => sum + Number(line['lost']), 0);

  it('lets Drop pass, refuses Deny at once and Block after its wait, and asks no upstream for those', async () => {
    await collector.stop();
    let asked = 0;
    let isFull = false;
    const fill = async (): Promise<void> => {
      while (!isFull && asked < MOST_REQUESTS) {
        asked++;
        assert.equal((await ask('/drop')).status, 200);
        if (asked % 500 === 0) isFull ||= (await counted('lost')) > 0;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, fill));
    assert.ok(isFull, `${asked} requests`);
    const { begun } = harness.upstream;
    assert.equal(await refusal('/deny'), '503 FIM-AUD-0101');
    assert.equal(await refusal('/block'), '503 FIM-AUD-0102');
    assert.equal(await refusal('/sync'), '503 FIM-AUD-0101');
    assert.equal(harness.upstream.begun, begun);
    assert.equal((await ask('/drop')).status, 200);
    await harness.poll(async () => (await counted('denied')) === 3);
  });

  it('lets those go on that wait when the collector is back, and tells each record that was lost', async () => {
    const blocked = await counted('blocked');
    const waiting = ask('/patient');
    await harness.poll(async () => (await counted('blocked')) > blocked);
    await collector.listen();
    assert.equal((await waiting).status, 200);
    await harness.poll(async () => (await counted('waiting')) === 0);
    assert.equal(collector.of('/patient').length, 1);
    const lost = await counted('lost');
    assert.ok(lost > 0);
    assert.equal(toldLost(), lost);
    assert.equal(collector.holes(), lost);
    assert.equal((await ask('/deny')).status, 200);
  });

  it('drops a record that the collector never takes, alone, and says so', async () => {
    const before = collector.of('/drop').length;
    const told = toldLost();
    collector.refuse = (lines) => (lines.some((line) => line['path'] === '/odd') ? { status: 400 } : undefined);
    await Promise.all([...Array.from({ length: 20 }, () => ask('/drop')), ask('/odd'), ask('/drop')]);
    await harness.poll(async () => collector.of('/drop').length === before + 21 && toldLost() === told + 1);
    await harness.poll(async () => (await counted('refused')) === 1);
    assert.match(String(gaps().at(-1)!['why']), /refused/);
    collector.refuse = () => undefined;
  });

  it('gives no answer of a Sync route that is not durable in time, and says so in a second record', async () => {
    collector.refuse = () => ({ status: 503, headers: { 'retry-after': '0' } });
    assert.equal(await refusal('/sync'), '502 FIM-AUD-0103');
    await harness.poll(async () => (await counted('withheld')) === 1);
    collector.refuse = () => undefined;
    await harness.poll(async () => collector.of('/sync').some(({ code }) => (code as string) === 'FIM-AUD-0103'));
    // The refusal of the full outbox found no room: it is one of the lost.
    assert.deepEqual(
      collector.of('/sync').map(({ verdict }) => verdict),
      ['Passed', 'Refused'],
    );
  });
});
