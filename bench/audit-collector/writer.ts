// Sends batches to a collector from a process of its own, so that its processor time is not the collector's.
import { Agent, request } from 'node:http';
import { newSourceId, recordTime, uuidV7 } from '../../services/audit/uuid.ts';

const [url = '', records = '0', batch = '1', atOnce = '1'] = process.argv.slice(2);

/** A record as a proxy writes it, of a message with four stages. */
export function recordLine(source: string, seq: number, now: number): string {
  const side = { bytes_in: 812, bytes_out: 1203, sm3_in: 'ab'.repeat(32), sm3_out: 'cd'.repeat(32) };
  return JSON.stringify({
    v: 1,
    event_id: uuidV7(now),
    op_time: recordTime(now),
    kind: 'message',
    source,
    seq,
    subject_id: 'teller-7',
    subject_from: 'claim',
    route: 'pay/transfers',
    generation: '12',
    method: 'POST',
    path: '/transfers',
    verdict: 'Passed',
    status: 200,
    keys: [{ id: 'kms://pay/body', version: 3 }],
    request: side,
    response: side,
    stage_us: { limit: 2, validate: 31, mask: 12, protect: 55 },
    trace_id: 'ef'.repeat(16),
    data_masked: { card: '622202******1234' },
  });
}

/** Batches as a proxy sends them. */
export function batchesOf(count: number, size: number): Buffer[] {
  const [source, now] = [newSourceId(), Date.now()];
  return Array.from({ length: count / size }, (_, b) =>
    Buffer.from(`${Array.from({ length: size }, (_, i) => recordLine(source, b * size + i + 1, now)).join('\n')}\n`),
  );
}

async function send(all: readonly Buffer[], workers: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: workers });
  let next = 0;
  const post = (body: Buffer): Promise<void> =>
    new Promise((done, failed) => {
      const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length };
      const asked = request(`${url}/v1/batches`, { method: 'POST', agent, headers }, (response) => {
        response.resume();
        response.once('end', () =>
          response.statusCode === 200 ? done() : failed(new Error(`status ${response.statusCode}`)),
        );
      });
      asked.once('error', failed);
      asked.end(body);
    });
  const worker = async (): Promise<void> => {
    while (next < all.length) await post(all[next++]!);
  };
  await Promise.all(Array.from({ length: workers }, worker));
  agent.destroy();
}

const tell = process.send?.bind(process);
if (tell !== undefined) {
  const all = batchesOf(Number(records), Number(batch));
  tell('ready');
  process.once('message', () => void send(all, Number(atOnce)).then(() => tell('done', () => process.disconnect?.())));
}
