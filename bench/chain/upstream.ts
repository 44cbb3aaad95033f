// A cheap upstream. It counts a request's bytes by content-length, keeps the last body, and returns an empty response.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/json\r\n\r\n{}');

export interface QuietUpstream {
  port: number;
  /** Body of the last request. */
  lastBody: () => Buffer;
  stop: () => Promise<void>;
}

/** Starts it on a free loopback port. */
export async function startQuietUpstream(): Promise<QuietUpstream> {
  let last: Buffer = Buffer.alloc(0);
  const server = createServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (piece) => {
      rest = rest.length === 0 ? (piece as Buffer) : Buffer.concat([rest, piece as Buffer]);
      const head = rest.indexOf(HEAD_END);
      if (head < 0) return;
      const length = /\r\ncontent-length: *(\d+)/i.exec(rest.toString('latin1', 0, head));
      const end = head + HEAD_END.length + Number(length?.[1] ?? 0);
      if (rest.length < end) return;
      last = rest.subarray(head + HEAD_END.length, end);
      rest = rest.subarray(end);
      socket.write(ANSWER);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    lastBody: () => last,
    stop: () => new Promise((stopped) => server.close(() => stopped())),
  };
}
