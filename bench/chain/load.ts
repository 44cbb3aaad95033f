// Closed-loop load: every connection sends the next request when the last response is complete. Raw sockets, because
// the measure is Envoy's processor time and the generator shares the machine.
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface LoadOptions {
  port: number;
  /** One whole HTTP/1.1 request. */
  request: Buffer;
  connections: number;
  /** Requests over all connections. */
  requests: number;
}

export interface LoadResult {
  answers: number;
  /** Answers by status. */
  statuses: Map<number, number>;
  /** Seconds of wall time. */
  seconds: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Bytes of the first whole answer in `data`, and its status; undefined if it is not whole. Answers carry
 * content-length.
 */
function wholeAnswer(data: Buffer): { bytes: number; status: number } | undefined {
  const head = data.indexOf(HEAD_END);
  if (head < 0) return undefined;
  const text = data.toString('latin1', 0, head);
  const length = /\r\ncontent-length: *(\d+)/i.exec(text);
  if (!length) throw new Error(`an answer without content-length: ${text.split('\r\n')[0]}`);
  const bytes = head + HEAD_END.length + Number(length[1]);
  return data.length < bytes ? undefined : { bytes, status: Number(text.slice(9, 12)) };
}

/** Sends `requests` requests and counts the answers. Throws if a connection breaks. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const statuses = new Map<number, number>();
  let toSend = options.requests;
  let answers = 0;
  const started = performance.now();
  const drive = (): Promise<void> =>
    new Promise((done, fail) => {
      const socket: Socket = connect(options.port, '127.0.0.1');
      let rest: Buffer = Buffer.alloc(0);
      const next = (): void => {
        if (toSend === 0) {
          socket.destroy();
          done();
          return;
        }
        toSend--;
        socket.write(options.request);
      };
      socket.setNoDelay(true);
      socket.once('connect', next);
      socket.once('error', fail);
      socket.once('end', () => fail(new Error('the proxy closed a connection')));
      socket.on('data', (piece) => {
        rest = rest.length === 0 ? (piece as Buffer) : Buffer.concat([rest, piece as Buffer]);
        const answer = wholeAnswer(rest);
        if (!answer) return;
        rest = rest.subarray(answer.bytes);
        answers++;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        next();
      });
    });
  await Promise.all(Array.from({ length: options.connections }, drive));
  return { answers, statuses, seconds: (performance.now() - started) / 1000 };
}
