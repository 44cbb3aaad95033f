// Callers that give a request less time than its route does: what they do not wait for is no fault of a channel, or one of
// them could take a channel from all others.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Harness } from './harness.ts';
import { RecordingUpstream } from './recording-upstream.ts';

const HURRIED = { 'x-fim-deadline': '80' };
const FAULTS_THAT_HOLD_DOWN = 3;
const TOO_LATE = '504 FIM-RT-0023';

describe('hurried callers', () => {
  let harness: Harness;
  let main: RecordingUpstream;
  let backup: RecordingUpstream;

  before(async () => {
    [main, backup] = [await RecordingUpstream.start(), await RecordingUpstream.start()];
    const route = (name: string, deadline: string): string => `apiVersion: fim.financial/v1
kind: FinancialRoute
metadata: {name: ${name}}
spec:
  match: {path: {type: Prefix, value: /${name}}}
  channels:
    - {name: main, url: "${main.url}"}
    - {name: backup, url: "${backup.url}", role: Backup}
  failover: {attempts: 1, holdDown: 1h}
  resilience: {deadline: {${deadline}, perHop: 1ms}}
`;
    harness = await Harness.start({
      routes: [route('long', 'total: 60s'), route('short', 'total: 300ms')].join('---\n'),
    });
  });
  after(async () => {
    await harness?.stop();
    await Promise.all([main?.stop(), backup?.stop()]);
  });
  beforeEach(() => {
    for (const upstream of [main, backup]) {
      upstream.arrived.length = 0;
      upstream.answer = (_, response) => void response.writeHead(200).end('{}');
    }
  });

  async function outcome(path: string, headers: Record<string, string> = {}): Promise<string> {
    const answer = await fetch(`${harness.url}${path}`, { headers, signal: AbortSignal.timeout(60_000) });
    const text = await answer.text();
    return answer.status < 400 ? String(answer.status) : `${answer.status} ${/FIM-\w+-\d+/.exec(text)?.[0] ?? ''}`;
  }

  it('do not hold a channel down', async () => {
    let left = 0;
    main.answer = (_, response) => void response.on('close', () => left++);
    for (let sent = 1; sent <= 2 * FAULTS_THAT_HOLD_DOWN; sent++)
      assert.equal(await outcome('/long', HURRIED), TOO_LATE);
    assert.equal(main.arrived.length, 2 * FAULTS_THAT_HOLD_DOWN);
    await harness.poll(async () => left === 2 * FAULTS_THAT_HOLD_DOWN);
    main.answer = (_, response) => void response.writeHead(200).end('{}');
    assert.equal(await outcome('/long'), '200');
    assert.equal(main.arrived.length, 2 * FAULTS_THAT_HOLD_DOWN + 1);
    assert.equal(backup.arrived.length, 0);
  });

  it('leave an upload under way without harm', async () => {
    let close = (): void => undefined;
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('{'));
        close = () => controller.close();
      },
    });
    const answer = await fetch(`${harness.url}/long`, {
      method: 'POST',
      body,
      headers: HURRIED,
      duplex: 'half',
    } as RequestInit);
    assert.equal(answer.status, 408);
    close();
    assert.equal(await outcome('/long'), '200');
    assert.ok(main.arrived.length > 0);
  });

  it('have the next hop told what is left, and no header of ours', async () => {
    assert.equal(await outcome('/long', { 'x-fim-deadline': '50000' }), '200');
    assert.equal(await outcome('/long', { 'grpc-timeout': '50S', 'x-fim-grpc-timeout': '9S' }), '200');
    assert.equal(await outcome('/long', { 'grpc-timeout': '90S', 'x-fim-grpc-timeout': '9S' }), '200');
    assert.equal(await outcome('/long', { 'x-fim-grpc-timeout': '9S' }), '200');
    const told = main.arrived.map(({ headers }) => [
      Number(headers['x-fim-deadline']) > 50_000,
      headers['grpc-timeout'] && String(headers['grpc-timeout']).replace(/^[45]\d{4}m$/, 'less'),
      headers['x-fim-grpc-timeout'],
      headers['x-envoy-upstream-rq-timeout-ms'],
    ]);
    assert.deepEqual(told, [
      [false, undefined, undefined, undefined],
      [false, 'less', undefined, undefined],
      [true, 'less', undefined, undefined],
      [true, undefined, undefined, undefined],
    ]);
  });

  it('are told apart from a channel that has had all the time of its route', async () => {
    main.answer = () => undefined;
    for (let sent = 1; sent <= FAULTS_THAT_HOLD_DOWN; sent++) assert.equal(await outcome('/short'), TOO_LATE);
    await harness.poll(async () => (await outcome('/short')) === '200');
    assert.equal(backup.arrived.length, 1);
  });
});
